"""Objects that are half made, replaced or shared while a call runs, without a crash."""

from __future__ import annotations

import gc
import sys
import weakref

import pytest

import apikit
import apikit.session
from apikit import _core, models
from apikit.cookies import CookieJar
from apikit.response import Response
from apikit.structures import CaseInsensitiveDict
from tests.login_world import answer, redirect

URL = "https://here.example/"


def _attributes(thing):
    for name in dir(thing):
        try:
            getattr(thing, name)
        except (AttributeError, RuntimeError):
            continue


def test_a_response_that_no_call_made_is_empty():
    response = Response()
    _attributes(response)
    assert response.request is None
    assert list(response.cookies) == []
    assert response.headers == {}


def test_a_session_without_init_has_nothing():
    session = apikit.Session.__new__(apikit.Session)
    _attributes(session)
    assert session.timeout is None
    for call in (
        lambda: session.get(URL),
        lambda: session._fetch(URL, CookieJar(), 0),
        lambda: session._submit_login(URL, URL, [], -1, -1, CookieJar(), 0),
    ):
        with pytest.raises(RuntimeError, match="__init__"):
            call()
    session.close()


def test_a_login_has_a_jar():
    with apikit.Session() as session, pytest.raises(TypeError, match="CookieJar"):
        session._fetch(URL, {}, 0)


def test_only_responses_can_be_registered_as_such():
    with pytest.raises(TypeError, match="Response"):
        _core.register(
            headers=CaseInsensitiveDict,
            cookies=CookieJar,
            response=object,
            prepared_request=models.PreparedRequest,
        )


# ---- replaced while they are used ----


class _Auth:
    def __call__(self, request):
        return request


class _Proxies(dict):
    def __getitem__(self, key):
        return super().__getitem__(key)


class _Kept(dict):
    """A mapping whose memory is given back at once, as that of a plain dict is not."""


@pytest.mark.parametrize(
    "name",
    ["auth", "proxies", "headers", "cookies", "hooks", "transport", "params", "retries"],
)
def test_a_setting_may_be_replaced_at_any_moment_of_a_call(name):
    """As another thread might: at each function of the Python half."""
    with apikit.Session(transport=lambda request: answer()) as session:
        session.auth, session.proxies = _Auth(), _Proxies(http="http://127.0.0.1:1")
        values = {
            "auth": _Auth,
            "proxies": _Proxies,
            "headers": lambda: CaseInsensitiveDict({"A": "b"}),
            "cookies": lambda: CookieJar({"a": "b"}),
            "hooks": lambda: _Kept(response=[lambda response, **_: None]),
            "transport": lambda: lambda request: answer(),
            "params": lambda: _Kept(a="b"),
            "retries": lambda: apikit.Retry(total=1),
        }
        session.hooks, session.params = values["hooks"](), values["params"]()
        session.retries = values["retries"]()

        def replace(frame, event, argument):
            if event == "call" and "apikit" in frame.f_code.co_filename:
                sys.setprofile(None)
                setattr(session, name, values[name]())
                sys.setprofile(replace)

        sys.setprofile(replace)
        try:
            for _ in range(3):
                assert session.get(URL, headers={"X": "y"}, cookies={"c": "d"}).ok
                assert session.get(URL).ok
        finally:
            sys.setprofile(None)


def test_headers_that_are_let_go_may_run_a_call():
    """What a session keeps of its headers is of one of them, not of both."""
    seen = []

    def transport(request):
        seen.append(request.headers["A"])
        return answer()

    class Value(str):
        def __del__(self):
            if seen:
                session.get(URL)

    with apikit.Session(transport=transport) as session:
        session.headers = {"A": Value("1")}
        session.get(URL)
        session.headers = {"A": "2"}
        session.get(URL)
        session.get(URL)
    assert set(seen[1:]) == {"2"}


# ---- a stream and its call ----


def _stream(*answers):
    given = iter(answers)
    return apikit.Session(transport=lambda request: next(given))


def test_a_redirect_that_a_hook_has_read_in_part_has_no_hold_on_the_answer():
    with _stream(answer(302, "first", "Location: /next"), answer(200, "second")) as session:
        response = session.get(
            URL, stream=True, hooks={"response": lambda r, **_: r._read(1) and None}
        )
        (first,) = response.history
        assert first._read(10) == b""
        first.close()
        assert response.is_stream
        assert response._read(10) == b"econd"


def test_a_response_that_a_hook_has_replaced_has_no_hold_on_the_answer():
    with _stream(redirect("/other"), answer(302, "first", "Location: /next"), answer()) as session:
        other = session.get(URL, allow_redirects=False)
        replaced = []

        def replace(response, **_):
            if not replaced:
                replaced.append(response)
                return other
            return None

        response = session.get(URL, stream=True, hooks={"response": replace})
        replaced[0].close()
        assert response.status_code == 200
        assert response.is_stream


def test_a_stream_in_a_circle_with_its_session_is_collected():
    session = _stream(answer(200, "body"))
    session.last = session.get(URL, stream=True)
    gone = weakref.ref(session)
    del session
    gc.collect()
    assert gone() is None


def test_a_stream_is_read_byte_by_byte():
    body = "".join(map(chr, range(33, 127))) * 100
    with _stream(answer(200, body)) as session:
        response = session.get(URL, stream=True)
        assert b"".join(response.iter_content(1)) == body.encode()

"""The mock of apikit.testing: answers without a server, for every session of the process."""

from __future__ import annotations

import io
import re
import threading
from collections.abc import Callable
from typing import Any

import pytest
import requests
from BitlyOAuth2ProxySession import Session as bitly

import apikit
from apikit import Retry, Session, _core, errors
from apikit.models import PreparedRequest
from apikit.testing import MockTransport, answer, mock_backends

API = "https://back.end/api"
SECRET = "hunter2-and-more"

#: Made when the module is imported, as services do.
early = Session()


@pytest.fixture
def mock() -> MockTransport:
    return MockTransport()


@pytest.fixture
def session(mock: MockTransport) -> Session:
    return Session(transport=mock)


# Who is answered.

WAYS: dict[str, Callable[[], Any]] = {
    "a session of the module": lambda: early.get(API),
    "a new session": lambda: Session().get(API),
    "retry_request": lambda: apikit.retry_request("get", API),
    "the old name": lambda: bitly.Session().get(API),
}


@pytest.mark.parametrize("way", WAYS)
def test_every_session_is_answered(backend_mock: MockTransport, way: str) -> None:
    route = backend_mock.get(API, json={"value": 5})
    response = WAYS[way]()
    assert response.json() == {"value": 5}
    assert [call.url for call in backend_mock.calls] == [API]
    assert route.calls == backend_mock.calls


def test_shared_session_of_retry_request_is_answered_when_it_is_there_already() -> None:
    for value in (1, 2):
        with mock_backends() as mock:
            mock.get(API, json=value)
            assert apikit.retry_request("get", API).json() == value


def test_a_sessions_own_transport_comes_first(backend_mock: MockTransport) -> None:
    with Session(transport=lambda _: answer(text="own")) as session:
        assert session.get(API).text == "own"
        backend_mock.get(API, text="all")
        session.transport = None
        assert session.get(API).text == "all"


def test_mocks_nest_and_end() -> None:
    with mock_backends() as outer:
        outer.get(API, text="outer")
        with mock_backends() as inner:
            inner.get(API, text="inner")
            assert early.get(API).text == "inner"
        assert early.get(API).text == "outer"
    assert _core.set_transport(None) is None


def _fail_in_a_block() -> None:
    with mock_backends() as mock:
        mock.get(API)
        raise KeyError("of the block")


def test_mock_ends_with_the_exception_of_its_block() -> None:
    with pytest.raises(KeyError, match="of the block"):
        _fail_in_a_block()
    assert _core.set_transport(None) is None


def test_neither_proxy_nor_certificates_are_looked_for(mock: MockTransport) -> None:
    mock.get(API)
    elsewhere = {"https": "http://127.0.0.1:1"}
    with Session(transport=mock, verify="/no/such/file", proxies=elsewhere) as session:
        assert session.get(API).status_code == 200
        session.transport = None
        with pytest.raises(OSError, match="/no/such/file"):
            session.get(API)


@pytest.mark.parametrize("wrong", ["text", 5, b"HTTP/1.1 200 OK\r\n\r\n"], ids=repr)
def test_what_is_no_transport_is_refused(wrong: Any) -> None:
    with pytest.raises(TypeError, match="must be a callable"):
        Session(transport=wrong)
    with pytest.raises(TypeError, match="must be a callable"):
        _core.set_transport(wrong)


@pytest.mark.parametrize("wrong", [None, "text", bytearray(b"HTTP/1.1 200 OK\r\n\r\n")], ids=repr)
def test_what_a_transport_returns_must_be_bytes(wrong: Any) -> None:
    with pytest.raises(TypeError, match="must return the bytes of an answer"):
        Session(transport=lambda _: wrong).get(API)


def test_bytes_that_are_no_answer_are_a_broken_connection() -> None:
    with pytest.raises(errors.ConnectionError):
        Session(transport=lambda _: b"nothing of HTTP").get(API)


# Which route answers.

MATCHES: dict[str, tuple[dict[str, Any], Callable[[Session], Any], bool]] = {
    "another method": ({}, lambda s: s.delete(API), False),
    "any method": ({"method": None}, lambda s: s.delete(API), True),
    "small letters": ({"method": "post"}, lambda s: s.post(API), True),
    "another path": ({}, lambda s: s.get(API + "/"), False),
    "another host": ({}, lambda s: s.get("https://front.end/api"), False),
    "another scheme": ({}, lambda s: s.get("http://back.end/api"), False),
    "the host in capitals": ({}, lambda s: s.get("https://BACK.end/api"), True),
    "credentials in the URL": ({}, lambda s: s.get("https://u:p@back.end/api"), True),
    "a fragment": ({}, lambda s: s.get(API + "#there"), True),
    "a query that is not asked for": ({}, lambda s: s.get(API, params={"a": 1}), True),
    "the query": ({"url": API + "?a=1&b="}, lambda s: s.get(API + "?b=&a=1"), True),
    "a part of the query": ({"url": API + "?a=1&b="}, lambda s: s.get(API + "?a=1"), False),
    "params": ({"params": {"a": [1, 2]}}, lambda s: s.get(API + "?a=1&a=2"), True),
    "params once": ({"params": {"a": [1, 1]}}, lambda s: s.get(API + "?a=1"), False),
    "no params": ({"params": {}}, lambda s: s.get(API, params={"a": 1}), False),
    "params and query": (
        {"url": API + "?a=1", "params": {"b": 2}},
        lambda s: s.get(API, params={"a": 1, "b": 2}),
        True,
    ),
    "a pattern": ({"url": re.compile(r"https://[^/]+/a")}, lambda s: s.get(API), True),
    "a pattern further on": ({"url": re.compile(r"back\.end")}, lambda s: s.get(API), False),
    "a pattern and params": (
        {"url": re.compile(r"https://back"), "params": {"a": 1}},
        lambda s: s.get(API, params={"a": 2}),
        False,
    ),
    "a header": (
        {"match_headers": {"x-id": "5"}},
        lambda s: s.get(API, headers={"X-Id": "5"}),
        True,
    ),
    "another header": (
        {"match_headers": {"X-Id": "5"}},
        lambda s: s.get(API, headers={"X-Id": "55"}),
        False,
    ),
    "a header by a pattern": (
        {"match_headers": {"X-Id": re.compile(r"\d")}},
        lambda s: s.get(API, headers={"X-Id": "55"}),
        False,
    ),
    "a header that is missing": ({"match_headers": {"X-Id": "5"}}, lambda s: s.get(API), False),
    "a header that must be missing": (
        {"match_headers": {"Authorization": None}},
        lambda s: s.get(API, auth=("u", "p")),
        False,
    ),
    "the body": (
        {"method": "PUT", "match_body": "a=1"},
        lambda s: s.put(API, data={"a": 1}),
        True,
    ),
    "another body": (
        {"method": "PUT", "match_body": b"a=1"},
        lambda s: s.put(API, data={"a": 2}),
        False,
    ),
    "the body of a file": (
        {"method": "PUT", "match_body": b"content"},
        lambda s: s.put(API, data=io.BytesIO(b"content")),
        True,
    ),
    "the body of an iterator": (
        {"method": "PUT", "match_body": "content"},
        lambda s: s.put(API, data=iter(["con", b"tent"])),
        True,
    ),
    "JSON": (
        {"method": "POST", "match_json": {"a": None}},
        lambda s: s.post(API, json={"a": None}),
        True,
    ),
    "other JSON": ({"method": "POST", "match_json": []}, lambda s: s.post(API, json=[1]), False),
    "no JSON": ({"method": "POST", "match_json": None}, lambda s: s.post(API), False),
    "what a function says": (
        {"match": lambda request: request.path_url == "/api"},
        lambda s: s.get(API),
        True,
    ),
    "what a function denies": ({"match": lambda _: False}, lambda s: s.get(API), False),
}


@pytest.mark.parametrize("name", MATCHES)
def test_request_fits_or_does_not(name: str, mock: MockTransport, session: Session) -> None:
    conditions, ask, fits = MATCHES[name]
    mock.add(**{"method": "GET", "url": API, **conditions})
    if fits:
        assert ask(session).status_code == 200
        mock.assert_all_called()
    else:
        with pytest.raises(errors.ConnectionError, match="no answer is registered"):
            ask(session)
        assert mock.unexpected == mock.calls != []


@pytest.mark.parametrize("verb", ["get", "head", "options", "post", "put", "patch", "delete"])
def test_each_verb_has_its_method(verb: str, mock: MockTransport, session: Session) -> None:
    getattr(mock, verb)(API, status=204)
    assert getattr(session, verb)(API).status_code == 204
    assert mock.calls[0].method == verb.upper()


def test_route_with_the_most_conditions_answers(mock: MockTransport, session: Session) -> None:
    mock.get(API, text="any")
    mock.get(API, params={"a": 1}, text="one")
    mock.get(API, params={"a": 1}, match_headers={"X-Id": "5"}, text="two")
    ids = {"X-Id": "5"}
    assert session.get(API, params={"a": 1}).text == "one"
    assert session.get(API, params={"a": 1}, headers=ids).text == "two"
    assert session.get(API, headers=ids).text == "any"


def test_answers_follow_one_another(mock: MockTransport, session: Session) -> None:
    mock.get(API, status=503).then(json=1).then(json=2)
    statuses = [session.get(API).status_code, *(session.get(API).text for _ in range(3))]
    assert statuses == [503, "1", "2", "2"]


def test_equal_routes_follow_one_another(mock: MockTransport, session: Session) -> None:
    mock.get(API, text="first").then(text="second")
    mock.get(API, text="third")
    assert [session.get(API).text for _ in range(4)] == ["first", "second", "third", "third"]


def test_threads_get_each_answer_once(mock: MockTransport, session: Session) -> None:
    route = mock.get(API, json=0)
    for number in range(1, 200):
        route.then(json=number)
    got: list[int] = []
    begin = threading.Barrier(8)

    def ask() -> None:
        begin.wait()
        got.extend(session.get(API).json() for _ in range(25))

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(got) == list(range(200))


def test_reset_forgets_all(mock: MockTransport, session: Session) -> None:
    mock.get(API)
    session.get(API)
    with pytest.raises(errors.ConnectionError):
        session.get(API + "/x")
    mock.reset()
    assert mock.calls == mock.unexpected == []
    mock.assert_all_called()
    with pytest.raises(errors.ConnectionError, match="there are:\n  none"):
        session.get(API)


# What it answers.


def test_answer_is_a_response_in_every_respect(mock: MockTransport, session: Session) -> None:
    mock.get(
        API,
        status=418,
        reason="Teapot, short and stout",
        headers=[("Set-Cookie", "a=1"), ("Set-Cookie", "b=2"), ("Link", '</2>; rel="next"')],
        text="gr\xfcn",
    )
    response = session.get(API, params={"a": 1})
    assert (response.status_code, response.reason) == (418, "Teapot, short and stout")
    assert (response.text, response.encoding) == ("gr\xfcn", "utf-8")
    assert (response.url, response.links["next"]["url"]) == (f"{API}?a=1", "/2")
    assert response.headers["Content-Length"] == "5"
    assert response.elapsed.total_seconds() >= 0
    assert session.cookies.get_dict() == {"a": "1", "b": "2"}
    assert response.request.headers["Accept"] == "*/*"
    with pytest.raises(requests.exceptions.HTTPError):
        response.raise_for_status()


@pytest.mark.parametrize(
    ("options", "content", "kind"),
    [
        ({}, b"", None),
        ({"json": None}, b"null", "application/json"),
        ({"json": {"a": "ü"}}, b'{"a": "\\u00fc"}', "application/json"),
        ({"text": "ü"}, b"\xc3\xbc", "text/plain; charset=utf-8"),
        ({"body": b"\xff"}, b"\xff", None),
        ({"text": "<p>", "headers": {"content-type": "text/html"}}, b"<p>", "text/html"),
        ({"body": b"x" * 9, "headers": {"Transfer-Encoding": "chunked"}}, b"x" * 9, None),
        ({"body": b"", "headers": {"Transfer-Encoding": "chunked"}}, b"", None),
        # Given as the caller is to get it.
        ({"text": "plain", "headers": {"Content-Encoding": "gzip"}}, b"plain", None),
        ({"status": 204, "text": "lost"}, b"", None),
        ({"status": 599}, b"", None),
    ],
)
@pytest.mark.parametrize("stream", [False, True])
def test_bodies(
    options: Any, content: bytes, kind: str | None, stream: bool, mock: MockTransport,
    session: Session,
) -> None:  # fmt: skip
    mock.get(API, **options)
    response = session.get(API, stream=stream)
    if stream:
        assert b"".join(response.iter_content(2)) == content
    else:
        assert response.content == content
    if kind is not None:
        assert response.headers["Content-Type"] == kind


def test_stream_is_read_in_pieces(mock: MockTransport, session: Session) -> None:
    content = bytes(range(256)) * 1000
    mock.get(API, body=content)
    with session.get(API, stream=True) as response:
        assert response.is_stream
        assert response.raw.read(10) == content[:10]
        assert response.raw.read() == content[10:]
    with session.get(API, stream=True) as response:
        assert response.content == content
    session.get(API, stream=True).close()


def test_body_over_max_body_is_refused(mock: MockTransport) -> None:
    mock.get(API, body=b"x" * 1001)
    with Session(transport=mock, max_body=1000) as session:
        with pytest.raises(errors.BodyTooLarge, match="1000 bytes"):
            session.get(API)
        assert len(session.get(API, stream=True).raw.read()) == 1001
    with Session(transport=mock, max_body=1001) as session:
        assert len(session.get(API).content) == 1001


def test_head_keeps_the_length_and_has_no_body(mock: MockTransport, session: Session) -> None:
    mock.head(API, body=b"12345")
    response = session.head(API)
    assert (response.headers["Content-Length"], response.content) == ("5", b"")


def test_cut_answer_is_an_error(mock: MockTransport, session: Session) -> None:
    mock.get(API, headers={"Content-Length": "10"}, body=b"12345")
    with pytest.raises(errors.ChunkedEncodingError):
        session.get(API)


def test_redirects_and_cookies_go_on_as_ever(mock: MockTransport, session: Session) -> None:
    mock.post(API, status=302, headers={"Location": "/there", "Set-Cookie": "seen=yes; Path=/"})
    mock.get(
        "https://back.end/there", match_headers={"Cookie": "seen=yes"}, match_body=b"", text="there"
    )
    response = session.post(API, data={"a": 1})
    assert (response.text, [hop.status_code for hop in response.history]) == ("there", [302])
    assert [call.body for call in mock.calls] == ["a=1", None]
    assert [call.method for call in mock.calls] == ["POST", "GET"]


def test_file_is_sent_again_by_a_redirect(mock: MockTransport, session: Session) -> None:
    mock.put(API, status=307, headers={"Location": "/there"})
    mock.put("https://back.end/there", match_body=b"56789")
    file = io.BytesIO(b"0123456789")
    file.seek(5)
    assert session.put(API, data=file).status_code == 200
    mock.assert_all_called()


def test_callback_gets_the_request(mock: MockTransport, session: Session) -> None:
    def double(request: PreparedRequest) -> bytes:
        assert request.headers["Content-Type"] == "application/json"
        return answer(json=2 * int(request.body or 0))

    mock.post(API, callback=double)
    assert [session.post(API, json=number).json() for number in (1, 21)] == [2, 42]


def test_callback_may_ask_another_back_end(backend_mock: MockTransport) -> None:
    backend_mock.get("https://other.end/", text="other")
    backend_mock.get(API, callback=lambda _: answer(text=early.get("https://other.end/").text))
    assert early.get(API).text == "other"


@pytest.mark.parametrize(
    "error",
    [errors.ConnectTimeout, errors.ConnectTimeout("after 5 seconds"), KeyError, KeyError("x")],
    ids=repr,
)
def test_exceptions_are_raised(error: Any, mock: MockTransport, session: Session) -> None:
    mock.get(API, raises=error)
    expected = error if isinstance(error, type) else type(error)
    with pytest.raises(expected) as raised:
        session.get(API)
    if expected is errors.ConnectTimeout:
        assert isinstance(raised.value, requests.exceptions.ConnectTimeout)
        assert raised.value.request.url == API
        assert isinstance(error, type) or str(raised.value) == "after 5 seconds"


def test_tries_go_on_as_ever(mock: MockTransport) -> None:
    mock.get(API, raises=errors.ConnectError).then(status=503).then(text="at last")
    with Session(transport=mock, retries=Retry(3, status_forcelist=[503])) as session:
        assert session.get(API).text == "at last"
    assert len(mock.calls) == 3


FORM = (
    '<form action="/session" method="post"><input type="hidden" name="authenticity_token" '
    'value="t"><input name="login"><input type="password" name="password"></form>'
)


def test_log_in_goes_on_as_ever_and_shows_no_password(backend_mock: MockTransport) -> None:
    start, provider = "https://back.end/oauth2/start", "https://login.example"
    backend_mock.get(start, status=302, headers={"Location": f"{provider}/login"})
    html = {"Content-Type": "text/html"}
    backend_mock.get(f"{provider}/login", headers=html, text=FORM)
    backend_mock.post(f"{provider}/session", status=302, headers={"Location": API})
    backend_mock.get(API, text="data")
    session = Session("ann", SECRET, start, f"{provider}/session")
    assert session.login_state == "ok"
    assert session.get(API).text == "data"
    assert SECRET not in str([vars(call) for call in backend_mock.calls])


# What it refuses.


def test_unexpected_request_says_what_was_asked_and_what_there_is(
    mock: MockTransport, session: Session
) -> None:
    mock.get(API, params={"a": 1})
    mock.post(API, match_headers={"X-Id": SECRET})
    mock.add(None, re.compile("https://other"))
    with pytest.raises(errors.ConnectionError) as raised:
        session.post(f"https://ann:{SECRET}@back.end/api", headers={"X-Id": "5"}, data=SECRET)
    assert str(raised.value) == (
        "no answer is registered for POST https://***@back.end/api; there are:\n"
        "  GET https://back.end/api?a=1 (the method differs)\n"
        "  POST https://back.end/api (the header X-Id differs)\n"
        "  any method https://other (the URL differs)"
    )
    assert isinstance(raised.value, requests.exceptions.ConnectionError)
    assert raised.value.request.url is not None
    assert mock.unexpected == [raised.value.request]


def test_asserts_tell_what_is_missing_and_what_is_too_much(
    mock: MockTransport, session: Session
) -> None:
    mock.get(API).then(status=404)
    with pytest.raises(AssertionError, match=r"GET https://back.end/api: 0 of 2 answers given"):
        mock.assert_all_called()
    session.get(API)
    with pytest.raises(AssertionError, match="1 of 2 answers given"):
        mock.assert_all_called()
    session.get(API)
    mock.assert_all_called()
    mock.assert_all_expected()
    with pytest.raises(errors.ConnectionError):
        session.put(API)
    with pytest.raises(AssertionError, match=f"no route was there for:\n  PUT {API}"):
        mock.assert_all_expected()


def test_block_asserts_at_its_end() -> None:
    with pytest.raises(AssertionError, match="nobody asked"), mock_backends() as mock:
        mock.get(API)
    with (
        pytest.raises(AssertionError, match="no route"),
        mock_backends(),
        pytest.raises(errors.ConnectionError),
    ):
        early.get(API)
    with mock_backends(assert_all_called=False, assert_all_expected=False) as mock:
        mock.get(API)
        with pytest.raises(errors.ConnectionError):
            early.put(API)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"json": {}, "text": "x"}, "one body, not json and text"),
        ({"body": b"", "text": ""}, "one body, not text and body"),
        ({"status": 100}, "200 to 999"),
        ({"headers": {"X": "a\r\nY: b"}}, "line break"),
        ({"reason": "a\nb"}, "line break"),
        ({"status": 200, "raises": KeyError}, "say one of them"),
        ({"callback": answer, "raises": KeyError}, "say one of them"),
    ],
)
def test_answer_that_makes_no_sense_is_refused(
    options: Any, says: str, mock: MockTransport
) -> None:
    with pytest.raises(ValueError, match=says):
        mock.get(API, **options)
    with pytest.raises(ValueError, match=says):
        mock.get(API + "/x").then(**options)


def test_url_of_a_route_must_be_one(mock: MockTransport) -> None:
    with pytest.raises(errors.MissingSchema):
        mock.get("back.end/api")

"""The page "Session and requests" forgets no name and says what both of them do."""

from __future__ import annotations

import copy
import inspect
import re
import types
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import requests
import requests.adapters
import requests.cookies

import apikit
import apikit.cookies
import apikit.errors
import apikit.models
import apikit.response
from apikit.session import SessionOptions
from tests.faults.certs import Certificates
from tests.faults.handle import FaultServer, Listen
from tests.faults.steps import answer
from tests.tools.pages import rows_of

pytest_plugins = ("tests.faults.fixtures",)

SESSIONS = [requests.Session, apikit.Session]
both = pytest.mark.parametrize("library", SESSIONS, ids=["requests", "apikit"])


def _public(thing: object) -> set[str]:
    return {name for name in dir(thing) if not name.startswith("_")}


def _parameters(function: Callable[..., Any]) -> set[str]:
    return inspect.signature(function).parameters.keys() - {"self", "options"}


def _exceptions(module: types.ModuleType) -> set[str]:
    return {
        name
        for name, value in vars(module).items()
        if isinstance(value, type)
        and issubclass(value, BaseException)
        and value.__module__ == module.__name__
        and not name.startswith("_")
    }


def _of_requests_itself() -> set[str]:
    """Return what `requests` offers that is its own, not of what it imports."""
    found = set()
    for name in _public(requests):
        value = getattr(requests, name)
        home = getattr(
            value, "__name__" if isinstance(value, types.ModuleType) else "__module__", ""
        )
        if home.partition(".")[0] == "requests":
            found.add(name)
    return found | {"codes"}


#: Title of a table -> the names of requests, and ours.
SURFACES: dict[str, tuple[set[str], set[str]]] = {
    "request": (_parameters(requests.Session.request), _parameters(apikit.Session.request)),
    "Session": (_public(requests.Session()), _public(apikit.Session())),
    "construction": (
        _parameters(requests.Session),
        _parameters(apikit.Session) | SessionOptions.__annotations__.keys(),
    ),
    "Response": (_public(requests.Response()), _public(apikit.response.Response)),
    "PreparedRequest": (
        _public(requests.PreparedRequest()),
        _public(apikit.models.PreparedRequest()),
    ),
    "Request": (_public(requests.Request()), _public(apikit.models.Request())),
    "CookieJar": (
        _public(requests.cookies.RequestsCookieJar()),
        _public(apikit.cookies.CookieJar()),
    ),
    "exceptions": (_exceptions(requests.exceptions), _exceptions(apikit.errors)),
    "requests": (_of_requests_itself(), _public(apikit)),
}
#: What the second column says -> whether requests has it, and whether apikit does.
VERDICTS = {
    "same": (True, True),
    "differs": (True, True),
    "refused": (True, True),
    "not here": (True, False),
    "ours": (False, True),
}


def _verdicts(title: str) -> dict[str, str]:
    return {
        name: verdict
        for names, verdict, _ in rows_of("session.rst", title)
        for name in re.findall(r"``(\w+)``", names)
    }


@pytest.mark.parametrize("title", SURFACES)
def test_table_has_every_name(title: str) -> None:
    theirs, ours = SURFACES[title]
    if title == "requests":
        ours = ours & theirs  # the rest of apikit is in the reference
    assert _verdicts(title).keys() == theirs | ours


@pytest.mark.parametrize("title", SURFACES)
def test_names_are_where_the_table_says(title: str) -> None:
    theirs, ours = SURFACES[title]
    for name, verdict in _verdicts(title).items():
        assert (name in theirs, name in ours) == VERDICTS[verdict], name


def test_parameters_have_requests_order() -> None:
    ours, theirs = (
        [name for name in inspect.signature(library.request).parameters if name != "deadline"]
        for library in (apikit.Session, requests.Session)
    )
    assert ours == theirs


@pytest.mark.parametrize("verb", ["get", "options", "head", "post", "put", "patch", "delete"])
def test_verbs_take_the_same_by_position(verb: str) -> None:
    def positional(library: Any) -> list[str]:
        parameters = inspect.signature(getattr(library(), verb)).parameters.values()
        return [one.name for one in parameters if one.kind is one.POSITIONAL_OR_KEYWORD]

    assert positional(apikit.Session) == positional(requests.Session)


@pytest.mark.parametrize(
    "name", [name for name, verdict in _verdicts("Session").items() if verdict == "refused"]
)
def test_what_is_refused_says_so(name: str) -> None:
    arguments = ["https://", requests.adapters.HTTPAdapter()][: 2 if name == "mount" else 1]
    with pytest.raises(NotImplementedError, match="there are no transport adapters"):
        getattr(apikit.Session(), name)(*arguments)


def test_defaults_are_those_of_the_page() -> None:
    session = apikit.Session()
    assert (session.timeout, session.deadline, session.login_state) == ((5, 30), None, "none")


# The rows of the last table: what requests does, and what is done here.


@both
def test_time_has_an_end_by_default(library: Any, server: FaultServer) -> None:
    session = library()
    if library is requests.Session:
        seen = []
        session.send = lambda _, **options: seen.append(options["timeout"])
        session.get(server.url("/alive"))
        assert seen == [None]
    else:
        assert session.timeout == (5, 30)
        session.timeout = None
        assert session.get(server.url("/alive")).content == b"alive"


def _redirect(server: FaultServer, status: str = "302 Found") -> FaultServer:
    """Send /here to /there on another port; return the server."""
    port = server.listen()
    where = f"Location: {server.url('/there', port=port)}"
    server.script("/here", [answer(b"", where, status=status)])
    server.script("/there", [answer(b"there")])
    return server


@both
def test_cookies_of_a_call_stay_with_its_origin(library: Any, server: FaultServer) -> None:
    _redirect(server)
    with library() as session:
        session.get(server.url("/here"), cookies={"of": "the-call"})
    assert server.seen("/here")[0].header("Cookie") == "of=the-call"
    expected = "of=the-call" if library is requests.Session else None
    assert server.seen("/there")[0].header("Cookie") == expected


@both
def test_host_header_stays_with_its_origin(library: Any, server: FaultServer) -> None:
    _redirect(server)
    with library() as session:
        session.get(server.url("/here"), headers={"Host": "service.example"})
    assert server.seen("/here")[0].header("Host") == "service.example"
    there = server.seen("/there")[0]
    goes_along = there.header("Host") == "service.example"
    assert goes_along is (library is requests.Session)
    assert goes_along or there.header("Host") == f"127.0.0.1:{there.port}"


@both
def test_body_stays_with_its_origin(library: Any, server: FaultServer) -> None:
    _redirect(server, "307 Temporary Redirect")
    with library() as session:
        if library is requests.Session:
            session.put(server.url("/here"), data=b"body")
            assert server.seen("/there")[0].body == b"body"
        else:
            with pytest.raises(apikit.errors.UnsafeRedirect, match="another origin"):
                session.put(server.url("/here"), data=b"body")
            assert server.seen("/there") == []
    assert server.seen("/here")[0].body == b"body"


@both
def test_iterator_is_not_sent_twice(library: Any, server: FaultServer) -> None:
    redirect = answer(b"", "Location: /again", status="307 Temporary Redirect")
    server.script("/once", [redirect])
    server.script("/again", [answer(b"")])
    with library() as session:
        if library is requests.Session:
            session.post(server.url("/once"), data=iter([b"a", b"b"]))
            assert server.seen("/again")[0].body == b""
        else:
            with pytest.raises(apikit.errors.UnrewindableBodyError):
                session.post(server.url("/once"), data=iter([b"a", b"b"]))
            assert server.seen("/again") == []
    assert server.seen("/once")[0].body == b"ab"


@both
def test_verify_of_the_session_beats_the_environment(
    library: Any,
    server: FaultServer,
    certificates: Certificates,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", certificates.other_ca)
    port = server.listen(Listen(chain=certificates.good))
    with library() as session:
        session.verify = certificates.ca
        if library is requests.Session:
            with pytest.raises(requests.exceptions.SSLError):
                session.get(f"https://127.0.0.1:{port}/alive")
        else:
            assert session.get(f"https://127.0.0.1:{port}/alive").content == b"alive"


@both
def test_netrc_is_not_read(
    library: Any, server: FaultServer, tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login user password secret\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    with library() as session:
        session.get(server.url("/alive"))
    sent = server.seen("/alive")[0].header("Authorization")
    assert (sent is not None) is (library is requests.Session)


@both
def test_hooks_get_the_response_alone(library: Any, server: FaultServer) -> None:
    keywords: list[set[str]] = []
    hooks = {"response": lambda _, **given: keywords.append(set(given))}
    with library() as session:
        session.get(server.url("/alive"), hooks=hooks)
    theirs = {"timeout", "verify", "proxies", "stream", "cert"}
    assert keywords == [theirs if library is requests.Session else set()]


@both
def test_public_suffix_gets_no_cookie(library: Any, server: FaultServer) -> None:
    server.script("/sets", [answer(b"", "Set-Cookie: a=1; Domain=co.uk")])
    with library() as session:
        session.trust_env = False
        session.get("http://shop.co.uk/sets", proxies={"http": server.url("")})
        assert len(session.cookies) == (1 if library is requests.Session else 0)


@both
def test_closed_session_stays_closed(library: Any, server: FaultServer) -> None:
    session = library()
    session.close()
    if library is requests.Session:
        assert session.get(server.url("/alive")).content == b"alive"
        session.close()
    else:
        with pytest.raises(RuntimeError, match="closed"):
            session.get(server.url("/alive"))


def test_each_sends_its_own_prepared_requests() -> None:
    with pytest.raises(ValueError, match="PreparedRequest"):
        apikit.Session().send(requests.Request("GET", "http://127.0.0.1/").prepare())
    with pytest.raises((ValueError, AttributeError)):
        requests.Session().send(apikit.models.Request("GET", "http://127.0.0.1/"))


def test_nothing_of_requests_is_underneath(
    server: FaultServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    # What responses and requests-mock put theirs in place of.
    monkeypatch.delattr(requests.adapters.HTTPAdapter, "send")
    monkeypatch.delattr(requests.Session, "send")
    with apikit.Session() as session:
        assert session.get(server.url("/alive")).content == b"alive"
        assert not isinstance(session, requests.Session)


@pytest.fixture
def shared(server: FaultServer) -> Iterator[apikit.Session]:
    with apikit.Session() as session:
        yield session


def test_assigned_cookies_become_a_jar(shared: apikit.Session, server: FaultServer) -> None:
    shared.cookies = {"a": "1"}
    assert isinstance(shared.cookies, apikit.cookies.CookieJar)
    shared.get(server.url("/alive"))
    assert server.seen("/alive")[0].header("Cookie") == "a=1"


def test_raw_is_a_file_and_the_connection_is_for_hooks(
    shared: apikit.Session, server: FaultServer
) -> None:
    response = shared.get(server.url("/alive"), stream=True)
    assert response.raw.read(3) == b"ali"
    assert (response.raw.status, response.raw.readable()) == (200, True)
    assert response.connection is None


def test_timeout_of_urllib3_is_refused(shared: apikit.Session, server: FaultServer) -> None:
    with pytest.raises(ValueError, match="number of seconds"):
        shared.get(server.url("/alive"), timeout=requests.packages.urllib3.Timeout(3))


def test_session_is_not_copied(shared: apikit.Session) -> None:
    with pytest.raises(TypeError):
        copy.copy(shared)

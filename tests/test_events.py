"""`on_request`, `on_response`, `on_error` and `on_login`: who is told of what a session does."""

from __future__ import annotations

import gc
import weakref
from typing import Any, NoReturn

import pytest

from apikit import APIFlask, Backend, Retry, Session, SessionPool, errors
from apikit.errors import ConnectError, TooManyRedirects
from apikit.models import PreparedRequest
from apikit.response import Response
from apikit.testing import MockTransport
from tests.faults.handle import FaultServer
from tests.faults.steps import answer, close
from tests.login_world import BASE_URL, SESSION_URL, World
from tests.servers.process import LOOPBACK, reserve_port

pytest_plugins = ("tests.faults.fixtures",)

TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


class Listener:
    """Keeps what it was told, in order."""

    def __init__(self, added: Any = None) -> None:
        self.added = added
        self.told: list[tuple[str, Any]] = []

    def hooks(self) -> dict[str, Any]:
        """Return the arguments of a session."""
        return {
            "on_request": self.on_request,
            "on_response": lambda response: self.told.append(("response", response)),
            "on_error": lambda error, request: self.told.append(("error", (error, request))),
            "on_login": lambda session: self.told.append(("login", session.login_state)),
        }

    def on_request(self, request: PreparedRequest) -> Any:
        self.told.append(("request", request))
        return self.added

    def names(self) -> list[str]:
        return [name for name, _ in self.told]


class Hops:
    """An observer that keeps what it was told, in order."""

    def __init__(self, added: Any = None) -> None:
        self.added = added
        self.told: list[tuple[str, Any]] = []

    def announce(self, request: PreparedRequest) -> Any:
        self.told.append(("request", request))
        return self.added

    def answer(self, response: Response) -> None:
        self.told.append(("response", response))

    def fail(self, exception: BaseException, request: PreparedRequest) -> None:
        self.told.append(("error", (exception, request)))

    def names(self) -> list[str]:
        return [name for name, _ in self.told]


def test_a_call_is_told_once(server: FaultServer) -> None:
    server.script("/from", [answer(b"", "Location: /busy", status="302 Found")])
    server.script("/busy", [answer(b"", status="503 Busy")], [answer(b"there")])
    listener, hops = Listener({"X-Own": "1"}), Hops()
    policy = Retry(2, status_forcelist=[503])
    with Session(retries=policy, observer=hops, **listener.hooks()) as session:
        response = session.get(server.url("/from"))
        assert listener.names() == ["request", "response"]
        assert listener.told[0][1].url == server.url("/from")
        assert listener.told[1][1] is response
        assert hops.names() == ["request", "response"] * 4
    assert [sent.header("x-own") for sent in server.seen()] == ["1"] * 4


def test_headers_of_a_hook_stay_at_their_origin(server: FaultServer) -> None:
    elsewhere = server.url("/to").replace("127.0.0.1", "localhost")
    server.script("/from", [answer(b"", f"Location: {elsewhere}", status="302 Found")])
    server.script("/to", [answer(b"")])
    with Session(on_request=lambda request: {"X-Api-Key": "s3cret"}) as session:
        session.get(server.url("/from"))
    assert [sent.header("x-api-key") for sent in server.seen()] == ["s3cret", None]


def test_failure_after_a_redirect_is_told_with_the_first_request(server: FaultServer) -> None:
    server.script("/from", [answer(b"", "Location: /short", status="302 Found")])
    server.script("/short", [close()])
    listener = Listener()
    with Session(**listener.hooks()) as session, pytest.raises(errors.ConnectionError) as caught:
        session.get(server.url("/from"))
    assert listener.names() == ["request", "error"]
    assert listener.told[1][1] == (caught.value, listener.told[0][1])


def test_what_cannot_be_sent_is_not_told() -> None:
    listener = Listener()
    with Session(**listener.hooks()) as session, pytest.raises(errors.MissingSchema):
        session.get("nowhere")
    assert listener.names() == []


def test_each_hop_is_told_with_one_request_object(server: FaultServer) -> None:
    server.script("/from", [answer(b"", "Location: /to", status="302 Found")])
    server.script("/to", [answer(b"there")])
    listener = Hops()
    with Session(observer=listener) as session:
        response = session.get(server.url("/from"))
    assert response.text == "there"
    assert listener.names() == ["request", "response", "request", "response"]
    requests = [listener.told[0][1], listener.told[2][1]]
    answers = [listener.told[1][1], listener.told[3][1]]
    assert [request.url for request in requests] == [server.url("/from"), server.url("/to")]
    assert [one.status_code for one in answers] == [302, 200]
    assert all(one.request is request for one, request in zip(answers, requests, strict=True))
    assert answers[1] is response


def test_headers_are_added_to_what_is_sent(server: FaultServer) -> None:
    server.script("/x", [answer(b"")])
    listener = Listener({"traceparent": TRACE, "User-Agent": "told"})
    with Session(**listener.hooks()) as session:
        response = session.get(server.url("/x"), headers={"traceparent": "of the call"})
        assert "traceparent" not in session.headers
    (sent,) = server.seen()
    assert sent.header("traceparent") == TRACE
    assert sent.header("user-agent") == "told"
    assert sent.head.lower().count(b"traceparent") == 1
    assert response.request.headers["traceparent"] == TRACE
    assert response.request is listener.told[0][1]


def test_header_that_cannot_be_sent_is_refused(server: FaultServer) -> None:
    with (
        Session(on_request=lambda request: {"x": "a\r\nb: c"}) as session,
        pytest.raises(ValueError, match="x"),
    ):
        session.get(server.url("/x"))
    assert server.seen() == []


def test_credentials_stay_at_their_origin_all_the_same(server: FaultServer) -> None:
    elsewhere = server.url("/to").replace("127.0.0.1", "localhost")
    server.script("/from", [answer(b"", f"Location: {elsewhere}", status="302 Found")])
    server.script("/to", [answer(b"")])
    with Session(observer=Hops({"traceparent": TRACE})) as session:
        session.get(server.url("/from"), auth=("ann", "s3cret"))
    first, second = server.seen()
    assert first.header("authorization") is not None
    assert second.header("authorization") is None
    assert second.header("traceparent") == TRACE


def test_failure_is_told_and_raised() -> None:
    listener = Listener()
    with (
        reserve_port("nobody", 0) as port,
        Session(**listener.hooks()) as session,
        pytest.raises(ConnectError) as caught,
    ):
        session.get(f"http://{LOOPBACK}:{port}/")
    assert listener.names() == ["request", "error"]
    error, request = listener.told[1][1]
    assert request is listener.told[0][1]
    assert error is caught.value
    assert error.request is request


def test_broken_answer_is_told(server: FaultServer) -> None:
    server.script("/short", [close()])
    listener = Listener()
    with Session(**listener.hooks()) as session, pytest.raises(errors.ConnectionError):
        session.post(server.url("/short"), data=b"x")
    assert listener.names() == ["request", "error"]


def test_each_try_is_told(server: FaultServer) -> None:
    server.script("/busy", [answer(b"", status="503 Busy")])
    listener, hops = Listener(), Hops()
    policy = Retry(2, status_forcelist=[503], raise_on_status=False)
    with Session(retries=policy, observer=hops, **listener.hooks()) as session:
        session.get(server.url("/busy"))
    assert listener.names() == ["request", "response"]
    assert hops.names() == ["request", "response"] * 3


def test_last_redirect_of_too_many_is_an_answer(server: FaultServer) -> None:
    server.script("/loop", [answer(b"", "Location: /loop", status="302 Found")])
    listener, hops = Listener(), Hops()
    with (
        Session(max_redirects=1, observer=hops, **listener.hooks()) as session,
        pytest.raises(TooManyRedirects),
    ):
        session.get(server.url("/loop"))
    assert listener.names() == ["request", "error"]
    assert hops.names() == ["request", "response"] * 2


HOOKS = ["on_request", "on_response", "on_error", "on_login"]


def fail(*_: object) -> NoReturn:
    raise LookupError("of the hook")


@pytest.mark.parametrize("hook", HOOKS)
def test_hook_that_raises_changes_nothing_and_is_logged_once(
    hook: str, server: FaultServer, caplog: pytest.LogCaptureFixture
) -> None:
    server.script("/x", [close()] if hook == "on_error" else [answer(b"fine")])
    hooks: dict[str, Any] = {hook: fail}
    with World().session(**hooks) if hook == "on_login" else Session(**hooks) as session:
        for _ in range(3):
            if hook == "on_login":
                session.authenticate()
                assert session.login_state == "ok"
            elif hook == "on_error":
                with pytest.raises(errors.ConnectionError):
                    session.post(server.url("/x"))
            else:
                assert session.get(server.url("/x")).text == "fine"
    (record,) = caplog.records
    assert (record.name, record.levelname) == ("apikit.hooks", "ERROR")
    assert f"{hook} raised" in record.getMessage()
    assert record.exc_info is not None
    assert isinstance(record.exc_info[1], LookupError)


def test_interruption_in_a_hook_is_no_failure_of_it(server: FaultServer) -> None:
    server.script("/x", [answer(b"fine")])

    def interrupt(_: object) -> NoReturn:
        raise KeyboardInterrupt

    with Session(on_response=interrupt) as session:
        with pytest.raises(KeyboardInterrupt):
            session.get(server.url("/x"))
        session.on_response = None
        assert session.get(server.url("/x")).text == "fine"


def test_hooks_may_be_assigned(server: FaultServer) -> None:
    server.script("/x", [answer(b"fine")])
    first, second = Listener(), Listener()
    with Session(on_request=first.on_request) as session:
        assert session.on_request == first.on_request
        assert session.on_response is None
        session.get(server.url("/x"))
        session.on_request = second.on_request
        session.on_response = second.hooks()["on_response"]
        session.get(server.url("/x"))
        session.on_request = session.on_response = None
        session.get(server.url("/x"))
        with pytest.raises(TypeError, match="on_error must be a callable or None, not int"):
            session.on_error = 3  # type: ignore[assignment]
        assert session.on_error is None
    assert first.names() == ["request"]
    assert second.names() == ["request", "response"]


def test_hooks_of_a_pool_reach_sessions_that_it_has_and_gets() -> None:
    listener, world = Listener(), World()
    with SessionPool(transport=world) as pool:
        there = pool.get(BASE_URL, "ann", "s3cret", SESSION_URL)
        pool.on_request = listener.on_request
        assert there.on_request == pool.on_request == listener.on_request
        assert pool.on_login is None
        pool.on_login = listener.hooks()["on_login"]
        pool.discard(BASE_URL, "ann")
        made = pool.get(BASE_URL, "ann", "s3cret", SESSION_URL)
        assert made is not there
        with pytest.raises(TypeError, match="on_response must be a callable or None"):
            pool.on_response = 3  # type: ignore[assignment]
    assert listener.told[-1] == ("login", "ok")


def test_hooks_of_a_back_end_reach_all_of_its_sessions() -> None:
    listener = Listener()
    mock = MockTransport()
    mock.get("https://back.end/x", text="fine")
    basic = {"type": "basic", "data": {}}
    app = APIFlask("hooked", "1", "https://example.org/hooked", "Is watched", auth=basic)
    with Backend("https://back.end", app=app, bearer=True, transport=mock) as backend:
        for header in ("Bearer t.t.t", "Basic YTpi", "Bearer u.u.u"):
            with app.test_request_context(headers={"Authorization": header}):
                backend.get("/x")
                backend.on_response = listener.hooks()["on_response"]
        assert backend.on_response is not None
        assert backend.pool.on_response is backend.on_response
        assert backend.on_request is None
    assert listener.names() == ["response", "response"]


def test_log_in_is_told_with_its_pages_and_without_the_password() -> None:
    listener, hops, world = Listener(), Hops(), World()
    world.session(observer=hops, **listener.hooks()).authenticate()
    assert listener.told == [("login", "ok")]
    posts = [one for name, one in hops.told if name == "request" and one.method == "POST"]
    assert [post.url for post in posts] == [SESSION_URL]
    assert posts[0].body is None
    assert "s3cret" not in repr([vars(one) for name, one in hops.told if name == "request"])


def test_log_in_that_the_network_ends_is_told() -> None:
    states: list[str] = []
    with reserve_port("nobody", 0) as port, pytest.raises(ConnectError):
        Session(
            "ann",
            "s3cret",
            f"http://{LOOPBACK}:{port}/oauth2/start",
            on_login=lambda session: states.append(session.login_state),
        )
    assert states == ["error"]


def test_pool_hands_the_hooks_to_its_sessions() -> None:
    listener, world = Listener(), World()
    with SessionPool(transport=world, **listener.hooks()) as pool:
        pool.get(BASE_URL, "ann", "s3cret", SESSION_URL)
    assert listener.told[-1] == ("login", "ok")


def test_streamed_answer_is_told_at_its_head(server: FaultServer) -> None:
    server.script("/x", [answer(b"y" * 100_000)])
    seen: list[Response] = []
    with Session(on_response=seen.append) as session:
        response = session.get(server.url("/x"), stream=True)
        assert seen == [response]
        assert len(response.content) == 100_000


@pytest.mark.parametrize("hook", HOOKS)
def test_hook_that_cannot_be_called(hook: str) -> None:
    wrong: dict[str, Any] = {hook: 3}
    with pytest.raises(TypeError, match=f"{hook} must be a callable or None, not int"):
        Session(**wrong)


@pytest.mark.parametrize("wrong", [3, print, object()])
def test_observer_that_lacks_a_method(wrong: Any) -> None:
    with pytest.raises(TypeError, match="observer must have the methods announce, answer, fail"):
        Session(observer=wrong)


@pytest.mark.parametrize("method", ["announce", "answer", "fail"])
def test_observer_that_raises_changes_nothing_and_is_logged_once(
    method: str, server: FaultServer, caplog: pytest.LogCaptureFixture
) -> None:
    server.script("/fine", [answer(b"fine")])
    server.script("/short", [close()])
    hops = Hops()
    setattr(hops, method, fail)
    with Session(observer=hops) as session:
        for _ in range(2):
            assert session.get(server.url("/fine")).text == "fine"
            with pytest.raises(errors.ConnectionError):
                session.post(server.url("/short"))
    (record,) = caplog.records
    assert f"observer.{method} raised" in record.getMessage()


def test_request_hook_that_returns_nonsense(server: FaultServer) -> None:
    with (
        Session(on_request=lambda request: 3) as session,  # type: ignore[arg-type, return-value]
        pytest.raises(TypeError, match="None or a mapping of headers to add, not int"),
    ):
        session.get(server.url("/x"))
    assert server.seen() == []


def test_session_with_hooks_is_collected() -> None:
    session: Session | None = Session(on_response=lambda response: session)
    session_alive = weakref.ref(session)
    session = None
    gc.collect()
    assert session_alive() is None

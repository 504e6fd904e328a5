"""A back end is called as the caller, and each failure has its status and its headers."""

from __future__ import annotations

import base64
import json
import re
import threading
import traceback
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from flask import Flask, jsonify

from apikit import (
    APIFlask,
    Backend,
    BackendError,
    MemoryStore,
    SessionPool,
    errors,
    open_store,
)
from apikit.models import PreparedRequest
from apikit.response import Response
from apikit.testing import MockTransport, answer
from tests import login_world
from tests.servers import (
    ANN,
    BOB,
    CORA,
    DORA,
    FAILING_JOBS,
    RITA,
    TESS,
    USER_HEADER,
    ZOE,
    Refusal,
    Server,
    User,
    fetch_counts,
    start_backend,
    start_provider,
    start_proxy,
)

BASE = "https://back.end/base"
CHALLENGE = 'Basic realm="uservice-mymicroservice", charset="UTF-8"'
WRONG = User(ANN.name, "not-the-password")
PATIENCE = 60.0


def basic(user: User) -> dict[str, str]:
    pair = f"{user.name}:{user.password}".encode()
    return {"Authorization": f"Basic {base64.b64encode(pair).decode()}"}


def make_app(auth: Any = None) -> APIFlask:
    return APIFlask(
        name="uservice-mymicroservice",
        version="0.0.1",
        repository="https://github.com/sqre-lsst/uservice-mymicroservice",
        description="My delightful microservice",
        route=["/", "/mymicroservice"],
        auth=auth,
    )


def bitly(start: str, **more: str) -> dict[str, Any]:
    return {"type": "bitly-proxy", "data": {"endpoint": start, **more}}


# The technote's story, against the real proxy.


@dataclass(frozen=True)
class World:
    """A proxy with what stands behind it."""

    provider: Server
    backend: Server
    proxy: Server

    def make_service(self, **options: Any) -> tuple[APIFlask, Backend]:
        """Return the technote's service."""
        app = make_app(bitly(f"{self.proxy.url}/oauth2/start"))
        backend = Backend(
            self.proxy.url, app=app, session_url=f"{self.provider.url}/session", **options
        )

        @app.route("/")
        def healthcheck() -> str:
            return "OK"

        @app.route("/<jobname>/<metric>")
        @app.route("/mymicroservice/<jobname>/<metric>")
        def get_metric_for_job(jobname: str, metric: str) -> dict[str, Any]:
            resp = backend.get("/api", params={"metric": metric, "job": jobname})
            return {"metric": metric, "jobname": jobname, "value": resp.text}

        @app.route("/whoami")
        def whoami() -> Any:
            resp = backend.get("api", params={"metric": "m", "job": "j"})
            return jsonify(resp.headers[USER_HEADER])

        return app, backend

    def count(self, name: str) -> int:
        return fetch_counts(self.provider)[name]


@pytest.fixture(scope="module", params=Refusal, ids=lambda refusal: refusal.value)
def world(request: pytest.FixtureRequest) -> Iterator[World]:
    with (
        start_provider() as provider,
        start_backend() as backend,
        start_proxy(provider, backend, refusal=request.param) as proxy,
    ):
        yield World(provider, backend, proxy)


@pytest.fixture
def service(world: World) -> Iterator[Any]:
    """A client of the technote's service."""
    app, backend = world.make_service()
    with backend:
        yield app.test_client()


def error_of(reply: Any) -> tuple[int, str, str]:
    assert reply.content_type == "application/json"
    body = reply.get_json()
    assert set(body) == {"reason", "status_code", "error_content"}
    assert body["status_code"] == reply.status_code
    return reply.status_code, body["reason"], body["error_content"]


def test_each_caller_is_answered_as_himself_by_one_login(world: World, service: Any) -> None:
    before = world.count("logins")
    for user in (ANN, BOB, ZOE) * 2:
        reply = service.get("/whoami", headers=basic(user))
        assert (reply.status_code, reply.get_json()) == (200, user.name)
    assert world.count("logins") == before + 3


MALFORMED = {
    "none": {},
    "bearer": {"Authorization": "Bearer abc"},
    "no base64": {"Authorization": "Basic !!!"},
    "no colon": {"Authorization": f"Basic {base64.b64encode(b'ann').decode()}"},
    "empty user": {"Authorization": f"Basic {base64.b64encode(b':secret').decode()}"},
    "empty password": {"Authorization": f"Basic {base64.b64encode(b'ann:').decode()}"},
    "not UTF-8": {"Authorization": f"Basic {base64.b64encode(bytes([97, 58, 255])).decode()}"},
    "nothing": {"Authorization": ""},
}


@pytest.mark.flask
@pytest.mark.parametrize("name", MALFORMED)
def test_who_says_not_who_he_is_gets_401_and_no_login(
    world: World, service: Any, name: str
) -> None:
    before = world.count("pages")
    reply = service.get("/whoami", headers=MALFORMED[name])
    assert error_of(reply)[:2] == (401, "Unauthorized")
    assert reply.headers["WWW-Authenticate"] == CHALLENGE
    assert world.count("pages") == before


def test_wrong_password_is_401_and_tried_once(world: World, service: Any) -> None:
    before = world.count("refused")
    for _ in range(3):
        reply = service.get("/whoami", headers=basic(WRONG))
        assert error_of(reply)[:2] == (401, "Unauthorized")
        assert reply.headers["WWW-Authenticate"] == CHALLENGE
    assert world.count("refused") == before + 1
    assert service.get("/whoami", headers=basic(ANN)).get_json() == ANN.name


@pytest.mark.parametrize(
    ("user", "status", "reason"),
    [
        (TESS, 401, "Second Factor Required"),
        (DORA, 401, "Device Verification Required"),
        (CORA, 401, "Consent Required"),
        (RITA, 503, "Service Unavailable"),
    ],
    ids=lambda value: value.name if isinstance(value, User) else str(value),
)
def test_what_stands_in_the_way_has_a_reason_of_its_own(
    service: Any, user: User, status: int, reason: str
) -> None:
    reply = service.get("/whoami", headers=basic(user))
    assert error_of(reply)[:2] == (status, reason)
    assert ("WWW-Authenticate" in reply.headers) is (status == 401)
    assert ("Retry-After" in reply.headers) is (status == 503)
    assert user.password not in reply.get_data(as_text=True)


@pytest.mark.parametrize("job", FAILING_JOBS)
def test_back_ends_own_failure_keeps_its_status(world: World, service: Any, job: str) -> None:
    service.get("/whoami", headers=basic(ANN))
    before = world.count("logins")
    reply = service.get(f"/{job}/time", headers=basic(ANN))
    status, _, content = error_of(reply)
    assert status == FAILING_JOBS[job]
    assert content.startswith("the back end says: ")
    assert world.count("logins") == before


def test_lost_login_is_renewed_once(world: World) -> None:
    app, backend = world.make_service()
    client = app.test_client()
    with backend:
        client.get("/whoami", headers=basic(ANN))
        start, session_url = f"{world.proxy.url}/oauth2/start", f"{world.provider.url}/session"
        session = backend.pool.get(start, ANN.name, ANN.password, session_url)
        session.cookies.clear()
        before = world.count("logins")
        assert client.get("/whoami", headers=basic(ANN)).get_json() == ANN.name
        assert world.count("logins") == before + 1
        session.set_oauth2_password("what-it-was-before")  # as if it were changed
        session.cookies.clear()
        for _ in range(2):
            reply = client.get("/whoami", headers=basic(ANN))
            assert error_of(reply)[:2] == (401, "Unauthorized")


def test_threads_never_swap_their_callers(world: World) -> None:
    app, backend = world.make_service(pool=None)
    callers = [(ANN, BOB, WRONG, ZOE)[number % 4] for number in range(120)]

    def ask(user: User) -> tuple[User, int, Any]:
        reply = app.test_client().get("/whoami", headers=basic(user))
        return user, reply.status_code, reply.get_json()

    with backend, ThreadPoolExecutor(12) as threads:
        for user, status, body in threads.map(ask, callers):
            if user is WRONG:
                assert (status, body["reason"]) == (401, "Unauthorized")
            else:
                assert (status, body) == (200, user.name)


# What is sent, and what comes back: without servers.


@pytest.fixture
def mock() -> MockTransport:
    return MockTransport()


def make(mock: Callable[[PreparedRequest], bytes], auth: Any = "none", **options: Any) -> Backend:
    return Backend(BASE, auth=auth, transport=mock, **options)


def test_type_none_sends_no_credentials(mock: MockTransport) -> None:
    mock.get(f"{BASE}/x", json=1)
    app = make_app()
    with make(mock, None, app=app) as backend, app.test_request_context(headers=basic(ANN)):
        assert backend.get("/x").json() == 1
        assert backend.get("/x", auth=(ANN.name, ANN.password)).json() == 1
    assert not [call for call in mock.calls if "Authorization" in call.headers]


@pytest.mark.parametrize("user", [ANN, BOB, ZOE], ids=lambda user: user.name)
def test_type_basic_sends_the_callers_credentials(mock: MockTransport, user: User) -> None:
    mock.get(f"{BASE}/x", json=1, headers={"Set-Cookie": "whose=anybody's; Path=/"})
    app = make_app({"type": "basic", "data": {"username": "", "password": ""}})
    with make(mock, None, app=app) as backend:
        with app.test_request_context(headers=basic(user)):
            backend.get("/x")
        backend.get("/x", auth=(user.name, user.password))
    assert [call.headers["Authorization"] for call in mock.calls] == [
        basic(user)["Authorization"]
    ] * 2
    assert not [call for call in mock.calls if "Cookie" in call.headers]


VERBS = ["get", "head", "post", "put", "patch", "delete"]


@pytest.mark.parametrize("verb", VERBS)
def test_verbs(mock: MockTransport, verb: str) -> None:
    mock.add(verb.upper(), f"{BASE}/x", status=204)
    with make(mock) as backend:
        response = getattr(backend, verb)("/x", headers={"A": "b"})
    assert isinstance(response, Response)
    assert response.status_code == 204
    assert mock.calls[0].headers["A"] == "b"


def test_trace_of_the_request_is_passed_on(mock: MockTransport) -> None:
    mock.get(f"{BASE}/x", json=1)
    trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    app = make_app()
    with make(mock, None, app=app) as backend:
        for headers, expected, own in (
            ({"traceparent": trace, "X-Request-ID": "r-1"}, (trace, "r-1"), {}),
            ({"X-Request-ID": "r-1"}, (None, "mine"), {"x-request-id": "mine"}),
            ({"traceparent": "nonsense", "X-Request-ID": "a b"}, (None, None), {}),
            ({"X-Request-ID": "x" * 200}, (None, None), {}),
            ({}, (None, None), {}),
        ):
            with app.test_request_context(headers=headers):
                backend.get("/x", headers=own)
            sent = mock.calls[-1].headers
            assert (sent.get("traceparent"), sent.get("X-Request-ID")) == expected


PATHS = {
    "": BASE,
    "/": f"{BASE}/",
    "x": f"{BASE}/x",
    "/x/y/": f"{BASE}/x/y/",
    "/@evil.example": f"{BASE}/@evil.example",
    ".evil.example": f"{BASE}/.evil.example",
    "http:x": f"{BASE}/http:x",
    "/a..b/...": f"{BASE}/a..b/...",
    "/50%25": f"{BASE}/50%25",
    "/a b": f"{BASE}/a%20b",
}


@pytest.mark.parametrize("path", PATHS)
def test_path_is_joined(mock: MockTransport, path: str) -> None:
    mock.get(PATHS[path], json=1)
    with make(mock) as backend:
        backend.get(path)
    assert [call.url for call in mock.calls] == [PATHS[path]]


ESCAPES = [
    "//evil.example/x",
    "http://evil.example/",
    "https:////evil.example",
    "/..",
    "/x/../../y",
    "/x/./y",
    "/%2e%2e/y",
    "/%252e%252E/y",
    f"/%{300_000 * '25'}2e%2e/y",
    "/x%2f..%2fy",
    "/..;a=b/y",
    "/x//y",
    "/\\evil.example",
    "/%5c%5cevil.example",
    "/x?admin=1",
    "/x#y",
    "/x\r\nHost: evil.example",
    "/x%00",
]


@pytest.mark.parametrize("path", ESCAPES)
def test_path_that_leads_elsewhere_is_400_and_not_sent(mock: MockTransport, path: str) -> None:
    with make(mock) as backend, pytest.raises(BackendError) as error:
        backend.get(path)
    assert (error.value.status_code, error.value.reason) == (400, "Bad Request")
    assert mock.calls == []


FAILURES: dict[str, tuple[type[Exception], int]] = {
    "refused": (errors.ConnectError, 502),
    "broken": (errors.ConnectionError, 502),
    "connect timeout": (errors.ConnectTimeout, 504),
    "silence": (errors.ReadTimeout, 504),
    "deadline": (errors.DeadlineExceeded, 504),
    "certificate": (errors.SSLError, 502),
    "redirects": (errors.TooManyRedirects, 502),
    "cut off": (errors.ChunkedEncodingError, 502),
    "coding": (errors.ContentDecodingError, 502),
    "too large": (errors.BodyTooLarge, 502),
    "file:": (errors.InvalidSchema, 502),
    "busy": (errors.PoolBusy, 503),
}


@pytest.mark.parametrize("name", FAILURES)
def test_failure_of_the_network_has_its_status(mock: MockTransport, name: str) -> None:
    kind, status = FAILURES[name]
    mock.get(f"{BASE}/x", raises=kind(f"{name} it is"))
    with make(mock, retries=None) as backend, pytest.raises(BackendError) as error:
        backend.get("/x")
    assert (error.value.status_code, error.value.content) == (status, f"{name} it is")
    assert isinstance(error.value.__cause__, kind)
    assert (error.value.headers or {}).get("Retry-After") == ("1" if status == 503 else None)


def test_deadline_is_over_the_retries(mock: MockTransport) -> None:
    mock.get(f"{BASE}/x", status=503, headers={"Retry-After": "3600"})
    for own, more in ((25, {}), (None, {"deadline": 25})):
        with make(mock, deadline=own) as backend, pytest.raises(BackendError) as error:
            backend.get("/x", **more)
        assert (error.value.status_code, error.value.headers) == (503, {"Retry-After": "3600"})
    assert len(mock.calls) == 2


@pytest.mark.parametrize(
    ("status", "wait", "expected", "sent"),
    [
        (429, "0", 503, "0"),
        (503, "0", 503, "0"),
        (429, None, 429, None),
        (503, None, 503, "60"),
        (503, "soon; x", 503, "60"),
        (500, "5", 500, None),
    ],
)
def test_who_shall_come_again_is_told_when(
    mock: MockTransport, status: int, wait: str | None, expected: int, sent: str | None
) -> None:
    headers = {} if wait is None else {"Retry-After": wait}
    mock.get(f"{BASE}/x", status=status, headers=headers, text="why")
    with make(mock) as backend, pytest.raises(BackendError) as error:
        backend.get("/x")
    assert (error.value.status_code, error.value.content) == (expected, "why")
    assert (error.value.headers or {}).get("Retry-After") == sent
    assert len(mock.calls) == (3 if wait == "0" else 1 if wait != "soon; x" else 3)


def test_other_methods_are_not_sent_twice(mock: MockTransport) -> None:
    mock.post(f"{BASE}/x", raises=errors.ReadTimeout("silence"))
    mock.get(f"{BASE}/x", raises=errors.ReadTimeout("silence"))
    with make(mock) as backend:
        for verb, times in ((backend.post, 1), (backend.get, 3)):
            before = len(mock.calls)
            with pytest.raises(BackendError):
                verb("/x")
            assert len(mock.calls) == before + times


def hanging(request: PreparedRequest) -> bytes:
    """Be a proxy whose provider never answers a form."""
    if request.method == "POST":
        never.wait(PATIENCE)
    if request.url == "https://proxy.example/oauth2/start":
        return answer(302, headers={"Location": "https://provider.example/login"})
    page = (
        '<form action="/session" method="post">'
        '<input type="hidden" name="authenticity_token" value="t">'
        '<input name="login"><input type="password" name="password"></form>'
    )
    return answer(body=page.encode(), headers={"Content-Type": "text/html"})


never = threading.Event()


def test_deadline_is_over_the_login(request: pytest.FixtureRequest) -> None:
    never.clear()
    request.addfinalizer(never.set)
    auth = bitly("https://proxy.example/oauth2/start")
    with (
        make(
            hanging,
            auth,
            session_url="https://provider.example/session",
            deadline=0.2,
            max_redirects=5,
        ) as backend,
        pytest.raises(BackendError) as error,
    ):
        backend.get("/x", auth=("ann", "secret"))
    assert (error.value.status_code, error.value.reason) == (504, "Gateway Timeout")
    assert re.search(r"did not end within 0\.[12]\d* seconds", str(error.value.content))


BAD_CALLS: dict[str, dict[str, Any]] = {
    "header": {"headers": {"A": "b\r\nc"}},
    "cookie": {"cookies": {"a": "b\r\nc"}},
    "colon": {"auth": ("a:b", "c")},
    "long user": {"auth": ("a" * 2000, "c")},
    "control character": {"auth": ("a", "b\x07")},
}


@pytest.mark.parametrize("name", BAD_CALLS)
def test_what_cannot_be_sent_is_400(mock: MockTransport, name: str) -> None:
    options = {"auth": ("ann", "secret"), **BAD_CALLS[name]}
    auth = {"type": "basic", "data": {"username": "", "password": ""}}
    with make(mock, auth) as backend, pytest.raises(BackendError) as error:
        backend.get("/x", **options)
    assert error.value.status_code == 400
    assert mock.calls == []


@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.parametrize("kind", ["basic", "bitly-proxy"])
def test_no_traceback_shows_the_password(mock: MockTransport, kind: str, verb: str) -> None:
    secret = "hunter2-and-more"
    data = {"endpoint": "https://proxy.example/oauth2/start"}
    mock.add(verb.upper(), f"{BASE}/x", raises=errors.ReadTimeout("silence"))
    mock.get("https://proxy.example/oauth2/start", raises=errors.ReadTimeout("silence"))
    with make(mock, {"type": kind, "data": data}) as backend, pytest.raises(BackendError) as error:
        getattr(backend, verb)("/x", auth=("ann", secret))
    shown = []
    exception: BaseException | None = error.value
    while exception is not None:
        shown += [
            repr(frame.f_locals)
            for frame, _ in traceback.walk_tb(exception.__traceback__)
            if "/apikit/" in frame.f_code.co_filename and "/tests/" not in frame.f_code.co_filename
        ]
        shown.append(repr(exception))
        exception = exception.__cause__
    assert len(shown) > 3
    assert not [text for text in shown if secret in text]


# Applications.


def test_app_gets_an_error_handler_unless_it_has_one(mock: MockTransport) -> None:
    mock.get(f"{BASE}/x", status=404, text="none such")
    answers = []
    for when in ("never", "before", "after"):
        app = make_app()

        def own(error: BackendError) -> tuple[str, int]:
            return f"mine: {error.content}", error.status_code

        if when == "before":
            app.register_error_handler(BackendError, own)
        backend = make(mock, None, app=app)
        if when == "after":
            app.register_error_handler(BackendError, own)
        app.add_url_rule("/y", view_func=lambda backend=backend: backend.get("/x").text)
        reply = app.test_client().get("/y")
        assert reply.status_code == 404
        answers.append(reply.get_data(as_text=True))
        assert app.extensions["apikit"] == [backend]
        backend.close()
    assert json.loads(answers[0])["error_content"] == "none such"
    assert answers[1:] == ["mine: none such"] * 2


def test_one_back_end_serves_several_apps(mock: MockTransport) -> None:
    mock.get(f"{BASE}/x", json=1)
    first, second = make_app(), make_app({"type": "basic", "data": {}})
    second.name = 'second "ünit"'
    with make(mock, None) as backend:
        backend.init_app(first)
        backend.init_app(second)
        with first.test_request_context():
            backend.get("/x")
        with second.test_request_context(), pytest.raises(BackendError) as error:
            backend.get("/x")
    assert error.value.headers == {
        "WWW-Authenticate": 'Basic realm="second \\"?nit\\"", charset="UTF-8"'
    }


def test_pool_can_be_shared(mock: MockTransport) -> None:
    with SessionPool(transport=mock) as shared:
        with make(mock, pool=None) as own, Backend(BASE, auth="none", pool=shared) as other:
            assert other.pool is shared
            assert own.pool is not shared
        assert shared.stats()["size"] == 0  # it is open still
    with pytest.raises(TypeError, match="max_body"):
        Backend(BASE, auth="none", pool=shared, max_body=5)
    with pytest.raises(TypeError, match="store: the sessions of a pool have its options"):
        Backend(BASE, auth="none", pool=shared, store=MemoryStore())


def test_back_ends_of_two_processes_share_a_store(tmp_path: Path) -> None:
    world = login_world.World()
    auth = {"type": "bitly-proxy", "data": {"endpoint": login_world.BASE_URL}}
    caller = ("ann", "s3cret")
    for turn in range(2):
        with (
            open_store(f"sqlite://{tmp_path}/logins", "x" * 32) as store,
            Backend(
                login_world.PROXY,
                auth=auth,
                store=store,
                session_url=login_world.SESSION_URL,
                transport=world,
            ) as backend,
        ):
            assert backend.get("/api", auth=caller).text == "data"
            assert backend.pool.stats()["shared_logins"] == turn
    assert world.logins == 1


def test_call_without_an_app_or_a_caller_says_what_to_do(mock: MockTransport) -> None:
    with make(mock, None) as backend, pytest.raises(RuntimeError, match="init_app"):
        backend.get("/x")
    with (
        make(mock, {"type": "basic", "data": {}}) as backend,
        pytest.raises(RuntimeError, match="auth="),
    ):
        backend.get("/x")


BAD_ARGUMENTS: dict[str, tuple[dict[str, Any], type[Exception], str]] = {
    "no URL": ({"base_url": "nonsense"}, ValueError, "nonsense"),
    "no str": ({"base_url": 5}, TypeError, "base_url"),
    "ftp": ({"base_url": "ftp://x/"}, ValueError, "ftp"),
    "query": ({"base_url": "https://x/?a=b"}, ValueError, "query"),
    "user": ({"base_url": "https://u:p@x/"}, ValueError, "user"),
    "deadline": ({"deadline": 0}, ValueError, "deadline"),
    "option": ({"nonsense": 1}, TypeError, "nonsense"),
    "retries": ({"retries": "many"}, TypeError, "retries"),
    "session URL": ({"session_url": "nonsense"}, ValueError, "nonsense"),
    "auth": ({"auth": {"type": "magic", "data": {}}}, ValueError, "magic"),
    "endpoint": ({"auth": {"type": "bitly-proxy", "data": {}}}, ValueError, "/oauth2/start"),
    "bad endpoint": ({"auth": bitly("nonsense")}, ValueError, "nonsense"),
    "bad session URL": ({"auth": bitly(f"{BASE}/s", session_url="none")}, ValueError, "none"),
    "app": ({"app": 5}, TypeError, "flask.Flask"),
    "app's endpoint": ({"app": None}, ValueError, "/oauth2/start"),
}


@pytest.mark.parametrize("name", BAD_ARGUMENTS)
def test_arguments_are_checked(name: str) -> None:
    given, error, says = BAD_ARGUMENTS[name]
    options: dict[str, Any] = {"base_url": BASE, **given}
    if "app" in options and options["app"] is None:
        options["app"] = make_app({"type": "bitly-proxy", "data": {"username": ""}})
    with pytest.raises(error, match=says):
        Backend(**options)


def test_plain_flask_application_has_no_authentication(mock: MockTransport) -> None:
    mock.get(f"{BASE}/x", json=1)
    app = Flask("plain")
    with make(mock, None, app=app) as backend, app.app_context():
        assert backend.get("/x").json() == 1

"""Several back ends are asked at once from one request, as the page of the back end says."""

from __future__ import annotations

import base64
import contextvars
import re
import textwrap
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from flask import Flask

from apikit import APIFlask, Backend, BackendError
from apikit.testing import MockTransport
from tests.servers import (
    ANN,
    BOB,
    ZOE,
    Server,
    User,
    fetch_counts,
    fetch_events,
    metric_value,
    start_backend,
    start_provider,
    start_proxy,
)
from tests.tools.pages import DOCS

BASE = "https://back.end"
PATH = "/mymicroservice/correlate/buildmyapp"


def recipe() -> str:
    """Return the page's block with the view that asks several sources."""
    page = (DOCS / "backend.rst").read_text(encoding="utf-8")
    blocks = re.findall(r"^\.\. code-block:: python\n\n((?:   .*\n|\n)+)", page, re.MULTILINE)
    (block,) = (textwrap.dedent(block) for block in blocks if "def correlate" in block)
    return block


def make_app(auth: Any) -> APIFlask:
    return APIFlask("several", "1", "https://example.org/several", "Correlates", auth=auth)


def basic(user: User) -> dict[str, str]:
    pair = base64.b64encode(f"{user.name}:{user.password}".encode()).decode()
    return {"Authorization": f"Basic {pair}"}


@pytest.fixture(scope="module")
def world() -> Iterator[tuple[Flask, Server, list[Server]]]:
    """The recipe's service, with two proxies of one provider: it, the provider, the back ends."""
    with (
        start_provider() as provider,
        start_backend() as first,
        start_backend() as second,
        start_proxy(provider, first) as builds,
        start_proxy(provider, second) as deploys,
    ):
        session_url = f"{provider.url}/session"
        data = {"endpoint": f"{builds.url}/oauth2/start", "session_url": session_url}
        names: dict[str, Any] = {
            "app": make_app({"type": "bitly-proxy", "data": data}),
            "Backend": Backend,
        }
        source = recipe()
        for printed, ours in (
            ('"https://builds.example"', f'"{builds.url}"'),
            ('"https://deploys.example"', f'"{deploys.url}"'),
            (
                '"https://deploys.example/oauth2/start"',
                f'"{deploys.url}/oauth2/start", "session_url": "{session_url}"',
            ),
        ):
            assert source.count(printed) == 1
            source = source.replace(printed, ours)
        exec(source, names)
        yield names["app"], provider, [first, second]
        names["pool"].close()


def test_recipe_of_the_page(world: tuple[Flask, Server, list[Server]]) -> None:
    app, provider, backends = world
    before = fetch_counts(provider)["logins"]
    value = metric_value("buildmyapp", "time")
    for user in (ANN, BOB, ZOE, ANN, BOB):
        reply = app.test_client().get(PATH, headers=basic(user))
        assert reply.get_json() == {"build": value, "deploy": value}
        asked = [fetch_events(backend)[-1].note["user"] for backend in backends]
        assert asked == [user.name] * 2
    assert fetch_counts(provider)["logins"] == before + 3 * len(backends)


def test_callers_at_once_are_not_mixed_up(world: tuple[Flask, Server, list[Server]]) -> None:
    app, _, backends = world
    seen = [len(fetch_events(backend)) for backend in backends]
    users = [(ANN, BOB, ZOE)[number % 3] for number in range(30)]

    def ask(user: User) -> Any:
        path = f"/mymicroservice/correlate/{user.name}"
        return app.test_client().get(path, headers=basic(user)).get_json()

    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(ask, users))
    values = [metric_value(user.name, "time") for user in users]
    assert answers == [{"build": value, "deploy": value} for value in values]
    for backend, start in zip(backends, seen, strict=True):
        events = [event for event in fetch_events(backend)[start:] if event.path == "/api"]
        assert {event.note["user"] == event.target.rpartition("=")[2] for event in events} == {True}


def test_nobody_is_told_to_say_who_he_is(world: tuple[Flask, Server, list[Server]]) -> None:
    app, provider, _ = world
    before = fetch_counts(provider)["pages"]
    reply = app.test_client().get(PATH)
    assert reply.status_code == 401
    assert reply.headers["WWW-Authenticate"].startswith('Basic realm="several"')
    assert fetch_counts(provider)["pages"] == before


@pytest.mark.parametrize(("job", "status"), [("missing", 404), ("busy", 503)])
def test_first_failure_is_the_answer(
    world: tuple[Flask, Server, list[Server]], job: str, status: int
) -> None:
    app, _, _ = world
    reply = app.test_client().get(f"/mymicroservice/correlate/{job}", headers=basic(ANN))
    assert (reply.status_code, reply.get_json()["status_code"]) == (status, status)


# Without servers.


@pytest.fixture
def mock() -> MockTransport:
    mock = MockTransport()
    mock.get(f"{BASE}/x", json=1)
    return mock


def test_caller_shows_no_password(mock: MockTransport) -> None:
    app = make_app({"type": "basic", "data": {}})
    with Backend(BASE, app=app, transport=mock) as backend:
        with app.test_request_context(headers=basic(ANN)):
            caller = backend.caller()
        assert caller is not None
        assert ANN.password not in f"{caller} {caller!r}"
        backend.get("/x", auth=caller)
        assert mock.calls[-1].headers["Authorization"] == basic(ANN)["Authorization"]
        with app.test_request_context(), pytest.raises(BackendError) as error:
            backend.caller()
        assert error.value.status_code == 401
        with pytest.raises(RuntimeError, match="no Flask request"):
            backend.caller()


def test_nobody_need_call_where_nobody_is_asked(mock: MockTransport) -> None:
    with Backend(BASE, auth="none", transport=mock) as backend:
        caller = backend.caller()
        assert caller is None
        assert backend.get("/x", auth=caller).json() == 1


@pytest.mark.flask
def test_copy_of_the_context_has_the_caller_and_his_ids(mock: MockTransport) -> None:
    app = make_app({"type": "basic", "data": {}})
    with (
        Backend(BASE, app=app, transport=mock) as backend,
        ThreadPoolExecutor(4) as threads,
        app.test_request_context(headers={**basic(BOB), "X-Request-ID": "r-1"}),
    ):
        calls = [
            threads.submit(contextvars.copy_context().run, backend.get, "/x") for _ in range(8)
        ]
        assert [call.result().json() for call in calls] == [1] * 8
    assert {call.headers["Authorization"] for call in mock.calls} == {basic(BOB)["Authorization"]}
    assert {call.headers["X-Request-ID"] for call in mock.calls} == {"r-1"}

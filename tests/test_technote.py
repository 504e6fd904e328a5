"""The technote's own service runs, and its rewrite on `Backend` gives the same answers."""

from __future__ import annotations

import base64
import importlib.util
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from flask import Flask

from tests.demo.stack import SERVICE_FOLDER
from tests.demo.technote import TECHNOTE_SERVICE, make_technote_service
from tests.servers import (
    ANN,
    BOB,
    FAILING_JOBS,
    ZOE,
    Refusal,
    Server,
    User,
    fetch_events,
    metric_value,
    start_backend,
    start_provider,
    start_proxy,
)

WRONG = User(ANN.name, "not-the-password")
JOBS = ("buildmyapp", *FAILING_JOBS)
PREFIXES = ("", "/mymicroservice")


@dataclass(frozen=True)
class World:
    """Both services behind one proxy, and the back end that they ask."""

    backend: Server
    printed: Flask
    rewritten: Flask


@pytest.fixture(scope="module", params=Refusal, ids=lambda refusal: refusal.value)
def world(request: pytest.FixtureRequest) -> Iterator[World]:
    with (
        pytest.MonkeyPatch.context() as patch,
        start_provider() as provider,
        start_backend() as backend,
        start_proxy(provider, backend, refusal=request.param) as proxy,
    ):
        session_url = f"{provider.url}/session"
        patch.setenv("BACKEND_URL", proxy.url)
        patch.setenv("SESSION_URL", session_url)
        rewritten = _load_rewritten()
        yield World(backend, make_technote_service(proxy.url, session_url), rewritten)
        for caller in rewritten.extensions["apikit"]:
            caller.close()


def _load_rewritten() -> Flask:
    spec = importlib.util.spec_from_file_location("demo_service", SERVICE_FOLDER / "service.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    service: Flask = module.server()
    return service


def ask(service: Flask, path: str, user: User | None = None) -> Any:
    headers = {}
    if user is not None:
        pair = base64.b64encode(f"{user.name}:{user.password}".encode()).decode()
        headers["Authorization"] = f"Basic {pair}"
    return service.test_client().get(path, headers=headers)


@pytest.mark.parametrize("prefix", PREFIXES)
@pytest.mark.parametrize("job", JOBS)
def test_callers_get_the_same_from_both(world: World, job: str, prefix: str) -> None:
    for user in (ANN, BOB, ZOE, ANN):
        replies = [
            ask(service, f"{prefix}/{job}/time", user)
            for service in (world.printed, world.rewritten)
        ]
        first, second = ((one.status_code, one.content_type, one.get_json()) for one in replies)
        assert first == second
        if job == "buildmyapp":
            value = metric_value(job, "time")
            assert first[2] == {"metric": "time", "jobname": job, "value": value}
        else:
            assert first[0] == first[2]["status_code"] == FAILING_JOBS[job]


def test_both_ask_the_back_end_as_the_caller(world: World) -> None:
    for user in (BOB, ZOE, ANN, BOB):
        for service in (world.printed, world.rewritten):
            assert ask(service, "/buildmyapp/time", user).status_code == 200
            assert fetch_events(world.backend)[-1].note["user"] == user.name


@pytest.mark.parametrize("prefix", PREFIXES)
def test_nobody_and_a_wrong_password_are_refused_by_both(world: World, prefix: str) -> None:
    """Each in its own words: the printed one passes on the proxy's 403."""
    asked = len(fetch_events(world.backend))
    for service in (world.printed, world.rewritten):
        nobody = ask(service, f"{prefix}/buildmyapp/time")
        assert (nobody.status_code, nobody.get_json()["reason"]) == (401, "Unauthorized")
        wrong = ask(service, f"{prefix}/buildmyapp/time", WRONG)
        assert wrong.status_code == wrong.get_json()["status_code"]
        assert wrong.status_code == (403 if service is world.printed else 401)
    assert len(fetch_events(world.backend)) == asked


@pytest.mark.parametrize("path", ["/", "/metadata", "/mymicroservice/v1.0/metadata.json"])
def test_what_is_for_anybody_is_the_same(world: World, path: str) -> None:
    printed, rewritten = (ask(service, path) for service in (world.printed, world.rewritten))
    assert printed.status_code == rewritten.status_code == 200
    assert printed.get_data() == rewritten.get_data()


def test_rewrite_is_less_than_half_of_the_printed_one() -> None:
    texts = [path.read_text() for path in (SERVICE_FOLDER / "service.py", TECHNOTE_SERVICE)]
    short, long = ([line for line in text.splitlines() if line.strip()] for text in texts)
    assert len(short) < len(long) / 2
    view = texts[0].partition("def get_metric_for_job")[2].partition("if run_standalone")[0]
    assert len(view.strip().splitlines()) == 4  # its head, what it is for, and two lines

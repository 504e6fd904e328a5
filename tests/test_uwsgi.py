"""The service under uWSGI, with processes and threads: each caller is answered as himself."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.demo.caller import Credentials, Reply, call
from tests.demo.stack import SERVICE_FOLDER
from tests.servers import (
    ANN,
    BOB,
    CROWD,
    LOOPBACK,
    ROOT,
    Server,
    User,
    fetch_counts,
    fetch_events,
    metric_value,
    start_backend,
    start_provider,
    start_proxy,
    start_server,
)

pytestmark = pytest.mark.no_asan  # uWSGI is the program that runs the extension here

PROCESSES = 2
THREADS = 4
WRONG = User(ANN.name, "not-the-password")
UWSGI = Path(sys.executable).parent / "uwsgi"

#: Loaded once and then forked, or by each process for itself.
LOADING = {"forked": [], "lazy": ["--lazy-apps"]}


@dataclass(frozen=True)
class World:
    """The service, and what stands behind it."""

    provider: Server
    backend: Server
    service: Server

    def ask(self, user: User, job: str) -> Reply:
        path = f"/mymicroservice/{job}/time"
        return call(self.service, path, Credentials(user.name, user.password))


def command(port: int, options: list[str]) -> list[str | Path]:
    """Return the command line of the page on deploying, with its port and its module ours."""
    return [
        UWSGI,
        f"--http-socket={LOOPBACK}:{port}",
        "--module=service:server()",
        "--master",
        f"--processes={PROCESSES}",
        f"--threads={THREADS}",
        "--enable-threads",
        "--die-on-term",
        "--no-orphans",
        "--disable-logging",
        *options,
    ]


@pytest.fixture(scope="module", params=LOADING.values(), ids=LOADING)
def world(request: pytest.FixtureRequest) -> Iterator[World]:
    with (
        start_provider() as provider,
        start_backend() as backend,
        start_proxy(provider, backend) as proxy,
        start_server(
            "uwsgi",
            lambda port: command(port, request.param),
            cwd=SERVICE_FOLDER,
            env={
                "BACKEND_URL": proxy.url,
                "SESSION_URL": f"{provider.url}/session",
                "PYTHONPATH": os.pathsep.join((str(SERVICE_FOLDER), *filter(_is_ours, sys.path))),
                "PYTHONSAFEPATH": "1",
                "DEBUG": "",
            },
        ) as service,
    ):
        yield World(provider, backend, service)


def _is_ours(folder: str) -> bool:
    """Tell whether packages are there, and not the checkout: its apikit lacks the C half."""
    return "site-packages" in folder and Path(folder) != ROOT


def test_answers_go_to_those_who_asked(world: World) -> None:
    users = (ANN, BOB, *CROWD[:8])
    callers = [users[number % len(users)] for number in range(200)]
    seen = len(fetch_events(world.backend))
    logins = fetch_counts(world.provider)["logins"]
    with ThreadPoolExecutor(PROCESSES * THREADS) as threads:
        replies = list(threads.map(lambda user: world.ask(user, user.name), callers))
    for user, reply in zip(callers, replies, strict=True):
        assert (reply.status, reply.json()["value"]) == (200, metric_value(user.name, "time"))
    asked = [event for event in fetch_events(world.backend)[seen:] if event.path == "/api"]
    assert len(asked) == len(callers)
    for event in asked:
        assert event.target == f"/api?metric=time&job={event.note['user']}"
    made = fetch_counts(world.provider)["logins"] - logins
    assert len(users) <= made <= PROCESSES * len(users)  # a pool is one process's


def test_wrong_password_is_refused_beside_the_right_one(world: World) -> None:
    callers = [(ANN, WRONG)[number % 2] for number in range(40)]
    refused = fetch_counts(world.provider)["refused"]
    with ThreadPoolExecutor(PROCESSES * THREADS) as threads:
        replies = list(threads.map(lambda user: world.ask(user, "buildmyapp"), callers))
    assert [reply.status for reply in replies] == [200, 401] * 20
    assert 1 <= fetch_counts(world.provider)["refused"] - refused <= PROCESSES


def test_failures_and_metadata_are_json(world: World) -> None:
    assert world.ask(BOB, "missing").json()["status_code"] == 404
    assert call(world.service, "/metadata").json()["auth"] == "bitly-proxy"
    assert call(world.service, "/").text == "OK"

"""A service before Keycloak: callers with passwords and codes, and what its processes share."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from flask import request
from werkzeug.test import TestResponse

from apikit import APIFlask, Backend, SQLiteStore
from tests.servers import ANN, OAUTH2_PROXIES, TESS, TESS_APP, GoProgram, Server, User

from .counting import Count
from .tokens import get_token
from .worlds import Provider, World, obstacle_of, start_world

_SECRET = "a-secret-of-the-service-that-is-long-enough"


class _Process:
    """A process of the service: its back end by Keycloak's form, and log-ins in a shared store."""

    def __init__(self, world: World, store: Path) -> None:
        auth = {"type": "bitly-proxy", "data": {"endpoint": world.base_url}}
        app = APIFlask("service", "1", "https://github.com/example/service", "a service", auth=auth)
        self.backend = Backend(
            world.door.url,
            app=app,
            session_url=world.session_url,
            login="form",
            bearer=True,
            otp=lambda user: request.headers.get("X-OTP"),
            store=SQLiteStore(store, _SECRET),
        )

        @app.route("/who")
        def who() -> str:
            answer = self.backend.get("/api", params={"metric": "time", "job": "build"})
            return str(answer.headers["GAP-Auth"])

        self._client = app.test_client()

    def call(self, user: User, **headers: str) -> TestResponse:
        """Call as a user."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        auth = None if "Authorization" in headers else (user.name, user.password)
        return self._client.get("/who", auth=auth, headers=named)


@pytest.fixture(params=OAUTH2_PROXIES, ids=str)
def world(request: pytest.FixtureRequest) -> Iterator[World]:
    program: GoProgram = request.param
    obstacle = obstacle_of(Provider.KEYCLOAK) or program.obstacle()
    if obstacle is not None:
        pytest.skip(obstacle)
    keycloak: Server = request.getfixturevalue("keycloak")
    with start_world(Provider.KEYCLOAK, program, keycloak=keycloak) as made:
        yield made


def test_callers_are_logged_in_once_for_all_processes(world: World, tmp_path: Path) -> None:
    path = tmp_path / "logins.sqlite"
    with ExitStack() as running:
        first, second = (_Process(world, path) for _ in range(2))
        for process in (first, second):
            running.enter_context(process.backend)
        before = world.counts()
        without = first.call(TESS)
        assert (without.status_code, "pass otp=" in without.text) == (401, True)
        assert world.counts() - before == Count(passwords=1)

        before = world.counts()
        assert first.call(TESS, X_OTP=TESS_APP.fresh()).text == TESS.email
        assert [first.call(ANN).text for _ in range(2)] == [ANN.email] * 2
        assert world.counts() - before == Count(passwords=2, codes=1, logins=2)

        # Neither in the other process is anybody logged in again, nor when the proxy forgot all.
        before = world.counts()
        assert [second.call(user).text for user in (TESS, ANN)] == [TESS.email, ANN.email]
        world.expire()
        assert [first.call(user).text for user in (TESS, ANN)] == [TESS.email, ANN.email]
        assert world.counts() - before == Count()

        token = get_token(world, ANN, ANN.password)
        before = world.counts()
        assert second.call(ANN, Authorization=f"Bearer {token}").text == ANN.email
        assert second.call(ANN, Authorization="Bearer a.b.c").status_code == 401
        assert second.call(User(ANN.name, "not-the-password")).status_code == 401
        assert first.call(User(ANN.name, "not-the-password")).status_code == 401
        assert world.counts() - before == Count(passwords=1)

"""A lost login is recognised in each form that deployments give it, and renewed once."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import pytest

from apikit import Session
from tests.servers import (
    ANN,
    LOOPBACK,
    USER_HEADER,
    AuthRequest,
    Kind,
    Refusal,
    Server,
    User,
    fetch_counts,
    fetch_events,
    find_go,
    find_nginx,
    reserve_port,
    start_backend,
    start_nginx_auth,
    start_provider,
    start_proxy,
    start_recorder,
)

#: What stands before the service: oauth2-proxy alone, or nginx that asks it.
_FORMS = {"no nginx": None} | {form.name.lower(): form for form in AuthRequest}


@dataclass(frozen=True)
class _World:
    """A service behind a login, and the door through which everything comes."""

    provider: Server
    backend: Server
    door: Server

    def log_in(self, user: User = ANN) -> Session:
        return Session(
            user.name,
            user.password,
            f"{self.door.url}/oauth2/start",
            f"{self.provider.url}/session",
        )

    def url(self, job: str = "build") -> str:
        return f"{self.door.url}/api?metric=time&job={job}"

    def watch(self) -> _Watch:
        return _Watch(self, len(fetch_events(self.backend)), len(fetch_events(self.door)),
                      fetch_counts(self.provider))  # fmt: skip


@dataclass(frozen=True)
class _Watch:
    """What comes to the servers from now on."""

    world: _World
    backend: int
    door: int
    provider: dict[str, int]

    def logins(self) -> int:
        return fetch_counts(self.world.provider)["logins"] - self.provider["logins"]

    def tries(self) -> int:
        counts = fetch_counts(self.world.provider)
        return sum(counts[name] - self.provider[name] for name in ("logins", "refused"))

    def methods(self) -> list[str]:
        """Return the methods with which the service was asked; a login ends at ``/``."""
        events = fetch_events(self.world.backend)[self.backend :]
        return [event.method for event in events if event.path == "/api"]

    def questions(self) -> int:
        paths = [event.path for event in fetch_events(self.world.door)[self.door :]]
        return paths.count("/oauth2/auth")


@pytest.fixture(scope="module")
def provider() -> Iterator[Server]:
    with start_provider() as server:
        yield server


@pytest.fixture(scope="module")
def backend() -> Iterator[Server]:
    with start_backend() as server:
        yield server


@pytest.fixture(
    scope="module",
    params=[pytest.param((refusal, form), id=f"{refusal.value}, {form}")
            for refusal in Refusal for form in _FORMS],
)  # fmt: skip
def world(request: pytest.FixtureRequest, provider: Server, backend: Server) -> Iterator[_World]:
    refusal, name = request.param
    form = _FORMS[name]
    if form is not None and not (find_nginx() and find_go()):
        pytest.skip("no nginx, or no go to build the real oauth2-proxy with")
    with contextlib.ExitStack() as running:
        with reserve_port("front") as front:
            door = running.enter_context(start_recorder(front))
            if form is None:
                running.enter_context(
                    start_proxy(
                        provider, backend, refusal=refusal, port=front, public_port=door.port
                    )
                )
            else:
                proxy = start_proxy(
                    provider,
                    backend,
                    "--set-xauthrequest",
                    refusal=refusal,
                    kind=Kind.REAL,
                    public_port=door.port,
                )
                running.enter_context(proxy)
                running.enter_context(start_nginx_auth(form, proxy, backend, port=front))
        yield _World(provider, backend, door)


@pytest.mark.parametrize("accept", ["*/*", "text/html", "application/json"])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_lost_login_is_renewed_once(world: _World, method: str, accept: str) -> None:
    with world.log_in() as session:
        session.cookies.clear()
        watch = world.watch()
        response = session.request(
            method,
            world.url(),
            headers={"Accept": accept},
            data={"a": "b"} if method == "POST" else None,
        )
    assert (response.status_code, response.headers[USER_HEADER]) == (200, ANN.name)
    assert watch.logins() == 1
    assert watch.methods() == [method]
    assert watch.questions() <= 1


@pytest.mark.parametrize("accept", ["text/html", "application/json"])
def test_cookie_that_the_proxy_knows_no_more_is_renewed(world: _World, accept: str) -> None:
    with world.log_in() as session:
        session.cookies.clear()
        session.cookies.set("_oauth2_proxy", "made-up", domain=LOOPBACK, path="/")
        watch = world.watch()
        for _ in range(2):
            response = session.get(world.url(), headers={"Accept": accept})
            assert (response.status_code, response.headers[USER_HEADER]) == (200, ANN.name)
    assert watch.logins() == 1
    assert watch.questions() <= 1


def test_post_is_not_turned_into_a_get_by_a_provider_that_still_knows_the_user(
    world: _World,
) -> None:
    with world.log_in() as session:
        for cookie in list(session.cookies):
            if cookie.name.startswith("_oauth2_proxy"):
                session.cookies.clear(cookie.domain, cookie.path, cookie.name)
        watch = world.watch()
        response = session.post(world.url(), data={"a": "b"})
    assert (response.status_code, response.headers[USER_HEADER]) == (200, ANN.name)
    assert (response.request.method, watch.methods()[-1]) == ("POST", "POST")
    assert watch.methods().count("POST") == 1


@pytest.mark.parametrize("accept", ["text/html", "application/json"])
@pytest.mark.parametrize(("job", "status"), [("stranger", 401), ("secret", 403)])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_refusal_by_the_service_is_passed_through(
    world: _World, method: str, job: str, status: int, accept: str
) -> None:
    with world.log_in() as session:
        watch = world.watch()
        response = session.request(method, world.url(job), headers={"Accept": accept})
    assert response.status_code == status
    assert response.text.startswith("the back end says: ")
    assert watch.methods() == [method]
    assert watch.tries() == 0
    assert watch.questions() <= 1


@pytest.mark.parametrize("accept", ["text/html", "application/json"])
def test_login_that_never_was_good_is_not_tried_again(world: _World, accept: str) -> None:
    with world.log_in(User(ANN.name, "not-the-password")) as session:
        watch = world.watch()
        response = session.get(world.url(), headers={"Accept": accept})
    assert response.status_code in (401, 403)
    assert (watch.tries(), watch.questions(), watch.methods()) == (0, 0, [])


@pytest.mark.parametrize("accept", ["text/html", "application/json"])
def test_threads_that_find_it_lost_share_one_login(world: _World, accept: str) -> None:
    with world.log_in() as session, ThreadPoolExecutor(16) as threads:
        session.cookies.clear()
        watch = world.watch()

        def ask(_: int) -> tuple[int, str]:
            response = session.get(world.url(), headers={"Accept": accept})
            return response.status_code, response.headers.get(USER_HEADER, "nobody")

        assert set(threads.map(ask, range(16))) == {(200, ANN.name)}
    assert watch.logins() == 1

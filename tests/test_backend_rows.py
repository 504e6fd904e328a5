"""Failures that a session knows by other names, as a caller of the service meets them."""

from __future__ import annotations

import contextlib
import os
import resource
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from apikit import Backend, BackendError, errors
from apikit.models import PreparedRequest
from tests.faults.handle import FaultServer
from tests.faults.steps import drip, send, stall
from tests.login_world import (
    BASE_URL,
    LOGIN,
    PROVIDER,
    PROXY,
    SESSION_URL,
    World,
    answer,
    redirect,
)

pytest_plugins = ("tests.faults.fixtures",)

ANN = ("ann", "s3cret")
PATIENCE = 60.0


@pytest.fixture
def world() -> World:
    return World()


def make(transport: Callable[[PreparedRequest], bytes], **options: Any) -> Backend:
    auth = {"type": "bitly-proxy", "data": {"endpoint": BASE_URL, "session_url": SESSION_URL}}
    return Backend(PROXY, auth=auth, transport=transport, **options)


def make_plain(server: FaultServer, **options: Any) -> Backend:
    return Backend(server.url(""), auth="none", trust_env=False, **options)


LOGIN_PAGES = {
    "no token (45)": LOGIN.replace('name="authenticity_token"', 'name="other"'),
    "two password forms (45)": LOGIN * 2,
    "a new password": LOGIN.replace('type="password"', 'type="password" autocomplete=new-password'),
    "no form": "<p>Closed for the winter</p>",
    "an action elsewhere (46)": LOGIN.replace("/session", "https://elsewhere.example/session"),
    "an action on another port (46)": LOGIN.replace("/session", f"{PROVIDER}:444/session"),
    "an action over http (46)": LOGIN.replace("/session", "http://login.example/session"),
    "a base elsewhere (46)": '<base href="https://elsewhere.example/">' + LOGIN,
}


@pytest.mark.parametrize("name", LOGIN_PAGES)
def test_login_page_that_cannot_be_trusted_is_502_and_gets_no_password(
    world: World, name: str
) -> None:
    def show(request: PreparedRequest) -> bytes | None:
        is_page = request.url == f"{PROVIDER}/login"
        return answer(200, LOGIN_PAGES[name]) if is_page else None

    world.before = show
    with make(world) as backend, pytest.raises(BackendError) as error:
        backend.get("/api", auth=ANN)
    assert (error.value.status_code, error.value.reason) == (502, "Bad Gateway")
    assert str(error.value.content).startswith("The log-in failed: the ")
    assert [request.method for request in world.requests] == ["GET"] * len(world.requests)
    assert world.seen(f"{PROXY}/api") == []


def test_provider_elsewhere_is_502_and_gets_no_password(world: World) -> None:
    def lead_astray(request: PreparedRequest) -> bytes | None:
        if request.url == BASE_URL:
            return redirect("https://elsewhere.example/login")
        return answer(200, LOGIN) if "elsewhere" in str(request.url) else None

    world.before = lead_astray
    with make(world) as backend, pytest.raises(BackendError) as error:
        backend.get("/api", auth=ANN)
    assert error.value.status_code == 502
    assert "did not lead to the provider" in str(error.value.content)


def lose_login(world: World, *, redirects: bool) -> Callable[[PreparedRequest], bytes | None]:
    """Return what a proxy does that sends whoever has no session to the provider."""

    def refuse(request: PreparedRequest) -> bytes | None:
        is_in = world.good in str(request.headers.get("Cookie"))
        if redirects and str(request.url).startswith(f"{PROXY}/api") and not is_in:
            return redirect(f"{PROVIDER}/login")
        return None

    return refuse


@pytest.mark.parametrize("redirects", [False, True], ids=["403 (50)", "redirect (54)"])
@pytest.mark.parametrize("verb", ["get", "post"])
def test_lost_login_is_renewed_once_and_the_page_is_no_data(
    world: World, verb: str, redirects: bool
) -> None:
    world.before = lose_login(world, redirects=redirects)
    with make(world) as backend:
        for logins in (1, 2, 3):
            assert getattr(backend, verb)("/api", auth=ANN).text == "data"
            assert world.logins == logins
            world.good = "user=none"


def test_login_page_is_no_data_when_the_login_is_lost_for_good(world: World) -> None:
    world.before = lose_login(world, redirects=True)
    with make(world) as backend:
        backend.get("/api", auth=ANN)
        world.good = "user=none"
        refuse = world.before
        world.before = lambda request: (
            answer(422, "no") if request.url == SESSION_URL else refuse(request)
        )
        with pytest.raises(BackendError) as error:
            backend.get("/api", auth=ANN)
    assert (error.value.status_code, error.value.reason) == (401, "Unauthorized")
    assert "password" not in str(error.value.content).replace("user name or password", "")


def test_hundred_callers_that_find_it_expired_are_one_login(world: World) -> None:
    barrier = threading.Barrier(100, timeout=PATIENCE)
    with make(world) as backend, ThreadPoolExecutor(100) as threads:
        backend.get("/api", auth=ANN)
        world.good = "user=none"

        def ask(_: int) -> str:
            barrier.wait()
            return backend.get("/api", auth=ANN).text

        assert set(threads.map(ask, range(100))) == {"data"}
    assert world.logins == 2


@pytest.mark.parametrize("status", [401, 403, 404, 500])
def test_refusal_by_the_service_is_passed_through(world: World, status: int) -> None:
    world.before = lambda request: (
        answer(status, "mine", kind="text/plain") if request.url == f"{PROXY}/api" else None
    )
    with make(world, retries=None) as backend:
        for _ in range(2):
            with pytest.raises(BackendError) as error:
                backend.get("/api", auth=ANN)
            assert (error.value.status_code, error.value.content) == (status, "mine")
    assert world.logins == 1


def test_session_cookies_of_12_kilobytes_are_all_sent(world: World) -> None:
    parts = [f"_oauth2_proxy_{number}={str(number) * 4000}" for number in range(3)]

    def split(request: PreparedRequest) -> bytes | None:
        if request.url == f"{PROXY}/oauth2/callback":
            return redirect(f"{PROXY}/", *(f"Set-Cookie: {part}; Path=/" for part in parts))
        if request.url == f"{PROXY}/api":
            came = str(request.headers.get("Cookie")).split("; ")
            return answer(200, "all" if came == parts else "less", kind="text/plain")
        return answer(200, "home") if request.url == f"{PROXY}/" else None

    world.before = split
    with make(world) as backend:
        assert backend.get("/api", auth=ANN).text == "all"


def test_without_a_descriptor_it_is_503_and_recovers(server: FaultServer) -> None:
    server.script("/alive", [send(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nalive")])
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    taken = []
    with make_plain(server, retries=None) as backend:
        taken.append(os.open("/dev/null", os.O_RDONLY))
        resource.setrlimit(resource.RLIMIT_NOFILE, (taken[0] + 16, hard))
        try:
            with contextlib.suppress(OSError):
                while True:
                    taken.append(os.dup(taken[0]))
            with pytest.raises(BackendError) as error:
                backend.get("/alive")
        finally:
            for descriptor in taken:
                os.close(descriptor)
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        assert (error.value.status_code, error.value.headers) == (503, {"Retry-After": "1"})
        assert isinstance(error.value.__cause__, errors.PoolBusy)
        assert "no file descriptor is left" in str(error.value.content)
        assert backend.get("/alive").text == "alive"


HEAD = b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n"
SLOW_BODIES = {
    "no answer": [stall()],
    "half of the head": [send(HEAD[:20]), stall()],
    "no body": [send(HEAD), stall()],
    "a body that never pauses": [send(HEAD), drip(b"x" * 100_000, 100, 0.01)],
}


@pytest.mark.parametrize("name", SLOW_BODIES)
def test_deadline_is_over_the_body(server: FaultServer, name: str) -> None:
    server.script("/slow", SLOW_BODIES[name])
    with make_plain(server, deadline=0.3) as backend, pytest.raises(BackendError) as error:
        backend.get("/slow")
    assert (error.value.status_code, error.value.reason) == (504, "Gateway Timeout")
    assert isinstance(error.value.__cause__, errors.DeadlineExceeded)


def test_deadline_is_over_a_login_at_a_silent_proxy(server: FaultServer) -> None:
    server.script("/oauth2/start", [stall()])
    auth = {
        "type": "bitly-proxy",
        "data": {"endpoint": server.url("/oauth2/start"), "session_url": server.url("/session")},
    }
    with (
        Backend(server.url(""), auth=auth, trust_env=False, deadline=0.3, timeout=1) as backend,
        pytest.raises(BackendError) as error,
    ):
        backend.get("/api", auth=ANN)
    assert error.value.status_code == 504
    assert isinstance(error.value.__cause__, errors.DeadlineExceeded)


@pytest.mark.parametrize(("verb", "status"), [("get", 302), ("get", 307), ("post", 303)])
def test_redirect_of_the_back_end_takes_no_session_along(
    world: World, verb: str, status: int
) -> None:
    world.before = lead_away(status)
    with make(world) as backend:
        assert getattr(backend, verb)("/api", auth=ANN).text == "there"
    (request,) = world.seen(ELSEWHERE)
    assert not {"Cookie", "Authorization"} & set(request.headers)


def test_redirect_of_the_back_end_takes_no_body_along(world: World) -> None:
    world.before = lead_away(307)
    with make(world) as backend, pytest.raises(BackendError) as error:
        backend.post("/api", auth=ANN, json={"a": 1})
    assert (error.value.status_code, world.seen(ELSEWHERE)) == (502, [])
    assert isinstance(error.value.__cause__, errors.UnsafeRedirect)


def test_redirects_of_the_back_end_come_to_an_end(world: World) -> None:
    world.before = lambda request: (
        redirect(f"{PROXY}/api/a") if "/api" in str(request.url) else None
    )
    with make(world) as backend, pytest.raises(BackendError) as error:
        backend.get("/api", auth=ANN)
    assert error.value.status_code == 502
    assert isinstance(error.value.__cause__, errors.TooManyRedirects)


ELSEWHERE = "https://elsewhere.example/there"


def lead_away(status: int) -> Callable[[PreparedRequest], bytes | None]:
    """Return what a back end does that has moved to another host."""

    def answers(request: PreparedRequest) -> bytes | None:
        if request.url == f"{PROXY}/api":
            return answer(status, "", f"Location: {ELSEWHERE}")
        is_there = request.url == ELSEWHERE
        return answer(200, "there", kind="text/plain") if is_there else None

    return answers

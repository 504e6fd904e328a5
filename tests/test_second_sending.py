"""A request that is sent twice: what it sends then, and what the log-in between them may take."""

from __future__ import annotations

import io
import threading
from typing import Any

import pytest

import apikit
from apikit import errors
from tests.faults.handle import FaultServer, Seen
from tests.faults.steps import Step, answer, hold
from tests.login_world import LOGIN, PROXY, World
from tests.login_world import answer as of_world

pytest_plugins = ("tests.faults.fixtures",)

PATIENCE = 60.0
BUSY = [answer(b"", status="503 Service Unavailable")]


def _redirect(location: str, *fields: str) -> list[Step]:
    return [answer(b"", f"Location: {location}", *fields, status="302 Found")]


def _fields(request: Seen) -> list[str | None]:
    names = ("Content-Type", "X-Own", "Cookie")
    return [request.target, *(request.header(name) for name in names)]


def test_what_gives_itself_only_once_is_there_at_each_sending(
    server: FaultServer, tmp_path: Any
) -> None:
    path = tmp_path / "body"
    path.write_bytes(b"0123456789")
    server.script("/twice", BUSY, [answer(b"")])
    retries = apikit.Retry(2, status_forcelist=[503])
    with path.open("rb") as file, apikit.Session(retries=retries) as session:
        session.put(
            server.url("/twice"),
            params=iter([("a", "1")]),
            headers=iter([("X-Own", "1")]),
            cookies=iter([("c", "1")]),
            files=iter([("f", file)]),
        )
    first, second = server.seen("/twice")
    assert _fields(first) == _fields(second)
    assert _fields(first)[0] == "/twice?a=1"
    assert _fields(first)[2:] == ["1", "c=1"]
    assert b"0123456789" in first.body
    assert first.body == second.body


class _File(io.BytesIO):
    """Counts how often it was put back."""

    moves = 0

    def __len__(self) -> int:
        return len(self.getvalue())

    def seek(self, *args: Any) -> int:
        self.moves += 1
        return super().seek(*args)


@pytest.mark.parametrize("lost", [False, True], ids=["the service's own 403", "a lost log-in"])
def test_a_file_is_put_back_only_to_be_sent_again(lost: bool) -> None:
    world = World()
    file = _File(b"0123456789")
    file.read(4)

    def refuse(request: Any) -> bytes:
        return of_world(202 if request.url == f"{PROXY}/oauth2/auth" else 403)

    with world.session() as session:
        session.authenticate()
        if lost:
            world.good = "user=none"
        else:
            world.before = refuse
        file.moves = 0
        got = session.put(f"{PROXY}/api", data=file)
    assert got.status_code == (200 if lost else 403)
    assert (world.logins, got.request.headers["Content-Length"]) == (2 if lost else 1, "6")
    assert (file.moves > 0) is lost
    assert lost or world.seen(f"{PROXY}/oauth2/auth")


def _script_login(server: FaultServer) -> tuple[str, str]:
    """Let one login go well and the next hang; return where it begins and where its form goes."""
    provider = server.listen()
    cookie = "Set-Cookie: user=1; Path=/"
    server.script(
        "/oauth2/start",
        _redirect(server.url("/login", port=provider)),
        [hold("login"), answer(b"")],
    )
    server.script("/login", [answer(LOGIN.encode(), "Content-Type: text/html")])
    server.script("/session", _redirect(server.url("/oauth2/callback")))
    server.script("/oauth2/callback", _redirect("/home", cookie))
    server.script("/home", [answer(b"home")])
    server.script("/api", _redirect("/oauth2/start"))
    return server.url("/oauth2/start"), server.url("/session", port=provider)


def test_a_deadline_is_over_the_login_that_a_call_needs(server: FaultServer) -> None:
    with apikit.Session("ann", "s3cret", *_script_login(server), timeout=PATIENCE) as session:
        assert session.login_state == "ok"
        with pytest.raises(errors.DeadlineExceeded):
            session.get(server.url("/api"), allow_redirects=False, deadline=0.5)
    assert len(server.seen("/oauth2/start")) == 2


def test_the_deadline_of_the_session_is_over_authenticate(server: FaultServer) -> None:
    with apikit.Session("ann", "s3cret", *_script_login(server), timeout=PATIENCE) as session:
        session.deadline = 0.5
        with pytest.raises(errors.DeadlineExceeded):
            session.authenticate()
        assert session.login_state == "error"
    assert len(server.seen("/oauth2/start")) == 2


def test_a_deadline_is_over_the_wait_for_another_threads_login(server: FaultServer) -> None:
    failures: list[BaseException] = []
    with apikit.Session("ann", "s3cret", *_script_login(server), timeout=PATIENCE) as session:

        def call(deadline: float) -> None:
            try:
                session.get(server.url("/api"), allow_redirects=False, deadline=deadline)
            except BaseException as failure:
                failures.append(failure)

        first = threading.Thread(target=call, args=[3 * PATIENCE])
        first.start()
        server.wait_seen("/oauth2/start", 2)
        call(0.5)
        assert [type(failure).__name__ for failure in failures] == ["DeadlineExceeded"]
        assert "another thread logged in" in str(failures[0])
        server.release("login")
        first.join()
    assert len(failures) == 1

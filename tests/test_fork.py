"""After fork a child opens its own connections, and no byte of the parent's is touched."""

from __future__ import annotations

import os
import pickle
import signal
import threading
import traceback
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from apikit import Session
from tests.faults.certs import Certificates
from tests.faults.handle import FaultServer, Listen
from tests.faults.steps import answer, call, hold, send

pytest_plugins = ("tests.faults.fixtures",)

#: Forking with threads is what is tested here; CPython 3.12 and later warn of it.
pytestmark = pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")


#: After how many seconds the kernel ends a child that hangs: far beyond what it needs.
PATIENCE = 60


class ForkedCall:
    """A call that runs in a forked child; `result` waits for it and returns its value.

    A child that hangs in a lock is ended by SIGALRM, whose default action needs no Python:
    it can keep neither `result` waiting nor the parent's pipes open.
    """

    def __init__(self, act: Callable[..., Any], *args: Any) -> None:
        self._read, write = os.pipe()
        self.pid = os.fork()
        if self.pid == 0:
            signal.signal(signal.SIGALRM, signal.SIG_DFL)
            signal.alarm(PATIENCE)
            os.close(self._read)
            self._run_and_exit(write, act, args)
        os.close(write)

    @staticmethod
    def _run_and_exit(write: int, act: Callable[..., Any], args: tuple[Any, ...]) -> None:
        try:
            outcome = (True, act(*args))
        except BaseException:
            outcome = (False, traceback.format_exc())
        with os.fdopen(write, "wb") as pipe:
            pickle.dump(outcome, pipe)
        os._exit(0)

    def result(self) -> Any:
        with os.fdopen(self._read, "rb") as pipe:
            data = pipe.read()
        _, status = os.waitpid(self.pid, 0)
        ended = os.waitstatus_to_exitcode(status)
        assert ended != -signal.SIGALRM, f"the child hung for {PATIENCE} s"
        assert ended == 0, f"the child ended with exit status {ended}"
        went_well, value = pickle.loads(data)
        assert went_well, value
        return value


@pytest.fixture(params=["http", "https"])
def base(request: pytest.FixtureRequest, server: FaultServer, certificates: Certificates) -> str:
    """The URL of the server, plain and over TLS."""
    if request.param == "http":
        return server.url("")
    return f"https://127.0.0.1:{server.listen(Listen(chain=certificates.good))}"


@pytest.fixture
def session(certificates: Certificates) -> Iterator[Session]:
    with Session(
        timeout=(20, 20), trust_env=False, verify=certificates.ca, pool_maxsize=16
    ) as session:
        yield session


def warm(session: Session, server: FaultServer, base: str, connections: int = 4) -> set[int]:
    """Open that many connections at once and leave them idle; return their numbers."""
    server.script("/warm", [hold("warm"), answer(b"warm")])
    with ThreadPoolExecutor(connections) as pool:
        asked = [pool.submit(session.get, f"{base}/warm") for _ in range(connections)]
        server.wait_seen("/warm", connections)
        server.release("warm")
        assert [one.result().content for one in asked] == [b"warm"] * connections
    return {request.connection for request in server.seen("/warm")}


def ask_echoes(session: Session, base: str, count: int) -> int:
    """Ask for names that only this process asks for; return how many answers were wrong.

    In bytes: `text` may import a module, and Python's import locks do not survive a fork.
    """
    names = [f"{os.getpid()}-{i}" for i in range(count)]
    return sum(session.get(f"{base}/echo/{name}").content != name.encode() for name in names)


def connections_by_process(server: FaultServer) -> dict[str, set[int]]:
    found: dict[str, set[int]] = {}
    for request in server.seen():
        if request.target.startswith("/echo/"):
            pid = request.target.removeprefix("/echo/").partition("-")[0]
            found.setdefault(pid, set()).add(request.connection)
    return found


def test_parent_and_children_use_a_warm_session_at_once(
    session: Session, server: FaultServer, base: str
) -> None:
    server.script("/echo/", [call("tests.prove.echo:answer_name")])
    warmed = warm(session, server, base)
    children = [ForkedCall(ask_echoes, session, base, 50) for _ in range(4)]
    assert ask_echoes(session, base, 200) == 0
    assert [child.result() for child in children] == [0] * 4
    by_process = connections_by_process(server)
    assert len(by_process) == 5
    assert by_process.pop(str(os.getpid())) <= warmed, "the parent's connections still serve"
    for pid, used in by_process.items():
        others = set().union(*(by_process[one] for one in by_process if one != pid))
        assert not used & (warmed | others), "a connection carried two processes' requests"


def test_child_that_ends_or_closes_leaves_the_parents_connection_alone(
    session: Session, server: FaultServer, base: str
) -> None:
    (connection,) = warm(session, server, base, 1)
    ForkedCall(session.close).result()
    ForkedCall(session.get, f"{base}/alive").result()
    assert session.get(f"{base}/alive").content == b"alive"
    assert server.seen("/alive")[-1].connection == connection


def test_child_does_not_disturb_a_body_that_the_parent_streams(
    session: Session, server: FaultServer, base: str
) -> None:
    first, rest = b"a" * 1000, b"b" * 1000
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 2000\r\n\r\n"
    server.script("/stream", [send(head + first), hold("stream"), send(rest)])
    response = session.get(f"{base}/stream", stream=True)
    pieces = response.iter_content(1000)
    assert next(pieces) == first

    def use_and_drop() -> bytes:
        response.close()
        return session.get(f"{base}/alive").content

    assert ForkedCall(use_and_drop).result() == b"alive"
    server.release("stream")
    assert b"".join(pieces) == rest


def test_child_cannot_read_on_in_the_parents_stream(
    session: Session, server: FaultServer, base: str
) -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 2000\r\n\r\n"
    server.script("/stream", [send(head + b"a" * 1000), hold("stream"), send(b"b" * 1000)])
    response = session.get(f"{base}/stream", stream=True)
    pieces = response.iter_content(1000)
    assert next(pieces) == b"a" * 1000

    def read_on() -> bool:
        try:
            list(pieces)
        except (OSError, RuntimeError):
            return True
        return False

    child = ForkedCall(read_on)
    server.release("stream")
    assert child.result(), "the child took bytes of the parent's connection"
    assert b"".join(pieces) == b"b" * 1000


def test_fork_while_another_thread_is_in_a_transfer(
    session: Session, server: FaultServer, base: str
) -> None:
    server.script("/held", [hold("held"), answer(b"held")])
    server.script("/echo/", [call("tests.prove.echo:answer_name")])
    with ThreadPoolExecutor(1) as pool:
        transfer = pool.submit(session.get, f"{base}/held")
        server.wait_seen("/held")
        assert ForkedCall(ask_echoes, session, base, 20).result() == 0
        server.release("held")
        assert transfer.result().content == b"held"


@pytest.mark.no_asan  # a fork may find the locks of gcc 12's own allocator taken for good
def test_fork_again_and_again_under_load_never_deadlocks(
    session: Session, server: FaultServer, base: str
) -> None:
    server.script("/echo/", [call("tests.prove.echo:answer_name")], record=False)
    stop = threading.Event()

    def load() -> int:
        wrong = 0
        while not stop.is_set():
            wrong += ask_echoes(session, base, 5)
        return wrong

    with ThreadPoolExecutor(2) as pool:
        loads = [pool.submit(load) for _ in range(2)]
        try:
            wrong = [ForkedCall(ask_echoes, session, base, 5).result() for _ in range(20)]
        finally:
            stop.set()
        assert wrong == [0] * 20
        assert [one.result() for one in loads] == [0, 0]


def test_grandchild_is_on_its_own_too(session: Session, server: FaultServer, base: str) -> None:
    server.script("/echo/", [call("tests.prove.echo:answer_name")])

    def fork_again() -> tuple[int, int]:
        wrong = ask_echoes(session, base, 5)
        return wrong, ForkedCall(ask_echoes, session, base, 5).result()

    ask_echoes(session, base, 5)
    assert ForkedCall(fork_again).result() == (0, 0)
    used = list(connections_by_process(server).values())
    assert len(used) == len(set().union(*used)) == 3


def test_cookies_are_copied_and_then_go_their_own_ways(
    session: Session, server: FaultServer, base: str
) -> None:
    server.script("/parent", [answer(b"", "Set-Cookie: of=parent; Path=/")])
    server.script("/child", [answer(b"", "Set-Cookie: of=child; Path=/")])
    session.get(f"{base}/parent")

    def take_another() -> dict[str, str]:
        before = session.cookies.get_dict()
        session.get(f"{base}/child")
        assert session.cookies.get_dict() == {"of": "child"}
        return dict(before)

    assert ForkedCall(take_another).result() == {"of": "parent"}
    assert session.cookies.get_dict() == {"of": "parent"}

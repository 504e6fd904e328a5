"""Ctrl-C, the end of the interpreter and subinterpreters, each in a child of its own.

A child waits for what never comes; it must have ended long before the wait does.  No
time is measured: the waits are a minute, the patience with the child is half of that.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.faults.certs import Certificates
from tests.faults.children import Child, Shim, run_child, wait_until
from tests.faults.handle import FaultServer, Listen
from tests.faults.steps import answer, hold, send, stall

pytest_plugins = ("tests.faults.fixtures",)

PATIENCE = 30.0

#: Does what sys.argv[2] says, is interrupted, and uses the session once more.
INTERRUPTED = """
import sys
from apikit import Session
alive, url, action, verify = sys.argv[1:]
session = Session(timeout=(60, 60), trust_env=False, verify=verify, pool_maxsize=1,
                  pool_timeout=60)
ACTIONS = {
    "get": lambda: session.get(url),
    "iterate": lambda: list(session.get(url, stream=True).iter_content(10)),
    "upload": lambda: session.post(url, data=bytes(64 << 20)),
    "drip": lambda: session.get(url, timeout=None),
}
try:
    ACTIONS[action]()
except KeyboardInterrupt:
    print("interrupted", flush=True)
print(session.get(alive).text)
"""


def interrupt(
    server: FaultServer,
    url: str,
    action: str,
    begun: Callable[[Child], object],
    *,
    verify: str = "",
    environment: dict[str, str] | None = None,
    pass_fds: tuple[int, ...] = (),
) -> None:
    """Interrupt that action once BEGUN returns; the child must survive it."""
    args = [server.url("/alive"), url, action, verify]
    with Child(INTERRUPTED, args, environment or {}, pass_fds) as child:
        begun(child)
        child.interrupt()
        assert child.wait(PATIENCE).check().split() == ["interrupted", "alive"]


def connecting_sockets(port: int) -> int:
    """Return how many sockets wait in SYN_SENT for that port (see proc_net_tcp(5))."""
    lines = Path("/proc/net/tcp").read_text().splitlines()[1:]
    fields = [line.split() for line in lines]
    return sum(one[2].endswith(f":{port:04X}") and one[3] == "02" for one in fields)


def test_ctrl_c_while_a_name_resolves(server: FaultServer, shim: Shim) -> None:
    ours, theirs = os.pipe()
    try:
        interrupt(
            server,
            "http://silent.shim/",
            "get",
            lambda _child: os.read(ours, 1),
            environment=shim.environment(SHIM_RESOLVING=str(theirs)),
            pass_fds=(theirs,),
        )
    finally:
        os.close(ours)
        os.close(theirs)


def test_ctrl_c_while_connecting(server: FaultServer) -> None:
    port = server.listen(Listen(accept=False))
    before = connecting_sockets(port)
    interrupt(
        server,
        f"http://127.0.0.1:{port}/",
        "get",
        lambda _child: wait_until(lambda: connecting_sockets(port) > before, "SYN_SENT"),
    )


def test_ctrl_c_in_the_tls_handshake(server: FaultServer, certificates: Certificates) -> None:
    port = server.listen(Listen(raw=True))
    server.script(f"raw:{port}", [stall()])
    interrupt(
        server,
        f"https://127.0.0.1:{port}/",
        "get",
        lambda _child: server.wait_seen(f"raw:{port}"),
        verify=certificates.ca,
    )


@pytest.mark.parametrize(
    ("action", "sent"),
    [
        ("get", b""),
        ("get", b"HTTP/1.1 200 OK\r\nContent-"),
        ("get", b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nabc"),
        ("get", b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n" + b"x" * 500_000),
        ("get", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n"),
        ("iterate", b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n" + b"x" * 30),
        ("drip", b""),
    ],
    ids=[
        "before-a-byte",
        "in-the-headers",
        "in-the-body",
        "in-a-large-body",
        "in-the-chunks",
        "in-a-streamed-body",
        "without-a-timeout",
    ],
)
@pytest.mark.parametrize("scheme", ["http", "https"])
def test_ctrl_c_in_a_stalled_answer(
    server: FaultServer, certificates: Certificates, scheme: str, action: str, sent: bytes
) -> None:
    port = server.listen(Listen(chain=certificates.good if scheme == "https" else None))
    server.script("/stalled", [send(sent), stall()])
    interrupt(
        server,
        f"{scheme}://127.0.0.1:{port}/stalled",
        action,
        lambda _child: server.wait_seen("/stalled"),
        verify=certificates.ca,
    )


def test_ctrl_c_in_an_upload_that_nobody_reads(server: FaultServer) -> None:
    server.script("/upload", [hold("never")], read_body=False)
    interrupt(server, server.url("/upload"), "upload", lambda _child: server.wait_seen("/upload"))


def test_ctrl_c_while_waiting_for_the_pool(server: FaultServer) -> None:
    server.script("/held", [hold("held"), answer(b"held")])
    child = Child(
        """
        import sys, threading
        from apikit import Session
        alive, held = sys.argv[1:]
        session = Session(timeout=(60, 60), trust_env=False, pool_maxsize=1, pool_timeout=60)
        thread = threading.Thread(target=session.get, args=[held])
        thread.start()
        sys.stdin.readline()
        try:
            print("waiting", flush=True)
            session.get(alive)
        except KeyboardInterrupt:
            print("interrupted", flush=True)
        thread.join()
        print(session.get(alive).text)
        """,
        [server.url("/alive"), server.url("/held")],
    )
    server.wait_seen("/held")
    child.tell()
    assert child.read_line() == "waiting"
    child.interrupt()
    assert child.read_line() == "interrupted"
    server.release("held")
    assert child.wait(PATIENCE).check().split() == ["alive"]


def test_uncaught_ctrl_c_ends_the_process_by_the_signal(server: FaultServer) -> None:
    server.script("/stalled", [stall()])
    source = """
    import sys
    from apikit import Session
    Session(timeout=(60, 60), trust_env=False).get(sys.argv[1])
    """
    child = Child(source, [server.url("/stalled")])
    server.wait_seen("/stalled")
    child.interrupt()
    ended = child.wait(PATIENCE)
    assert ended.returncode == -2
    assert "KeyboardInterrupt" in ended.err


def test_a_signal_handler_that_returns_does_not_end_the_transfer(server: FaultServer) -> None:
    server.script("/held", [hold("held"), answer(b"whole")])
    child = Child(
        """
        import signal, sys
        from apikit import Session
        signal.signal(signal.SIGINT, lambda *_: print("handled", flush=True))
        print(Session(timeout=(60, 60), trust_env=False).get(sys.argv[1]).text)
        """,
        [server.url("/held")],
    )
    server.wait_seen("/held")
    child.interrupt()
    assert child.read_line() == "handled"
    server.release("held")
    assert child.wait(PATIENCE).check().split() == ["whole"]


@pytest.mark.parametrize("daemon", [True, False])
@pytest.mark.parametrize("sent", [b"", b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc"])
def test_interpreter_exits_during_a_transfer(
    server: FaultServer, daemon: bool, sent: bytes
) -> None:
    server.script("/stalled", [send(sent), stall()])
    child = Child(
        """
        import sys, threading
        from apikit import Session
        from apikit.errors import Timeout
        url, daemon = sys.argv[1:]
        session = Session(timeout=(1, 1), trust_env=False)
        def ask():
            try:
                session.get(url)
            except Timeout:
                pass
        threading.Thread(target=ask, daemon=daemon == "True").start()
        sys.stdin.readline()
        """,
        [server.url("/stalled"), daemon],
    )
    server.wait_seen("/stalled")
    child.tell()
    assert child.wait(PATIENCE).check() == ""


def test_interpreter_exits_with_sessions_and_bodies_left_open(
    server: FaultServer, certificates: Certificates
) -> None:
    port = server.listen(Listen(chain=certificates.good))
    server.script("/open", [send(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc"), stall()])
    run_child(
        """
        import atexit, sys
        from apikit import Session
        alive, opened, verify = sys.argv[1:]
        session = Session(timeout=(20, 20), trust_env=False, verify=verify)
        session.get(alive)
        response = session.get(opened, stream=True)
        pieces = response.iter_content(3)
        assert next(pieces) == b"abc"
        session.itself = session if hasattr(session, "__dict__") else None
        atexit.register(lambda: print(session.get(alive).text))
        """,
        f"https://127.0.0.1:{port}/alive",
        f"https://127.0.0.1:{port}/open",
        certificates.ca,
    )


GET_IN_SUBINTERPRETER = """
import sys
source = f'''
try:
    from apikit import Session
except ImportError as exc:
    print("ImportError", bool(str(exc)), flush=True)
else:
    for _ in range(2):
        with Session(trust_env=False) as session:
            print(session.get({sys.argv[1]!r}).text, flush=True)
'''
"""


def test_legacy_subinterpreter_works_one_after_another(server: FaultServer) -> None:
    out = run_child(
        GET_IN_SUBINTERPRETER
        + """
import _testcapi
from apikit import Session
for _ in range(3):
    assert _testcapi.run_in_subinterp(source) == 0
print(Session(trust_env=False).get(sys.argv[1]).text)
""",
        server.url("/alive"),
    )
    assert out.split() == ["alive"] * 7


def test_isolated_subinterpreter_works_or_is_an_import_error(server: FaultServer) -> None:
    out = run_child(
        GET_IN_SUBINTERPRETER
        + """
if sys.version_info >= (3, 13):
    import _interpreters as interpreters
    interpreter = interpreters.create("isolated")
else:
    import _xxsubinterpreters as interpreters
    interpreter = interpreters.create(isolated=True)
failure = interpreters.run_string(interpreter, source)
assert failure is None, failure
interpreters.destroy(interpreter)
from apikit import Session
print(Session(trust_env=False).get(sys.argv[1]).text)
""",
        server.url("/alive"),
    )
    assert out.split() in (["alive"] * 3, ["ImportError", "True", "alive"])

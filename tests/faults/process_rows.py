"""Rows 33 to 43 and 56 to 58: the caller's side, its threads and its process."""

from __future__ import annotations

import copy
import pickle
import threading
from base64 import b64decode
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from apikit.errors import PoolBusy, RequestException
from tests.faults.children import Child, run_child
from tests.faults.handle import FaultServer, Listen
from tests.faults.steps import answer, hold, send, stall
from tests.faults.table import (
    SECRET,
    Bench,
    failure_of,
    is_alive,
    judge,
    new_session,
    scenario,
)

__all__: list[str] = []


class _CallerError(Exception):
    """What a caller's own code raises."""


# 33: each allocation of Python's fails in turn; _testcapi makes it so.


@scenario(33, "out-of-memory-at-each-allocation")
def _(bench: Bench) -> None:
    # With a charset: what guesses one is no code of ours, and some of it dies without memory.
    plain = "Content-Type: text/plain; charset=utf-8"
    canned = answer(b"memory", "Set-Cookie: a=b", "X-A: b", plain)
    bench.server.script("/memory", [canned], record=False)
    out = run_child(
        """
        import sys
        import _testcapi
        from apikit import Session

        url = sys.argv[1]

        def act(session):
            response = session.get(url, params={"a": "b"}, headers={"X-B": "c"})
            return response.text, response.headers["X-A"], response.cookies.get_dict()

        with Session(trust_env=False) as session:
            expected = act(session)
            failures = successes = start = 0
            while successes < 10:
                _testcapi.set_nomemory(start, start + 1)
                try:
                    result = act(session)
                except MemoryError:
                    result = None
                finally:
                    _testcapi.remove_mem_hooks()
                if result is None:
                    failures += 1
                    successes = 0
                else:
                    assert result == expected, result
                    successes += 1
                start += 1
            assert act(session) == expected
        print(failures)
        """,
        bench.server.url("/memory"),
    )
    assert int(out) > 10, "hardly an allocation failed: nothing was tested"


# 34: a caller's callback raises.


@scenario(34, "callback-raises")
def _(bench: Bench) -> None:
    server = bench.server
    server.script("/callback", [answer(b"answer")])
    error = _CallerError("mine")

    def fail(*_args: Any, **_kwargs: Any) -> Any:
        raise error

    def fail_midway() -> Any:
        yield b"part"
        raise error

    class BadFile:
        def read(self, _size: int = -1) -> bytes:
            raise error

    with new_session() as session:
        for options in (
            {"auth": fail},
            {"hooks": {"response": fail}},
            {"data": fail_midway()},
            {"data": BadFile()},
        ):
            exc = failure_of(session.post, server.url("/callback"), **options)
            assert exc is error, options
            is_alive(session, server)
    assert all(not request.body_complete for request in server.seen("/callback")[1:])


# 35, 38, 39, 40 have test files of their own; here is the plainest case of each.


@scenario(35, "ctrl-c-in-a-stalled-transfer")
def _(bench: Bench) -> None:
    bench.server.script("/stalled", [stall()])
    child = Child(
        """
        import sys
        from apikit import Session
        with Session(timeout=(60, 60), trust_env=False) as session:
            session.get(sys.argv[1])
        """,
        [bench.server.url("/stalled")],
    )
    bench.server.wait_seen("/stalled")
    child.interrupt()
    assert "KeyboardInterrupt" in child.wait(patience=30).err


@scenario(36, "closed-while-in-use")
def _(bench: Bench) -> None:
    server = bench.server
    server.script(
        "/held", [send(b"HTTP/1.1 200 OK\r\n"), hold("held"), send(b"Content-Length: 2\r\n\r\nok")]
    )
    session = new_session(timeout=(10, 10))
    with ThreadPoolExecutor(1) as pool:
        future = pool.submit(session.get, server.url("/held"))
        server.wait_seen("/held")
        session.close()
        server.release("held")
        exc = future.exception()
        if exc is None:
            assert future.result().content == b"ok"
        else:
            assert isinstance(exc, RuntimeError), repr(exc)


@scenario(37, "pool-busy")
def _(bench: Bench) -> None:
    server = bench.server
    server.script("/held", [hold("held"), answer(b"ok")])
    with (
        new_session(timeout=(20, 20), pool_maxsize=2, pool_timeout=0.2) as session,
        ThreadPoolExecutor(2) as pool,
    ):
        holders = [pool.submit(session.get, server.url("/held")) for _ in range(2)]
        server.wait_seen("/held", 2)
        judge(failure_of(session.get, server.url("/alive")), PoolBusy)
        assert server.seen("/alive") == []
        server.release("held")
        assert [holder.result().content for holder in holders] == [b"ok", b"ok"]
        is_alive(session, server)


@scenario(37, "pool-waits")
def _(bench: Bench) -> None:
    server = bench.server
    server.script("/held", [hold("held"), answer(b"ok")])
    with (
        new_session(timeout=(20, 20), pool_maxsize=2, pool_timeout=20) as session,
        ThreadPoolExecutor(8) as pool,
    ):
        all_of_them = [pool.submit(session.get, server.url("/held")) for _ in range(8)]
        server.wait_seen("/held", 2)
        assert len(server.seen("/held")) == 2, "more than the pool admits"
        server.release("held")
        assert [one.result().content for one in all_of_them] == [b"ok"] * 8
    assert len({request.connection for request in server.seen("/held")}) == 2


@scenario(38, "fork-after-use")
def _(bench: Bench) -> None:
    out = run_child(
        """
        import os, sys
        from apikit import Session
        url = sys.argv[1]
        session = Session(trust_env=False)
        session.get(url)
        child = os.fork()
        if child == 0:
            os._exit(0 if session.get(url).content == b"alive" else 1)
        assert os.waitpid(child, 0)[1] == 0
        print(session.get(url).text)
        """,
        bench.server.url("/alive"),
    )
    assert out.split() == ["alive"]
    parent, child, parent_again = (one.connection for one in bench.server.seen("/alive"))
    assert parent != child
    assert parent == parent_again


@scenario(39, "exit-during-a-transfer")
def _(bench: Bench) -> None:
    bench.server.script("/stalled", [stall()])
    child = Child(
        """
        import sys, threading
        from apikit import Session
        session = Session(timeout=(1, 1), trust_env=False)
        threading.Thread(target=session.get, args=sys.argv[1:], daemon=True).start()
        sys.stdin.readline()
        """,
        [bench.server.url("/stalled")],
    )
    bench.server.wait_seen("/stalled")
    child.tell()
    child.wait().check()


@scenario(40, "legacy-subinterpreter")
def _(bench: Bench) -> None:
    out = run_child(
        """
        import sys
        import _testcapi
        assert 0 == _testcapi.run_in_subinterp(
            "from apikit import Session\\n"
            f"print(Session(trust_env=False).get({sys.argv[1]!r}).text, flush=True)\\n"
        )
        """,
        bench.server.url("/alive"),
    )
    assert out.split() == ["alive"]


# 41: the wall clock jumps; the monotonic one does not.

JUMP = """
import ctypes, sys, threading
from apikit import Session
from apikit.errors import ReadTimeout
YEAR = 366 * 86400
jump = ctypes.CDLL(None).shim_jump
jump.argtypes = [ctypes.c_longlong]
cookies, held, silent = sys.argv[1:]
session = Session(timeout=(20, 20), trust_env=False)
"""


@scenario(41, "cookies-expire-by-the-wall-clock")
def _(bench: Bench) -> None:
    server = bench.server
    fields = ("Set-Cookie: hour=1; Max-Age=3600", "Set-Cookie: always=1")
    server.script("/cookies", [answer(b"", *fields)], [answer(b"")])
    run_child(
        JUMP + "session.get(cookies)\nsession.get(cookies)\njump(YEAR)\nsession.get(cookies)\n",
        *[server.url("/cookies")] * 3,
        environment=bench.shim.environment(),
    )
    sent = [request.header("Cookie") for request in server.seen("/cookies")]
    assert sent == [None, "hour=1; always=1", "always=1"]


@scenario(41, "timeouts-do-not-follow-the-wall-clock")
def _(bench: Bench) -> None:
    server = bench.server
    server.script(
        "/held", [send(b"HTTP/1.1 200 OK\r\n"), hold("held"), send(b"Content-Length: 2\r\n\r\nok")]
    )
    server.script("/silent", [stall()])
    child = Child(
        JUMP
        + """
def ask():
    print(session.get(held, deadline=20).text, flush=True)
thread = threading.Thread(target=ask)
thread.start()
sys.stdin.readline()
jump(YEAR)
print("jumped", flush=True)
thread.join()
jump(-2 * YEAR)
try:
    session.get(silent, timeout=(1, 0.3))
except ReadTimeout:
    print("ReadTimeout")
""",
        [server.url("/alive"), server.url("/held"), server.url("/silent")],
        bench.shim.environment(),
    )
    server.wait_seen("/held")
    child.tell()
    assert child.read_line() == "jumped"
    server.release("held")
    assert child.wait().check().split() == ["ok", "ReadTimeout"]


# 42, 43: credentials.


@scenario(42, "credentials-beyond-ascii")
def _(bench: Bench) -> None:
    server = bench.server
    server.script("/who", [answer(b"")])
    with new_session() as session:
        session.get(server.url("/who"), auth=("jürgen", "pässwörd€"))
        session.get(f"http://j%C3%BCrgen:p%C3%A4ss%3A@127.0.0.1:{server.port}/who")
    sent = [request.header("Authorization") or "" for request in server.seen("/who")]
    plain = [b64decode(value.removeprefix("Basic ")).decode() for value in sent]
    assert plain == ["jürgen:pässwörd€", "jürgen:päss:"]


@scenario(43, "credentials-that-cannot-be")
def _(bench: Bench) -> None:
    server = bench.server
    server.script("/who", [answer(b"")])
    with new_session() as session:
        for auth in (
            ("a:b", SECRET),
            ("user\n", SECRET),
            ("user\0", SECRET),
            ("user\x7f", SECRET),
            ("user", SECRET + "\r\nX: y"),
            ("u" * 1025, SECRET),
            ("user", SECRET + "s" * (16 * 1024)),
        ):
            judge(failure_of(session.get, server.url("/who"), auth=auth), ValueError)
        assert server.seen("/who") == []
        session.get(server.url("/who"), auth=("u" * 1024, "s" * (16 * 1024)))
        assert len(server.seen("/who")) == 1, "the longest that may be"
        is_alive(session, server)


# 56: the back end is killed under load and comes back.


@scenario(56, "backend-killed-under-load")
def _(bench: Bench) -> None:
    first = FaultServer()
    port = first.listen()
    first.script("/load", [answer(b"right")], record=False)
    url = first.url("/load", port=port)
    stop, half_way = threading.Event(), threading.Barrier(5)

    def load() -> list[RequestException]:
        errors: list[RequestException] = []
        served = 0
        while not stop.is_set():
            try:
                assert session.get(url).content == b"right"
            except RequestException as exc:
                errors.append(exc)
            served += 1
            if served == 20:
                half_way.wait(60)
        return errors

    with new_session(pool_maxsize=8) as session, ThreadPoolExecutor(4) as pool:
        workers = [pool.submit(load) for _ in range(4)]
        try:
            half_way.wait(60)
            first.close()
            refused = failure_of(session.get, url)
            with FaultServer() as second:
                second.script("/load", [answer(b"right")], record=False)
                second.listen(Listen(port=port))
                recovered = session.get(url).content
        finally:
            half_way.abort()
            stop.set()
            first.kill()
        assert isinstance(refused, RequestException), repr(refused)
        assert recovered == b"right"
        assert any(worker.result() for worker in workers), "nobody noticed the kill"
        is_alive(session, bench.server)


# 57: what must not leave the process.


@scenario(57, "pickle-or-copy-of-a-session")
def _(bench: Bench) -> None:
    with new_session() as session:
        for make in (copy.copy, copy.deepcopy, pickle.dumps):
            judge(failure_of(make, session), TypeError)
        is_alive(session, bench.server)


# 58: nothing that a caller passes becomes a line of its own.


@scenario(58, "line-ends-in-a-request")
def _(bench: Bench) -> None:
    server = bench.server
    server.script("/", [answer(b"")])
    with new_session() as session:
        for bad in ("\r\n", "\n", "\r", "\0"):
            sneaky = f"a{bad}X-Sneaky: yes"
            for method, url, options in (
                ("GET", server.url(f"/{sneaky}"), {}),
                ("GET", f"http://127.0.0.1{bad}:{server.port}/", {}),
                (f"GET{bad}", server.url(), {}),
                (f"GET / HTTP/1.1{bad}X: y{bad}", server.url(), {}),
                ("GET", server.url(), {"headers": {"X-A": sneaky}}),
                ("GET", server.url(), {"headers": {sneaky: "a"}}),
                ("GET", server.url(), {"headers": {"X-A": sneaky.encode()}}),
                ("GET", server.url(), {"cookies": {"a": sneaky}}),
                ("GET", server.url(), {"cookies": {sneaky: "a"}}),
                ("GET", server.url(), {"headers": {"Cookie": sneaky}}),
            ):
                exc = failure_of(session.request, method, url, **options)
                judge(exc, ValueError)
        assert server.seen() == []
        session.get(server.url(), params={"a": "b\r\nX-Sneaky: yes\0"})
        (request,) = server.seen("/")
        assert request.target == "/?a=b%0D%0AX-Sneaky%3A+yes%00"
        assert request.header("X-Sneaky") is None
        is_alive(session, server)

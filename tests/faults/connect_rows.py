"""Rows 1 to 4, 7, 13, 14, 30 to 32: reaching a peer, losing it, and being sent elsewhere."""

from __future__ import annotations

import contextlib
import os
import resource
import subprocess
from collections.abc import Callable
from typing import Any

from apikit.errors import ConnectionError as ConnectionError  # noqa: A004
from apikit.errors import (
    ConnectTimeout,
    InvalidSchema,
    PoolBusy,
    SSLError,
    Timeout,
    TooManyRedirects,
)
from tests.faults.children import is_listening, run_child, unused_port, wait_until
from tests.faults.handle import Listen
from tests.faults.steps import Step, abort, answer, close, hold, send, stall
from tests.faults.table import Bench, failure_of, is_alive, judge, new_session, scenario

__all__: list[str] = []


# 1, 2, 3, 4: no connection.


@scenario(1, "refused")
def _(bench: Bench) -> None:
    with new_session() as session:
        judge(failure_of(session.get, f"http://127.0.0.1:{unused_port()}/"), ConnectionError)
        is_alive(session, bench.server)


@scenario(1, "unreachable")
def _(bench: Bench) -> None:
    with new_session() as session:
        judge(failure_of(session.get, "http://255.255.255.255:9/"), ConnectionError)
        is_alive(session, bench.server)


@scenario(2, "unknown-name")
def _(bench: Bench) -> None:
    out = run_child(
        """
        import sys
        from apikit import Session
        from apikit.errors import ConnectionError, Timeout
        with Session(timeout=(20, 5), trust_env=False) as session:
            try:
                session.get("http://unknown.shim/")
            except ConnectionError as exc:
                print(isinstance(exc, Timeout), "unknown.shim" in str(exc))
            print(session.get(sys.argv[1]).text)
        """,
        bench.server.url("/alive"),
        environment=bench.shim.environment(),
    )
    assert out.split() == ["False", "True", "alive"]


@scenario(3, "name-with-ipv6-only")
def _(bench: Bench) -> None:
    port = bench.server.listen(Listen(host="::1"))
    out = run_child(
        """
        import sys
        from apikit import Session
        with Session(trust_env=False) as session:
            print(session.get(f"http://six.shim:{sys.argv[1]}/alive").text)
            print(session.get(f"http://[::1]:{sys.argv[1]}/alive").text)
        """,
        port,
        environment=bench.shim.environment(),
    )
    assert out.split() == ["alive", "alive"]
    hosts = [request.header("Host") for request in bench.server.seen("/alive")]
    assert hosts == [f"six.shim:{port}", f"[::1]:{port}"]


@scenario(4, "connect-timeout")
def _(bench: Bench) -> None:
    port = bench.server.listen(Listen(accept=False))
    with new_session(timeout=(0.3, 30)) as session:
        judge(failure_of(session.get, f"http://127.0.0.1:{port}/"), ConnectTimeout)
        is_alive(session, bench.server)


@scenario(4, "tls-handshake-timeout")
def _(bench: Bench) -> None:
    port = bench.server.listen(Listen(raw=True))
    bench.server.script(f"raw:{port}", [stall()])
    with new_session(timeout=(0.3, 0.3)) as session:
        judge(failure_of(session.get, f"https://127.0.0.1:{port}/"), Timeout)
        is_alive(session, bench.server)


# 7: a kept connection that has died.


def _reuse(bench: Bench, method: str, *second: Step) -> tuple[BaseException | None, int]:
    """Use a connection once; its next request meets SECOND.  Return error and count."""
    server = bench.server
    server.script("/kept", [answer(b"first")], list(second), [answer(b"again")])
    with new_session() as session:
        assert session.get(server.url("/kept")).content == b"first"
        exc = failure_of(session.request, method, server.url("/kept"), data=b"x")
        first, *later = server.seen("/kept")
        assert later[0].connection == first.connection, "the connection was not kept"
        is_alive(session, server)
    return exc, len(later)


@scenario(7, "get-is-tried-once-more")
def _(bench: Bench) -> None:
    assert _reuse(bench, "GET", close()) == (None, 2)
    assert _reuse(bench, "GET", abort()) == (None, 2)
    assert _reuse(bench, "HEAD", close()) == (None, 2)


@scenario(7, "post-is-never-sent-twice")
def _(bench: Bench) -> None:
    for method in ("POST", "PATCH"):
        for ending in (close(), abort()):
            exc, count = _reuse(bench, method, ending)
            judge(exc, ConnectionError)
            assert count == 1


@scenario(7, "no-retry-after-the-first-byte")
def _(bench: Bench) -> None:
    exc, count = _reuse(bench, "GET", send(b"HTTP/1.1 200 OK\r\nConte"), close())
    judge(exc, ConnectionError)
    assert count == 1


@scenario(7, "one-retry-is-all")
def _(bench: Bench) -> None:
    bench.server.script("/kept", [answer(b"first")], [close()])
    with new_session() as session:
        session.get(bench.server.url("/kept"))
        judge(failure_of(session.get, bench.server.url("/kept")), ConnectionError)
        assert len(bench.server.seen("/kept")) == 3


@scenario(7, "died-while-idle")
def _(bench: Bench) -> None:
    server = bench.server
    late = send(b"HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\n\r\n")
    for ending in ([close()], [abort()], [late, close()]):
        server.script("/idle", [answer(b"first"), hold("idle"), *ending], [answer(b"second")])
        with new_session() as session:
            session.get(server.url("/idle"))
            server.release("idle")
            server.wait_ended(server.seen("/idle")[0].connection)
            assert session.post(server.url("/idle"), data=b"x").content == b"second"
            assert len(server.seen("/idle")) == 2, "nothing may go out on the dead connection"
        server.forget()


# 13, 14: redirects to other hosts.


@scenario(13, "loop-across-hosts")
def _(bench: Bench) -> None:
    server = bench.server
    for path, host in (("/here", "localhost"), ("/there", "127.0.0.1")):
        other = "/there" if path == "/here" else "/here"
        location = f"Location: {server.url(other, host=host)}"
        server.script(path, [answer(b"", location, status="302 Found")])
    with new_session() as session:
        judge(failure_of(session.get, server.url("/here")), TooManyRedirects)
        assert len(server.seen("/here") + server.seen("/there")) == 31
        is_alive(session, server)


@scenario(14, "nothing-is-sent-to-another-scheme")
def _(bench: Bench) -> None:
    server = bench.server
    target = server.listen(Listen(raw=True))
    server.script(f"raw:{target}", [close()])
    with new_session() as session:
        for scheme in ("ftp", "gopher", "telnet", "smb", "ws"):
            location = f"Location: {scheme}://127.0.0.1:{target}/x"
            server.script("/away", [answer(b"", location, status="302 Found")])
            judge(failure_of(session.get, server.url("/away")), InvalidSchema)
            direct = f"{scheme}://127.0.0.1:{target}/x"
            judge(failure_of(session.get, direct), InvalidSchema)
        judge(failure_of(session.get, "file:///etc/passwd"), InvalidSchema)
        is_alive(session, server)
    assert server.accepted(target) == 0


@scenario(14, "https-to-http-without-credentials")
def _(bench: Bench) -> None:
    server = bench.server
    secure = server.listen(Listen(chain=bench.certificates.good))
    location = f"Location: {server.url('/plain')}"
    server.script("/secure", [answer(b"", location, status="302 Found")])
    server.script("/plain", [answer(b"plain")])
    with new_session(verify=bench.certificates.ca) as session:
        response = session.get(
            f"https://127.0.0.1:{secure}/secure",
            auth=("user", "password"),
            cookies={"of": "the-call"},
            headers={"Proxy-Authorization": "Basic eA=="},
        )
    assert response.content == b"plain"
    (first,), (second,) = server.seen("/secure"), server.seen("/plain")
    assert first.header("Authorization")
    assert first.header("Cookie") == "of=the-call"
    for name in ("Authorization", "Cookie", "Proxy-Authorization"):
        assert second.header(name) is None, name


# 30, 31: TLS (test_tls.py has more of it).


def _fails_once(bench: Bench, chain: str, verify: Any, host: str = "127.0.0.1") -> str:
    """Return the message of an SSLError from a server that was asked just once."""
    server = bench.server
    port = server.listen(Listen(chain=chain))
    server.script("/secret", [answer(b"secret")])
    with new_session(verify=verify, timeout=(10, 10)) as session:
        exc = failure_of(session.get, f"https://{host}:{port}/secret")
        judge(exc, SSLError)
        is_alive(session, server)
    assert server.accepted(port) == 1, "a certificate does not get better by asking again"
    assert server.seen("/secret") == []
    return str(exc)


def _untrusted(name: str) -> Callable[[Bench], None]:
    def run(bench: Bench) -> None:
        chain = getattr(bench.certificates, name)
        assert bench.certificates.ca in _fails_once(bench, chain, bench.certificates.ca)

    return run


for _name in ("expired", "not_yet", "wrong_host", "self_signed"):
    scenario(30, f"certificate-{_name.replace('_', '-')}")(_untrusted(_name))


@scenario(30, "certificate-of-another-authority")
def _(bench: Bench) -> None:
    other = bench.certificates.other_ca
    assert other in _fails_once(bench, bench.certificates.good, other)


@scenario(30, "certificate-unknown-to-the-system")
def _(bench: Bench) -> None:
    _fails_once(bench, bench.certificates.good, True)


@scenario(31, "tls-1.1-only")
def _(bench: Bench) -> None:
    port = unused_port()
    options = ["-tls1_1", "-cipher", "ALL:@SECLEVEL=0", "-cert", bench.certificates.good]
    openssl = subprocess.Popen(
        ["openssl", "s_server", "-accept", f"127.0.0.1:{port}", "-www", "-quiet", *options],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )
    try:
        wait_until(lambda: is_listening(port), "s_server")
        with new_session(verify=bench.certificates.ca, timeout=(10, 10)) as session:
            judge(failure_of(session.get, f"https://127.0.0.1:{port}/"), SSLError)
            is_alive(session, bench.server)
        assert openssl.poll() is None, "s_server must still be there"
    finally:
        openssl.kill()
        openssl.communicate()


@scenario(31, "no-tls-at-all")
def _(bench: Bench) -> None:
    port = bench.server.listen(Listen(raw=True))
    bench.server.script(f"raw:{port}", [send(b"HTTP/1.1 400 Bad Request\r\n\r\n"), close()])
    with new_session(verify=bench.certificates.ca, timeout=(10, 10)) as session:
        judge(failure_of(session.get, f"https://127.0.0.1:{port}/"), SSLError)
        is_alive(session, bench.server)


# 32: no descriptor is left.


def _take_all(taken: list[int]) -> None:
    """Duplicate the first of TAKEN until the process has no descriptor left."""
    with contextlib.suppress(OSError):
        while True:
            taken.append(os.dup(taken[0]))


@scenario(32, "out-of-descriptors")
def _(bench: Bench) -> None:
    server = bench.server
    other = server.listen()
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    taken: list[int] = []
    with new_session() as session:
        is_alive(session, server)
        taken.append(os.open("/dev/null", os.O_RDONLY))
        resource.setrlimit(resource.RLIMIT_NOFILE, (taken[0] + 16, hard))
        try:
            _take_all(taken)
            exc = failure_of(session.get, server.url("/alive", port=other))
        finally:
            for descriptor in taken:
                os.close(descriptor)
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        judge(exc, PoolBusy)
        assert "no file descriptor is left" in str(exc)
        assert session.get(server.url("/alive", port=other)).content == b"alive"

"""How a row of the fault table is written, and how it is run and judged.

`case` is a row that one script of the server tells; `scenario` marks a function that
needs more than that.  Both carry the row's number, which begins the test's id.
"""

from __future__ import annotations

import contextlib
import gc
import os
import resource
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

from apikit import Session
from apikit.errors import ChunkedEncodingError, ProxyError, RequestException, SSLError, Timeout
from apikit.errors import ConnectionError as ConnectionError  # noqa: A004
from tests.faults.certs import Certificates
from tests.faults.children import Shim, count_descriptors
from tests.faults.handle import FaultServer, Listen
from tests.faults.steps import Step

__all__ = [
    "ROWS",
    "SECRET",
    "Bench",
    "Row",
    "case",
    "failure_of",
    "gives",
    "head",
    "is_alive",
    "judge",
    "mebibytes",
    "new_session",
    "read_whole",
    "scenario",
]

#: The password of every call; it may be in no message.
SECRET = "canary-5e1f-secret"

#: Short waits: a scripted server answers at once or not at all.
TIMEOUT = (5, 0.4)

Kinds: TypeAlias = type[BaseException] | tuple[type[BaseException], ...]
Check: TypeAlias = Callable[[Any], None]


@dataclass(frozen=True)
class Bench:
    """What a row may use."""

    server: FaultServer
    certificates: Certificates
    shim: Shim
    folder: Path


@dataclass(frozen=True)
class Row:
    """One test of the table."""

    number: int
    name: str
    run: Callable[[Bench], None]

    @property
    def test_id(self) -> str:
        return f"{self.number}-{self.name}"


ROWS: list[Row] = []


def mebibytes(count: float) -> int:
    """Return COUNT MiB in bytes."""
    return int(count * 1024 * 1024)


def new_session(**options: Any) -> Session:
    """Return a session that waits for nothing long and reads no environment."""
    return Session(**{"timeout": TIMEOUT, "trust_env": False, **options})


def read_whole(response: Any, streamed: bool) -> bytes:
    """Return the whole body, in pieces if the response is streamed."""
    if streamed:
        return b"".join(response.iter_content(4096))
    content = response.content
    assert isinstance(content, bytes)
    return content


def gives(content: bytes | None = None, **attributes: Any) -> Check:
    """Return a check of a response: its body and any of its attributes."""

    def check(response: Any) -> None:
        if content is not None:
            assert response.content == content
        for name, value in attributes.items():
            assert getattr(response, name) == value, name

    return check


def head(*fields: str, status: str = "200 OK") -> bytes:
    """Return the head of an answer with these fields and no others."""
    return "\r\n".join([f"HTTP/1.1 {status}", *fields]).encode("latin-1") + b"\r\n\r\n"


def failure_of(act: Callable[..., Any], *args: Any, **kwargs: Any) -> BaseException | None:
    """Return what the call raises, or None."""
    try:
        act(*args, **kwargs)
    except Exception as exc:
        return exc
    return None


def judge(exc: BaseException | None, kinds: Kinds, says: str = "") -> None:
    """Hold an error against what was expected: its class, its message, no secret in it.

    A timeout, a TLS or a proxy error passes only where it is named, though each of them is
    a ConnectionError as well.
    """
    kinds = kinds if isinstance(kinds, tuple) else (kinds,)
    assert exc is not None, f"no error, expected {kinds}"
    assert isinstance(exc, kinds), f"{exc!r}, expected {kinds}"
    for narrow in (Timeout, SSLError, ProxyError):
        if isinstance(exc, narrow):
            assert any(issubclass(kind, narrow) for kind in kinds), f"{exc!r} is too narrow"
    text = str(exc)
    assert text, "an error without a message"
    assert says in text
    assert SECRET not in text + repr(exc) + repr(exc.__cause__) + repr(exc.__context__)
    if isinstance(exc, RequestException):
        assert hasattr(exc, "request")
        assert hasattr(exc, "response")


def is_alive(session: Session, server: FaultServer) -> int:
    """Make sure that SESSION still works; return the connection that it used."""
    response = session.get(server.url("/alive"), timeout=(10, 10))
    assert (response.status_code, response.content) == (200, b"alive")
    return server.seen("/alive")[-1].connection


def _peak() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def _keeps_what_is_freed() -> bool:
    """Say whether AddressSanitizer is here, whose quarantine grows by what was given back."""
    return "libasan" in os.environ.get("LD_PRELOAD", "")


@contextlib.contextmanager
def _garbage_collected() -> Iterator[None]:
    """Collect what the block leaves; what is older, the whole suite's, is not looked through."""
    gc.freeze()
    try:
        yield
        gc.collect()
    finally:
        gc.unfreeze()


@dataclass(frozen=True)
class _Case:
    """One script and what the session must make of it."""

    answers: tuple[Sequence[Step], ...]
    expect: Kinds | Check
    method: str = "GET"
    sent: int = 1  #: how often the request reaches the server
    says: str = ""  #: what the message must name
    call: dict[str, Any] = field(default_factory=dict)
    session: dict[str, Any] = field(default_factory=dict)
    streamed: bool = False
    dropped: bool = False  #: an answer that is used, on a connection that must not be
    tls: bool = False
    read_body: bool = True
    memory: int = mebibytes(64)  #: by how much the process may grow at most

    def run(self, bench: Bench) -> None:
        server = bench.server
        server.script("/fault", *self.answers, read_body=self.read_body)
        url = server.url("/fault")
        if self.tls:
            port = server.listen(Listen(chain=bench.certificates.good))
            url = f"https://127.0.0.1:{port}/fault"
            # What holds the parsed authorities stays for the next session, once.
            with new_session(verify=bench.certificates.ca) as first:
                assert first.get(f"https://127.0.0.1:{port}/alive").content == b"alive"
        descriptors, peak = count_descriptors(), _peak()
        with _garbage_collected():
            self._use_session(bench, url)
        assert _peak() - peak < self.memory or _keeps_what_is_freed(), "memory"
        assert count_descriptors() <= descriptors, "descriptors"

    def _use_session(self, bench: Bench, url: str) -> None:
        server = bench.server
        with new_session(**{"verify": bench.certificates.ca, **self.session}) as session:
            self._request(session, url)
            assert len(server.seen("/fault")) == self.sent
            used = server.seen("/fault")[-1].connection
            after = is_alive(session, server)
            if self.dropped or self._is_broken():
                assert after != used, "the connection was used again"

    def _is_broken(self) -> bool:
        """Say whether the failure is one after which the connection cannot be trusted."""
        if not isinstance(self.expect, type | tuple):
            return False
        kinds = self.expect if isinstance(self.expect, tuple) else (self.expect,)
        broken = (ConnectionError, ChunkedEncodingError, Timeout)
        return any(issubclass(kind, broken) for kind in kinds)

    def _request(self, session: Session, url: str) -> None:
        options = {"auth": ("user", SECRET), "stream": self.streamed, **self.call}

        def act() -> None:
            response = session.request(self.method, url, **options)
            if isinstance(self.expect, type | tuple):
                read_whole(response, self.streamed)
            else:
                self.expect(response)

        if isinstance(self.expect, type | tuple):
            judge(failure_of(act), self.expect, self.says)
        else:
            act()


def case(
    number: int,
    name: str,
    *steps: Step,
    expect: Kinds | Check,
    also_streamed: bool = False,
    **options: Any,
) -> None:
    """Add a row: when the server takes STEPS, the session does as expected.

    `also_streamed` adds the same row with `stream=True`, the body read in pieces.
    """
    ROWS.append(Row(number, name, _Case((steps,), expect, **options).run))
    if also_streamed:
        streamed = _Case((steps,), expect, streamed=True, **options)
        ROWS.append(Row(number, f"{name}-streamed", streamed.run))


def scenario(
    number: int, name: str
) -> Callable[[Callable[[Bench], None]], Callable[[Bench], None]]:
    """Add the decorated function as a row."""

    def add(run: Callable[[Bench], None]) -> Callable[[Bench], None]:
        ROWS.append(Row(number, name, run))
        return run

    return add

"""What a scripted server does once it has read a request: one small named step each.

Calling a step, `send(b"...")`, runs nothing: it gives a `Step`, a value that travels to
the server's process, where `Step.run` performs it on the connection.
"""

from __future__ import annotations

import contextlib
import importlib
import socket
import struct
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Concatenate, ParamSpec, Protocol

__all__ = [
    "Gates",
    "Peer",
    "Step",
    "abort",
    "answer",
    "call",
    "close",
    "cut",
    "drip",
    "flood",
    "hold",
    "inject",
    "ok",
    "send",
    "stall",
]

P = ParamSpec("P")

#: No step blocks for longer than this many seconds, whatever the client does.
LONGEST_STALL = 60.0


class Gates:
    """Named gates at which steps wait until the test opens them."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._gates: dict[str, threading.Event] = {}

    def get(self, name: str) -> threading.Event:
        """Return the gate of that name, shut if it is new."""
        with self._lock:
            return self._gates.setdefault(name, threading.Event())

    def forget_all(self) -> None:
        """Open every gate, so that nobody waits, and start afresh."""
        with self._lock:
            for gate in self._gates.values():
                gate.set()
            self._gates.clear()


@dataclass
class Peer:
    """One accepted connection, as the steps see it."""

    socket: socket.socket
    gates: Gates
    number: int = 0
    method: str = ""
    target: str = ""
    head: bytes = b""
    body: bytes = b""
    unread: bytearray = field(default_factory=bytearray)
    closed: bool = False


class _Runs(Protocol):
    def __call__(self, peer: Peer, /, *args: Any) -> None: ...


_STEPS: dict[str, _Runs] = {}


@dataclass(frozen=True)
class Step:
    """A step with its arguments."""

    name: str
    args: tuple[Any, ...] = ()

    def run(self, peer: Peer) -> None:
        """Perform the step on PEER; OSError means that the client has gone."""
        _STEPS[self.name](peer, *self.args)


def _step(run: Callable[Concatenate[Peer, P], None]) -> Callable[P, Step]:
    name = getattr(run, "__name__", "step")
    _STEPS[name] = run

    def make(*args: P.args, **kwargs: P.kwargs) -> Step:
        if kwargs:
            raise TypeError(f"{name}() takes positional arguments only")
        return Step(name, args)

    return make


def ok(body: bytes = b"", *fields: str, status: str = "200 OK") -> bytes:
    """Return a whole answer with a right Content-Length."""
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *fields]
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + body


@_step
def send(peer: Peer, data: bytes) -> None:
    """Send DATA as it is."""
    peer.socket.sendall(data)


def answer(body: bytes = b"", *fields: str, status: str = "200 OK") -> Step:
    """Send a whole answer with a right Content-Length; the connection stays."""
    return send(ok(body, *fields, status=status))


@_step
def close(peer: Peer) -> None:
    """End the connection in good order: close_notify under TLS, then FIN."""
    peer.closed = True
    unwrap = getattr(peer.socket, "unwrap", None)
    if unwrap is not None:
        peer.socket.settimeout(1)
        with contextlib.suppress(OSError, ValueError):
            peer.socket = unwrap()
    _finish(peer.socket)


@_step
def cut(peer: Peer) -> None:
    """End the connection by FIN alone: under TLS no close_notify is sent."""
    peer.closed = True
    _finish(peer.socket)


def _finish(sock: socket.socket) -> None:
    with contextlib.suppress(OSError):
        socket.socket.shutdown(sock, socket.SHUT_WR)
    sock.close()


@_step
def abort(peer: Peer) -> None:
    """End the connection by RST."""
    peer.closed = True
    peer.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    peer.socket.close()


@_step
def stall(peer: Peer) -> None:
    """Say nothing more until the client goes away."""
    peer.closed = True
    peer.socket.settimeout(LONGEST_STALL)
    while peer.socket.recv(65536):
        pass
    peer.socket.close()


@_step
def hold(peer: Peer, gate: str) -> None:
    """Wait until the test opens that gate."""
    peer.gates.get(gate).wait(LONGEST_STALL)


@_step
def drip(peer: Peer, data: bytes, size: int, every: float) -> None:
    """Send DATA in pieces of SIZE bytes with EVERY seconds between them."""
    pause = threading.Event()
    for start in range(0, len(data), size):
        peer.socket.sendall(data[start : start + size])
        pause.wait(every)


@_step
def flood(peer: Peer, piece: bytes, count: int) -> None:
    """Send PIECE COUNT times, or until the client goes away."""
    times = max(1, 65536 // len(piece))
    block = piece * times
    for _ in range(count // times):
        peer.socket.sendall(block)
    peer.socket.sendall(piece * (count % times))


@_step
def inject(peer: Peer, data: bytes) -> None:
    """Send DATA past TLS, straight into the TCP connection."""
    view = memoryview(data)
    while view:
        view = view[socket.socket.send(peer.socket, view) :]


@_step
def call(peer: Peer, function: str) -> None:
    """Run "module:name", a function of the peer, in the server's process."""
    module, _, name = function.partition(":")
    getattr(importlib.import_module(module), name)(peer)

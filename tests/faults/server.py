"""The scripted server's own process: `python -m tests.faults.server DESCRIPTOR`.

Raw sockets and a thread for each connection; commands come over the pipe at that
descriptor (`tests.faults.handle` holds its other end), and the process ends with it.
"""

from __future__ import annotations

import hashlib
import importlib
import os
import socket
import ssl
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from multiprocessing.connection import Connection
from typing import Any, cast

from tests.faults.handle import Listen, Seen
from tests.faults.steps import Gates, Peer, Step, answer

__all__: list[str] = []

#: How long `wait_seen` and the like wait for what must come, in seconds.
PATIENCE = 30.0


@dataclass
class _Script:
    answers: list[list[Step]]
    record: bool = True
    read_body: bool = True
    used: int = 0

    def next_steps(self) -> list[Step]:
        steps = self.answers[min(self.used, len(self.answers) - 1)]
        self.used += 1
        return steps


class _BadRequest(Exception):
    """The client sent what no HTTP client sends."""


@dataclass
class _State:
    gates: Gates = field(default_factory=Gates)
    scripts: dict[str, _Script] = field(default_factory=dict)
    seen: dict[str, list[Seen]] = field(default_factory=dict)
    accepted: dict[int, int] = field(default_factory=dict)
    handshake_errors: dict[int, list[str]] = field(default_factory=dict)
    alpn: dict[int, list[str | None]] = field(default_factory=dict)
    resumed: dict[int, list[bool]] = field(default_factory=dict)
    ended: set[int] = field(default_factory=set)
    connections: int = 0
    changed: threading.Condition = field(default_factory=threading.Condition)
    filler: list[socket.socket] = field(default_factory=list)

    def find_script(self, path: str) -> _Script:
        with self.changed:
            while path not in self.scripts:
                folder = path.rstrip("/").rpartition("/")[0] + "/"
                if folder == path or not path.startswith("/"):
                    return _Script([[answer(status="404 Not Found")]])
                path = folder
            return self.scripts[path]


def _path_of(method: str, target: str) -> str:
    """Return the key of scripts and records: the path alone, or "CONNECT"."""
    if method == "CONNECT":
        return method
    if "://" in target:
        target = "/" + target.partition("://")[2].partition("/")[2]
    return target.partition("?")[0]


def _fill(peer: Peer) -> bool:
    data = peer.socket.recv(262144)
    peer.unread += data
    return bool(data)


def _read_until(peer: Peer, mark: bytes) -> bytes | None:
    while (end := peer.unread.find(mark)) < 0:
        if not _fill(peer):
            return None
    found = bytes(peer.unread[: end + len(mark)])
    del peer.unread[: end + len(mark)]
    return found


def _read_exactly(peer: Peer, count: int) -> bytes:
    while len(peer.unread) < count:
        if not _fill(peer):
            raise _BadRequest("the client closed within the body")
    data = bytes(peer.unread[:count])
    del peer.unread[:count]
    return data


def _read_chunks(peer: Peer) -> bytes:
    body = bytearray()
    while True:
        line = _read_until(peer, b"\r\n")
        if line is None:
            raise _BadRequest("the client closed within the chunks")
        size = int(line.split(b";")[0], 16)
        body += _read_exactly(peer, size)
        if _read_exactly(peer, 2) != b"\r\n":
            raise _BadRequest("a chunk without its CRLF")
        if size == 0:
            return bytes(body)


def _read_body(peer: Peer, request: Seen) -> bytes:
    if (request.header("Transfer-Encoding") or "").lower() == "chunked":
        return _read_chunks(peer)
    return _read_exactly(peer, int(request.header("Content-Length") or 0))


class _Server:
    """The server's side of the pipe; one thread for each connection."""

    def __init__(self) -> None:
        self.state = _State()

    # Commands of the control pipe; each is the method of that name.

    def listen(self, what: Listen) -> int:
        family = socket.AF_INET6 if ":" in what.host else socket.AF_INET
        listener = socket.socket(family)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((what.host, what.port))
        port = cast(int, listener.getsockname()[1])
        if not what.accept:
            listener.listen(0)
            self.state.filler.append(listener)
            self._fill_backlog(port)
            return port
        listener.listen(1024)
        wrap = _make_wrap(what, self.state, port)
        threading.Thread(
            target=self._accept, args=(listener, port, wrap, what.raw), daemon=True
        ).start()
        return port

    def script(self, path: str, answers: list[list[Step]], record: bool, read_body: bool) -> None:
        with self.state.changed:
            self.state.scripts[path] = _Script(answers, record, read_body)
            self.state.seen.pop(path, None)

    def seen(self, path: str | None) -> list[Seen]:
        with self.state.changed:
            if path is None:
                return [one for records in self.state.seen.values() for one in records]
            return list(self.state.seen.get(path, ()))

    def wait_seen(self, path: str, count: int) -> list[Seen]:
        self._wait(lambda: len(self.state.seen.get(path, ())) >= count, f"{count} x {path}")
        return self.seen(path)

    def wait_accepted(self, port: int, count: int) -> None:
        self._wait(lambda: self.accepted(port) >= count, f"{count} connections")

    def wait_ended(self, connection: int) -> None:
        self._wait(lambda: connection in self.state.ended, f"end of connection {connection}")

    def accepted(self, port: int) -> int:
        return self.state.accepted.get(port, 0)

    def handshake_errors(self, port: int) -> list[str]:
        return list(self.state.handshake_errors.get(port, ()))

    def alpn(self, port: int) -> list[str | None]:
        return list(self.state.alpn.get(port, ()))

    def resumed(self, port: int) -> list[bool]:
        return list(self.state.resumed.get(port, ()))

    def release(self, gate: str) -> None:
        self.state.gates.get(gate).set()

    def forget(self) -> None:
        self.state.gates.forget_all()
        with self.state.changed:
            self.state.scripts.clear()
            self.state.seen.clear()

    def run(self, function: str, args: tuple[Any, ...]) -> Any:
        module, _, name = function.partition(":")
        return getattr(importlib.import_module(module), name)(*args)

    def _wait(self, is_so: Callable[[], bool], what: str) -> None:
        with self.state.changed:
            if not self.state.changed.wait_for(is_so, PATIENCE):
                raise TimeoutError(f"the server waited {PATIENCE:.0f} s in vain for {what}")

    def _fill_backlog(self, port: int) -> None:
        while True:
            filler = socket.socket()
            filler.settimeout(0.3)
            self.state.filler.append(filler)
            try:
                filler.connect(("127.0.0.1", port))
            except TimeoutError:
                return

    def _accept(
        self,
        listener: socket.socket,
        port: int,
        wrap: Callable[[socket.socket], socket.socket],
        raw: bool,
    ) -> None:
        while True:
            sock, _ = listener.accept()
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with self.state.changed:
                self.state.connections += 1
                number = self.state.connections
                self.state.accepted[port] = self.state.accepted.get(port, 0) + 1
                self.state.changed.notify_all()
            serve = self._serve_raw if raw else self._serve
            threading.Thread(target=serve, args=(sock, port, number, wrap), daemon=True).start()

    def _serve(
        self,
        sock: socket.socket,
        port: int,
        number: int,
        wrap: Callable[[socket.socket], socket.socket],
    ) -> None:
        peer = None
        try:
            peer = Peer(wrap(sock), self.state.gates, number)
            while not peer.closed and self._serve_one(peer, port):
                pass
        except (OSError, _BadRequest):
            pass
        finally:
            (peer.socket if peer is not None else sock).close()
            self._note_end(number)

    def _serve_raw(self, sock: socket.socket, port: int, number: int, _wrap: object) -> None:
        peer = Peer(sock, self.state.gates, number)
        try:
            if _fill(peer):
                path = f"raw:{port}"
                peer.head = bytes(peer.unread)
                self._record(path, Seen(port, number, "", path, peer.head))
                for step in self.state.find_script(path).next_steps():
                    step.run(peer)
        except OSError:
            pass
        finally:
            peer.socket.close()
            self._note_end(number)

    def _note_end(self, number: int) -> None:
        with self.state.changed:
            self.state.ended.add(number)
            self.state.changed.notify_all()

    def _serve_one(self, peer: Peer, port: int) -> bool:
        head = _read_until(peer, b"\r\n\r\n")
        if head is None:
            return False
        peer.head = head[:-4]
        words = head.split(b"\r\n", 1)[0].decode("latin-1").split(" ")
        if len(words) != 3:
            raise _BadRequest("not a request line")
        peer.method, peer.target = words[0], words[1]
        request = Seen(port, peer.number, peer.method, peer.target, peer.head)
        path = _path_of(peer.method, peer.target)
        script = self.state.find_script(path)
        place = self._record(path, request) if script.record else None
        with self.state.changed:
            steps = script.next_steps()
        if script.read_body:
            peer.body = _read_body(peer, request)
            self._complete(place, peer.body)
        for step in steps:
            step.run(peer)
        return True

    def _record(self, path: str, request: Seen) -> tuple[str, int]:
        with self.state.changed:
            records = self.state.seen.setdefault(path, [])
            records.append(request)
            self.state.changed.notify_all()
            return path, len(records) - 1

    def _complete(self, place: tuple[str, int] | None, body: bytes) -> None:
        if place is None:
            return
        path, index = place
        with self.state.changed:
            records = self.state.seen.get(path, [])
            if index < len(records):
                digest = hashlib.sha256(body).hexdigest()
                records[index] = replace(
                    records[index], body=body[:4096], body_sha256=digest, body_complete=True
                )


def _make_wrap(what: Listen, state: _State, port: int) -> Callable[[socket.socket], socket.socket]:
    if what.chain is None:
        return lambda sock: sock
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(what.chain)
    context.set_alpn_protocols(["h2", "http/1.1"])
    if what.client_ca is not None:
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(what.client_ca)

    def wrap(sock: socket.socket) -> socket.socket:
        try:
            tls = context.wrap_socket(sock, server_side=True, suppress_ragged_eofs=False)
        except OSError as err:
            with state.changed:
                state.handshake_errors.setdefault(port, []).append(str(err))
            raise
        with state.changed:
            state.alpn.setdefault(port, []).append(tls.selected_alpn_protocol())
            state.resumed.setdefault(port, []).append(bool(tls.session_reused))
        return tls

    return wrap


def _serve_control(pipe: Connection[Any, Any]) -> None:
    server = _Server()
    while True:
        try:
            command, args = pipe.recv()
        except (EOFError, OSError):
            return
        try:
            pipe.send((True, getattr(server, command)(*args)))
        except Exception as err:
            pipe.send((False, repr(err)))


if __name__ == "__main__":
    _serve_control(Connection(int(sys.argv[1])))
    os._exit(0)

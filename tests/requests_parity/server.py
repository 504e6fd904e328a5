"""The server of both sides, in its own process: ``python -m tests.requests_parity.server PORT``.

``/raw/HEX`` answers with those very bytes, and closes if they say ``Connection: close``;
``/log`` gives and forgets what came since it was last asked; everything else is answered with
what came, as JSON.  A request is in the log before it is answered.
"""

from __future__ import annotations

import json
import re
import socket
import sys
import threading
from typing import IO, Any

from tests.servers import LOOPBACK

__all__: list[str] = []

_log: list[Any] = []


def _read_body(stream: IO[bytes], headers: dict[str, str]) -> bytes:
    if headers.get("transfer-encoding", "").lower() != "chunked":
        length = int(headers.get("content-length", "0"))
        body = stream.read(length)
        if len(body) < length:
            raise EOFError
        return body
    body = b""
    while size := int(stream.readline(), 16):
        body += stream.read(size)
        stream.readline()
    stream.readline()
    return body


def _read_request(stream: IO[bytes]) -> tuple[Any, ...] | None:
    """Return method, target, fields and body; None where no whole request comes."""
    line = stream.readline().decode("latin-1").split()
    if not line:
        return None
    fields = []
    while field := stream.readline().decode("latin-1").rstrip("\r\n"):
        name, _, value = field.partition(":")
        fields.append((name, value.strip()))
    try:
        body = _read_body(stream, {name.lower(): value for name, value in fields})
    except (EOFError, ValueError):
        return None
    return line[0], line[1], fields, body.decode("latin-1")


def _make_answer(method: str, target: str, request: Any) -> bytes:
    path = target.partition("?")[0]
    if re.fullmatch("/raw/[0-9a-f]*", path):
        return bytes.fromhex(path.removeprefix("/raw/"))
    text = json.dumps(_log if path == "/log" else request).encode()
    if path == "/log":
        _log.clear()
    head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
    return head % len(text) + (text if method != "HEAD" else b"")


def _answer(connection: socket.socket) -> None:
    with connection, connection.makefile("rb") as stream:
        while request := _read_request(stream):
            method, target, *_ = request
            if target != "/log":
                _log.append(request)
            answer = _make_answer(method, target, request)
            connection.sendall(answer)
            if b"connection: close" in answer.lower():
                return


def _serve(port: int) -> None:
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((LOOPBACK, port))
        listener.listen(64)
        while True:
            connection, _ = listener.accept()
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            threading.Thread(target=_answer, args=(connection,), daemon=True).start()


if __name__ == "__main__":
    _serve(int(sys.argv[1]))

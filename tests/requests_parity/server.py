"""The server of both sides, in its own process: ``python -m tests.requests_parity.server PORT``.

``/raw/HEX`` answers with those very bytes, and closes if they say ``Connection: close``;
everything else is answered with what came, as JSON.
"""

from __future__ import annotations

import json
import socket
import sys
import threading
from typing import IO

from tests.servers import LOOPBACK

__all__: list[str] = []


def _read_body(stream: IO[bytes], headers: dict[str, str]) -> bytes:
    if headers.get("transfer-encoding", "").lower() != "chunked":
        return stream.read(int(headers.get("content-length", "0")))
    body = b""
    while size := int(stream.readline(), 16):
        body += stream.read(size)
        stream.readline()
    stream.readline()
    return body


def _answer(connection: socket.socket) -> None:
    with connection, connection.makefile("rb") as stream:
        while line := stream.readline().decode("latin-1").split():
            method, target = line[:2]
            fields = []
            while field := stream.readline().decode("latin-1").rstrip("\r\n"):
                name, _, value = field.partition(":")
                fields.append((name, value.strip()))
            body = _read_body(stream, {name.lower(): value for name, value in fields})
            path = target.partition("?")[0]
            if path.startswith("/raw/"):
                answer = bytes.fromhex(path.removeprefix("/raw/"))
            else:
                text = json.dumps([method, target, fields, body.decode("latin-1")]).encode()
                answer = (
                    b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
                    b"Content-Length: %d\r\n\r\n%s" % (len(text), text if method != "HEAD" else b"")
                )
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

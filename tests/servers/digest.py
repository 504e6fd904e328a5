"""A server that asks for Digest credentials (RFC 7616) and computes what they must be."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock, Thread
from typing import Any
from urllib.request import parse_http_list, parse_keqv_list

from .process import LOOPBACK

__all__ = ["Came", "DigestServer", "start_digest_server"]

REALM = "the realm"
USER, PASSWORD = "ann", "s3cret, with a comma"


@dataclass(frozen=True)
class Came:
    """One request that came: what was asked, with which credentials, and how it was answered."""

    method: str
    target: str
    authorization: str | None
    cookie: str | None
    body: bytes
    status: int


class DigestServer(ThreadingHTTPServer):
    """Lets ``USER`` in by ``PASSWORD``; ``/to?URL`` redirects there, for those let in.

    Attributes
    ----------
    algorithm
        "MD5" or "SHA-256".
    came
        The requests, oldest first.
    """

    daemon_threads = True

    def __init__(self, algorithm: str) -> None:
        super().__init__((LOOPBACK, 0), _Handler)
        self.algorithm = algorithm
        self.came: list[Came] = []
        self.uses = _Uses()

    def handle_error(self, *_args: Any) -> None:
        """Say nothing: a client may go away."""

    def url(self, target: str) -> str:
        """Return the URL of a target."""
        return f"http://{LOOPBACK}:{self.server_port}{target}"


@dataclass
class _Uses:
    """The nonces that were given, and how often each served."""

    counts: dict[str, int] = field(default_factory=dict)
    lock: Lock = field(default_factory=Lock)

    def give(self) -> str:
        nonce = secrets.token_hex(16)
        with self.lock:
            self.counts[nonce] = 0
        return nonce

    def take(self, nonce: str, count: int) -> bool:
        """Say whether this is the next use of a nonce (RFC 7616, 5.12: no replay)."""
        with self.lock:
            if count != self.counts.get(nonce, -1) + 1:
                return False
            self.counts[nonce] = count
            return True

    def forget(self) -> None:
        """Know no nonce any more."""
        with self.lock:
            self.counts.clear()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: DigestServer

    def _answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        given = self.headers.get("Authorization")
        to = self.path.partition("?")[2] if self.path.startswith("/to?") else ""
        status = (302 if to else 200) if self._is_right(given) else 401
        self.server.came.append(
            Came(self.command, self.path, given, self.headers.get("Cookie"), body, status)
        )
        text = b"" if status == 302 else b"%d bytes" % len(body)
        self.send_response(status)
        self.send_header("Content-Length", str(len(text)))
        if status == 401:
            self.send_header("Set-Cookie", "challenged=1; Path=/")
            self.send_header("WWW-Authenticate", self._challenge())
        if to:
            self.send_header("Location", to)
        self.end_headers()
        self.wfile.write(b"" if self.command == "HEAD" else text)

    do_GET = do_POST = do_PUT = do_HEAD = _answer

    def _challenge(self) -> str:
        nonce = self.server.uses.give()
        return (
            f'Digest realm="{REALM}", nonce="{nonce}", algorithm={self.server.algorithm}, '
            'qop="auth", opaque="of the server"'
        )

    def _is_right(self, given: str | None) -> bool:
        scheme, _, rest = (given or "").partition(" ")
        if scheme.lower() != "digest":
            return False
        said = parse_keqv_list(parse_http_list(rest))
        expected = self._hash(
            self._hash(USER, REALM, PASSWORD),
            *(said.get(name, "") for name in ("nonce", "nc", "cnonce", "qop")),
            self._hash(self.command, self.path),
        )
        return (
            said.get("username") == USER
            and said.get("uri") == self.path
            and said.get("opaque") == "of the server"
            and secrets.compare_digest(said.get("response", ""), expected)
            and self.server.uses.take(said["nonce"], int(said["nc"], 16))
        )

    def _hash(self, *parts: str) -> str:
        name = self.server.algorithm.replace("-", "").lower()
        return hashlib.new(name, ":".join(parts).encode()).hexdigest()

    def log_message(self, *_args: Any) -> None:
        """Keep the output for the tests."""


@contextmanager
def start_digest_server(algorithm: str = "MD5") -> Iterator[DigestServer]:
    """Serve on a thread until the block ends."""
    with DigestServer(algorithm) as server:
        thread = Thread(target=server.serve_forever, args=[0.02])
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()

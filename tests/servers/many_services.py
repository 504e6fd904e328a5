"""Many small services on one port, each of which can be told to misbehave."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Self

__all__ = ["GOOD", "ManyServices"]

GOOD: Mapping[str, str] = {
    "auth": "none",
    "name": "uservice",
    "repository": "https://example.org/source",
    "version": "0.0.1",
    "description": "Counts what there is",
    "api_version": "1.0",
}


class ManyServices:
    """A server that answers ``/NAME/metadata`` for whatever name; a context manager.

    Attributes
    ----------
    url
        Where it is.
    answers
        Name -> status, type and body, in place of good metadata; may be changed.
    held
        Names that get no answer until `release` is called.
    asked
        The names in the order in which they were asked for.
    """

    def __init__(self) -> None:
        self.answers: dict[str, tuple[int, str, bytes]] = {}
        self.held: set[str] = set()
        self.asked: list[str] = []
        self.changed = threading.Condition()
        self._released = threading.Event()
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.services = self
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        exception: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.release()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def release(self) -> None:
        """Let those go on that were held."""
        self._released.set()

    def wait_until_asked(self, name: str, times: int) -> None:
        """Wait until a service was asked so many times."""
        with self.changed:
            if not self.changed.wait_for(lambda: self.asked.count(name) >= times, timeout=60):
                raise TimeoutError(f"{name} was asked {self.asked.count(name)} times")

    def answer(self, name: str) -> tuple[int, str, bytes]:
        """Return what a service answers now."""
        with self.changed:
            self.asked.append(name)
            self.changed.notify_all()
            scripted = self.answers.get(name)
        if name in self.held:
            self._released.wait(60)
        if scripted is not None:
            return scripted
        return 200, "application/json", json.dumps({**GOOD, "name": name}).encode()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 1024
    services: ManyServices


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def do_GET(self) -> None:
        name = self.path.split("/")[1]
        status, kind, body = self.server.services.answer(name)
        self.send_response(status)
        if kind.startswith("location:"):
            self.send_header("Location", kind.removeprefix("location:"))
        else:
            self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        try:
            self.wfile.write(body)
        except OSError:
            self.close_connection = True

    def setup(self) -> None:
        super().setup()
        self.connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def log_message(self, *_: object) -> None:
        pass

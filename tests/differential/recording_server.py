"""An HTTP server on loopback that answers as it was told and keeps what it was sent.

``POST /_script`` with a JSON list of answers returns a path.  Each request to or
below that path gets the next answer, the last one again and again, and ``GET
/_requests/<key>`` lists what arrived.  An answer is a dict with, all optional,
``status``, ``reason``, ``headers`` (list of pairs), ``body`` and ``latin1`` (more
of it, in that encoding); ``{here}`` in a header or body stands for the path.
It serves as a proxy, too: the host does not count.
"""

from __future__ import annotations

import itertools
import json
import re
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class RecordingServer:
    """The server and its thread; a context manager that gives its URL."""

    def __init__(self) -> None:
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)

    def __enter__(self) -> str:
        self._thread.start()
        return f"http://127.0.0.1:{self._server.server_port}"

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.lock = threading.Lock()
        self.keys = itertools.count(1)
        self.scripts: dict[str, list[dict[str, Any]]] = {}
        self.requests: dict[str, list[dict[str, Any]]] = {}

    def begin(self, answers: list[dict[str, Any]]) -> str:
        with self.lock:
            key = f"s{next(self.keys)}"
            self.scripts[key] = answers
            self.requests[key] = []
            return key

    def next_answer(self, key: str, request: dict[str, Any]) -> dict[str, Any]:
        with self.lock:
            answers = self.scripts[key]
            answer = answers[min(len(self.requests[key]), len(answers) - 1)]
            self.requests[key].append(request)
            return answer


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def _answer(self) -> None:
        body = self._read_body()
        # A proxy is asked for an absolute URL.
        path = re.sub("^http://[^/]*", "", self.path)
        _, first, *rest = path.split("?")[0].split("/")
        if first == "_script":
            self._send({"body": json.dumps("/" + self.server.begin(json.loads(body)))})
        elif first == "_requests":
            self._send({"body": json.dumps(self.server.requests[rest[0]])})
        else:
            request = {
                "method": self.command,
                "path": self.path.removeprefix("/" + first),
                "headers": {name.lower(): value for name, value in self.headers.items()},
                "body": body.decode("latin-1"),
            }
            self._send(self.server.next_answer(first, request), here="/" + first)

    do_GET = do_POST = do_PUT = do_HEAD = _answer

    def _read_body(self) -> bytes:
        return self.rfile.read(int(self.headers.get("Content-Length") or 0))

    def _send(self, answer: dict[str, Any], here: str = "") -> None:
        content = answer.get("body", "").replace("{here}", here).encode()
        content += answer.get("latin1", "").encode("latin-1")
        status = answer.get("status", 200)
        self.send_response_only(status, answer.get("reason"))
        for name, value in answer.get("headers", []):
            self.send_header(name, value.replace("{here}", here))
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        pass

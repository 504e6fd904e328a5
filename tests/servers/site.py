"""A small HTTP/1.1 server that answers by a function and keeps a log of what it answered."""

from __future__ import annotations

import argparse
import email.message
import http.client
import json
import socketserver
import sys
import threading
import time
from collections import deque
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar, Protocol
from urllib.parse import parse_qsl, urlsplit

from .process import LOOPBACK, Server, start_server

__all__ = [
    "Answer",
    "Event",
    "Request",
    "Site",
    "argument_parser",
    "dump_json",
    "fetch_counts",
    "fetch_events",
    "parse_form",
    "redirect",
    "serve",
    "start_site",
]

_ADMIN = "/_admin/"
#: Those that are kept, the latest: a proof may run for hours.
_MOST_EVENTS = 50_000
_NO_BODY = frozenset({204, 304})


@dataclass(frozen=True)
class Request:
    """A request as it arrived."""

    method: str
    target: str
    headers: email.message.Message
    body: bytes

    @property
    def path(self) -> str:
        """The target without its query."""
        return urlsplit(self.target).path

    @property
    def query(self) -> dict[str, str]:
        """The query's last value for each name."""
        return parse_form(urlsplit(self.target).query)

    @property
    def cookies(self) -> dict[str, str]:
        """The cookies by name."""
        pairs = (pair.split("=", 1) for pair in self.headers.get("Cookie", "").split("; "))
        return {pair[0]: pair[1] for pair in pairs if len(pair) == 2}

    @property
    def origin(self) -> str:
        """The origin that the client named."""
        return f"http://{self.headers['Host']}"


@dataclass
class Answer:
    """What to send back, and a note for the log."""

    status: int
    body: bytes = b""
    content_type: str = "text/plain; charset=utf-8"
    headers: list[tuple[str, str]] = field(default_factory=list)
    note: dict[str, Any] = field(default_factory=dict)

    def header(self, name: str) -> str | None:
        """Return the first header of that name."""
        return next((value for key, value in self.headers if key.lower() == name.lower()), None)


@dataclass(frozen=True)
class Event:
    """One exchange: when its request came (seconds, monotonic) and what was answered."""

    server: str
    started: float
    method: str
    target: str
    status: int
    content_type: str
    location: str | None
    note: Mapping[str, Any]

    @property
    def path(self) -> str:
        """The target without its query."""
        return urlsplit(self.target).path


class Site(Protocol):
    """What a server serves."""

    name: ClassVar[str]

    def answer(self, request: Request) -> Answer:
        """Answer a request; called by many threads at once."""

    def counts(self) -> dict[str, int]:
        """Return the site's counters."""


def parse_form(text: str) -> dict[str, str]:
    """Parse urlencoded text; of several values for a name the last counts."""
    return dict(parse_qsl(text, keep_blank_values=True))


def dump_json(value: object, status: int = 200) -> Answer:
    """Make an answer of JSON."""
    return Answer(status, json.dumps(value).encode(), "application/json")


def redirect(location: str) -> Answer:
    """Make an answer that sends the client elsewhere."""
    body = f"Redirecting to {location}".encode()
    return Answer(302, body, headers=[("Location", location)])


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 256

    def __init__(self, port: int, site: Site) -> None:
        super().__init__((LOOPBACK, port), _Handler)
        self.site = site
        self._events: deque[Event] = deque(maxlen=_MOST_EVENTS)
        self._lock = threading.Lock()

    def record(self, event: Event) -> None:
        with self._lock:
            self._events.append(event)

    def events(self) -> list[Event]:
        with self._lock:
            return sorted(self._events, key=lambda event: event.started)

    def handle_error(
        self, request: object, client_address: object
    ) -> None:  # pragma: no cover - only when a client goes away
        """Pass over a client that went away; print everything else."""
        if not isinstance(sys.exception(), ConnectionError):
            socketserver.BaseServer.handle_error(self, request, client_address)  # type: ignore[arg-type]


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    # Head and body are two writes, and Nagle's algorithm would hold the second one back.
    disable_nagle_algorithm = True
    server: _Server

    def _exchange(self) -> None:
        started = time.monotonic()
        if "Transfer-Encoding" in self.headers:
            self.close_connection = True
            self._send(Answer(411, b"send a Content-Length"))
            return
        length = int(self.headers.get("Content-Length", "0"))
        request = Request(self.command, self.path, self.headers, self.rfile.read(length))
        if request.path.startswith(_ADMIN):
            self._send(self._administer(request.path.removeprefix(_ADMIN)))
            return
        site = self.server.site
        answer = site.answer(request)
        event = Event(
            site.name,
            started,
            request.method,
            request.target,
            answer.status,
            answer.content_type,
            answer.header("Location"),
            answer.note,
        )
        # Before the client can act on the answer, so that its next request comes later.
        self.server.record(event)
        self._send(answer)

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = _exchange

    def _administer(self, what: str) -> Answer:
        if what == "events":
            return dump_json([asdict(event) for event in self.server.events()])
        if what == "counts":
            return dump_json(self.server.site.counts())
        return Answer(404, b"no such report")

    def _send(self, answer: Answer) -> None:
        self.send_response(answer.status)
        if answer.content_type:
            self.send_header("Content-Type", answer.content_type)
        for name, value in answer.headers:
            self.send_header(name, value)
        if answer.status not in _NO_BODY:
            self.send_header("Content-Length", str(len(answer.body)))
        self.end_headers()
        if self.command != "HEAD" and answer.status not in _NO_BODY:
            self.wfile.write(answer.body)

    def log_message(self, *arguments: object) -> None:
        """Stay quiet: the log is at ``/_admin/events``."""


def serve(site: Site, port: int) -> None:
    """Serve a site on a loopback port until the process is ended."""
    with _Server(port, site) as server:
        server.serve_forever()


def argument_parser(description: str) -> argparse.ArgumentParser:
    """Make the parser that every server's command line starts from."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--port", type=int, required=True)
    return parser


def start_site(site: str, *arguments: str, port: int = 0, host: str = LOOPBACK) -> Server:
    """Start ``python -m tests.servers SITE`` as a child process."""
    return start_server(
        site,
        lambda number: [
            sys.executable,
            "-m",
            __package__,
            site,
            f"--port={number}",
            *arguments,
        ],
        port=port,
        host=host,
    )


def fetch_events(*servers: Server) -> list[Event]:
    """Return the log of all the servers, in the order in which the requests came."""
    events = [Event(**item) for server in servers for item in _fetch(server, "events")]
    return sorted(events, key=lambda event: event.started)


def fetch_counts(server: Server) -> dict[str, int]:
    """Return a server's counters."""
    counts: dict[str, int] = _fetch(server, "counts")
    return counts


def _fetch(server: Server, what: str) -> Any:
    connection = http.client.HTTPConnection(LOOPBACK, server.port, timeout=10.0)
    try:
        connection.request("GET", _ADMIN + what)
        return json.load(connection.getresponse())
    finally:
        connection.close()

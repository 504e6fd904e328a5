"""A provider with any steps before its end, a proxy, a service and a canary, on one server.

They are told apart by the name in the URL.  What a page of the provider wants is a list of
steps; each request is kept, with its body.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs

import apikit

__all__ = ["CODE", "CONSENT", "PASSWORD", "Answer", "Seen", "World", "running"]

_POST = '<form method="post" action="/step">'
PASSWORD = f'{_POST}<input name="user"><input type="password" name="secret"></form>'
CODE = f'{_POST}<input name="c" autocomplete="one-time-code"></form>'
CONSENT = (
    f'{_POST}<button name="no" value="no">No</button>'
    '<button name="yes" value="1">Yes</button></form>'
)
#: The provider's cookie for one that it knows.
_ACCOUNT = "account=known"


@dataclass(frozen=True)
class Seen:
    """A request as it came."""

    method: str
    host: str
    path: str
    cookie: str
    authorization: str
    body: str

    @property
    def fields(self) -> dict[str, str]:
        """The form that it holds."""
        pairs = parse_qs(self.body, keep_blank_values=True)
        return {name: values[-1] for name, values in pairs.items()}


@dataclass(frozen=True)
class Answer:
    """What to send back; None for the body closes the connection without an answer."""

    status: int = 200
    body: str | None = ""
    kind: str = "text/html"
    fields: tuple[tuple[str, str], ...] = ()
    charset: str = "utf-8"


class World:
    """What the server does.

    Attributes
    ----------
    pages
        What the provider shows, one after the other, before it sends the user back.
    accepts
        Whether a form is right: called with the page and the fields.
    remembers
        Whether the provider knows its own cookie.
    folder
        Where the provider's pages are, and its cookie goes.
    takes
        Which Authorization the proxy takes.
    gap_auth
        Who the proxy says is asking.
    before
        Called with each request; an `Answer` that it returns is given.
    """

    def __init__(self, port: int) -> None:
        self.proxy = f"http://127.0.0.1:{port}"
        self.provider = f"http://localhost:{port}"
        self.canary = f"http://127.0.0.9:{port}"
        self.base_url = f"{self.proxy}/oauth2/start"
        self.pages = [PASSWORD]
        self.accepts: Callable[[str, dict[str, str]], bool] = lambda page, fields: True
        self.remembers = False
        self.folder = ""
        self.takes: set[str] = set()
        self.gap_auth = ""
        self.before: Callable[[Seen], Answer | None] = lambda request: None
        self.requests: list[Seen] = []
        self.logins = 0
        self.at = 0

    def session(self, **options: Any) -> apikit.Session:
        """Return a session that has tried to log in."""
        options.setdefault("login", "form")
        return apikit.Session("ann", "s3cret", self.base_url, self.provider, **options)

    def ask(self, session: apikit.Session, path: str = "/api") -> int:
        """Return the status of the service's answer, or of the proxy's."""
        return session.get(self.proxy + path).status_code

    def lose(self) -> None:
        """Let the proxy forget everybody."""
        self.logins += 100

    def posted(self) -> list[dict[str, str]]:
        """Return the forms that came, in order."""
        return [request.fields for request in self.requests if request.method == "POST"]

    def at_canary(self) -> list[Seen]:
        """Return what came where nothing should."""
        return [request for request in self.requests if request.host == self.canary[7:]]

    def answer(self, request: Seen) -> Answer:
        """Answer a request."""
        self.requests.append(request)
        given = self.before(request)
        if given is not None:
            return given
        path = request.path.partition("?")[0]
        if request.host == self.provider[7:]:
            return self._provide(request)
        if request.host == self.canary[7:]:
            return Answer(200, PASSWORD)
        return self._guard(request, path)

    def _guard(self, request: Seen, path: str) -> Answer:
        if path == "/oauth2/start":
            return self.redirect(f"{self.provider}{self.folder}/login")
        if path == "/oauth2/callback":
            self.logins += 1
            return self.redirect("/", ("Set-Cookie", f"proxy={self.logins}; Path=/"))
        known = f"proxy={self.logins}" in request.cookie or request.authorization in self.takes
        if path == "/oauth2/auth":
            return Answer(202 if known else 401)
        if not known:
            return Answer(403, '<form action="/oauth2/start"><button></button></form>')
        fields = (("GAP-Auth", self.gap_auth),) if self.gap_auth else ()
        return Answer(200, "data", "text/plain", fields)

    def _provide(self, request: Seen) -> Answer:
        if request.method == "POST":
            self.at += self.accepts(self.pages[self.at], request.fields)
            if self.at < len(self.pages):
                return Answer(200, self.pages[self.at])
            back = f"{self.proxy}/oauth2/callback"
            return self.redirect(back, ("Set-Cookie", f"{_ACCOUNT}; Path={self.folder}/"))
        self.at = 0
        if self.remembers and _ACCOUNT in request.cookie:
            return self.redirect(f"{self.proxy}/oauth2/callback")
        return Answer(200, self.pages[0])

    @staticmethod
    def redirect(location: str, *fields: tuple[str, str], status: int = 302) -> Answer:
        """Make a redirect."""
        return Answer(status, "", fields=(("Location", location), *fields))


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: _Server

    def _exchange(self) -> None:
        length = int(self.headers.get("Content-Length", "0"))
        fields = (self.headers.get(name, "") for name in ("Host", "Cookie", "Authorization"))
        host, cookie, authorization = fields
        body = self.rfile.read(length).decode()
        seen = Seen(self.command, host, self.path, cookie, authorization, body)
        answer = self.server.world.answer(seen)
        if answer.body is None:
            self.close_connection = True
            return
        self.send_response(answer.status)
        self.send_header("Content-Type", answer.kind)
        for name, value in answer.fields:
            self.send_header(name, value)
        encoded = answer.body.encode(answer.charset)
        self.send_header("Content-Length", str(len(encoded)))
        self.end_headers()
        self.wfile.write(encoded)

    do_GET = do_POST = _exchange

    def log_message(self, *arguments: object) -> None:
        """Stay quiet."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128
    world: World


@contextmanager
def running() -> Iterator[World]:
    """Serve a world until the end of the block."""
    with _Server(("", 0), _Handler) as server:
        server.world = World(server.server_port)
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield server.world
        finally:
            server.shutdown()
            thread.join()

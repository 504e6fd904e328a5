"""A proxy with a provider behind it, as a transport: a login without a socket."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import apikit
from apikit.models import PreparedRequest

__all__ = ["BASE_URL", "PROXY", "SESSION_URL", "World", "answer", "redirect"]

PROXY = "https://proxy.example"
PROVIDER = "https://login.example"
BASE_URL = f"{PROXY}/oauth2/start"
SESSION_URL = f"{PROVIDER}/session"
SIGN_IN = f'<form action="{BASE_URL}"><button>Sign in</button></form>'
LOGIN = (
    '<form action="/session" method="post">'
    '<input type="hidden" name="authenticity_token" value="T">'
    '<input name="login"><input type="password" name="password"></form>'
)


def answer(status: int = 200, body: str = "", *fields: str, kind: str = "text/html") -> bytes:
    """Return the bytes of an answer."""
    lines = [f"HTTP/1.1 {status} X", f"Content-Length: {len(body)}", f"Content-Type: {kind}"]
    return ("\r\n".join([*lines, *fields]) + "\r\n\r\n" + body).encode()


def redirect(location: str, *fields: str) -> bytes:
    """Return the bytes of a redirect."""
    return answer(302, "", f"Location: {location}", *fields)


class World:
    """A transport that lets ``ann`` in by the form; each login makes the cookie before void.

    Attributes
    ----------
    requests
        What came, as `PreparedRequest`.
    good
        The cookie that the proxy takes, as "user=N".
    before
        Called with each request before it is answered; bytes that it returns are the answer.
    """

    def __init__(self) -> None:
        self.requests: list[PreparedRequest] = []
        self.logins = 0
        self.good = "user=none"
        self.before: Callable[[PreparedRequest], bytes | None] = lambda request: None

    def session(self, **options: Any) -> apikit.Session:
        """Return a session that is not logged in yet."""
        session = apikit.Session("ann", None, BASE_URL, SESSION_URL, transport=self, **options)
        session.set_oauth2_password("s3cret")
        return session

    def seen(self, url: str) -> list[PreparedRequest]:
        """Return the requests to one URL."""
        return [request for request in self.requests if request.url == url]

    def __call__(self, request: PreparedRequest) -> bytes:
        self.requests.append(request)
        given = self.before(request)
        return self._answer(request) if given is None else given

    def _answer(self, request: PreparedRequest) -> bytes:
        url = str(request.url).partition("?")[0]
        if url == BASE_URL:
            return redirect(f"{PROVIDER}/login")
        if url == f"{PROVIDER}/login":
            return answer(200, LOGIN)
        if url == SESSION_URL:
            return redirect(f"{PROXY}/oauth2/callback")
        if url == f"{PROXY}/oauth2/callback":
            self.logins += 1
            self.good = f"user={self.logins}"
            return redirect(f"{PROXY}/", f"Set-Cookie: {self.good}; Path=/")
        if self.good in str(request.headers.get("Cookie")):
            return answer(200, "data", kind="text/plain")
        return answer(403, SIGN_IN, "Set-Cookie: user=; Path=/; Max-Age=0")

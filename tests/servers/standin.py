"""A stand-in for oauth2-proxy 7.4.0 with the GitHub provider, for machines without Go.

It answers as the real one does wherever a client can tell: the same paths, statuses, cookie
names, redirects and headers. What the cookies hold is its own business, here a random key.
"""

from __future__ import annotations

import http.client
import json
import secrets
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import format_datetime
from html import escape
from typing import Any, ClassVar
from urllib.parse import urlencode

from .forward import forward
from .process import LOOPBACK
from .provider import PROVIDER_HOST
from .site import Answer, Request, Site, argument_parser, dump_json, redirect, serve

__all__ = ["StandIn"]

_SESSION_COOKIE = "_oauth2_proxy"
_CSRF_COOKIE = "_oauth2_proxy_csrf"
_CSRF_SECONDS = 15 * 60.0
_WEEK_SECONDS = 7 * 24 * 3600.0
_TIMEOUT_SECONDS = 30.0
_FORM = "application/x-www-form-urlencoded"


@dataclass(frozen=True)
class _Login:
    user: str
    email: str
    expires: float


class _ProviderError(Exception):
    """The provider did not say who logged in."""


class StandIn(Site):
    """The proxy's own pages under ``/oauth2``, and the back end behind everything else.

    Parameters
    ----------
    provider_port, upstream_port : `int`
        The loopback ports of the provider and of the back end.
    public_port : `int`
        The port that clients know the proxy by.
    cookie_seconds : `float`
        The life of a session.
    redirects : `bool`
        Whether a request without a session is sent to the provider instead of being
        answered with the sign-in page.
    """

    name: ClassVar[str] = "proxy"

    def __init__(
        self,
        provider_port: int,
        upstream_port: int,
        public_port: int,
        *,
        cookie_seconds: float,
        redirects: bool,
    ) -> None:
        self._provider_port = provider_port
        self._upstream_port = upstream_port
        self._callback = f"http://{LOOPBACK}:{public_port}/oauth2/callback"
        self._cookie_seconds = cookie_seconds
        self._redirects = redirects
        self._lock = threading.Lock()
        self._logins: dict[str, _Login] = {}
        self._pages: dict[str, Callable[[Request], Answer]] = {
            "/ping": lambda request: Answer(200, b"OK"),
            "/oauth2/start": self._start,
            "/oauth2/sign_in": self._sign_in,
            "/oauth2/sign_out": self._sign_out,
            "/oauth2/callback": self._finish,
            "/oauth2/auth": self._auth,
            "/oauth2/userinfo": self._userinfo,
        }

    def counts(self) -> dict[str, int]:
        """Return the number of log-ins that came back from the provider."""
        with self._lock:
            return {"sessions": len(self._logins)}

    def answer(self, request: Request) -> Answer:
        """Answer a client."""
        page = self._pages.get(request.path)
        if page is not None:
            return page(request)
        login = self._find_login(request)
        if login is None:
            return _clearing(request, self._refuse(request))
        user = {"X-Forwarded-User": login.user, "X-Forwarded-Email": login.email}
        answer = forward(request, self._upstream_port, user)
        answer.headers.append(("Gap-Auth", login.email))
        return answer

    def _refuse(self, request: Request) -> Answer:
        accepted = request.headers.get_all("Accept", [])
        if "application/json" in (item.strip() for line in accepted for item in line.split(",")):
            return Answer(401, b"{}", "application/json")
        if self._redirects:
            return self._send_to_provider(request, request.target)
        return _clearing(request, _sign_in_page(403, request.target))

    def _sign_in(self, request: Request) -> Answer:
        if self._redirects:
            return self._start(request)
        return _clearing(request, _sign_in_page(200, request.query.get("rd", "/")))

    def _start(self, request: Request) -> Answer:
        target = request.query.get("rd", "/")
        return self._send_to_provider(request, target if _is_local(target) else "/")

    def _send_to_provider(self, request: Request, target: str) -> Answer:
        nonce = secrets.token_urlsafe(32)
        query = {
            "approval_prompt": "force",
            "client_id": "technote",
            "redirect_uri": self._callback,
            "response_type": "code",
            "scope": "user:email",
            "state": f"{nonce}:{target}",
        }
        authorize = f"http://{PROVIDER_HOST}:{self._provider_port}/login/oauth/authorize"
        answer = redirect(f"{authorize}?{urlencode(query)}")
        answer.headers.append(_set_cookie(_CSRF_COOKIE, nonce, _CSRF_SECONDS))
        return answer

    def _finish(self, request: Request) -> Answer:
        query = request.query
        if "error" in query:
            return _error_page(403)
        nonce, _, target = query.get("state", "").partition(":")
        if not nonce or request.cookies.get(_CSRF_COOKIE) != nonce:
            return _error_page(403)
        try:
            login = self._redeem(query.get("code", ""))
        except (OSError, ValueError, LookupError, http.client.HTTPException, _ProviderError):
            return _error_page(500)
        key = secrets.token_urlsafe(48)
        with self._lock:
            self._logins[key] = login
        answer = redirect(target if _is_local(target) else "/")
        answer.headers += [
            _set_cookie(_CSRF_COOKIE, "", -1.0),
            _set_cookie(_SESSION_COOKIE, key, self._cookie_seconds),
        ]
        return answer

    def _redeem(self, code: str) -> _Login:
        form = {"code": code, "client_id": "technote", "redirect_uri": self._callback}
        answer = self._ask_provider("POST", "/login/oauth/access_token", urlencode(form), _FORM)
        token = f"token {answer['access_token']}"
        emails = self._ask_provider("GET", "/user/emails", authorization=token)
        user = self._ask_provider("GET", "/user", authorization=token)
        email = next(item["email"] for item in emails if item["primary"] and item["verified"])
        return _Login(user["login"], email, time.monotonic() + self._cookie_seconds)

    def _ask_provider(
        self,
        method: str,
        path: str,
        body: str | None = None,
        content_type: str = "",
        authorization: str = "",
    ) -> Any:
        headers = {
            "Host": f"{PROVIDER_HOST}:{self._provider_port}",
            "Content-Type": content_type,
            "Authorization": authorization,
        }
        headers = {name: value for name, value in headers.items() if value}
        connection = http.client.HTTPConnection(
            LOOPBACK, self._provider_port, timeout=_TIMEOUT_SECONDS
        )
        try:
            connection.request(method, path, body, headers)
            response = connection.getresponse()
            if response.status != 200:
                raise _ProviderError(path)
            return json.load(response)
        finally:
            connection.close()

    def _auth(self, request: Request) -> Answer:
        login = self._find_login(request)
        if login is None:
            return _clearing(request, Answer(401, b"Unauthorized\n"))
        return Answer(202, content_type="", headers=[("Gap-Auth", login.email)])

    def _userinfo(self, request: Request) -> Answer:
        login = self._find_login(request)
        if login is None:
            return _clearing(request, Answer(401, b"Unauthorized\n"))
        return dump_json({"user": login.user, "email": login.email})

    def _sign_out(self, request: Request) -> Answer:
        # The real one keeps no list of sessions: a copy of the cookie goes on working there.
        target = request.query.get("rd", "/")
        return _clearing(request, redirect(target if _is_local(target) else "/"))

    def _find_login(self, request: Request) -> _Login | None:
        with self._lock:
            login = self._logins.get(request.cookies.get(_SESSION_COOKIE, ""))
        return login if login is not None and time.monotonic() < login.expires else None


def _clearing(request: Request, answer: Answer) -> Answer:
    """Let an answer take the session cookie away, if the request brought one."""
    if _SESSION_COOKIE in request.cookies:
        answer.headers.insert(0, _set_cookie(_SESSION_COOKIE, "", -1.0))
    return answer


def _is_local(target: str) -> bool:
    return target.startswith("/") and not target.startswith(("//", "/\\"))


def _set_cookie(name: str, value: str, seconds: float) -> tuple[str, str]:
    expires = format_datetime(datetime.fromtimestamp(time.time() + seconds, UTC), usegmt=True)
    return ("Set-Cookie", f"{name}={value}; Path=/; Expires={expires}; HttpOnly")


def _sign_in_page(status: int, target: str) -> Answer:
    return _html(
        status,
        '<form method="GET" action="/oauth2/start">\n'
        f'<input type="hidden" name="rd" value="{escape(target)}">\n'
        '<button type="submit">Sign in with GitHub</button>\n</form>',
    )


def _error_page(status: int) -> Answer:
    phrase = http.client.responses[status]
    return _html(
        status,
        f"<h1>{phrase}</h1>\n"
        '<form method="GET" action="/"><button type="submit">Go back</button></form>\n'
        '<form method="GET" action="/oauth2/sign_in"><input type="hidden" name="rd" value="/">\n'
        '<button type="submit">Sign in</button></form>',
    )


def _html(status: int, body: str) -> Answer:
    page = f"<!DOCTYPE html>\n<html>\n<body>\n{body}\n</body>\n</html>\n".encode()
    headers = [("Cache-Control", "no-cache, no-store, must-revalidate, max-age=0")]
    return Answer(status, page, "text/html; charset=utf-8", headers)


def _seconds(text: str) -> float:
    """Parse a duration as oauth2-proxy takes it, in its simplest shapes: 5s, 10m, 168h."""
    return float(text[:-1]) * {"s": 1.0, "m": 60.0, "h": 3600.0}[text[-1]]


def main(arguments: list[str]) -> None:
    """Serve until ended."""
    parser = argument_parser("a stand-in for oauth2-proxy")
    parser.add_argument("--provider-port", type=int, required=True)
    parser.add_argument("--upstream-port", type=int, required=True)
    parser.add_argument("--public-port", type=int)
    parser.add_argument("--cookie-expire", type=_seconds, default=_WEEK_SECONDS)
    parser.add_argument("--skip-provider-button", action="store_true")
    options = parser.parse_args(arguments)
    site = StandIn(
        options.provider_port,
        options.upstream_port,
        options.public_port or options.port,
        cookie_seconds=options.cookie_expire,
        redirects=options.skip_provider_button,
    )
    serve(site, options.port)

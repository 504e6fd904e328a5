"""A scripted identity provider: GitHub's OAuth2 dance and log-in form, with known accounts.

What it serves to a client: ``/login/oauth/authorize``, ``/login``, ``/session``,
``/sessions/two-factor/app`` and ``/sessions/verified-device``; and to the proxy:
``/login/oauth/access_token``, ``/user``, ``/user/emails``, ``/user/orgs``, ``/user/teams``.
"""

from __future__ import annotations

import base64
import hashlib
import secrets
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import ClassVar
from urllib.parse import urlencode, urlsplit

from .login_page import Style, code_page, consent_page, login_page
from .process import Server
from .site import (
    Answer,
    Request,
    Site,
    argument_parser,
    dump_json,
    parse_form,
    redirect,
    serve,
    start_site,
)
from .users import USERS, Hurdle, User

__all__ = ["PROVIDER_HOST", "Provider", "start_provider"]

PROVIDER_HOST = "localhost"
"""The provider's name; the proxy is 127.0.0.1, so that neither gets the other's cookies."""

_COOKIE = "_gh_sess"
_AUTHORIZE = "/login/oauth/authorize"
_SECRET_FIELDS = frozenset({"password", "app_otp", "otp", "client_secret"})
_CODE_FIELDS = {Hurdle.TWO_FACTOR: "app_otp", Hurdle.DEVICE: "otp"}
_CODE_PAGES = {
    Hurdle.TWO_FACTOR: ("/sessions/two-factor/app", "/sessions/two-factor"),
    Hurdle.DEVICE: ("/sessions/verified-device", "/sessions/verified-device"),
}


@dataclass
class _Browser:
    """What the provider knows of the holder of one session cookie."""

    user: User | None = None
    pending: User | None = None
    consented: bool = False
    return_to: str = "/"
    forms: dict[str, dict[str, str]] = field(default_factory=dict)
    """Tokens of forms that were shown and not yet sent, with the inputs wanted back."""


class Provider(Site):
    """The provider's pages and its API.

    Counters: ``pages`` (log-in pages shown), ``logins`` (right passwords, and codes where
    the account wants one), ``refused`` (wrong ones), ``grants`` (codes given to the proxy).

    Parameters
    ----------
    style : `Style`
        Which log-in page to show.
    """

    name: ClassVar[str] = "provider"

    def __init__(self, style: Style) -> None:
        self._style = style
        self._lock = threading.Lock()
        self._browsers: dict[str, _Browser] = {}
        self._codes: dict[str, User] = {}
        self._tokens: dict[str, User] = {}
        self._counter = Counter(pages=0, logins=0, refused=0, grants=0)
        self._pages: dict[tuple[str, str], Callable[[Request, _Browser], Answer]] = {
            ("GET", _AUTHORIZE): self._authorize,
            ("POST", _AUTHORIZE): self._consent,
            ("GET", "/login"): self._show_login,
            ("POST", "/session"): self._log_in,
            ("GET", "/sessions/two-factor/app"): self._ask_code,
            ("POST", "/sessions/two-factor"): self._check_code,
            ("GET", "/sessions/verified-device"): self._ask_code,
            ("POST", "/sessions/verified-device"): self._check_code,
        }

    def counts(self) -> dict[str, int]:
        """Return the counters."""
        with self._lock:
            return dict(self._counter)

    def answer(self, request: Request) -> Answer:
        """Answer a client or the proxy."""
        with self._lock:
            page = self._pages.get((request.method, request.path))
            if page is None:
                return self._answer_proxy(request)
            cookie = request.cookies.get(_COOKIE, "")
            if cookie not in self._browsers:
                cookie = secrets.token_urlsafe(24)
                self._browsers[cookie] = _Browser()
            browser = self._browsers[cookie]
            before = browser.user
            answer = page(request, browser)
            if browser.user is not before:
                # A new cookie at the log-in, as every careful site does (session fixation).
                del self._browsers[cookie]
                cookie = secrets.token_urlsafe(24)
                self._browsers[cookie] = browser
            answer.headers += _cookies(cookie, browser.user)
            return answer

    # What a client sees.

    def _authorize(self, request: Request, browser: _Browser) -> Answer:
        if browser.user is None:
            query = {"client_id": request.query.get("client_id", ""), "return_to": request.target}
            return redirect(f"{request.origin}/login?{urlencode(query)}")
        if browser.user.hurdle is Hurdle.CONSENT and not browser.consented:
            return _html(consent_page(request.target, self._new_token(browser, {})))
        return self._grant(request, browser.user)

    def _grant(self, request: Request, user: User) -> Answer:
        code = secrets.token_hex(10)
        self._codes[code] = user
        self._counter["grants"] += 1
        query = urlencode({"code": code, "state": request.query.get("state", "")})
        return redirect(f"{request.query.get('redirect_uri', '')}?{query}")

    def _consent(self, request: Request, browser: _Browser) -> Answer:
        form = parse_form(request.body.decode())
        token = form.get("authenticity_token", "")
        if browser.user is None or browser.forms.pop(token, None) is None:
            return _unprocessable("no such form")
        browser.consented = form.get("authorize") == "1"
        if browser.consented:
            return self._grant(request, browser.user)
        query = urlencode({"error": "access_denied", "state": request.query.get("state", "")})
        return redirect(f"{request.query.get('redirect_uri', '')}?{query}")

    def _show_login(self, request: Request, browser: _Browser) -> Answer:
        target = request.query.get("return_to", "/")
        if not target.startswith("/") or urlsplit(target).netloc:
            return _unprocessable("return_to leads elsewhere")
        browser.return_to = f"{request.origin}{target}"
        return self._login_form(request.query.get("client_id", ""), browser, "")

    def _login_form(self, client: str, browser: _Browser, message: str) -> Answer:
        timestamp = str(time.time_ns() // 1_000_000)
        fields = {
            "add_account": "",
            "webauthn-conditional": "undefined",
            "javascript-support": "unknown",
            "webauthn-support": "unknown",
            "webauthn-iuvpaa-support": "unknown",
            "return_to": browser.return_to,
            "allow_signup": "",
            "client_id": client,
            "integration": "",
            "timestamp": timestamp,
            "timestamp_secret": hashlib.sha256(timestamp.encode()).hexdigest(),
        }
        token = self._new_token(browser, {} if self._style is Style.CLASSIC else fields)
        self._counter["pages"] += 1
        return _html(login_page(self._style, token, self._random_token(), fields, message))

    def _log_in(self, request: Request, browser: _Browser) -> Answer:
        form = parse_form(request.body.decode())
        note = {"posted": _without_secrets(form)}
        problem = self._form_problem(form, browser)
        if problem:
            self._counter["refused"] += 1
            return _unprocessable(problem, note)
        user = USERS.get(form.get("login", ""))
        if user is None or not _same(user.password, form.get("password", "")):
            self._counter["refused"] += 1
            answer = self._login_form(
                form.get("client_id", ""), browser, "Incorrect username or password."
            )
            return _noted(answer, note)
        if user.hurdle is Hurdle.RATE_LIMIT:
            headers = [("Retry-After", "60")]
            return Answer(429, b"Too many requests", headers=headers, note=note)
        if user.hurdle in _CODE_PAGES:
            browser.pending = user
            return _noted(redirect(request.origin + _CODE_PAGES[user.hurdle][0]), note)
        return _noted(self._finish_login(browser, user), note)

    def _form_problem(self, form: dict[str, str], browser: _Browser) -> str:
        """Return what is wrong with a posted log-in form, or nothing; its token is spent."""
        wanted = browser.forms.pop(form.get("authenticity_token", ""), None)
        if wanted is None:
            return "authenticity_token is not one of a form shown to you, or was used before"
        missing = [name for name, value in wanted.items() if form.get(name) != value]
        if missing:
            return f"inputs missing or changed: {', '.join(missing)}"
        if self._style is Style.GITHUB and form.get("commit") != "Sign in":
            return "commit is not the button's value"
        filled = [name for name in form if name.startswith("required_field_") and form[name]]
        return f"{filled[0]} is for robots" if filled else ""

    def _finish_login(self, browser: _Browser, user: User) -> Answer:
        browser.user, browser.pending = user, None
        browser.forms.clear()
        self._counter["logins"] += 1
        return redirect(browser.return_to)

    def _ask_code(self, request: Request, browser: _Browser) -> Answer:
        return self._code_form(browser, "")

    def _code_form(self, browser: _Browser, message: str) -> Answer:
        user = browser.pending
        if user is None:
            return redirect("/login")
        token = self._new_token(browser, {})
        action = _CODE_PAGES[user.hurdle][1]
        return _html(code_page(action, _CODE_FIELDS[user.hurdle], token, message))

    def _check_code(self, request: Request, browser: _Browser) -> Answer:
        form = parse_form(request.body.decode())
        user = browser.pending
        if user is None or browser.forms.pop(form.get("authenticity_token", ""), None) is None:
            return _unprocessable("no such form")
        note = {"posted": _without_secrets(form)}
        if _same(user.code, form.get(_CODE_FIELDS[user.hurdle], "")):
            return _noted(self._finish_login(browser, user), note)
        self._counter["refused"] += 1
        return _noted(self._code_form(browser, "The code is not right."), note)

    def _new_token(self, browser: _Browser, wanted: dict[str, str]) -> str:
        token = self._random_token()
        browser.forms[token] = wanted
        return token

    def _random_token(self) -> str:
        """Return fresh base64: 88 characters on the classic page, of any length on today's."""
        size = 64 if self._style is Style.CLASSIC else 40 + secrets.randbelow(60)
        return base64.b64encode(secrets.token_bytes(size)).decode()

    # What the proxy sees.

    def _answer_proxy(self, request: Request) -> Answer:
        if request.path == "/login/oauth/access_token":
            return self._redeem(request)
        if request.path == "/":
            return Answer(200, b"provider")
        if request.path != "/user" and not request.path.startswith("/user/"):
            return Answer(404, b"no such page")
        user = self._tokens.get(request.headers.get("Authorization", "").rpartition(" ")[2])
        if user is None:
            return dump_json({"message": "Bad credentials"}, 401)
        answers: dict[str, object] = {
            "/user": {"login": user.name, "id": 1 + list(USERS).index(user.name)},
            "/user/emails": [{"email": user.email, "primary": True, "verified": True}],
            "/user/orgs": [],
            "/user/teams": [],
        }
        if request.path not in answers:
            return Answer(404, b"no such page")
        return dump_json(answers[request.path])

    def _redeem(self, request: Request) -> Answer:
        form = parse_form(request.body.decode())
        user = self._codes.pop(form.get("code", ""), None)
        if user is None:
            return dump_json({"error": "bad_verification_code"})
        token = f"gho_{secrets.token_hex(18)}"
        self._tokens[token] = user
        return dump_json({"access_token": token, "token_type": "bearer", "scope": "user:email"})


def _html(body: bytes) -> Answer:
    return Answer(200, body, "text/html; charset=utf-8")


def _unprocessable(problem: str, note: Mapping[str, object] | None = None) -> Answer:
    return Answer(422, problem.encode(), note={**(note or {}), "problem": problem})


def _noted(answer: Answer, note: Mapping[str, object]) -> Answer:
    answer.note.update(note)
    return answer


def _same(expected: str, came: str) -> bool:
    return secrets.compare_digest(expected.encode(), came.encode())


def _without_secrets(form: dict[str, str]) -> dict[str, str]:
    return {name: "[hidden]" if name in _SECRET_FIELDS else form[name] for name in form}


def _cookies(session: str, user: User | None) -> list[tuple[str, str]]:
    attributes = "Path=/; HttpOnly; SameSite=Lax"
    cookies = [f"{_COOKIE}={session}; {attributes}"]
    if user is None:
        cookies.append(f"logged_in=no; {attributes}")
    else:
        cookies += [f"logged_in=yes; {attributes}", f"dotcom_user={user.name}; {attributes}"]
    return [("Set-Cookie", cookie) for cookie in cookies]


def start_provider(style: Style = Style.GITHUB, *, port: int = 0) -> Server:
    """Start the provider as a child process."""
    return start_site("provider", f"--style={style.value}", port=port, host=PROVIDER_HOST)


def main(arguments: list[str]) -> None:
    """Serve until ended."""
    parser = argument_parser("a scripted identity provider")
    parser.add_argument("--style", type=Style, default=Style.GITHUB)
    options = parser.parse_args(arguments)
    serve(Provider(options.style), options.port)

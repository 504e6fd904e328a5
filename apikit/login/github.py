"""The login by GitHub's form, as a proxy with GitHub for its provider asks it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import urljoin, urlsplit

from apikit import _core
from apikit.login import Form, Link, Outcome, Page, Purpose
from apikit.login.forms import Control, HtmlForm, overlay, parse_forms, takes_password
from apikit.login.pages import (
    BAD_CREDENTIALS,
    code_form,
    consent_form,
    judge_at_proxy,
    judge_busy,
    leads_to,
)

__all__ = ["GitHub"]

TOKEN: Final = "authenticity_token"  # noqa: S105 - the name of a field
SUBMIT: Final = ("commit", "Sign in")

_TWO_FACTOR: Final = "/sessions/two-factor"
#: The page of the code, whichever method the account prefers.
_CODE_PAGE: Final = f"{_TWO_FACTOR}/app"
_DEVICE: Final = "/sessions/verified-device"
_CONSENT: Final = "/login/oauth/authorize"

_DEVICE_OUTCOME: Final = Outcome(
    "device",
    "the provider wants this device verified by a code that it sent by e-mail, which no program "
    "can read: give the account a second factor and pass otp=, or use login='bearer'",
)


_NO_APP: Final = Outcome(
    "two-factor",
    "the account wants a second factor that is no code of an app: set one up, or use "
    "login='bearer'",
)


class GitHub:
    """The strategy ``login="github"``.

    The form must be on a page of the session URL's origin, lead to that origin,
    and be the only one there that takes a password; it is sent with every input
    that a browser would send.

    Parameters
    ----------
    base_url
        Where the proxy begins a login.
    session_url
        Where the provider takes the form.
    """

    def __init__(self, base_url: str, session_url: str | None) -> None:
        self._base_url = base_url
        self._session_url = session_url or "https://github.com/session"

    def read(self, page: Page, extra: Mapping[str, Any]) -> Form | Outcome:
        """Find the form to fill in: see `apikit.login.Strategy.read`."""
        busy = judge_busy(page)
        if busy is not None:
            return busy
        if not self._is_provider(page.url):
            return _no_form("the base URL did not lead to the provider of the session URL")
        forms = [form for form in parse_forms(page.text, page.url) if takes_password(form)]
        if len(forms) != 1:
            return _no_form(f"the login page has {len(forms)} forms with a password, not one")
        return self._fill_in(page, forms[0], extra)

    def judge(self, page: Page) -> Form | Link | Outcome:
        """Say how the login ended: see `apikit.login.Strategy.judge`."""
        if self._is_provider(page.url):
            busy = judge_busy(page)
            found = self._judge_provider(page) if busy is None else busy
            if found is not None:
                return found
        return judge_at_proxy(page, self._base_url, self._is_provider)

    def offers_login(self, page: Page) -> bool:
        """Say whether a login can begin there: see `apikit.login.Strategy.offers_login`."""
        return leads_to(page, self._base_url)

    def _is_provider(self, url: str) -> bool:
        return _core.same_origin(url, self._session_url)

    def _fill_in(self, page: Page, form: HtmlForm, extra: Mapping[str, Any]) -> Form | Outcome:
        if form.named(TOKEN) is None:
            return _no_form(f"the login form has no {TOKEN}")
        if not form.action or not self._is_provider(form.action):
            return Outcome("error", "the login form leads to another origin than the session URL")
        (password,) = form.of_kind("password")
        username = _username_control(form, password)
        if username is None:
            return _no_form("the login form has no field for the user name")
        sent = [control for control in form.controls if control.is_sent]
        fields = [(control.name, control.value) for control in sent]
        places = {"username": sent.index(username), "password": sent.index(password)}
        submit = next((one for one in form.of_kind("submit") if one.name == SUBMIT[0]), None)
        fields.append(SUBMIT if submit is None else (submit.name, submit.value or SUBMIT[1]))
        own = {str(name): value for name, value in extra.items() if name != TOKEN}
        return Form(
            action=self._target(form),
            page=page.url,
            fields=tuple(overlay(fields, own)),
            username=-1 if username.name in own else places["username"],
            password=places["password"],
        )

    def _target(self, form: HtmlForm) -> str:
        """Where to post: the session URL, unless that names an origin only."""
        return form.action if urlsplit(self._session_url).path in ("", "/") else self._session_url

    def _judge_provider(self, page: Page) -> Form | Link | Outcome | None:
        """Say what a page of the provider means; None if the login should end there."""
        if _is_at(page.url, _TWO_FACTOR):
            return self._find_code_form(page)
        if _is_at(page.url, _DEVICE):
            return _DEVICE_OUTCOME
        forms = parse_forms(page.text, page.url)
        if _is_at(page.url, _CONSENT):
            found = consent_form(page, [one for one in forms if _is_at(one.action, _CONSENT)])
            return found or Outcome(
                "consent",
                "the account has not agreed to the proxy yet: log in with a browser once",
            )
        if page.status == 422 or any(map(takes_password, forms)):
            return BAD_CREDENTIALS
        if page.status >= 400 or not _core.same_origin(page.url, self._base_url):
            return Outcome(
                "error",
                f"the login ended at a page of the provider ({page.status}): log in with a browser "
                "to see it",
            )
        return None

    def _find_code_form(self, page: Page) -> Form | Link | Outcome:
        """Find where the code of an app goes: the account may prefer another second factor."""
        forms = parse_forms(page.text, page.url)
        found = code_form(page, [one for one in forms if _is_at(one.action, _TWO_FACTOR)])
        if found is not None:
            return found
        code_page = urljoin(page.url, _CODE_PAGE)
        if urlsplit(page.url).path != _CODE_PAGE:
            return Link(code_page, Purpose.CODE, _NO_APP)
        return _NO_APP


def _no_form(message: str) -> Outcome:
    return Outcome("no-form", message)


def _is_at(url: str, path: str) -> bool:
    """Whether a URL's path is `path` or below it."""
    return f"{urlsplit(url).path}/".startswith(f"{path}/")


def _username_control(form: HtmlForm, password: Control) -> Control | None:
    before = form.controls[: form.controls.index(password)]
    candidates = [one for one in before if one.kind in ("text", "email") and one.name]
    for fits in (
        lambda one: "username" in one.autocomplete.split(),
        lambda one: one.name == "login",
        lambda _: True,
    ):
        for control in candidates:
            if fits(control):
                return control
    return None

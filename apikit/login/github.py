"""The login by GitHub's form, as a proxy with GitHub for its provider asks it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import urlsplit

from apikit import _core
from apikit.login import Form, Outcome, Page
from apikit.login.forms import Control, HtmlForm, parse_forms

__all__ = ["GitHub"]

TOKEN: Final = "authenticity_token"  # noqa: S105 - the name of a field
SUBMIT: Final = ("commit", "Sign in")

#: Beginnings of paths at the provider where a login stops, and what that means.
_OBSTACLES: Final = (
    ("/sessions/two-factor", "two-factor", "the account wants a second factor"),
    ("/sessions/verified-device", "device", "the provider wants this device verified by e-mail"),
    ("/login/oauth/authorize", "consent", "the account has not agreed to the proxy yet"),
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

    def __init__(self, base_url: str, session_url: str) -> None:
        self._base_url = base_url
        self._session_url = session_url

    def read(self, page: Page, extra: Mapping[str, Any]) -> Form | Outcome:
        """Find the form to fill in: see `apikit.login.Strategy.read`."""
        if page.status == 429:
            return Outcome("rate-limited", "the provider takes no more logins for now (429)")
        if not _core.same_origin(page.url, self._session_url):
            return _no_form("the base URL did not lead to the provider of the session URL")
        forms = [form for form in parse_forms(page.text, page.url) if _takes_password(form)]
        if len(forms) != 1:
            return _no_form(f"the login page has {len(forms)} forms with a password, not one")
        return self._fill_in(page, forms[0], extra)

    def judge(self, page: Page) -> Outcome:
        """Say how the login ended: see `apikit.login.Strategy.judge`."""
        if page.status == 429:
            return Outcome("rate-limited", "the provider takes no more logins for now (429)")
        if _core.same_origin(page.url, self._session_url):
            found = self._judge_provider(page)
            if found is not None:
                return found
        path = urlsplit(page.url).path
        if page.status >= 400 and (path.endswith("/callback") or self.offers_login(page)):
            return Outcome("error", f"the proxy refused the provider's answer ({page.status})")
        if not _core.same_origin(page.url, self._base_url):
            return Outcome("error", "the login ended neither at the proxy nor at the provider")
        return Outcome("ok", "logged in")

    def offers_login(self, page: Page) -> bool:
        """Say whether a login can begin there: see `apikit.login.Strategy.offers_login`."""
        base = urlsplit(self._base_url).path
        return any(
            bool(form.action)
            and urlsplit(form.action).path == base
            and _core.same_origin(form.action, self._base_url)
            for form in parse_forms(page.text, page.url)
        )

    def _fill_in(self, page: Page, form: HtmlForm, extra: Mapping[str, Any]) -> Form | Outcome:
        if form.named(TOKEN) is None:
            return _no_form(f"the login form has no {TOKEN}")
        if not form.action or not _core.same_origin(form.action, self._session_url):
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
            fields=tuple(_overlay(fields, own)),
            username=-1 if username.name in own else places["username"],
            password=places["password"],
        )

    def _target(self, form: HtmlForm) -> str:
        """Where to post: the session URL, unless that names an origin only."""
        return form.action if urlsplit(self._session_url).path in ("", "/") else self._session_url

    def _judge_provider(self, page: Page) -> Outcome | None:
        """Say what a page of the provider means; None if the login should end there."""
        path = urlsplit(page.url).path
        for prefix, state, message in _OBSTACLES:
            if path == prefix or path.startswith(f"{prefix}/"):
                return Outcome(state, message)
        if page.status == 422 or any(map(_takes_password, parse_forms(page.text, page.url))):
            return Outcome("bad-credentials", "the provider refused user name or password")
        if page.status >= 400 or not _core.same_origin(page.url, self._base_url):
            return Outcome("error", f"the login ended at a page of the provider ({page.status})")
        return None


def _no_form(message: str) -> Outcome:
    return Outcome("no-form", message)


def _takes_password(form: HtmlForm) -> bool:
    """Whether it posts exactly one password, and not a new one."""
    passwords = form.of_kind("password")
    return (
        form.method == "post"
        and form.enctype == "application/x-www-form-urlencoded"
        and len(passwords) == 1
        and bool(passwords[0].name)
        and passwords[0].autocomplete != "new-password"
    )


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


def _overlay(fields: list[tuple[str, str]], own: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Put the caller's values in place of the page's, and what the page lacks behind them."""
    values = {
        name: value.decode() if isinstance(value, bytes) else str(value)
        for name, value in own.items()
        if value is not None
    }
    merged = [(name, values.get(name, value)) for name, value in fields]
    names = {name for name, _ in fields}
    return merged + [(name, value) for name, value in values.items() if name not in names]

"""The login by whatever form there is: a provider's, or the proxy's own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import urljoin, urlsplit

from apikit import _core
from apikit.login import Form, Link, Outcome, Page
from apikit.login.forms import (
    Control,
    HtmlForm,
    overlay,
    parse_forms,
    takes_password,
    wants_new_password,
)
from apikit.login.pages import (
    BAD_CREDENTIALS,
    code_form,
    consent_form,
    judge_at_proxy,
    judge_busy,
    leads_to,
)

__all__ = ["AnyForm"]

#: The statuses with which a page holds the form: 401 and 403 where it takes a page's place.
_STATUSES: Final = (200, 401, 403)

_NEW_PASSWORD: Final = Outcome(
    "error", "the provider wants a new password: log in with a browser, and choose one"
)


class AnyForm:
    """The strategy ``login="form"``.

    Nothing in it is named after a provider.  The form is the only one of its page that
    posts one password; what it asks for and how it ends is told by its fields.

    Parameters
    ----------
    base_url
        Where the proxy begins a login.
    session_url
        Where the provider is: its origin, and if the path is more than "/" what is at it
        and below.  None for the origin of the base URL: the proxy's own form.
    """

    def __init__(self, base_url: str, session_url: str | None) -> None:
        self._base_url = base_url
        self._session_url = session_url
        #: Nothing but an origin binds where no session URL is given.
        self._place = session_url or urljoin(base_url, "/")

    def read(self, page: Page, extra: Mapping[str, Any]) -> Form | Outcome:
        """Find the form to fill in: see `apikit.login.Strategy.read`."""
        busy = judge_busy(page)
        if busy is not None:
            return busy
        if not self._is_allowed(page.url):
            return _no_form(
                "the base URL did not lead to where the session URL allows the password"
            )
        if page.status not in _STATUSES or not page.is_html:
            return _no_form(f"the base URL led to no page with a form ({page.status})")
        forms = parse_forms(page.text, page.url)
        candidates = [form for form in forms if takes_password(form)]
        if not candidates and any(map(wants_new_password, forms)):
            return _NEW_PASSWORD
        if len(candidates) != 1:
            return _no_form(f"the page has {len(candidates)} forms for a password, not one")
        return self._fill_in(page, candidates[0], extra)

    def judge(self, page: Page) -> Form | Link | Outcome:
        """Say how the login ended: see `apikit.login.Strategy.judge`."""
        if not self._is_providers(page.url):
            return judge_at_proxy(page, self._base_url, self._is_providers)
        busy = judge_busy(page)
        if busy is not None:
            return busy
        forms = parse_forms(page.text, page.url) if page.is_html else []
        allowed = [form for form in forms if form.action and self._is_allowed(form.action)]
        if any(map(takes_password, allowed)):
            return BAD_CREDENTIALS
        if any(map(wants_new_password, forms)):
            return _NEW_PASSWORD
        found = code_form(page, allowed) or consent_form(page, allowed)
        if found is not None:
            return found
        return Outcome(
            "error",
            f"the login ended at a page of the provider that is not understood ({page.status}): "
            "log in with a browser to see it, or use login='bearer'",
        )

    def offers_login(self, page: Page) -> bool:
        """Say whether a login can begin there: see `apikit.login.Strategy.offers_login`."""
        return leads_to(page, self._base_url) or leads_to(page, urljoin(self._base_url, "start"))

    def _is_allowed(self, url: str) -> bool:
        return _core.place_holds(self._place, url)

    def _is_providers(self, url: str) -> bool:
        """Whether the provider answers there, and not the proxy or the service behind it."""
        if not self._is_allowed(url):
            return False
        if not _core.same_origin(url, self._base_url):
            return True
        path = urlsplit(url).path
        top = urlsplit(self._place).path.strip("/")
        beginnings = (self._base_url, urljoin(self._base_url, "sign_in"))
        return bool(top) or path in [urlsplit(one).path for one in beginnings]

    def _fill_in(self, page: Page, form: HtmlForm, extra: Mapping[str, Any]) -> Form | Outcome:
        if not form.action or not self._is_allowed(form.action):
            return Outcome("error", "the login form leads elsewhere than the session URL allows")
        (password,) = form.of_kind("password")
        username = _username_control(form, password)
        if username is None:
            return _no_form("the login form has no one field for the user name")
        submit = next(iter(form.of_kind("submit")), None)
        sent = [one for one in form.controls if one.is_sent or (one is submit and one.name)]
        own = {str(name): value for name, value in extra.items()}
        return Form(
            action=form.action,
            page=page.url,
            fields=tuple(overlay([(one.name, one.value) for one in sent], own)),
            username=-1 if username.name in own else sent.index(username),
            password=sent.index(password),
        )


def _no_form(message: str) -> Outcome:
    return Outcome(
        "no-form",
        f"{message}: a page that is built by script or asks the name first needs login='bearer' or "
        "login='basic'",
    )


def _username_control(form: HtmlForm, password: Control) -> Control | None:
    """Return the field that says so, else the only one before the password."""
    before = [
        one
        for one in form.controls[: form.controls.index(password)]
        if one.kind in ("text", "email") and one.name
    ]
    for meaning in ("username", "email"):
        for control in before:
            if meaning in control.autocomplete.split():
                return control
    return before[0] if len(before) == 1 else None

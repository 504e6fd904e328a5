"""What pages of a log-in have in common, whoever shows them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final
from urllib.parse import urljoin, urlsplit

from apikit import _core
from apikit.login import Form, Outcome, Page, Purpose
from apikit.login.forms import Control, HtmlForm, consent_of, parse_forms

__all__ = [
    "BAD_CREDENTIALS",
    "code_form",
    "consent_form",
    "judge_at_proxy",
    "judge_busy",
    "leads_to",
]

BAD_CREDENTIALS: Final = Outcome(
    "bad-credentials", "the provider refused user name or password: give others"
)

#: What takes a code, by name, if no field says so.
_CODE_NAMES: Final = ("app_otp", "otp")


def judge_busy(page: Page) -> Outcome | None:
    """Say whether the provider wants to be left alone.

    Parameters
    ----------
    page
        Any of the provider.
    """
    if not page.is_busy and page.status != 429:
        return None
    return Outcome(
        "rate-limited", f"the provider takes no more logins for now ({page.status}): wait"
    )


def leads_to(page: Page, url: str) -> bool:
    """Say whether a page has a form that leads to a URL.

    Parameters
    ----------
    page
        Any.
    url
        Whose query does not count.
    """
    path = urlsplit(url).path
    return any(
        bool(form.action)
        and urlsplit(form.action).path == path
        and _core.same_origin(form.action, url)
        for form in parse_forms(page.text, page.url)
    )


def code_form(page: Page, forms: list[HtmlForm]) -> Form | None:
    """Return the form that takes a one-time code.

    Parameters
    ----------
    page
        Of the provider.
    forms
        Its forms.
    """
    for form in forms:
        control = _code_control(form)
        if control is not None and form.is_posted():
            sent = [one for one in form.controls if one.is_sent or _is_first_submit(form, one)]
            fields = tuple((one.name, one.value) for one in sent)
            code = sent.index(control)
            return Form(form.action, page.url, fields, purpose=Purpose.CODE, code=code)
    return None


def consent_form(page: Page, forms: list[HtmlForm]) -> Form | None:
    """Return the form that agrees to what the proxy wants to see.

    Parameters
    ----------
    page
        Of the provider.
    forms
        Its forms.
    """
    found = consent_of(forms)
    if found is None:
        return None
    form, button = found
    return Form(form.action, page.url, tuple(form.fields(button)), purpose=Purpose.CONSENT)


def judge_at_proxy(page: Page, base_url: str, is_provider: Callable[[str], bool]) -> Outcome:
    """Say what it means that a log-in ended at the proxy or behind it.

    Parameters
    ----------
    page
        Where it ended.
    base_url
        Where it began.
    is_provider
        Whether a URL is the provider's.
    """
    if not _core.same_origin(page.url, base_url):
        return Outcome(
            "error",
            "the login ended neither at the proxy nor at the provider: see that the session URL is "
            "the provider's",
        )
    is_callback = urlsplit(page.url).path == urlsplit(urljoin(base_url, "callback")).path
    refused = page.status >= 400 and (is_callback or leads_to(page, base_url))
    if refused or (page.location and is_provider(page.location)):
        return Outcome(
            "error",
            f"the proxy refused the provider's answer ({page.status}): it may let other users in, "
            "its log says",
        )
    return Outcome("ok", "logged in")


def _code_control(form: HtmlForm) -> Control | None:
    if form.of_kind("password"):
        return None
    fields = [one for one in form.of_kind("text", "tel", "number") if one.name]
    for control in fields:
        if "one-time-code" in control.autocomplete.split():
            return control
    for name in _CODE_NAMES:
        for control in fields:
            if control.name == name:
                return control
    return None


def _is_first_submit(form: HtmlForm, control: Control) -> bool:
    return bool(control.name) and control is next(iter(form.of_kind("submit")), None)

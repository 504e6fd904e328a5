"""A log-in, page by page: what each asks for, and what is not answered twice."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from apikit.login import Form, Link, Outcome, Page, Purpose, Strategy
from apikit.login.codes import CodeSource

__all__ = ["Dialogue"]

#: Pages after the first: more than any log-in has.
_MOST_PAGES: Final = 8

_NO_CONSENT: Final = Outcome(
    "consent",
    "the account has not agreed to the proxy yet: log in with a browser once, or pass consent=True",
)
_CONSENT_AGAIN: Final = Outcome("consent", "the provider asks for consent again and again")
_PASSWORD_AGAIN: Final = Outcome(
    "error", "the provider asks for the password a second time: log in with a browser to see why"
)
_ENDLESS: Final = Outcome("error", "the login did not end: the provider shows page after page")


@dataclass
class Dialogue:
    """One log-in.

    Attributes
    ----------
    strategy
        What reads the pages.
    extra
        The caller's own fields of the password's form.
    codes
        Where one-time codes come from.
    consent
        Whether to agree, once.
    may_send_password
        Whether the password may be sent, once.
    submit, fetch
        What posts a form, and gets a page; an `Outcome` where that must not be.
    """

    strategy: Strategy
    extra: Mapping[str, Any]
    codes: CodeSource
    consent: bool
    may_send_password: bool
    submit: Callable[[Form], Page | Outcome]
    fetch: Callable[[str], Page]
    has_agreed: bool = False
    has_looked: bool = False

    def run(self, page: Page, *, may_know: bool) -> Outcome:
        """Go on from a page until it is told how the login ended.

        Parameters
        ----------
        page
            What the base URL led to.
        may_know
            Whether the provider seems to know the user still, so that the page may be one
            that comes after the password.
        """
        step = self.strategy.read(page, self.extra)
        if may_know and isinstance(step, Outcome) and step.state == "no-form":
            first: Form | Link | Outcome = self.strategy.judge(page)
        else:
            first = step
        return self._go_on(first)

    def _go_on(self, step: Form | Link | Outcome) -> Outcome:
        for _ in range(_MOST_PAGES):
            answer = step if isinstance(step, Outcome) else self._answer(step)
            if isinstance(answer, Outcome):
                return answer
            step = self.strategy.judge(answer)
        return step if isinstance(step, Outcome) else _ENDLESS

    def _answer(self, step: Form | Link) -> Page | Outcome:
        if isinstance(step, Link):
            return self._look(step)
        if step.purpose is Purpose.CODE:
            return self._send_code(step)
        if step.purpose is Purpose.CONSENT:
            return self._agree(step)
        if not self.may_send_password:
            return _PASSWORD_AGAIN
        self.may_send_password = False
        return self.submit(step)

    def _look(self, link: Link) -> Page | Outcome:
        """Go to another page of the provider, once: it may lead back."""
        if self.has_looked:
            return link.otherwise
        self.has_looked = True
        return self.codes.problem() or self.fetch(link.url)

    def _send_code(self, form: Form) -> Page | Outcome:
        code = self.codes.next_code()
        if isinstance(code, Outcome):
            return code
        fields = list(form.fields)
        fields[form.code] = (fields[form.code][0], code)
        return self.submit(form._replace(fields=tuple(fields)))

    def _agree(self, form: Form) -> Page | Outcome:
        if not self.consent or self.has_agreed:
            return _CONSENT_AGAIN if self.has_agreed else _NO_CONSENT
        self.has_agreed = True
        return self.submit(form)

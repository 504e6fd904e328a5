"""How a session logs in: a strategy reads the pages, the C half posts the secrets.

A strategy is a module of this package with a class that has the methods of
`Strategy`.  It gets pages and says what to send where; user name and password it
never sees, only the places in the form where they belong.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from importlib import import_module
from typing import Any, Final, Protocol, cast

__all__ = ["Form", "Outcome", "Page", "State", "Strategy", "find_strategy"]

#: What `Session.login_state` says.
State = str

#: Name of a strategy -> where its class is.
_STRATEGIES: Final = {"github": ("apikit.login.github", "GitHub")}


@dataclass(frozen=True)
class Page:
    """A page that a login came to.

    Attributes
    ----------
    url
        Where it is, after redirects.
    status
        Its status code.
    source
        Its text, what cannot be decoded replaced; or what gives it, since to ask for
        it reads the body.
    """

    url: str
    status: int
    source: str | Callable[[], str]

    @cached_property
    def text(self) -> str:
        """Its text."""
        return self.source if isinstance(self.source, str) else self.source()


@dataclass(frozen=True)
class Form:
    """A form that is ready but for the secrets.

    Attributes
    ----------
    action
        The URL to post it to.
    page
        The URL of the page that it is on.
    fields
        Names and values in the order in which they are sent.
    username, password
        Which of the fields, by number, the C half fills in; -1 for none.
    """

    action: str
    page: str
    fields: tuple[tuple[str, str], ...]
    username: int
    password: int


@dataclass(frozen=True)
class Outcome:
    """How a login, or a part of it, ended.

    Attributes
    ----------
    state
        For `Session.login_state`.
    message
        Why, in words, without secrets.
    """

    state: State
    message: str


class Strategy(Protocol):
    """What reads the pages of one kind of login."""

    def read(self, page: Page, extra: Mapping[str, Any]) -> Form | Outcome:
        """Find the form to fill in.

        Parameters
        ----------
        page
            What the base URL led to.
        extra
            The caller's own fields, which win over those of the page.

        Returns
        -------
        Form or Outcome
            The latter if there is nothing to fill in.
        """
        ...

    def offers_login(self, page: Page) -> bool:
        """Say whether a page has a form that leads to the base URL.

        Parameters
        ----------
        page
            The proxy's, or maybe one of the service.
        """
        ...

    def judge(self, page: Page) -> Outcome:
        """Say how the login ended.

        Parameters
        ----------
        page
            What the posted form led to.
        """
        ...


def find_strategy(name: str) -> Callable[[str, str], Strategy]:
    """Return the class of a strategy, to be called with the base and the session URL.

    Parameters
    ----------
    name
        As in ``Session(login=...)``.

    Raises
    ------
    TypeError
        If `name` is no string.
    ValueError
        If there is no such strategy.
    """
    if not isinstance(name, str):
        raise TypeError(f"login must be the name of a strategy, not {type(name).__name__}")
    if name not in _STRATEGIES:
        raise ValueError(f"login must be one of {', '.join(map(repr, _STRATEGIES))}, not {name!r}")
    module, strategy = _STRATEGIES[name]
    return cast("Callable[[str, str], Strategy]", getattr(import_module(module), strategy))

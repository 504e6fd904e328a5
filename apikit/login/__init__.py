"""How a session gets through the proxy: by a log-in, or by a header on each request.

For a log-in a strategy reads the pages, and the C half posts the secrets.  A strategy
is a module of this package with a class that has the methods of `Strategy`.  It gets
pages and says what to send where; user name and password it never sees, only the places
in the form where they belong.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Mapping
from functools import cached_property
from importlib import import_module
from typing import Any, Final, NamedTuple, Protocol, cast

__all__ = [
    "BY_CALLER",
    "Form",
    "Link",
    "Login",
    "Otp",
    "Outcome",
    "Page",
    "Purpose",
    "State",
    "Strategy",
    "Way",
    "find_strategy",
    "find_way",
]

#: What `Session.login_state` says.
State = str

#: Strategy -> where its class is; the other ways are headers.
_STRATEGIES: Final = {
    "github": ("apikit.login.github", "GitHub"),
    "form": ("apikit.login.form", "AnyForm"),
}
_NAMES: Final = ("github", "form", "basic", "bearer")


class Way(NamedTuple):
    """What ``login=`` stands for.

    Attributes
    ----------
    name
        As the C half calls it.
    function
        What gives the Authorization, if the name is "token".
    """

    name: str
    function: Callable[[Any, Any], str] | None = None

    @property
    def is_header(self) -> bool:
        """Whether each request bears the log-in, and no cookie."""
        return self.name not in _STRATEGIES

    @property
    def label(self) -> str:
        """What no other way has, also in another process."""
        if self.function is None:
            return self.name
        module = getattr(self.function, "__module__", "")
        return f"token {module}.{getattr(self.function, '__qualname__', '')}"


#: The way of `apikit.Backend` with ``bearer=True``: each call brings its own header.
BY_CALLER: Final = Way("caller")

#: What ``login=`` may be.
Login = str | Callable[[Any, Any], str] | Way
#: What ``otp=`` may be: called with the user name, it gives a one-time code, or None.
Otp = Callable[[Any], str | None]


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
    is_html
        Whether it says that it is HTML.
    location
        Where it redirects to, if nobody followed.
    is_busy
        Whether the server wants to be left alone for a while.
    """

    def __init__(
        self,
        url: str,
        status: int,
        source: str | Callable[[], str],
        is_html: bool = True,
        location: str = "",
        is_busy: bool = False,
    ) -> None:
        self.url = url
        self.status = status
        self.source = source
        self.is_html = is_html
        self.location = location
        self.is_busy = is_busy

    @cached_property
    def text(self) -> str:
        """Its text."""
        return self.source if isinstance(self.source, str) else self.source()


class Purpose(enum.Enum):
    """What a form is there for."""

    PASSWORD = "password"  # noqa: S105 - the kind of a form
    CODE = "code"
    CONSENT = "consent"


class Form(NamedTuple):
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
    purpose
        What it is there for.
    code
        Which of the fields takes the one-time code; -1 for none.
    """

    action: str
    page: str
    fields: tuple[tuple[str, str], ...]
    username: int = -1
    password: int = -1
    purpose: Purpose = Purpose.PASSWORD
    code: int = -1


class Outcome(NamedTuple):
    """How a login, or a part of it, ended.

    Attributes
    ----------
    state
        For `Session.login_state`.
    message
        Why, and what to do, in words, without secrets.
    """

    state: State
    message: str


class Link(NamedTuple):
    """A page to go to, since the form that is needed is there.

    Attributes
    ----------
    url
        Of the provider.
    purpose
        What the form is needed for.
    otherwise
        How the login ended if that page leads nowhere else.
    """

    url: str
    purpose: Purpose
    otherwise: Outcome


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

    def judge(self, page: Page) -> Form | Link | Outcome:
        """Say how the login ended, or what is asked for next.

        Parameters
        ----------
        page
            What the posted form led to; or the base URL, where the provider still knew
            the user.
        """
        ...


def find_way(login: Login) -> Way:
    """Return what ``Session(login=...)`` stands for.

    Parameters
    ----------
    login
        A name, or a callable that gives the Authorization.

    Raises
    ------
    TypeError
        If it is neither.
    ValueError
        If there is no way of that name.
    """
    if isinstance(login, Way):
        return login
    if callable(login):
        return Way("token", login)
    if not isinstance(login, str):
        raise TypeError(
            "login must be the name of a way in, or a callable(user, password) that returns an "
            f"Authorization, not {type(login).__name__}"
        )
    if login not in _NAMES:
        raise ValueError(
            f"login must be one of {', '.join(map(repr, _NAMES))}, or a callable, not {login!r}"
        )
    return Way(login)


def find_strategy(name: str) -> Callable[[str, str | None], Strategy]:
    """Return the class of a strategy, to be called with the base and the session URL.

    Parameters
    ----------
    name
        Of a way that is a log-in.
    """
    module, strategy = _STRATEGIES[name]
    return cast("Callable[[str, str | None], Strategy]", getattr(import_module(module), strategy))

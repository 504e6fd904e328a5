"""Who is told of what a session does: the callables of ``on_request`` and its like."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final, Generic, Self, TypedDict, TypeVar, overload

from apikit.models import PreparedRequest
from apikit.response import Response

__all__ = [
    "NAMES",
    "EventOptions",
    "Events",
    "Hook",
    "OnError",
    "OnLogin",
    "OnRequest",
    "OnResponse",
    "with_hook",
]

#: Of all hooks.
NAMES: Final = ("on_request", "on_response", "on_error", "on_login")

#: Is shown a request that is about to be sent; gives headers to add to it, or None.
OnRequest = Callable[[PreparedRequest], Mapping[str, str] | None]
#: Is shown an answer, redirects and the pages of a log-in included.
OnResponse = Callable[[Response], object]
#: Is shown why there was no answer, and the request.
OnError = Callable[[BaseException, PreparedRequest], object]
#: Is shown a session whose log-in has just ended, well or not: see its `login_state`.
OnLogin = Callable[[Any], object]


class EventOptions(TypedDict, total=False):
    """What `Session` takes by name, for those who pass it on."""

    on_request: OnRequest | None
    on_response: OnResponse | None
    on_error: OnError | None
    on_login: OnLogin | None


class Events:
    """The callables of a session; the C half calls `announce`, `answer` and `fail`.

    They watch: one that raises is logged, once, and changes nothing.
    """

    __slots__ = ("_raised", *NAMES)

    def __init__(
        self,
        on_request: OnRequest | None = None,
        on_response: OnResponse | None = None,
        on_error: OnError | None = None,
        on_login: OnLogin | None = None,
    ) -> None:
        given = on_request, on_response, on_error, on_login
        for name, hook in zip(NAMES, given, strict=True):
            if hook is not None and not callable(hook):
                raise TypeError(f"{name} must be a callable or None, not {type(hook).__name__}")
            setattr(self, name, hook)
        #: Those of which a failure has been logged.
        self._raised: set[str] = set()

    def __bool__(self) -> bool:
        """Whether anyone is told of anything."""
        return any(getattr(self, name) is not None for name in NAMES)

    def announce(self, request: PreparedRequest) -> Mapping[str, str] | None:
        """Tell of a request, and return the headers to add."""
        added = self._call("on_request", request)
        if added is not None and not isinstance(added, Mapping):
            raise TypeError(
                "on_request must return None or a mapping of headers to add, not "
                f"{type(added).__name__}"
            )
        return added or None

    def answer(self, response: Response) -> None:
        """Tell of an answer."""
        self._call("on_response", response)

    def fail(self, request: PreparedRequest, failure: BaseException) -> None:
        """Tell of a request that got no answer."""
        self._call("on_error", failure, request)

    def tell_login(self, session: object) -> None:
        """Tell of a log-in that has ended."""
        self._call("on_login", session)

    def _call(self, name: str, *arguments: object) -> Any:
        hook = getattr(self, name)
        if hook is None:
            return None
        try:
            return hook(*arguments)
        except Exception:
            if name not in self._raised:
                import logging

                self._raised.add(name)
                logging.getLogger("apikit.hooks").exception(
                    "%s raised; the call goes on, and this is said once", name
                )
            return None


_T = TypeVar("_T")


class Hook(Generic[_T]):
    """An attribute that is one of the hooks, or None, of what has `_hook` and `_set_hook`."""

    def __set_name__(self, owner: type, name: str) -> None:
        """Learn which one."""
        self._name = name

    @overload
    def __get__(self, owner: None, kind: type) -> Self: ...
    @overload
    def __get__(self, owner: object, kind: type) -> _T | None: ...
    def __get__(self, owner: Any, kind: type) -> Self | _T | None:
        """Return the hook."""
        if owner is None:
            return self
        found: _T | None = owner._hook(self._name)
        return found

    def __set__(self, owner: Any, hook: _T | None) -> None:
        """Put another one in its place, from the next request on."""
        owner._set_hook(self._name, hook)


def with_hook(events: Events | None, name: str, hook: Any) -> Events | None:
    """Return what `events` are with another hook; None if there is none at all.

    Parameters
    ----------
    events
        Those that there are.
    name
        Which one.
    hook
        A callable, or None.

    Raises
    ------
    TypeError
        If it is neither.
    """
    hooks = {one: getattr(events, one, None) for one in NAMES}
    return Events(**{**hooks, name: hook}) or None

"""Who is told of what a session does: the callables of ``on_request`` and its like."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final, Generic, Protocol, Self, TypedDict, TypeVar, overload

from apikit import _core
from apikit.models import PreparedRequest
from apikit.response import Response

__all__ = [
    "EventOptions",
    "Events",
    "Hooked",
    "Observer",
    "OnError",
    "OnLogin",
    "OnRequest",
    "OnResponse",
    "with_hook",
]

_HOOKS: Final = ("on_request", "on_response", "on_error", "on_login")
_NAMES: Final = (*_HOOKS, "observer")

#: Is shown the first request of a call; gives headers to add to those of its origin, or None.
OnRequest = Callable[[PreparedRequest], Mapping[str, str] | None]
#: Is shown the answer that the call returns.
OnResponse = Callable[[Response], object]
#: Is shown what the call raises, and its first request.
OnError = Callable[[BaseException, PreparedRequest], object]
#: Is shown a session whose log-in has just ended, well or not: see its `login_state`.
OnLogin = Callable[[Any], object]


class Observer(Protocol):
    """What is told of each request on the wire: of redirects, of tries and of log-ins too."""

    def announce(self, request: PreparedRequest) -> Mapping[str, str] | None:
        """Tell of one that is about to be sent; returns headers to add to it, or None."""

    def answer(self, response: Response) -> object:
        """Tell of the answer; its ``request`` is the very object that was announced."""

    def fail(self, exception: BaseException, request: PreparedRequest) -> object:
        """Tell why there was none."""


_METHODS: Final = ("announce", "answer", "fail")


class EventOptions(TypedDict, total=False):
    """What `Session` takes by name, for those who pass it on."""

    on_request: OnRequest | None
    on_response: OnResponse | None
    on_error: OnError | None
    on_login: OnLogin | None
    observer: Observer | None


class Events:
    """The hooks of a session, and its `Observer`.

    They watch: one that raises is logged, once, and changes nothing.  The C half calls
    `begin_watch` for a call, and itself for the requests of a log-in.
    """

    __slots__ = ("_raised", *_NAMES)

    def __init__(
        self,
        on_request: OnRequest | None = None,
        on_response: OnResponse | None = None,
        on_error: OnError | None = None,
        on_login: OnLogin | None = None,
        observer: Observer | None = None,
    ) -> None:
        self.on_request = on_request
        self.on_response = on_response
        self.on_error = on_error
        self.on_login = on_login
        self.observer = observer
        for name in _HOOKS:
            hook = getattr(self, name)
            if hook is not None and not callable(hook):
                raise TypeError(f"{name} must be a callable or None, not {type(hook).__name__}")
        for method in _METHODS if observer is not None else ():
            if not callable(getattr(observer, method, None)):
                raise TypeError(
                    f"observer must have the methods {', '.join(_METHODS)}, or be None, not "
                    f"{type(observer).__name__}"
                )
        #: Those of which a failure has been logged.
        self._raised: set[str] = set()

    def __bool__(self) -> bool:
        """Whether anyone is told of anything."""
        return any(getattr(self, name) is not None for name in _NAMES)

    def begin_watch(self) -> Watch:
        """Return who is told of one call and of its hops."""
        return Watch(self)

    def announce(self, request: PreparedRequest) -> Mapping[str, str] | None:
        """Tell of a hop, and return the headers to add to it."""
        return self._ask("observer.announce", self._of_observer("announce"), request)

    def answer(self, response: Response) -> None:
        """Tell of the answer to a hop."""
        self._call("observer.answer", self._of_observer("answer"), response)

    def fail(self, exception: BaseException, request: PreparedRequest) -> None:
        """Tell of a hop that got no answer."""
        self._call("observer.fail", self._of_observer("fail"), exception, request)

    def tell_login(self, session: object) -> None:
        """Tell of a log-in that has ended."""
        self._call("on_login", self.on_login, session)

    def _of_observer(self, method: str) -> Callable[..., Any] | None:
        found: Callable[..., Any] | None = getattr(self.observer, method, None)
        return found

    def _ask(
        self, name: str, hook: Callable[..., Any] | None, request: PreparedRequest
    ) -> Mapping[str, str] | None:
        added = self._call(name, hook, request)
        if added is not None and not isinstance(added, Mapping):
            raise TypeError(
                f"{name} must return None or a mapping of headers to add, not "
                f"{type(added).__name__}"
            )
        return added or None

    def _call(self, name: str, hook: Callable[..., Any] | None, *arguments: object) -> Any:
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


class Watch:
    """One call: its hops are the observer's, its beginning and its end are the hooks'.

    Parameters
    ----------
    events
        Those of its session when it began.
    """

    __slots__ = ("_added", "_events", "_request")

    def __init__(self, events: Events) -> None:
        self._events = events
        self._request: PreparedRequest | None = None
        self._added: Mapping[str, str] | None = None

    def announce(self, request: PreparedRequest) -> Mapping[str, str] | None:
        """Tell of a hop; the headers that a hook gave may be secrets of the first one's origin."""
        added = self._events.announce(request)
        if self._request is None:
            self._request = request
            self._added = self._events._ask("on_request", self._events.on_request, request)
        if self._added is None or not _core.same_origin(request.url, self._request.url):
            return added
        return {**(added or {}), **self._added}

    def answer(self, response: Response) -> None:
        """Tell of the answer to a hop."""
        self._events.answer(response)

    def fail(self, exception: BaseException, request: PreparedRequest) -> None:
        """Tell of a hop that got no answer."""
        self._events.fail(exception, request)

    def end(self, response: Response) -> None:
        """Tell of what the call returns."""
        self._events._call("on_response", self._events.on_response, response)

    def end_in_failure(self, exception: BaseException) -> None:
        """Tell of what the call raises, if there was a request."""
        if self._request is not None:
            self._events._call("on_error", self._events.on_error, exception, self._request)


_T = TypeVar("_T")


class _Hook(Generic[_T]):
    """An attribute that is one of the hooks, or None, of a `Hooked`."""

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


class Hooked:
    """What has hooks and an observer, as attributes that may be assigned.

    A subclass keeps them: it has ``_hook(name)`` and ``_set_hook(name, hook)``.
    """

    __slots__ = ()

    on_request: _Hook[OnRequest] = _Hook()
    on_response: _Hook[OnResponse] = _Hook()
    on_error: _Hook[OnError] = _Hook()
    on_login: _Hook[OnLogin] = _Hook()
    observer: _Hook[Observer] = _Hook()


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
    hooks = {one: getattr(events, one, None) for one in _NAMES}
    return Events(**{**hooks, name: hook}) or None

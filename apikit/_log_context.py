"""What ``log.bind(...)`` binds to: the request, or what runs outside of one.

Services throw the result of ``log.bind(user=...)`` away and expect the name in
every later line of the same request, whichever logger writes it.  So a bound
context here is a *view*: it holds no values itself and finds its layer anew at
each use.  The layers, from the innermost out:

request
    Lives and dies with Flask's request object.  Nothing has to clear it: a new
    request finds a new layer before anybody's first ``before_request``, and
    the last teardown function still finds the old one.
thread
    For code outside of a request on a thread other than the main one.
process
    For code outside of a request on the main thread, and for code at module
    level on any: what is bound while a service is imported is in every line.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator, Mapping, MutableMapping
from contextvars import ContextVar
from typing import Any, Final, cast

from flask import current_app, g, has_app_context, has_request_context, request

__all__ = ["LogContext"]

_ATTRIBUTE: Final = "_apikit_log_context"


class _Unbound:
    """The mark of a name that an inner layer hides from the outer ones."""


_UNBOUND: Final = _Unbound()

_process_layer: dict[str, Any] = {}
_thread_layer: ContextVar[Mapping[str, Any]] = ContextVar("apikit_log_context")


class LogContext(MutableMapping[str, Any]):
    """The bound values as the running code may see them.

    structlog makes a new one for each ``bind``; all of them show the same
    values, which is what the originals' services rely on.

    Parameters
    ----------
    origin
        Another view, or the values that ``structlog.get_logger(**values)`` gives
        to one logger: those stay with it and what is bound from it.
    **values
        What to bind.
    """

    __slots__ = ("_own",)

    def __init__(self, origin: Mapping[str, Any] | None = None, /, **values: Any) -> None:
        own = origin._own if isinstance(origin, LogContext) else (origin or {})
        self._own: dict[str, Any] = {k: v for k, v in own.items() if k not in values}
        if values:
            self._write(values)

    def __getitem__(self, key: str) -> Any:
        return self.copy()[key]

    def __setitem__(self, key: str, value: Any) -> None:
        self._own.pop(key, None)
        self._write({key: value})

    def __delitem__(self, key: str) -> None:
        if key not in self.copy():
            raise KeyError(key)
        self._own.pop(key, None)
        self._write({key: _UNBOUND})

    def __iter__(self) -> Iterator[str]:
        return iter(self.copy())

    def __len__(self) -> int:
        return len(self.copy())

    def __repr__(self) -> str:
        return f"LogContext({self.copy()!r})"

    def clear(self) -> None:
        """Hide every value from the running request (or thread, or process)."""
        self._write(dict.fromkeys(self.copy(), _UNBOUND))
        self._own.clear()

    def copy(self) -> dict[str, Any]:
        """Return the visible values as a plain dict, outer layers first.

        Returns
        -------
        dict
            A new one; structlog adds a line's own values to it.
        """
        values = {**_process_layer, **self._own, **self._inner_layer()}
        return {key: value for key, value in values.items() if value is not _UNBOUND}

    @staticmethod
    def _inner_layer() -> Mapping[str, Any]:
        layer = _request_layer()
        return _thread_layer.get({}) if layer is None else layer

    @staticmethod
    def _write(values: Mapping[str, Any]) -> None:
        layer = _request_layer()
        if layer is not None:
            layer.update(values)
        elif _is_process_wide():
            for key, value in values.items():
                if value is _UNBOUND:
                    _process_layer.pop(key, None)
                else:
                    _process_layer[key] = value
        else:
            # A new mapping each time: a context copied from this one (a task, a thread
            # that inherits it) must not see what is bound here later.
            _thread_layer.set({**_thread_layer.get({}), **values})


def _request_layer() -> dict[str, Any] | None:
    """Return the layer of the running request, or None outside of one.

    The functions of ``teardown_appcontext`` run when Flask has already dropped
    the request but not yet its application context, hence the second place.
    """
    if has_request_context():
        attributes = request._get_current_object().__dict__  # type: ignore[attr-defined]
        layer: dict[str, Any] | None = attributes.get(_ATTRIBUTE)
        if layer is None:
            layer = attributes.setdefault(_ATTRIBUTE, {})
            setattr(g, _ATTRIBUTE, layer)
        return layer
    if has_app_context() and getattr(current_app, "_got_first_request", False):
        return cast("dict[str, Any]", g.setdefault(_ATTRIBUTE, {}))
    return None


def _is_process_wide() -> bool:
    """Return whether what is bound here, outside of a request, is meant for every line."""
    return threading.current_thread() is threading.main_thread() or _runs_at_module_level()


def _runs_at_module_level() -> bool:
    """Return whether a module's top level is on the stack: servers import on any thread."""
    frame = sys._getframe()
    while frame.f_back is not None:
        if frame.f_code.co_name == "<module>":
            return True
        frame = frame.f_back
    return False

"""requests' hooks: who sees a response before its caller does."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

__all__ = ["dispatch_hooks", "make_connection", "read_hooks"]


def read_hooks(hooks: Any) -> dict[str, list[Any]]:
    """Return hooks as lists by event.

    Parameters
    ----------
    hooks
        A mapping of event to a callable or several; None for none.

    Raises
    ------
    TypeError
        If it is no mapping.
    ValueError
        If there is no such event.
    """
    given = hooks or {}
    if not isinstance(given, Mapping):
        raise TypeError(
            f"hooks must be a dict such as {{'response': callable}}, not {type(given).__name__}"
        )
    for event in given:
        if event != "response":
            raise ValueError(f"hooks has the event {event!r}: there is none but 'response'")
    return {event: _callables(given[event]) for event in given}


def make_connection(*parts: Any) -> Any:
    """Return the `apikit._connection.Connection` of a call."""
    from apikit._connection import Connection

    return Connection(*parts)


def dispatch_hooks(session: Any, call: Any, auth: Any, response: Any, connection: Any) -> Any:
    """Show a response to the ``response`` hooks.

    Parameters
    ----------
    session, call
        Mappings of event to a callable or several, or None.  Those of the call
        count in place of the session's if there are any.
    auth
        Those that a callable ``auth`` has registered, which come first; or None.
    response
        What the first of them gets.
    connection
        Its `connection`.

    Returns
    -------
    object
        What the last of them returned; None changes nothing.
    """
    own, shared = (_callables((hooks or {}).get("response")) for hooks in (call, session))
    response.connection, response.request._cookies = connection, connection.cookies
    for hook in [*(auth or ()), *(own or shared)]:
        changed = hook(response)
        response = response if changed is None else changed
    return response


def _callables(given: Any) -> list[Any]:
    return [hook for hook in ([given] if callable(given) else given or ()) if callable(hook)]

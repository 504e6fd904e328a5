"""Who is told of what a session does: the callables of ``on_request`` and its like."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from typing import Any, TypedDict

from apikit.models import PreparedRequest
from apikit.response import Response

__all__ = ["EventOptions", "Events", "OnError", "OnLogin", "OnRequest", "OnResponse"]

#: Is shown a request that is about to be sent; gives headers to add to it, or None.
OnRequest = Callable[[PreparedRequest], Mapping[str, str] | None]
#: Is shown an answer, redirects and the pages of a log-in included.
OnResponse = Callable[[Response], object]
#: Is shown the request that got no answer, and why.
OnError = Callable[[PreparedRequest, BaseException], object]
#: Is shown a session whose log-in has just ended, well or not: see its `login_state`.
OnLogin = Callable[[Any], object]


class EventOptions(TypedDict, total=False):
    """What `Session` takes by name, for those who pass it on."""

    on_request: OnRequest | None
    on_response: OnResponse | None
    on_error: OnError | None
    on_login: OnLogin | None


@dataclass(frozen=True, slots=True)
class Events:
    """The callables of a session; the C half calls `announce`, `answer` and `fail`."""

    on_request: OnRequest | None = None
    on_response: OnResponse | None = None
    on_error: OnError | None = None
    on_login: OnLogin | None = None

    def __post_init__(self) -> None:
        """Refuse what cannot be called."""
        for field in fields(self):
            value = getattr(self, field.name)
            if value is not None and not callable(value):
                raise TypeError(
                    f"{field.name} must be a callable or None, not {type(value).__name__}"
                )

    def announce(self, request: PreparedRequest) -> Mapping[str, str] | None:
        """Tell of a request, and return the headers to add."""
        added = None if self.on_request is None else self.on_request(request)
        if added is not None and not isinstance(added, Mapping):
            raise TypeError(
                "on_request must return None or a mapping of headers to add, not "
                f"{type(added).__name__}"
            )
        return added or None

    def answer(self, response: Response) -> None:
        """Tell of an answer."""
        if self.on_response is not None:
            self.on_response(response)

    def fail(self, request: PreparedRequest, failure: BaseException) -> None:
        """Tell of a request that got no answer."""
        if self.on_error is not None:
            self.on_error(request, failure)

    def tell_login(self, session: object) -> None:
        """Tell of a log-in that has ended."""
        if self.on_login is not None:
            self.on_login(session)

"""Whose request a call of a back end belongs to: told to the back end, and to the log."""

from __future__ import annotations

import logging
import re
import time
from http import HTTPStatus
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, Self

from flask import has_request_context, request

from apikit._lines import write_line
from apikit._log_context import LogContext
from apikit._pooled import LoginError

if TYPE_CHECKING:
    from apikit.response import Response

__all__ = ["CallLog", "pass_on"]

#: What must be in a header of the caller for it to go on, and the name in the log of its part
#: that has one. The first is W3C's Trace Context, 3.2; no other text of a caller's goes on.
_PASSED_ON: Final = {
    "traceparent": re.compile(
        r"(?!ff)[0-9a-f]{2}-(?P<trace_id>(?!0{32})[0-9a-f]{32})-(?!0{16})[0-9a-f]{16}"
        r"-[0-9a-f]{2}(-[!-~]{0,64})?"
    ),
    "X-Request-ID": re.compile(r"(?P<request_id>[!-~]{1,128})"),
}

_logger: Final = logging.getLogger("apikit.backend")


def pass_on(headers: Any) -> Any:
    """Return the headers of a call with those of the caller that tell whose request it is.

    The log lines of the running Flask request carry the ids from now on, as ``request_id``
    and ``trace_id``, unless something of that name is bound already.

    Parameters
    ----------
    headers
        The call's own, which win.
    """
    if not has_request_context():
        return headers
    passed = {}
    for name, pattern in _PASSED_ON.items():
        value = request.headers.get(name)
        found = pattern.fullmatch(value) if value is not None else None
        if found is not None:
            passed[name] = found.string
            _bind(found.groupdict())
    return {**passed, **dict(headers or {})}


def _bind(ids: dict[str, str]) -> None:
    bound = LogContext()
    for name, value in ids.items():
        bound.setdefault(name, value)


class CallLog:
    """Writes one line when a call ends: at the level WARNING if that fails the service, else DEBUG.

    It says what was asked of whom and what came of it, in seconds with the log-in, the
    retries and the body; neither query nor headers nor body, nor the text of a failure.

    Parameters
    ----------
    method, url
        What is called; the URL without query.

    Attributes
    ----------
    url
        May be made more exact meanwhile.
    response
        The back end's answer, if one came.
    """

    __slots__ = ("_began", "_method", "response", "url")

    def __init__(self, method: str, url: str) -> None:
        self._method = method
        self.url = url
        self.response: Response | None = None

    def __enter__(self) -> Self:
        """Begin to measure."""
        self._began = time.monotonic()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        exception: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Write the line."""
        status = getattr(exception, "status_code", 0)
        level = logging.WARNING if status >= HTTPStatus.INTERNAL_SERVER_ERROR else logging.DEBUG
        if _logger.isEnabledFor(level):
            event = "back end called" if level == logging.DEBUG else "back end failed"
            write_line(_logger, level, event, self._fields(exception))

    def _fields(self, exception: BaseException | None) -> dict[str, Any]:
        fields: dict[str, Any] = {"method": self._method, "url": self.url}
        if self.response is not None:
            fields["status"] = self.response.status_code
        elif exception is not None:
            cause = exception.__cause__ or exception
            fields["failure"] = type(cause).__name__
            if isinstance(cause, LoginError):
                fields["login_state"] = cause.state
        fields["elapsed"] = round(time.monotonic() - self._began, 6)
        return fields

"""The exceptions of sessions: requests' tree under requests' names.

Where the process has loaded requests, what is raised is also an instance of
requests' class of the same name, so that a service's ``except
requests.ConnectionError`` goes on to work.  Such a joined class is made when it
is first needed, which may be after either package was imported.
"""
# ruff: noqa: N818 - the names are those of requests

from __future__ import annotations

import json
import re
import sys
from typing import TYPE_CHECKING, Any, Final, TypeVar, cast

if TYPE_CHECKING:
    from apikit.models import PreparedRequest
    from apikit.response import Response

__all__ = [
    "BodyTooLarge",
    "ChunkedEncodingError",
    "ConnectError",
    "ConnectTimeout",
    "ConnectionError",
    "ContentDecodingError",
    "CookieConflictError",
    "DeadlineExceeded",
    "HTTPError",
    "IdentityChanged",
    "InvalidHeader",
    "InvalidJSONError",
    "InvalidProxyURL",
    "InvalidSchema",
    "InvalidURL",
    "JSONDecodeError",
    "MissingSchema",
    "PoolBusy",
    "ProxyError",
    "ReadTimeout",
    "RequestException",
    "RetryError",
    "SSLError",
    "StreamConsumedError",
    "Timeout",
    "TooManyRedirects",
    "URLRequired",
    "UnrewindableBodyError",
    "UnsafeRedirect",
]

#: What may stand in front of a host; a host; what no host and port end with.
_SCHEME: Final = re.compile(r"(?:\s*[a-zA-Z][a-zA-Z0-9+.-]*:)?//|")
_AUTHORITY: Final = re.compile(r"[^/?#\\]*")
_PASSWORD: Final = re.compile(r":(?!\d*$)[^\]]*$")

_E = TypeVar("_E", bound=BaseException)

#: Where requests keeps the classes that ours are joined with.
_COUNTERPARTS: Final = ("requests.exceptions", "requests.cookies")


class _Portable(BaseException):
    """Pickling by the plain class, whatever class it was joined with."""

    def __reduce__(self) -> tuple[Any, ...]:
        plain = _plain_of.get(type(self), type(self))
        return _rebuild, (plain, self.args, self._state())

    def _state(self) -> dict[str, Any]:
        return dict(self.__dict__)


class RequestException(_Portable, OSError):
    """A request could not be sent or answered.

    Parameters
    ----------
    *args
        The message.
    request
        What was to be sent, a `PreparedRequest`.
    response
        The answer that the failure is about.

    Attributes
    ----------
    request, response
        As given; the request is that of the response where only the latter was
        given.  A pickle leaves out the request, which holds credentials, and a
        response whose body was not read.
    """

    def __init__(self, *args: Any, request: Any = None, response: Any = None) -> None:
        # Not super(): requests' __init__ follows in the joined classes.
        OSError.__init__(self, *args)
        self.response: Response | None = response
        self.request: PreparedRequest | None = (
            getattr(response, "request", None) if request is None else request
        )

    def _state(self) -> dict[str, Any]:
        return {**self.__dict__, "request": None, "response": _if_read(self.response)}


class HTTPError(RequestException):
    """The answer's status is an error; `raise_for_status` says so."""


class ConnectionError(RequestException):  # noqa: A001 - requests' name
    """No connection, or it broke, or what came over it was not HTTP."""


class ConnectError(ConnectionError):
    """No connection came about: the name, the host or the port; nothing was sent."""


class ProxyError(ConnectionError):
    """The proxy could not be reached or refused."""


class SSLError(ConnectionError):
    """The TLS handshake failed or the certificate is not trusted."""


class Timeout(RequestException):
    """Time ran out: `ConnectTimeout` or `ReadTimeout`."""


class ConnectTimeout(ConnectionError, Timeout):
    """There was no connection in time; nothing was sent."""


class ReadTimeout(Timeout):
    """The answer did not come, or did not go on, in time."""


class DeadlineExceeded(ReadTimeout):
    """The call as a whole took longer than its `deadline`."""


class PoolBusy(ConnectionError):
    """No connection became free in time, or there is no descriptor for one."""


class URLRequired(RequestException):
    """A URL is needed."""


class TooManyRedirects(RequestException):
    """More redirects than `max_redirects`."""


class UnsafeRedirect(RequestException):
    """A redirect would carry a body to another origin, or a password a second time."""


class IdentityChanged(RequestException):
    """The login proxy took the session for another user's: its answer is withheld."""


class MissingSchema(RequestException, ValueError):
    """The URL does not begin with ``http://`` or ``https://``."""


class InvalidSchema(RequestException, ValueError):
    """The URL is neither an http nor an https one."""


class InvalidURL(RequestException, ValueError):
    """The URL cannot be understood."""


class InvalidProxyURL(InvalidURL):
    """The URL of the proxy cannot be understood."""


class InvalidHeader(RequestException, ValueError):
    """A header that must not be sent."""


class ChunkedEncodingError(RequestException):
    """The body ended early or its framing is broken."""


class ContentDecodingError(RequestException):
    """What Content-Encoding says could not be undone."""


class BodyTooLarge(RequestException):
    """The body is larger than the session's `max_body`."""


class StreamConsumedError(RequestException, TypeError):
    """The body was read already and was not kept."""


class RetryError(RequestException):
    """All tries failed."""


class UnrewindableBodyError(RequestException):
    """The body cannot be sent a second time, as a redirect asks."""


class InvalidJSONError(RequestException):
    """What was to be sent as JSON cannot be."""


class JSONDecodeError(InvalidJSONError, json.JSONDecodeError):
    """The body is not JSON; `msg`, `doc`, `pos`, `lineno` and `colno` say where."""

    def __init__(self, msg: str, doc: str, pos: int, **context: Any) -> None:
        json.JSONDecodeError.__init__(self, msg, doc, pos)
        InvalidJSONError.__init__(self, *self.args, **context)


class CookieConflictError(_Portable, RuntimeError):
    """Several cookies have that name; say the domain and the path too."""


#: (our class, requests' class) -> the class that is both.
_joined: dict[tuple[type, type], type] = {}
#: The class that is both -> our class.
_plain_of: dict[type, type] = {}


def joined(plain: type[_E]) -> type[_E]:
    """Return the class to raise for `plain`, one of this module.

    Parameters
    ----------
    plain
        The class by its name here.

    Returns
    -------
    type
        A class that is also requests' of the same name, or of the nearest base
        that requests has, if requests is loaded; else `plain`, as for a class of
        anybody else's.
    """
    theirs = _counterpart(plain)
    if theirs is None:
        return plain
    found = _joined.get((plain, theirs))
    if found is None:
        namespace = {"__module__": plain.__module__, "__doc__": plain.__doc__}
        # Of two threads one wins; the loser's class is never seen.
        found = _joined.setdefault(
            (plain, theirs), type(plain.__name__, (plain, theirs), namespace)
        )
        _plain_of[found] = plain
    return cast("type[_E]", found)


def build(name: str, *args: Any, request: Any = None, response: Any = None) -> BaseException:
    """Make the exception that is called `name` here.

    Parameters
    ----------
    name
        A class of this module.
    *args
        What the class takes: as a rule the message.
    request, response
        What it is about.

    Returns
    -------
    BaseException
        To be raised.
    """
    plain: type[RequestException] = globals()[name]
    return joined(plain)(*args, request=request, response=response)


def mask_url(url: object) -> str:
    """Return `url` as a message may show it: user and password as ``***``.

    Parameters
    ----------
    url
        A URL, also one that cannot be parsed.

    Returns
    -------
    str
        Without user, password and fragment.
    """
    text = url.decode("utf-8", "replace") if isinstance(url, bytes) else str(url)
    start = _SCHEME.match(text).end()  # type: ignore[union-attr]  # it matches nothing, too
    authority = _AUTHORITY.match(text, start).group()  # type: ignore[union-attr]  # as well
    # "user:pa/ss@host" gives an authority that no host has: the password goes on.
    whole = "@" in authority or _PASSWORD.search(authority) is None
    end = text.rfind("@", start, start + len(authority) if whole else len(text))
    masked = text if end < 0 else f"{text[:start]}***{text[end:]}"
    return masked.partition("#")[0]


def _counterpart(plain: type) -> type | None:
    if plain.__module__ != __name__:
        return None
    for cls in plain.__mro__:
        for module in _COUNTERPARTS:
            theirs = getattr(sys.modules.get(module), cls.__name__, None)
            if isinstance(theirs, type):
                return theirs
    return None


def _if_read(response: Any) -> Any:
    try:
        return None if response.is_stream or response.content is None else response
    except Exception:
        return None


def _rebuild(plain: type[_E], args: tuple[Any, ...], state: dict[str, Any]) -> _E:
    cls = joined(plain)
    exception = cls.__new__(cls)
    root = OSError if issubclass(cls, OSError) else Exception
    root.__init__(exception, *args)
    exception.__dict__.update(state)
    return exception

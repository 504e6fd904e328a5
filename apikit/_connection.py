"""`Connection`: by what a hook sends the request once more."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from apikit import _prepare
from apikit.cookies import CookieJar
from apikit.models import PreparedRequest

if TYPE_CHECKING:
    from apikit import _core
    from apikit.response import Response

__all__ = ["Connection", "Context"]

#: The jar, that and the call's cookies, whether credentials may go out, whether it is for a
#: log-in, whose identity it had when it began, and the deadline.
Context = tuple[CookieJar, CookieJar | None, int, int, int, int]


class Connection:
    """What a hook finds as `Response.connection`, as `requests.auth.HTTPDigestAuth` needs it.

    It has the settings, the cookies and the deadline of the call whose hook it is.

    Parameters
    ----------
    session
        Whose connections it takes.
    context
        What the C half needs to know of the call.
    body, body_start
        The body of the call where it is no text, and where it stood at first.
    settings
        ``stream``, ``timeout``, ``verify``, ``cert`` and ``proxies`` of the call.
    """

    def __init__(
        self,
        session: _core.Session,
        context: Context,
        body: Any,
        body_start: int | None,
        settings: dict[str, Any],
    ) -> None:
        self._session = session
        self._context = context
        self._body = body
        self._body_start = body_start
        self._settings = settings

    @property
    def cookies(self) -> CookieJar:
        """The cookies that the call sends; those of ``cookies=`` at its own origin only."""
        jar, with_own, may_log_in, *_ = self._context
        return with_own if with_own is not None and may_log_in else jar

    def send(
        self,
        request: PreparedRequest,
        stream: bool | None = None,
        timeout: Any = None,
        verify: Any = None,
        cert: Any = None,
        proxies: Any = None,
    ) -> Response:
        """Send a request as it is: no redirect is followed, and no hook sees the answer.

        After a redirect to another origin nothing that may be a credential goes out.

        Parameters
        ----------
        request
            As a rule a copy of the response's.
        stream, timeout, verify, cert, proxies
            As `Session.request` takes them; None for those of the call.

        Raises
        ------
        RequestException
            If the network fails.
        UnrewindableBodyError
            If the body was an iterator, which is used up.
        """
        if request.body is self._body and not isinstance(self._body, (bytes, str, type(None))):
            _prepare.rewind(self._body, self._body_start)
        given = {
            "stream": stream,
            "timeout": timeout,
            "verify": verify,
            "cert": cert,
            "proxies": proxies,
        }
        settings = {
            name: self._settings[name] if value is None else value for name, value in given.items()
        }
        return self._session._send_prepared(
            request.method or "",
            request.url or "",
            request.headers,
            request.body,
            self._context,
            *settings.values(),
        )

    def close(self) -> None:
        """Do nothing: the session keeps its connections."""

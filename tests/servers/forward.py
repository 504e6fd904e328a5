"""Passing a request on to another server on loopback."""

from __future__ import annotations

import http.client
from collections.abc import Mapping

from .process import LOOPBACK
from .site import Answer, Request

__all__ = ["forward"]

_TIMEOUT_SECONDS = 60.0

# RFC 9110, 7.6.1: these are about one connection; the two last are written anew.
_OWN_HEADERS = frozenset(
    {
        "connection",
        "keep-alive",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
        "content-length",
        "date",
        "server",
    }
)


def forward(request: Request, port: int, extra: Mapping[str, str] | None = None) -> Answer:
    """Send a request to a port of loopback and return the answer.

    Parameters
    ----------
    request : `Request`
        The request; its Host header goes on as it came.
    port : `int`
        The port.
    extra : mapping, optional
        Headers that replace those of the request.

    Returns
    -------
    answer : `Answer`
        The server's answer, or a 502 when there is none.
    """
    replaced = {name.lower() for name in extra or ()}
    connection = http.client.HTTPConnection(LOOPBACK, port, timeout=_TIMEOUT_SECONDS)
    try:
        connection.putrequest(
            request.method, request.target, skip_host=True, skip_accept_encoding=True
        )
        for name, value in request.headers.items():
            if name.lower() not in _OWN_HEADERS | replaced:
                connection.putheader(name, value.encode("latin-1"))
        for name, value in (extra or {}).items():
            connection.putheader(name, value)
        if request.body:
            connection.putheader("Content-Length", str(len(request.body)))
        connection.endheaders(request.body or None)
        response = connection.getresponse()
        headers = [
            (name, value)
            for name, value in response.getheaders()
            if name.lower() not in _OWN_HEADERS | {"content-type"}
        ]
        content_type = response.getheader("Content-Type", "")
        return Answer(response.status, response.read(), content_type, headers)
    except (OSError, http.client.HTTPException) as error:
        return Answer(502, f"{type(error).__name__}: no answer from port {port}".encode())
    finally:
        connection.close()

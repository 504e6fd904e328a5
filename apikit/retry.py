"""`retry_request`: ask a back end again until it answers without an error."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

from apikit import _core

if TYPE_CHECKING:
    from apikit.session import Response, Session

__all__ = ["retry_request"]

#: Which of a request's arguments the payload is.
_PAYLOAD_ARGUMENT: Final = {"get": "params", "put": "json", "post": "json"}

#: A plain int: to compare with an enumeration's member costs more than the rest of the loop.
_FIRST_ERROR: Final = int(HTTPStatus.BAD_REQUEST)

_session: Session | None = None
_session_lock = threading.Lock()


def retry_request(
    method: str,
    url: str,
    headers: Mapping[str, str | bytes | None] | None = None,
    payload: Any = None,
    auth: Any = None,
    tries: int = 10,
    initial_interval: float = 5,
    callback: Callable[..., object] | None = None,
    *,
    timeout: float | tuple[float | None, float | None] | None = (5, 30),
) -> Response:
    """Send a request up to `tries` times until its status is below 400.

    Each pause is one `initial_interval` longer than the last.  Only an answer
    with an error status is tried again; a failure of the network is not.

    Parameters
    ----------
    method
        "get", "put" or "post", in any case.
    url
        Where to; ``user:password@`` in it is Basic authentication.
    headers
        The request's headers.
    payload
        A GET's query parameters; a PUT's or POST's body, sent as JSON.
    auth
        ``(user, password)`` for Basic authentication, or an object that adds
        what is needed to the request.
    tries
        How often to send at most; at least one request is sent.
    initial_interval
        Seconds between the first and the second try.
    callback
        Called after each failure but the last with the keywords ``n`` (tries
        done), ``remaining``, ``status`` and ``content`` (the body's text).
    timeout
        Seconds to wait for the connection and for the answer to go on; one
        number for both, None for ever.

    Returns
    -------
    apikit.session.Response
        The first answer below 400.

    Raises
    ------
    AttributeError
        If `method` is not a string.
    BackendError
        With status 500, if the method is another one or every try failed.
    apikit.errors.RequestException
        If a request could not be sent or answered.
    """
    target = _Target(url, headers, auth)
    del url, headers, auth  # tracebacks show the names of their frames
    method = method.lower()
    argument = _PAYLOAD_ARGUMENT.get(method)
    if argument is None:
        _core.raise_ise(f"Bad method {method!r}: use 'get', 'put' or 'post'.")
    attempt = 0
    while True:
        attempt += 1
        response = target.send(method.upper(), timeout=timeout, **{argument: payload})
        if response.status_code < _FIRST_ERROR:
            return response
        content = response.text.strip()
        if attempt >= tries:
            _core.raise_ise(_exhausted(method, target, tries, response, content))
        if callback is not None:
            callback(
                n=attempt,
                remaining=tries - attempt,
                status=response.status_code,
                content=content,
            )
        _sleep(initial_interval * attempt)


class _Target:
    """Where requests go, and what they bear that may be secret."""

    __slots__ = ("_auth", "_headers", "_url")

    def __init__(self, url: str, headers: Any, auth: Any) -> None:
        self._url = url
        self._headers = headers
        self._auth = auth

    def __str__(self) -> str:
        from apikit.errors import mask_url

        return mask_url(self._url)

    def send(self, method: str, **options: Any) -> Response:
        """Send one."""
        return _shared_session().request(
            method, self._url, headers=self._headers, auth=self._auth, **options
        )


def _exhausted(method: str, target: _Target, tries: int, response: Response, content: str) -> str:
    status = f"{response.status_code} {response.reason or _phrase(response.status_code)}"
    return (
        f"Failed to {method!r} {target} after {tries} attempts.  "
        f"Last response was '{status}' [{content}]"
    )


def _phrase(status_code: int) -> str:
    try:
        return HTTPStatus(status_code).phrase
    except ValueError:
        return ""


def _sleep(seconds: float) -> None:
    # By this way, because services' tests patch apikit.convenience.time.
    from apikit import convenience

    convenience.time.sleep(seconds)


def _shared_session() -> Session:
    """Return the one that keeps connections, but no cookies, from call to call."""
    global _session
    if _session is None:
        from apikit.session import Session

        with _session_lock:
            if _session is None:
                # However many threads there are, each waits for its turn: requests knew no limit.
                _session = Session(trust_env=True, cookies_per_call=True, pool_timeout=None)
    return _session

"""What a failed call of a back end means for the caller of the service."""

from __future__ import annotations

import re
from http import HTTPStatus
from typing import Final

from apikit import errors
from apikit._core import BackendError
from apikit._pooled import LoginError
from apikit.convenience import raise_from_response
from apikit.response import Response

__all__ = ["failed_call", "failed_login", "refuse_answer", "refused_token", "unauthorized"]

#: Seconds after which to come again, where nobody said.
_SOON: Final = "1"
_LATER: Final = "60"
#: Seconds or a date (RFC 9110, 10.2.3); what is neither is not handed on.
_WAIT: Final = re.compile(r"[0-9]{1,9}|[A-Z][a-z]{2}, [0-9A-Za-z: ]{1,40}")

#: The first class that fits tells the status.
_STATUSES: Final = (
    (errors.PoolBusy, HTTPStatus.SERVICE_UNAVAILABLE),
    (errors.Timeout, HTTPStatus.GATEWAY_TIMEOUT),
    (errors.InvalidHeader, HTTPStatus.BAD_REQUEST),
    (errors.RequestException, HTTPStatus.BAD_GATEWAY),
)
#: How a log-in failed -> status and reason; all others are the back end's fault.
_LOGINS: Final = {
    "bad-credentials": (HTTPStatus.UNAUTHORIZED, "Unauthorized"),
    "two-factor": (HTTPStatus.UNAUTHORIZED, "Second Factor Required"),
    "device": (HTTPStatus.UNAUTHORIZED, "Device Verification Required"),
    "consent": (HTTPStatus.UNAUTHORIZED, "Consent Required"),
    "rate-limited": (HTTPStatus.SERVICE_UNAVAILABLE, "Service Unavailable"),
}


def unauthorized(realm: str, message: str, reason: str = "Unauthorized") -> BackendError:
    """Return the 401 that asks for Basic credentials (RFC 7617).

    Parameters
    ----------
    realm
        Whose credentials.
    message, reason
        Why.
    """
    error = BackendError(reason, HTTPStatus.UNAUTHORIZED.value, message)
    return _with_challenge(error, realm)


def failed_login(failure: LoginError, realm: str) -> BackendError:
    """Return what a log-in that failed means.

    Parameters
    ----------
    failure
        How it did.
    realm
        For the 401.
    """
    status, reason = _LOGINS.get(failure.state, (HTTPStatus.BAD_GATEWAY, "Bad Gateway"))
    error = BackendError(reason, status.value, f"The log-in failed: {failure}")
    if status == HTTPStatus.SERVICE_UNAVAILABLE:
        error.headers = {"Retry-After": _LATER}
    return _with_challenge(error, realm)


def refused_token(failure: LoginError) -> BackendError:
    """Return what it means that the proxy refused the caller's own token (RFC 6750, 3.1).

    Parameters
    ----------
    failure
        What was refused.
    """
    error = BackendError("Unauthorized", HTTPStatus.UNAUTHORIZED.value, str(failure))
    error.headers = {"WWW-Authenticate": 'Bearer error="invalid_token"'}
    return error


def failed_call(failure: errors.RequestException | ValueError) -> BackendError:
    """Return what a call that got no answer means.

    Parameters
    ----------
    failure
        Why there was none; of a ValueError that is none of the network's, nothing was sent.
    """
    status = HTTPStatus.BAD_REQUEST
    for kind, meaning in _STATUSES:
        if isinstance(failure, kind):
            status = meaning
            break
    error = BackendError(status.phrase, status.value, str(failure))
    if status == HTTPStatus.SERVICE_UNAVAILABLE:
        error.headers = {"Retry-After": _SOON}
    return error


def refuse_answer(response: Response, realm: str) -> None:
    """Raise what an answer of the back end means, unless it is a good one.

    Parameters
    ----------
    response
        The answer.
    realm
        For the 401.

    Raises
    ------
    BackendError
        With the answer's status, reason and text; where the back end wants the caller
        to wait it is 503, since the service is what the caller has to wait for.
    """
    wait = response.headers.get("Retry-After", "")
    busy = HTTPStatus.SERVICE_UNAVAILABLE
    if response.status_code == busy or (response.status_code == 429 and wait):
        error = BackendError(busy.phrase, busy.value, response.text)
        error.headers = {"Retry-After": wait if _WAIT.fullmatch(wait) else _LATER}
        raise error
    try:
        raise_from_response(response)
    except BackendError as error:
        _with_challenge(error, realm)
        raise


def _with_challenge(error: BackendError, realm: str) -> BackendError:
    if error.status_code == HTTPStatus.UNAUTHORIZED:
        quoted = realm.encode("ascii", "replace").decode().replace("\\", "\\\\").replace('"', '\\"')
        error.headers = {"WWW-Authenticate": f'Basic realm="{quoted}", charset="UTF-8"'}
    return error

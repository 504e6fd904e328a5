"""Who calls in a Flask request, and how an application lets callers be known."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from flask import has_request_context, request

from apikit import _core
from apikit._credentials import Credentials
from apikit._failures import unauthorized
from apikit._join import check_base
from apikit.session import CallOptions

__all__ = [
    "BackendCall",
    "RequestOptions",
    "check_auth",
    "hide",
    "hide_auth",
    "identify",
    "settle_auth",
]

_TYPES: Final = ("none", "basic", "bitly-proxy")


class RequestOptions(CallOptions, total=False):
    """What `Backend.request` takes by name, besides the caller."""

    params: Any
    data: Any
    json: Any


class BackendCall(RequestOptions, total=False):
    """What `Backend.get` and its like take by name."""

    auth: tuple[str, str] | Credentials | None


def settle_auth(auth: dict[str, Any] | str) -> dict[str, Any]:
    """Return ``AUTH`` whole, as an application's metadata has it; raise what is wrong."""
    return _core.check_metadata("-", "-", "-", "-", "-", auth)


def check_auth(auth: Mapping[str, Any], session_url: str | None) -> None:
    """Refuse what could serve no request.

    Parameters
    ----------
    auth
        An application's ``AUTH``.
    session_url
        What is used in place of the one in ``AUTH["data"]``, if not None.

    Raises
    ------
    TypeError, ValueError
        If it is of a type that is none, or lacks what its type needs.
    """
    if auth["type"] not in _TYPES:
        raise ValueError(f'AUTH["type"] must be one of {", ".join(_TYPES)}, not {auth["type"]!r}')
    if auth["type"] != "bitly-proxy":
        return
    data = auth.get("data") or {}
    if not data.get("endpoint"):
        raise ValueError(
            'AUTH["data"] has no "endpoint": give it the URL where the proxy begins a log-in, '
            "such as https://host/oauth2/start"
        )
    _core.normalize_url(data["endpoint"])  # raises what is a ValueError
    if session_url is None and data.get("session_url"):
        check_base(data["session_url"], 'AUTH["data"]["session_url"]')


def identify(given: Credentials | None, realm: str) -> Credentials:
    """Return who calls: as given, or by the Basic credentials of the Flask request.

    Raises
    ------
    BackendError
        401, if nobody does properly.
    ValueError
        If the credentials can be nobody's.
    RuntimeError
        If none were given and there is no request.
    """
    if given is None and not has_request_context():
        raise RuntimeError(
            "there is no Flask request to take the caller from: give auth=(user, password), or "
            "on a thread auth=caller, from Backend.caller()"
        )
    caller = _read_authorization() if given is None else given
    if caller is None:
        raise unauthorized(realm, "Basic credentials in UTF-8 are needed.")
    if not caller.username or not caller.password:
        raise unauthorized(realm, "User name and password are needed.")
    caller.check()
    return caller


def hide(auth: tuple[str, str] | Credentials | None) -> Credentials | None:
    """Return credentials that no traceback shows."""
    try:
        return auth if auth is None or isinstance(auth, Credentials) else Credentials(*auth)
    finally:
        del auth


def hide_auth(options: BackendCall) -> BackendCall:
    """Hide the password that the options of a call may have, there where they are."""
    if "auth" in options:
        options["auth"] = hide(options.pop("auth"))
    return options


def _read_authorization() -> Credentials | None:
    """Return the Basic credentials of the running request; None if it has no proper ones."""
    given = request.authorization
    if given is None or given.type != "basic":
        return None
    texts = (given.username or "", given.password or "")
    if any("\N{REPLACEMENT CHARACTER}" in text for text in texts):
        return None
    return Credentials(*texts)

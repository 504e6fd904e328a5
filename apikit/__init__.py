"""Metadata, errors, logging and back-end sessions for Flask microservices.

A drop-in for sqre-apikit and bitly-oauth2-proxy-session, with the work done in C.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

from apikit._core import BackendError, raise_from_response, raise_ise
from apikit.app import APIFlask, add_metadata_route, set_flask_metadata
from apikit.log import get_logger
from apikit.retry import retry_request

if TYPE_CHECKING:
    from apikit.backend import Backend
    from apikit.pool import SessionPool
    from apikit.retries import Retry
    from apikit.session import Session

__all__ = [
    "APIFlask",
    "Backend",
    "BackendError",
    "Retry",
    "Session",
    "SessionPool",
    "add_metadata_route",
    "get_logger",
    "raise_from_response",
    "raise_ise",
    "retry_request",
    "set_flask_metadata",
]

#: Names that are imported when they are first asked for, from these modules; "" for a module.
_LAZY: Final = {
    "Backend": "backend",
    "Retry": "retries",
    "Session": "session",
    "SessionPool": "pool",
    "errors": "",
    "session": "",
    "testing": "",
}


def __getattr__(name: str) -> Any:
    if name not in _LAZY:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value: Any = import_module(f"{__name__}.{_LAZY[name] or name}")
    if _LAZY[name]:
        value = getattr(value, name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_LAZY})

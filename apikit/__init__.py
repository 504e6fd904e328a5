"""Metadata, errors, logging and back-end sessions for Flask microservices.

A drop-in for sqre-apikit and bitly-oauth2-proxy-session, with the work done in C.

A name is imported when it is first asked for: who needs only the client does not
load Flask, and who needs only the metadata does not load the client.
"""

from __future__ import annotations

from apikit._core import BackendError, raise_from_response, raise_ise

TYPE_CHECKING = False  # typing's costs more than all the rest here; checkers know the name
if TYPE_CHECKING:
    from typing import Any

    from apikit.app import APIFlask, add_metadata_route, set_flask_metadata
    from apikit.backend import Backend
    from apikit.log import get_logger
    from apikit.pool import SessionPool
    from apikit.retries import Retry
    from apikit.retry import retry_request
    from apikit.session import Session
    from apikit.stores import MemoryStore, RedisStore, SQLiteStore, open_store

__all__ = [
    "APIFlask",
    "Backend",
    "BackendError",
    "MemoryStore",
    "RedisStore",
    "Retry",
    "SQLiteStore",
    "Session",
    "SessionPool",
    "add_metadata_route",
    "get_logger",
    "open_store",
    "raise_from_response",
    "raise_ise",
    "retry_request",
    "set_flask_metadata",
]

#: The modules of the names that are imported when they are first asked for; "" for a module.
_LAZY = {
    "APIFlask": "app",
    "Backend": "backend",
    "MemoryStore": "stores",
    "RedisStore": "stores",
    "Retry": "retries",
    "SQLiteStore": "stores",
    "Session": "session",
    "SessionPool": "pool",
    "add_metadata_route": "app",
    "get_logger": "log",
    "open_store": "stores",
    "retry_request": "retry",
    "set_flask_metadata": "app",
    "app": "",
    "errors": "",
    "log": "",
    "retry": "",
    "session": "",
    "stores": "",
    "testing": "",
}


def __getattr__(name: str) -> Any:
    if name not in _LAZY:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    value: Any = import_module(f"{__name__}.{_LAZY[name] or name}")
    if _LAZY[name]:
        value = getattr(value, name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_LAZY})

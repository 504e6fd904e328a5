"""Where the processes of a service share their log-ins: `SessionPool(store=...)`.

Each class is imported when it is first asked for, since each needs another library.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

from apikit.stores.protocol import Store, StoreError
from apikit.stores.records import Entry, Found, Refusal
from apikit.stores.urls import open_store

if TYPE_CHECKING:
    from apikit.stores.memory import MemoryStore
    from apikit.stores.redis import RedisStore
    from apikit.stores.sqlite import SQLiteStore

__all__ = [
    "Entry",
    "Found",
    "MemoryStore",
    "RedisStore",
    "Refusal",
    "SQLiteStore",
    "Store",
    "StoreError",
    "open_store",
]

_LAZY: Final = {"MemoryStore": "memory", "RedisStore": "redis", "SQLiteStore": "sqlite"}


def __getattr__(name: str) -> Any:
    if name not in _LAZY:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = globals()[name] = getattr(import_module(f"{__name__}.{_LAZY[name]}"), name)
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_LAZY})

"""The two kinds of store, each with a look at the bytes that it keeps."""

from __future__ import annotations

import contextlib
import sqlite3
from abc import ABC, abstractmethod
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import redis

from apikit.stores import RedisStore, SQLiteStore
from apikit.stores.sealed import SealedStore
from tests.servers import start_redis

__all__ = ["SECRET", "Kind", "RedisKind", "SQLiteKind", "open_redis", "open_sqlite"]

SECRET = "a-secret-of-the-service-that-is-long-enough"


class Kind(ABC):
    """Makes stores that share what they keep, as the processes of a service would."""

    def __init__(self) -> None:
        self._made: list[SealedStore] = []

    def make(self, secret: str | bytes = SECRET, **options: Any) -> SealedStore:
        """Return one more store."""
        made = self._make(secret, **options)
        self._made.append(made)
        return made

    def close(self) -> None:
        """Close all of them."""
        for store in self._made:
            store.close()

    @abstractmethod
    def _make(self, secret: str | bytes, **options: Any) -> SealedStore: ...

    @abstractmethod
    def source(self) -> str:
        """Return Python that begins the making of such a store, up to its secret."""

    @abstractmethod
    def raw(self) -> dict[str, bytes]:
        """Return all that is kept, by name."""

    @abstractmethod
    def put(self, name: str, value: bytes) -> None:
        """Keep other bytes under a name."""

    @abstractmethod
    def drop(self, name: str) -> None:
        """Keep nothing under a name."""

    def names(self, beginning: str) -> list[str]:
        """Return the names that are in use and begin so."""
        return sorted(name for name in self.raw() if name.startswith(beginning))


class SQLiteKind(Kind):
    """A file."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.path = path

    def _make(self, secret: str | bytes, **options: Any) -> SealedStore:
        return SQLiteStore(self.path, secret, **options)

    def source(self) -> str:
        return f"SQLiteStore({str(self.path)!r}, "

    def execute(self, statement: str, *values: Any) -> list[Any]:
        """Run a statement."""
        with contextlib.closing(sqlite3.connect(self.path, timeout=30)) as connection, connection:
            return connection.execute(statement, values).fetchall()

    def raw(self) -> dict[str, bytes]:
        return dict(self.execute("SELECT name, value FROM records"))

    def put(self, name: str, value: bytes) -> None:
        self.execute("REPLACE INTO records VALUES (?, ?, 1e18)", name, value)

    def drop(self, name: str) -> None:
        self.execute("DELETE FROM records WHERE name = ?", name)


class RedisKind(Kind):
    """A server."""

    def __init__(self, port: int, pid: int = 0) -> None:
        super().__init__()
        self.pid = pid
        self.url = f"redis://127.0.0.1:{port}"
        self.client: Any = redis.Redis.from_url(self.url)

    def _make(self, secret: str | bytes, **options: Any) -> SealedStore:
        # A busy machine is no store that is away, which other tests are about.
        return RedisStore(self.url, secret, **{"timeout": 30, **options})

    def source(self) -> str:
        return f"RedisStore({self.url!r}, "

    def raw(self) -> dict[str, bytes]:
        keys = self.client.keys("*")
        return {key.decode().removeprefix("apikit:"): self.client.get(key) for key in keys}

    def put(self, name: str, value: bytes) -> None:
        self.client.set(f"apikit:{name}", value)

    def drop(self, name: str) -> None:
        self.client.delete(f"apikit:{name}")

    def close(self) -> None:
        super().close()
        self.client.close()


@contextlib.contextmanager
def open_sqlite(folder: Path) -> Iterator[SQLiteKind]:
    """Offer a file in a folder."""
    kind = SQLiteKind(folder / "logins.sqlite")
    try:
        yield kind
    finally:
        kind.close()


@contextlib.contextmanager
def open_redis() -> Iterator[RedisKind]:
    """Offer a server of its own."""
    with start_redis() as server:
        kind = RedisKind(server.port, server.pid)
        try:
            yield kind
        finally:
            kind.close()

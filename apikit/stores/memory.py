"""`MemoryStore`: each pool for itself."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from typing import Self

from apikit.stores.records import Found, Record
from apikit.stores.sealing import digest_parts

__all__ = ["MemoryStore"]


class MemoryStore:
    """The store of a pool that shares nothing: its sessions are in its own memory alone.

    It holds nothing itself, needs no secret, and is what a pool has by default.
    """

    is_shared = False
    lease = 0.0

    def __init__(self) -> None:
        self._key = secrets.token_bytes(32)

    def key_of(self, *parts: str) -> bytes:
        """Return a key: see `Store.key_of`; another process's are others."""
        return digest_parts(self._key, parts)

    def load(self, key: bytes, owner: bytes) -> Found:  # noqa: ARG002 - the protocol's
        """Find nothing."""
        return Found("", "")

    def claim(self, key: bytes, token: str) -> bool:  # noqa: ARG002
        """Agree: there is nobody else."""
        return True

    def extend(self, key: bytes, token: str) -> bool:  # noqa: ARG002
        """Agree."""
        return True

    def release(self, key: bytes, token: str) -> None:
        """Do nothing."""

    def save(
        self,
        key: bytes,  # noqa: ARG002
        token: str,  # noqa: ARG002
        marks: str,  # noqa: ARG002
        record: Record,  # noqa: ARG002
        ttl: float,  # noqa: ARG002
    ) -> bool:
        """Keep nothing: the pool has it."""
        return True

    def forget(self, key: bytes, token: str) -> bool:  # noqa: ARG002
        """Do nothing."""
        return True

    def revoke(self, owner: bytes | None) -> None:
        """Do nothing: the pool has forgotten it."""

    def pulse(self) -> str:
        """Return always the same."""
        return ""

    def marks(self, owners: Sequence[bytes]) -> list[str]:
        """Return always the same."""
        return [""] * len(owners)

    def close(self) -> None:
        """Do nothing."""

    def __enter__(self) -> Self:
        """Return the store itself."""
        return self

    def __exit__(self, *exception: object) -> None:
        """Do nothing."""

    def __repr__(self) -> str:
        """Show the class."""
        return "MemoryStore()"

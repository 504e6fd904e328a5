"""`Store`: what a pool asks of the place where several processes share their log-ins."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from apikit.stores.records import Found, Record

__all__ = ["Store", "StoreError"]


class StoreError(Exception):
    """A store cannot be used for now; the text names the store and shows no secret."""


class Store(Protocol):
    """Where processes share log-ins.

    All methods may be called by several threads, and after a fork.  Each may raise a
    `StoreError`: the pool goes on without the store then, and tries it again later.

    Attributes
    ----------
    is_shared
        False if nobody else sees what is in it: then the pool does not ask it at all.
    lease
        Seconds after which the log-in lock of a process that died is free.
    """

    is_shared: bool
    lease: float

    def key_of(self, *parts: str) -> bytes:
        """Return what no other parts give, and nobody computes without the secret.

        Parameters
        ----------
        *parts
            What the key stands for; where one ends and the next begins counts.
        """
        ...

    def load(self, key: bytes, owner: bytes) -> Found:
        """Return what is known of a log-in.

        Parameters
        ----------
        key
            Of the log-in: endpoint, user, password and how.
        owner
            Key of the endpoint and the user alone.
        """
        ...

    def claim(self, key: bytes, token: str) -> bool:
        """Take the log-in lock of a key for the time of `lease`, and say whether that worked.

        Parameters
        ----------
        key
            Of the log-in.
        token
            Whose lock it is then; no other call has the same.
        """
        ...

    def extend(self, key: bytes, token: str) -> bool:
        """Let a lease begin anew; False if the lock is another's by now."""
        ...

    def release(self, key: bytes, token: str) -> None:
        """Give back the lock, if it is still that of the token."""
        ...

    def save(self, key: bytes, token: str, marks: str, record: Record, ttl: float) -> bool:
        """Keep a record if the lock is still that of the token, all in one step.

        Parameters
        ----------
        key, token
            As for `claim`.
        marks
            Those of the owner from before the log-in: what was forgotten since is not kept.
        record
            How the log-in ended.
        ttl
            Seconds to keep it.

        Returns
        -------
        bool
            False if another process took over the lock.
        """
        ...

    def forget(self, key: bytes, token: str) -> bool:
        """Forget the record of a key if the lock is still that of the token, all in one step.

        Parameters
        ----------
        key, token
            As for `claim`.

        Returns
        -------
        bool
            False if another process took over the lock.
        """
        ...

    def revoke(self, owner: bytes | None) -> None:
        """Forget all records of an owner, those that are being made too; of all if None."""
        ...

    def pulse(self) -> str:
        """Return a text that is another one after each `revoke`."""
        ...

    def marks(self, owners: Sequence[bytes]) -> list[str]:
        """Return for each owner a text that is another one once its records were revoked."""
        ...

    def close(self) -> None:
        """Let go of connections; the next call makes new ones."""
        ...

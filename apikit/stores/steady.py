"""`SteadyStore`: a store whose failures fail no request."""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any, Final, TypeVar

from apikit.stores import log
from apikit.stores.protocol import Store, StoreError
from apikit.stores.records import Found, Record

__all__ = ["PAUSE", "SteadyStore", "try_writing"]

_D = TypeVar("_D")
_T = TypeVar("_T")

#: Seconds for which a store that failed is left alone.
PAUSE: Final = 5.0

#: Revocations that are made up for when the store is back, at most.
_MOST_OWED: Final = 1000


class SteadyStore:
    """Asks a store, and answers as if nobody else shared it while it cannot be used.

    The first failure is a warning; then the store is tried again from time to time.

    Parameters
    ----------
    store
        What is asked.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self.is_shared: Final = store.is_shared
        self.start_anew()

    def start_anew(self) -> None:
        """Begin with a lock of its own, as a forked child must."""
        self._lock = threading.Lock()
        self._is_down = False
        self._next_try = 0.0
        self._owed: dict[bytes | None, object] = {}

    @property
    def lease(self) -> float:
        """Seconds: see `Store`."""
        return self._store.lease

    def key_of(self, *parts: str) -> bytes:
        """Return a key: see `Store.key_of`."""
        return self._store.key_of(*parts)

    def load(self, key: bytes, owner: bytes) -> Found:
        """Return what is known of a log-in; nothing if the store is away."""
        return self._ask(Found(), self._store.load, key, owner)

    def claim(self, key: bytes, token: str) -> bool:
        """Take the lock; also if the store is away."""
        return self._ask(True, self._store.claim, key, token)

    def extend(self, key: bytes, token: str) -> bool:
        """Keep the lock; also if the store is away."""
        return self._ask(True, self._store.extend, key, token)

    def release(self, key: bytes, token: str) -> None:
        """Give back the lock, or let it run out."""
        self._ask(None, self._store.release, key, token)

    def save(self, key: bytes, token: str, marks: str, record: Record, ttl: float) -> bool:
        """Keep a record; True as well if the store is away, since nobody else wrote then."""
        return self._ask(True, self._store.save, key, token, marks, record, ttl)

    def forget(self, key: bytes, token: str) -> bool:
        """Forget a record; True as well if the store is away."""
        return self._ask(True, self._store.forget, key, token)

    def revoke(self, owner: bytes | None) -> None:
        """Forget all of an owner; if the store is away, as soon as it is back."""
        with self._lock:
            if len(self._owed) >= _MOST_OWED:
                self._owed = {None: object()}
            self._owed[owner] = object()
        self._ask(None, _nothing)

    def pulse(self) -> str | None:
        """Return what changes; None if the store is away."""
        return self._ask(None, self._store.pulse)

    def marks(self, owners: Sequence[bytes]) -> list[str] | None:
        """Return the owners' marks; None if the store is away."""
        return self._ask(None, self._store.marks, owners)

    def __repr__(self) -> str:
        """Show the store."""
        return f"<SteadyStore of {self._store!r}>"

    def _ask(self, default: _D, method: Callable[..., _T], *args: Any) -> _T | _D:
        if not self._may_try():
            return default
        try:
            if self._is_down:
                try_writing(self._store)
            self._pay()
            answer = method(*args)
        except Exception as failure:  # of anybody's store, and no request may fail for it
            self._note_failure(failure)
            return default
        self._note_success()
        return answer

    def _may_try(self) -> bool:
        if not self._is_down:
            return True
        with self._lock:
            now = time.monotonic()
            if now < self._next_try:
                return False
            self._next_try = now + PAUSE  # one tries, and the others do not wait for it
            return True

    def _pay(self) -> None:
        """Revoke what was to be revoked; what is owed anew in the meantime is still owed then."""
        with self._lock:
            owed = list(self._owed.items())
        for owner, debt in owed:
            self._store.revoke(owner)
            with self._lock:
                if self._owed.get(owner) is debt:
                    del self._owed[owner]

    def _note_failure(self, failure: Exception) -> None:
        with self._lock:
            was_down, self._is_down = self._is_down, True
            self._next_try = time.monotonic() + PAUSE
        if not was_down:
            reason = str(failure) if isinstance(failure, StoreError) else type(failure).__name__
            log.warn(
                f"the store cannot be used, log-ins are not shared for now: {reason}", self._store
            )

    def _note_success(self) -> None:
        if not self._is_down:
            return
        with self._lock:
            was_down, self._is_down = self._is_down, False
        if was_down:
            log.tell("the store can be used again", self._store)


def try_writing(store: Store) -> None:
    """Take a lock that nobody needs, and give it back: all that a log-in writes is as this.

    A replica, or a file on a full disk, can be read still.

    Parameters
    ----------
    store
        What is tried.

    Raises
    ------
    StoreError
        If nothing can be written.
    """
    token = secrets.token_hex(16)
    key = store.key_of("a lock that nobody waits for", token)
    store.claim(key, token)
    store.release(key, token)


def _nothing() -> None:
    """Be what is asked when only what is owed matters."""

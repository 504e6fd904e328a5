"""One log-in for all processes that share a store: whose turn it is, and what came of it."""

from __future__ import annotations

import random
import secrets
import threading
import time
from collections.abc import Callable
from types import TracebackType
from typing import Final, Self

from apikit import errors
from apikit._deadline import time_left
from apikit.stores.records import Entry, Found, Record, Refusal
from apikit.stores.steady import SteadyStore

__all__ = ["SharedLogins", "Turn"]

#: Seconds between two looks at a log-in of another process: the first time, and at most.
_FIRST_LOOK: Final = 0.02
_LONGEST_LOOK: Final = 0.25
#: Seconds by which the clocks of two machines may differ.
_MOST_SKEW: Final = 300.0


class Turn:
    """The right to log a user in; nobody else of those who share the store has it meanwhile.

    As a context manager it keeps the lock for as long as the block runs.

    Parameters
    ----------
    store
        Where the lock is.
    key, token
        Of the lock.
    found
        What the store knew when the lock was taken.
    """

    def __init__(self, store: SteadyStore, key: bytes, token: str, found: Found) -> None:
        self.found: Final = found
        self._store = store
        self._key = key
        self._token = token
        self._ended = threading.Event()

    def __enter__(self) -> Self:
        """Extend the lease from time to time: a log-in may take longer."""
        threading.Thread(target=self._keep, name="apikit-lease", daemon=True).start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        exception: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Let others have a turn."""
        self._ended.set()
        self._store.release(self._key, self._token)

    def publish(self, record: Record, ttl: float) -> bool:
        """Keep what came of the log-in, for all; False if another took over in the meantime.

        Parameters
        ----------
        record
            What came of it.
        ttl
            Seconds for which it counts.
        """
        if self.found.marks is None or ttl <= 0:
            return True  # the store was away, or nothing is to be kept
        return self._store.save(self._key, self._token, self.found.marks, record, ttl)

    def forget(self) -> bool:
        """Let nobody take over what was there before; False if another took over the log-in."""
        return self._store.forget(self._key, self._token)

    def _keep(self) -> None:
        while not self._ended.wait(self._store.lease / 3):
            if not self._store.extend(self._key, self._token):
                return


class SharedLogins:
    """The log-ins of a pool, as far as other processes share them.

    Parameters
    ----------
    store
        Where they are shared.
    patience
        Seconds to wait for the log-in of another process, at most.
    ttl, negative_ttl
        Seconds for which a log-in and a refusal count.
    """

    def __init__(
        self, store: SteadyStore, patience: float, ttl: float, negative_ttl: float
    ) -> None:
        self.store: Final = store
        self.ttl: Final = ttl
        self.negative_ttl: Final = negative_ttl
        self._patience = patience

    def await_turn(
        self, key: bytes, owner: bytes, is_news: Callable[[Entry], bool]
    ) -> Found | Turn:
        """Wait until there is news of a log-in, or it is the caller's turn to make it.

        Parameters
        ----------
        key, owner
            As `Store.load` takes them.
        is_news
            Whether an entry is of use to the caller.

        Returns
        -------
        Found or Turn
            The former with an entry that is of use, or a refusal.

        Raises
        ------
        DeadlineExceeded
            If another process went on logging in for too long.
        """
        token = secrets.token_hex(16)
        patience = time_left(self._patience)
        end = time.monotonic() + patience
        pause = _FIRST_LOOK
        while True:
            found = self.store.load(key, owner)
            if self._tells(found.record, is_news):
                return found
            if self.store.claim(key, token):
                return self._begin(key, owner, token, found, is_news)
            if time.monotonic() >= end:
                raise errors.build(
                    "DeadlineExceeded",
                    f"another process did not end its log-in within {patience:.3g} seconds",
                )
            threading.Event().wait(pause * random.uniform(0.5, 1.5))  # noqa: S311 - no secret
            pause = min(2 * pause, _LONGEST_LOOK)

    def is_refused(self, record: Record | None) -> bool:
        """Whether a record is a refusal that counts: not one by a clock that was set back since.

        Parameters
        ----------
        record
            As the store has it.
        """
        if not isinstance(record, Refusal):
            return False
        return 0 < record.until - time.time() <= self.negative_ttl + _MOST_SKEW

    def refuse(self, key: bytes, marks: str, message: str) -> None:
        """Remember a refusal that no log-in found, unless another process does so just now.

        Parameters
        ----------
        key
            Of what was refused.
        marks
            Those of the owner from before it was sent.
        message
            Why, in words.
        """
        if self.negative_ttl <= 0:
            return
        token = secrets.token_hex(16)
        if self.store.claim(key, token):
            record = Refusal(time.time() + self.negative_ttl, message)
            self.store.save(key, token, marks, record, self.negative_ttl)
            self.store.release(key, token)

    def forget(self, key: bytes, owner: bytes, serial: int) -> None:
        """Let nobody take over a log-in any more; a newer one stays, and one that is being made.

        Parameters
        ----------
        key, owner
            As `Store.load` takes them.
        serial
            Of the log-in.
        """
        token = secrets.token_hex(16)
        if self.store.claim(key, token):
            record = self.store.load(key, owner).record
            if isinstance(record, Entry) and record.serial <= serial:
                self.store.forget(key, token)
            self.store.release(key, token)

    def _begin(
        self, key: bytes, owner: bytes, token: str, before: Found, is_news: Callable[[Entry], bool]
    ) -> Found | Turn:
        """Look once more, since who had the lock may have ended just now."""
        found = self.store.load(key, owner)
        if found.record != before.record and self._tells(found.record, is_news):
            self.store.release(key, token)
            return found
        return Turn(self.store, key, token, found)

    def _tells(self, record: Record | None, is_news: Callable[[Entry], bool]) -> bool:
        return self.is_refused(record) or (isinstance(record, Entry) and is_news(record))

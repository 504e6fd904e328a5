"""What other processes revoked: a pool looks for it once in a while."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from typing import Final, Protocol, TypeVar

from apikit.stores.steady import SteadyStore

__all__ = ["LOOK_SECONDS", "Held", "Revocations"]

#: Seconds between two looks.
LOOK_SECONDS: Final = 1.0


class Held(Protocol):
    """What a pool holds of a user."""

    @property
    def owner_key(self) -> bytes:
        """Whose it is."""
        ...

    @property
    def marks(self) -> str | None:
        """What the store said of the owner when it was made; None if the store was away."""
        ...


_H = TypeVar("_H", bound=Held)


class Revocations:
    """Finds what was revoked.

    Parameters
    ----------
    store
        Where it is marked.
    """

    def __init__(self, store: SteadyStore) -> None:
        self._store = store
        self.start_anew()

    def start_anew(self) -> None:
        """Begin with nothing, as a forked child must."""
        self._lock = threading.Lock()
        self._pulse: str | None = None
        self._next_look = 0.0

    def find(self, held: Callable[[], Sequence[_H]]) -> list[_H]:
        """Return what of `held` was revoked; nothing if it was looked for just now.

        So is what was made while the store was away: nobody can say what was revoked since.

        Parameters
        ----------
        held
            Returns what is held.
        """
        now = time.monotonic()
        with self._lock:
            if now < self._next_look:
                return []
            self._next_look = now + LOOK_SECONDS  # one thread looks, and the others go on
        pulse = self._store.pulse()
        if pulse is None:
            return []
        is_news = pulse != self._pulse
        # Before the look at what is held: what comes to it now is told to `note`.
        self._pulse = pulse
        everything = held()
        unknown = [one for one in everything if one.marks is None]
        if not is_news:
            return unknown
        known = [one for one in everything if one.marks is not None]
        marks = self._store.marks([one.owner_key for one in known])
        if marks is None:
            self._pulse = None
            return []
        return unknown + [one for one, mark in zip(known, marks, strict=True) if one.marks != mark]

    def note(self, pulse: str | None) -> None:
        """Compare all again next time if something was revoked since `pulse`.

        Parameters
        ----------
        pulse
            Of the time when a log-in began that has ended now.
        """
        if pulse != self._pulse:
            self._pulse = None

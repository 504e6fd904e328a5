"""When the running call ends, for the log-in that it needs on its way."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from threading import RLock
from typing import Final

from apikit import errors

__all__ = ["end_of_call", "ending_at", "ending_by", "held", "time_left"]

#: Seconds of the monotonic clock.
_end_of_call: Final[ContextVar[float | None]] = ContextVar("apikit_end_of_call", default=None)


@contextmanager
def ending_at(end: float | None) -> Iterator[None]:
    """Let the log-ins that the block needs last, and be waited for, until `end` at most."""
    token = _end_of_call.set(end)
    try:
        yield
    finally:
        _end_of_call.reset(token)


@contextmanager
def ending_by(deadline: int) -> Iterator[None]:
    """Do the same by the C half's nanoseconds; 0 changes nothing."""
    with ending_at(deadline / 1e9 if deadline else _end_of_call.get()):
        yield


def end_of_call() -> int:
    """Return that end in nanoseconds, as the C half has it; 0 for none."""
    end = _end_of_call.get()
    return 0 if end is None else max(1, round(end * 1e9))


def time_left(most: float) -> float:
    """Return the seconds that the running call may wait for a log-in: `most`, or fewer."""
    end = _end_of_call.get()
    return most if end is None else max(0.0, min(most, end - time.monotonic()))


@contextmanager
def held(lock: RLock) -> Iterator[None]:
    """Hold a lock under which others log in.

    Raises
    ------
    DeadlineExceeded
        If it did not become free in time.
    """
    end = _end_of_call.get()
    if not lock.acquire(timeout=-1 if end is None else max(0.0, end - time.monotonic())):
        raise errors.build(
            "DeadlineExceeded", "the deadline of the call passed while another thread logged in"
        )
    try:
        yield
    finally:
        lock.release()

"""Asks all services again and again, in the background."""

from __future__ import annotations

import heapq
import os
import random
import threading
import time
import weakref

from apikit.catalog.check import ask, make_session
from apikit.catalog.records import Answer, Record
from apikit.catalog.settings import Settings

__all__ = ["Poller"]

_JITTER = 0.15

_pollers: weakref.WeakSet[Poller] = weakref.WeakSet()


class Poller:
    """The threads that ask, and what they found.

    Nothing runs before `start`.  The child of a fork begins with what its parent knew,
    and with no thread: it has to start its own.

    Parameters
    ----------
    settings
        Whom to ask, and how often.
    """

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._session = make_session(settings)
        self._records = [Record(service) for service in settings.services]
        self._changed = threading.Condition()
        self._runs = False
        #: When each service is due, by its number, as a heap; each start makes a new one, which
        #: its threads know it by.
        self._due: list[tuple[float, int]] = []
        _pollers.add(self)

    def start(self) -> None:
        """Let the threads run, unless they do already."""
        if self._runs:
            return
        with self._changed:
            if self._runs:
                return
            self._runs = True
            now = time.monotonic()
            self._due = [(now, number) for number in range(len(self._records))]
            for number in range(min(self.settings.concurrency, len(self._records))):
                name = f"apikit-catalog-{number}"
                threading.Thread(
                    target=self._work, args=(self._due,), name=name, daemon=True
                ).start()

    def stop(self) -> None:
        """Let the threads end, once those that ask have their answers."""
        with self._changed:
            self._runs = False
            self._due = []
            self._changed.notify_all()

    def records(self) -> list[Record]:
        """Return what is known of each service, in the order of the settings."""
        with self._changed:
            return list(self._records)

    def _stop_anew(self) -> None:
        """Be as before `start`; in a forked child the lock may be one that nobody frees."""
        self._changed = threading.Condition()
        self._runs = False
        self._due = []

    def _work(self, due: list[tuple[float, int]]) -> None:
        while (number := self._take(due)) is not None:
            answer = ask(self._session, self.settings.services[number])
            self._put_back(due, number, answer)

    def _take(self, due: list[tuple[float, int]]) -> int | None:
        """Wait until a service is due and return its number; None when these threads end."""
        with self._changed:
            while self._due is due:
                wait = due[0][0] - time.monotonic() if due else None
                if wait is not None and wait <= 0:
                    return heapq.heappop(due)[1]
                self._changed.wait(wait)
        return None

    def _put_back(self, due: list[tuple[float, int]], number: int, answer: Answer) -> None:
        with self._changed:
            if self._due is not due:
                return
            record = self._records[number].after(answer, time.time())
            self._records[number] = record
            heapq.heappush(due, (time.monotonic() + self._pause(record.failures), number))
            self._changed.notify()

    def _pause(self, failures: int) -> float:
        """Return the seconds until the service is asked again."""
        interval = self.settings.interval
        if failures > 1:
            longest = max(interval, self.settings.longest_interval)
            interval = min(interval * 2.0 ** min(failures - 1, 20), longest)
        return interval * random.uniform(1 - _JITTER, 1 + _JITTER)  # noqa: S311 - no secret


def _stop_pollers() -> None:
    for poller in list(_pollers):
        poller._stop_anew()


os.register_at_fork(after_in_child=_stop_pollers)

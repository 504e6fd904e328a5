"""`python -m tests.bench.worker ROW PEER PLACE`: one peer, repeating its work when told to.

It answers in lines of JSON.  The first tells that the work's result was right, and the memory
that its first call took at the peak; each line with a number N on standard input is answered
with the seconds and the seconds of CPU of N calls, less those of N empty ones.
"""

from __future__ import annotations

import gc
import json
import os
import sys
import threading
import time
from collections.abc import Callable
from itertools import repeat
from pathlib import Path
from typing import Any

from tests.bench.model import Peer, Place, Row, Work
from tests.bench.rows import ROWS

__all__ = ["main"]


def in_one_thread(call: Callable[[], Any], count: int) -> Any:
    result = None
    for _ in repeat(None, count):
        result = call()
    return result


class Crew:
    """Threads that divide calls among them, and wait for more: their start is nobody's cost."""

    def __init__(self, threads: int) -> None:
        self._threads = threads
        self._begin, self._end = (threading.Barrier(threads + 1) for _ in range(2))
        self._job: tuple[Callable[[], Any], int] = (int, 0)
        self._results: list[Any] = []
        for _ in range(threads):
            threading.Thread(target=self._work, daemon=True).start()

    def run(self, call: Callable[[], Any], count: int) -> Any:
        """Return the last result, when all have done their share."""
        self._job = call, max(1, count // self._threads)
        self._results.clear()
        self._begin.wait()
        self._end.wait()
        if (failed := self._threads - len(self._results)) != 0:
            raise RuntimeError(f"{failed} of {self._threads} threads failed")
        return self._results[-1]

    def _work(self) -> None:
        while True:
            self._begin.wait()
            try:
                self._results.append(in_one_thread(*self._job))
            finally:
                self._end.wait()


def memory(field: str) -> int:
    """Return a field of this process's status that is told in kB, in bytes."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(field):
            return int(line.split()[1]) * 1024
    raise RuntimeError(f"/proc/self/status has no {field}")


def peak_of(action: Callable[[], Any]) -> tuple[int, Any]:
    """Return by how many bytes an action raised the memory in use, at its peak."""
    gc.collect()
    Path("/proc/self/clear_refs").write_text("5")  # the peak begins anew
    before = memory("VmRSS")
    result = action()
    return memory("VmHWM") - before, result


class Loop:
    """A peer's work, and how it is repeated and checked."""

    def __init__(self, row: Row, peer: Peer, place: Place) -> None:
        made = peer.make(place)
        self._work = made if isinstance(made, Work) else Work(made)
        several = place.threads > 1
        self._run = self._work.run or (Crew(place.threads).run if several else in_one_thread)
        self._check = row.check

    def once(self) -> Any:
        return self._checked(self._run(self._work.call, 1))

    def measure(self, count: int) -> dict[str, float]:
        """Return what `count` calls cost beyond as many empty ones, each divided by `count`."""
        gc.collect()
        empty_wall, empty_cpu, _ = self._time(self._work.empty, count)
        wall, cpu, result = self._time(self._work.call, count)
        self._checked(result)
        return {
            "total": wall,
            "wall": max(0.0, wall - empty_wall) / count,
            "cpu": max(0.0, cpu - empty_cpu) / count,
        }

    def _time(self, call: Any, count: int) -> tuple[float, float, Any]:
        cpu = self._work.cpu()
        started = time.perf_counter()
        result = self._run(call, count)
        ended = time.perf_counter()
        return ended - started, self._work.cpu() - cpu, result

    def _checked(self, result: Any) -> Any:
        if not self._check(result):
            raise RuntimeError(f"a wrong result: {str(result)[:80]}")
        return result


def main(row_name: str, peer_name: str, place: str) -> None:
    """Serve one peer's work until standard input ends."""
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)  # what a peer prints is no answer
    (row,) = (row for row in ROWS if row.name == row_name)
    (peer,) = (one for one in row.members() if one.name == peer_name)
    if not isinstance(peer, Peer):
        raise TypeError(f"{peer_name} is a program")
    loop = Loop(row, peer, Place(**json.loads(place)))
    peak, _ = peak_of(loop.once)
    print(json.dumps({"memory": peak}), file=answers)
    for line in sys.stdin:
        print(json.dumps(loop.measure(int(line))), file=answers)


if __name__ == "__main__":
    main(*sys.argv[1:])

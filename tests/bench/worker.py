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


def in_threads(threads: int) -> Callable[[Callable[[], Any], int], Any]:
    """Return a loop that divides the calls among threads."""

    def run(call: Callable[[], Any], count: int) -> Any:
        results: list[Any] = []
        share = max(1, count // threads)
        workers = [
            threading.Thread(target=lambda: results.append(in_one_thread(call, share)))
            for _ in range(threads)
        ]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
        if len(results) != threads:
            raise RuntimeError(f"{threads - len(results)} of {threads} threads failed")
        return results[-1]

    return run


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
        self._run = self._work.run or (in_threads(place.threads) if several else in_one_thread)
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

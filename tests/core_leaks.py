"""Counts what a piece of Python leaks, in a process of its own."""

from __future__ import annotations

import json
import subprocess
import sys
import textwrap

__all__ = ["count_leaks"]

ROUNDS = 4
PROGRAM = """
import gc, json, sys, tracemalloc
{setup}
def run(count):
    for _ in range(count):
{body}
watched = {watched}
def take_stock():
    gc.collect()
    references = [sys.getrefcount(value) for value in watched]
    return [tracemalloc.get_traced_memory()[0], len(gc.get_objects()), *references]
run(100)
tracemalloc.start()
growth = []
for _ in range({rounds}):
    before = take_stock()
    run({count})
    growth.append([new - old for new, old in zip(take_stock(), before)])
print(json.dumps(growth))
"""


def count_leaks(setup: str, body: str, watched: str = "[]", count: int = 2_000) -> int:
    """Return how many times something grew with each turn of `body`.

    What grows once, such as a cache, does not grow in each of several rounds.

    Parameters
    ----------
    setup
        Statements that run once.
    body
        Statements that run again and again.
    watched
        An expression for a list of objects whose reference counts are looked at.
    count
        How many turns in each round.

    Returns
    -------
    int
        The most that memory (in pieces of 16 bytes), tracked objects or a reference
        count grew, in whole turns: 0 if nothing leaks.
    """
    program = PROGRAM.format(
        setup=textwrap.dedent(setup),
        body=textwrap.indent(textwrap.dedent(body), " " * 8),
        watched=watched,
        rounds=ROUNDS,
        count=count,
    )
    result = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stderr
    sizes, *counts = zip(*json.loads(result.stdout), strict=True)
    leaks = [min(sizes) // (16 * count)]
    leaks += [min(map(abs, numbers)) // (count // 2) for numbers in counts]
    return max(leaks)

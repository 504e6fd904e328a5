"""Counts what a piece of Python leaks, in a process of its own."""

from __future__ import annotations

import json
import subprocess
import sys
import textwrap

__all__ = ["count_leaks"]

PROGRAM = """
import gc, json, sys, tracemalloc
{setup}
def run(count):
    for _ in range(count):
{body}
watched = {watched}
run(100)
gc.collect()
tracemalloc.start()
run(100)
gc.collect()
size = tracemalloc.get_traced_memory()[0]
references = [sys.getrefcount(value) for value in watched]
objects = len(gc.get_objects())
run({count})
gc.collect()
objects -= len(gc.get_objects())
references = [sys.getrefcount(value) - old for value, old in zip(watched, references)]
size = tracemalloc.get_traced_memory()[0] - size
print(json.dumps([size, -objects, max(map(abs, references), default=0)]))
"""


def count_leaks(setup: str, body: str, watched: str = "[]", count: int = 20_000) -> int:
    """Return how many times something grew with each turn of `body`.

    Parameters
    ----------
    setup
        Statements that run once.
    body
        Statements that run `count` times.
    watched
        An expression for a list of objects whose reference counts are looked at.
    count
        How many turns.

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
        count=count,
    )
    result = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stderr
    size, objects, references = json.loads(result.stdout)
    return max(size // (16 * count), abs(objects) // (count // 2), references // (count // 2))

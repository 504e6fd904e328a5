"""The table: a line for each peer of each row, and one for each goal."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from tests.bench.measure import Result, Taken
from tests.bench.model import OURS
from tests.bench.verdict import digits, judge, spell_bytes, spell_seconds

__all__ = ["format_result", "format_summary", "header"]

WIDTHS: Final = (38, 9, 9, 9, 9)


def line(*cells: str) -> str:
    """Set the first cell to the left and the others to the right."""
    first, *others = cells
    right = "  ".join(cell.rjust(width) for cell, width in zip(others, WIDTHS[1:], strict=False))
    return f"  {first:<{WIDTHS[0]}}{right}".rstrip()


def header() -> str:
    """Return what the columns hold."""
    return line("", "time", "CPU", "x ours", "memory")


def format_result(result: Result) -> str:
    """Return a row: ours first, the others by their time, the limits, the goals."""
    row = result.row
    peers = sorted(
        result.taken, key=lambda one: (one.is_limit, bool(one.reason), one.peer != OURS, one.wall)
    )
    lines = [f"{row.name}: {row.work} ({result.rounds} rounds)"]
    lines += [_peer_line(one, row.shows_memory) for one in peers]
    for verdict in judge(result):
        lines.append(f"    goal {verdict.peer} {verdict.goal}: {verdict.got}, {verdict.word()}")
    return "\n".join(lines)


def _peer_line(one: Taken, shows_memory: bool) -> str:
    name = f"limit: {one.peer}" if one.is_limit else one.peer
    if one.reason:
        return f"  {name:<{WIDTHS[0]}}not available: {one.reason}"
    ratio = "" if one.peer == OURS else f"{digits(one.ratio['wall'])}x"
    memory = spell_bytes(one.memory) if shows_memory and not one.is_limit else ""
    return line(name, spell_seconds(one.wall), spell_seconds(one.cpu), ratio, memory)


def format_summary(results: Sequence[Result]) -> str:
    """Return how many goals were met, and which were not."""
    verdicts = [(result.row.name, one) for result in results for one in judge(result)]
    met = sum(one.met is True for _, one in verdicts)
    lines = [f"{met} of {len(verdicts)} goals met"]
    lines += [
        f"  {row}: {one.peer} {one.goal}: {one.got}, {one.word()}"
        for row, one in verdicts
        if one.met is not True
    ]
    return "\n".join(lines)

"""What became of a row's goals."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from tests.bench.measure import Result, Taken
from tests.bench.model import EVERY_PEER, OURS, AtMost, Faster, Goal, Within

__all__ = ["Verdict", "judge", "spell_bytes", "spell_seconds"]

UNITS: Final = ((1.0, "s"), (1e-3, "ms"), (1e-6, "us"), (1e-9, "ns"))
MB: Final = 1e6


@dataclass(frozen=True)
class Verdict:
    """A goal and what was reached; `met` is None if it could not be measured."""

    peer: str
    goal: str
    got: str
    met: bool | None

    def word(self) -> str:
        """Return the verdict for the table."""
        return "not measured" if self.met is None else "met" if self.met else "NOT MET"

    def as_json(self) -> dict[str, Any]:
        """Return it as JSON can hold it."""
        return {"peer": self.peer, "goal": self.goal, "got": self.got, "met": self.met}


def spell_seconds(seconds: float) -> str:
    """Return seconds in a handy unit, in three digits."""
    if math.isnan(seconds):
        return "-"
    factor, unit = next((one for one in UNITS if seconds >= one[0]), UNITS[-1])
    return f"{digits(seconds / factor)} {unit}"


def spell_bytes(count: float) -> str:
    """Return bytes in MB."""
    return "-" if math.isnan(count) else f"{count / MB:.1f} MB"


def digits(number: float) -> str:
    return f"{number:.0f}" if number >= 100 else f"{number:.1f}" if number >= 10 else f"{number:.2f}"


def judge(result: Result) -> list[Verdict]:
    """Return a verdict for each goal of a measured row."""
    return [_judge_one(result, goal) for goal in result.row.goals]


def _judge_one(result: Result, goal: Goal) -> Verdict:
    if isinstance(goal, AtMost):
        return _judge_amount(result.of(OURS), goal)
    if isinstance(goal, Faster) and goal.peer == EVERY_PEER:
        others = [
            one
            for one in result.taken
            if not one.is_limit and one.peer != OURS and goal.measure in one.ratio
        ]
        nearest = min(others, key=lambda one: one.ratio[goal.measure], default=None)
        label = f"{EVERY_PEER}, nearest {nearest.peer}" if nearest else EVERY_PEER
        return _judge_ratio(nearest, goal, label)
    found = next((one for one in result.taken if one.peer == goal.peer), None)
    return _judge_ratio(found, goal, goal.peer)


def _judge_amount(ours: Taken, goal: AtMost) -> Verdict:
    spell: Callable[[float], str] = spell_bytes if goal.measure == "memory" else spell_seconds
    got = float(getattr(ours, goal.measure))
    return Verdict(OURS, f"<= {spell(goal.amount)}", spell(got), got <= goal.amount)


def _judge_ratio(one: Taken | None, goal: Faster | Within, label: str) -> Verdict:
    if one is None or goal.measure not in one.ratio:
        return Verdict(label, goal.text(), "-", None)
    ratio = one.ratio[goal.measure]
    times = 1 / ratio if isinstance(goal, Within) else ratio
    return Verdict(label, goal.text(), f"{digits(times)}x", goal.is_met(ratio))

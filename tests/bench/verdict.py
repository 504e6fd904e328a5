"""What became of a row's goals."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

from tests.bench.measure import Result, Taken
from tests.bench.model import EVERY_PEER, OURS, AtMost, Faster, Goal, Peer, Within

__all__ = ["Verdict", "digits", "judge", "spell_bytes", "spell_seconds"]

UNITS: Final = ((1.0, "s"), (1e-3, "ms"), (1e-6, "us"), (1e-9, "ns"))
MB: Final = 1e6


@dataclass(frozen=True)
class Verdict:
    """A goal and what was reached; `met` is None if it could not be measured."""

    peer: str
    goal: str
    got: str
    met: bool | None
    ceiling: str = ""
    """What no client could pass, if that is below the goal: what the fastest limit reaches."""

    def word(self) -> str:
        """Return the verdict for the table."""
        if self.met is None:
            return "not measured"
        beyond = f" (out of reach: {self.ceiling})" if self.ceiling else ""
        return "met" if self.met else f"NOT MET{beyond}"

    def as_json(self) -> dict[str, Any]:
        """Return it as JSON can hold it."""
        return {**asdict(self), "ceiling": self.ceiling or None}


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
    """Return a number in two or three digits."""
    places = 0 if number >= 100 else 1 if number >= 10 else 2
    return f"{number:.{places}f}" if number >= 0.1 else f"{number:.2g}"


def judge(result: Result) -> list[Verdict]:
    """Return a verdict for each goal of a measured row."""
    return [_judge_one(result, goal) for goal in result.row.goals]


def _judge_one(result: Result, goal: Goal) -> Verdict:
    if isinstance(goal, AtMost):
        return _judge_amount(result.of(OURS), goal)
    others = [one for one in result.taken if one.peer != OURS and goal.measure in one.ratio]
    label, found = goal.peer, next((one for one in others if one.peer == goal.peer), None)
    if goal.peer == EVERY_PEER:
        peers = [one for one in others if not one.is_limit]
        found = min(peers, key=lambda one: one.ratio[goal.measure], default=None)
        label = f"{EVERY_PEER}, nearest {found.peer}" if found else EVERY_PEER
    if found is None:
        return Verdict(label, goal.text(), "-", None)
    own_works = {one.name for one in result.row.limits if isinstance(one, Peer) and one.is_ours}
    limits = [one for one in others if one.is_limit and one.peer not in own_works]
    if isinstance(goal, Within):
        limits = []
    return _judge_ratio(found, goal, label, limits)


def _judge_amount(ours: Taken, goal: AtMost) -> Verdict:
    spell: Callable[[float], str] = spell_bytes if goal.measure == "memory" else spell_seconds
    got = float(getattr(ours, goal.measure))
    return Verdict(OURS, f"<= {spell(goal.amount)}", spell(got), got <= goal.amount)


def _judge_ratio(one: Taken, goal: Faster | Within, label: str, limits: Sequence[Taken]) -> Verdict:
    ratio = one.ratio[goal.measure]
    times = 1 / ratio if isinstance(goal, Within) else ratio
    ceiling = ""
    fastest = min(limits, key=lambda limit: limit.ratio[goal.measure], default=None)
    if fastest and (reach := ratio / fastest.ratio[goal.measure]) < goal.times:
        ceiling = f"{fastest.peer} reaches {digits(reach)}x"
    return Verdict(label, goal.text(), f"{digits(times)}x", goal.is_met(ratio), ceiling)

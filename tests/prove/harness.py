"""Counters that survive an interruption, progress on the terminal, and the verdict."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

__all__ = ["Promise", "Tally", "Verdict"]


@dataclass(frozen=True)
class Verdict:
    """The figure, and whether it is the promised one."""

    figure: str
    kept: bool


@dataclass
class Tally:
    """How far a proof has come; saved after each chunk, so that it can be resumed."""

    path: Path
    goal: int
    done: int = 0
    counts: dict[str, int] = field(default_factory=dict)
    quiet: bool = False

    @classmethod
    def open(cls, path: Path, goal: int, *, quiet: bool = False) -> Tally:
        """Go on from PATH if it holds an unfinished run for the same goal, else start."""
        try:
            saved = json.loads(path.read_text())
        except (FileNotFoundError, ValueError):
            saved = {}
        if saved.get("goal") == goal and saved.get("done", goal) < goal:
            return cls(path, goal, saved["done"], dict(saved["counts"]), quiet)
        return cls(path, goal, quiet=quiet)

    def add(self, name: str, amount: int = 1) -> None:
        """Count AMOUNT more of NAME."""
        self.counts[name] = self.counts.get(name, 0) + amount

    def __getitem__(self, name: str) -> int:
        return self.counts.get(name, 0)

    def chunks(self, size: int) -> Iterator[range]:
        """Yield the ranges still to be done; each is saved when the next is asked for."""
        while self.done < self.goal:
            end = min(self.done + size, self.goal)
            yield range(self.done, end)
            self.done = end
            self._save()

    def _save(self) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        text = json.dumps({"goal": self.goal, "done": self.done, "counts": self.counts})
        unfinished = self.path.with_suffix(".new")
        unfinished.write_text(text)
        unfinished.replace(self.path)
        if not self.quiet:
            counts = ", ".join(f"{name} {count}" for name, count in sorted(self.counts.items()))
            print(f"{self.done:>9} of {self.goal}: {counts}", file=sys.stderr, flush=True)


@dataclass(frozen=True)
class Promise:
    """A promise by its name: in how many steps it is proved, and how."""

    name: str
    says: str
    full: int
    prove: Callable[[Tally], Verdict]

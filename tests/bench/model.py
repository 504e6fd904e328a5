"""What a row of the table is: a work, those who do it, and what ours shall reach."""

from __future__ import annotations

import resource
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Any

__all__ = [
    "EVERY_PEER",
    "OURS",
    "AtMost",
    "Check",
    "Cores",
    "Faster",
    "Goal",
    "Maker",
    "Peer",
    "Place",
    "Program",
    "Row",
    "Venv",
    "Within",
    "Work",
    "used_cpu",
]

OURS = "apikit"
EVERY_PEER = "every peer"

Call = Callable[[], Any]
Check = Callable[[Any], bool]


class Cores(Enum):
    """Where the server and a peer run."""

    SAME = "latency: both on one core"
    BOTH = "throughput: each on any core"


class Venv(Enum):
    """Whose packages a peer runs with."""

    OWN = "the checkout's environment"
    BENCH = "tests/bench/requirements.txt"
    ORIGINALS = "tests/requirements-originals.txt"


@dataclass(frozen=True)
class Place:
    """Where a peer works."""

    url: str = ""
    ca: str = ""
    """A file with the certificate authority of an https URL."""

    threads: int = 1


def used_cpu() -> float:
    """Return the seconds of CPU that this process and its ended children have used."""
    both = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(usage.ru_utime + usage.ru_stime for usage in both)


def _nothing() -> None:
    pass


@dataclass(frozen=True)
class Work:
    """What is repeated and timed; a plain callable stands for `Work(call)`."""

    call: Any
    """Does it once and returns what it got; or what `run` understands."""

    empty: Any = _nothing
    """What is not part of the work, timed in the same loop and subtracted."""

    run: Callable[[Any, int], object] | None = None
    """Repeats a call and returns the last result; by default in the row's number of threads."""

    cpu: Callable[[], float] = used_cpu
    """Reads the seconds of CPU used so far."""


Maker = Callable[[Place], Call | Work]


@dataclass(frozen=True)
class Peer:
    """One who does the row's work in Python, in a process of its own."""

    name: str
    make: Maker
    venv: Venv = Venv.OWN
    variables: int = 0
    """How many environment variables it gets beside the few that it needs."""

    is_ours: bool = False
    """Whether it is ours doing other work: something to compare with, but no ceiling."""


@dataclass(frozen=True)
class Program:
    """One who does it in C: a file of the folder limits."""

    name: str
    source: str


@dataclass(frozen=True)
class Faster:
    """Ours shall cost at most the `times`th part of what a peer's does."""

    peer: str
    times: float
    measure: str = "wall"

    def text(self) -> str:
        return f">= {self.times:g}x{_other(self.measure)}"

    def is_met(self, ratio: float) -> bool:
        """Judge the other's cost divided by ours."""
        return ratio >= self.times


@dataclass(frozen=True)
class Within:
    """Ours shall cost at most `times` what another's does."""

    peer: str
    times: float
    measure: str = "wall"

    def text(self) -> str:
        return f"<= {self.times:g}x of it{_other(self.measure)}"

    def is_met(self, ratio: float) -> bool:
        """Judge the other's cost divided by ours."""
        return 1 / ratio <= self.times


@dataclass(frozen=True)
class AtMost:
    """Ours shall cost at most `amount`: seconds, or bytes of memory."""

    amount: float
    measure: str = "wall"


Goal = Faster | Within | AtMost


def _other(measure: str) -> str:
    return "" if measure == "wall" else f" {measure}"


@dataclass(frozen=True)
class Row:
    """A row of the table."""

    name: str
    work: str
    peers: tuple[Peer, ...]
    """Ours is among them."""

    check: Check
    """Whether a result is right."""

    goals: tuple[Goal, ...]
    limits: tuple[Peer | Program, ...] = ()
    file: str = ""
    """What of the server's is fetched; nothing: no server is needed."""

    scheme: str = "http"
    threads: int = 1
    cores: Cores = Cores.SAME
    seconds: float = 0.1
    """How long one peer's part of a round takes, about; at least one call."""

    system_bundle: bool = False
    """Whether the certificate authorities are the system's and ours, not ours alone."""

    shows_memory: bool = False

    def members(self) -> tuple[Peer | Program, ...]:
        return (*self.peers, *self.limits)

"""Rounds in random order, one process for each peer, and the medians of what they cost."""

from __future__ import annotations

import contextlib
import json
import math
import os
import random
import select
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from dataclasses import asdict, dataclass, field
from types import TracebackType
from typing import Any, Self

from tests.bench.environment import bare_environment, build_program, python_of
from tests.bench.model import OURS, Cores, Peer, Place, Program, Row
from tests.bench.server import LARGE, LARGE_SIZE, SMALL_BODY, Site, run_server
from tests.tools.project import ROOT, Refusal

__all__ = ["Effort", "PeerError", "Result", "Taken", "measure_row"]

PATIENCE = 120.0
"""Seconds that one answer of a peer may take."""

ORDER_SEED = 20
LEAST_ROUNDS = 9


class PeerError(Exception):
    """A peer does not run here; the text says why."""


@dataclass(frozen=True)
class Effort:
    """How many rounds a row takes, and by how much a round is shortened."""

    rounds: int
    shortened: float = 1.0
    seconds: float = 45.0
    """After so long a row's rounds end, if there were `LEAST_ROUNDS`."""


@dataclass
class Taken:
    """What a peer's work cost: medians of its rounds, and their ratios to ours."""

    peer: str
    is_limit: bool = False
    wall: float = math.nan
    cpu: float = math.nan
    memory: float = math.nan
    """Bytes at the peak of the first call, beyond those before."""

    ratio: Mapping[str, float] = field(default_factory=dict)
    """By measure: how many times ours this is."""

    reason: str = ""
    """Why there are no numbers."""


@dataclass
class Result:
    """A measured row."""

    row: Row
    rounds: int
    taken: Sequence[Taken]

    def of(self, peer: str) -> Taken:
        """Return what a peer or limit took."""
        return next(one for one in self.taken if one.peer == peer)

    def as_json(self) -> dict[str, Any]:
        """Return it as JSON can hold it."""
        members = [
            {key: None if value != value else value for key, value in asdict(one).items()}
            for one in self.taken
        ]
        return {
            "name": self.row.name,
            "work": self.row.work,
            "rounds": self.rounds,
            "peers": members,
        }


class Worker:
    """A peer's process, and how many calls fill its part of a round."""

    def __init__(self, command: Sequence[str], environment: Mapping[str, str], cores: Set[int]):
        pinned = ["taskset", "--cpu-list", ",".join(map(str, sorted(cores)))]
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115 - closed in __exit__
        self._process = subprocess.Popen(
            [*pinned, *command],
            cwd=ROOT,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
        )
        self.count = 1

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._process.kill()
        self._process.communicate()
        self._errors.close()

    def answer(self) -> dict[str, float]:
        """Wait for a line of the process."""
        assert self._process.stdout
        ready, _, _ = select.select([self._process.stdout], [], [], PATIENCE)
        line = self._process.stdout.readline() if ready else b""
        if line:
            answer: dict[str, float] = json.loads(line)
            return answer
        raise PeerError(self._last_words() if ready else f"no answer in {PATIENCE:g} seconds")

    def run(self, count: int) -> dict[str, float]:
        """Let the process repeat its work, and return what that took."""
        assert self._process.stdin
        with contextlib.suppress(BrokenPipeError):  # it has ended: `answer` tells why
            self._process.stdin.write(b"%d\n" % count)
            self._process.stdin.flush()
        return self.answer()

    def calibrate(self, seconds: float, threads: int) -> None:
        """Find how many calls take about so long; the first ones also warm it up."""
        self.count = threads
        while (total := self.run(self.count)["total"]) < seconds / 4:
            self.count *= 2 if total > seconds / 40 else 8
        self.count = max(threads, round(self.count * seconds / total))

    def _last_words(self) -> str:
        self._errors.seek(0)
        lines = self._errors.read().decode(errors="replace").strip().splitlines()
        return lines[-1] if lines else f"exit status {self._process.wait()}"


def cores_for(cores: Cores) -> set[int]:
    own = os.sched_getaffinity(0)
    return {max(own)} if cores is Cores.SAME else own


def command_of(member: Peer | Program, row: Row, place: Place) -> list[str]:
    if isinstance(member, Program):
        length = LARGE_SIZE if row.file == LARGE else len(SMALL_BODY)
        program = str(build_program(member))
        return [program, place.url, place.ca, str(place.threads), str(length)]
    python = str(python_of(member.venv))
    place_text = json.dumps(asdict(place))
    return [python, "-P", "-m", "tests.bench.worker", row.name, member.name, place_text]


def place_of(row: Row, site: Site | None) -> Place:
    if site is None:
        return Place(threads=row.threads)
    if row.scheme == "http":
        return Place(f"{site.http}/{row.file}", "", row.threads)
    ca = site.bundle if row.system_bundle else site.own_ca
    return Place(f"{site.https}/{row.file}", ca, row.threads)


@contextlib.contextmanager
def serving(row: Row) -> Iterator[Site | None]:
    if not row.file:
        yield None
        return
    with run_server(cores_for(row.cores)) as site:
        yield site


def measure_row(
    row: Row, effort: Effort, only: Sequence[str] = (), tell: Callable[[str], None] = print
) -> Result:
    """Measure a row.

    Parameters
    ----------
    row
        What to measure.
    effort
        How often.
    only
        The peers and limits that take part; all if it is empty.
    tell
        Is told what is being done.

    Raises
    ------
    PeerError
        If ours does not run, or gives a wrong result.
    """
    members = [one for one in row.members() if not only or one.name in (*only, OURS)]
    taken = {one.name: Taken(one.name, one in row.limits) for one in members}
    seconds = row.seconds * effort.shortened
    with serving(row) as site, contextlib.ExitStack() as running:
        place = place_of(row, site)
        workers = {}
        for member in members:
            tell(f"{row.name}: {member.name}")
            try:
                variables = member.variables if isinstance(member, Peer) else 0
                worker = running.enter_context(
                    Worker(
                        command_of(member, row, place),
                        bare_environment(variables),
                        cores_for(row.cores),
                    )
                )
                taken[member.name].memory = worker.answer()["memory"]
                worker.calibrate(seconds, row.threads)
                workers[member.name] = worker
            except (PeerError, Refusal) as error:
                if member.name == OURS:
                    raise PeerError(f"{row.name}: {error}") from error
                taken[member.name].reason = str(error)
        tell(f"{row.name}: {effort.rounds} rounds")
        rounds, lost = take_rounds(workers, effort)
    for name, reason in lost.items():
        taken[name].reason = reason
    for name, costs in rounds.items():
        summarise(taken[name], costs, rounds[OURS], taken[OURS])
    return Result(row, len(rounds[OURS]), list(taken.values()))


def take_rounds(
    workers: Mapping[str, Worker], effort: Effort
) -> tuple[dict[str, list[dict[str, float]]], dict[str, str]]:
    """Let each worker do its part of each round, in another order each time.

    Returns
    -------
    tuple
        What the rounds cost, by worker, and the reasons of those that failed in one.

    Raises
    ------
    PeerError
        If ours failed.
    """
    end = time.monotonic() + effort.seconds
    shuffled = random.Random(ORDER_SEED)
    costs: dict[str, list[dict[str, float]]] = {name: [] for name in workers}
    lost: dict[str, str] = {}
    for done in range(effort.rounds):
        if done >= LEAST_ROUNDS and time.monotonic() > end:
            break
        order = list(costs)
        shuffled.shuffle(order)
        for name in order:
            try:
                costs[name].append(workers[name].run(workers[name].count))
            except PeerError as error:
                if name == OURS:
                    raise
                lost[name] = str(error)
                del costs[name]
    return costs, lost


def summarise(
    one: Taken, costs: list[dict[str, float]], ours: list[dict[str, float]], our: Taken
) -> None:
    """Fill in the medians of the rounds, and of their ratios to ours."""
    one.wall = statistics.median(cost["wall"] for cost in costs)
    one.cpu = statistics.median(cost["cpu"] for cost in costs)
    ratio = {
        measure: statistics.median(
            theirs[measure] / max(mine[measure], 1e-12)
            for theirs, mine in zip(costs, ours, strict=True)
        )
        for measure in ("wall", "cpu")
    }
    one.ratio = {**ratio, "memory": one.memory / max(our.memory, 1.0)}

"""`./dev bench [ROW ...]`: measure the rows and print the table."""

from __future__ import annotations

import argparse
import datetime
import json
import os
import platform
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tests.bench.chart import draw
from tests.bench.measure import Effort, PeerError, Result, measure_row
from tests.bench.rows import ROWS
from tests.bench.table import format_result, format_summary, header
from tests.bench.verdict import judge
from tests.tools.process import exit_when_terminated
from tests.tools.project import CACHE, Refusal

__all__ = ["main"]

FULL = Effort(rounds=21)
QUICK = Effort(rounds=3, shortened=0.25)


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    names = [row.name for row in ROWS]
    parser = argparse.ArgumentParser(
        prog="dev bench", description="Measure what apikit costs beside its peers."
    )
    parser.add_argument("rows", nargs="*", metavar="ROW", help="all without it: see --list")
    parser.add_argument("--list", action="store_true", help="tell the rows and their goals")
    parser.add_argument("--quick", action="store_true", help="few and short rounds: a rough look")
    parser.add_argument("--rounds", type=int, help=f"how many (default: {FULL.rounds})")
    parser.add_argument(
        "--peer", action="append", default=[], metavar="NAME", help="only this one and ours"
    )
    parser.add_argument(
        "--output", type=Path, default=CACHE / "bench", metavar="FOLDER", help="for JSON and chart"
    )
    options = parser.parse_args(arguments)
    unknown = [name for name in options.rows if name not in names]
    if unknown:
        parser.error(f"no row {', '.join(unknown)}; there are: {', '.join(names)}")
    return options


def list_rows() -> None:
    for row in ROWS:
        print(f"{row.name:<24}{row.work}")


def machine() -> str:
    """Return the machine in words."""
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    models = [line.partition(": ")[2] for line in lines if line.startswith("model name")]
    cores = len(os.sched_getaffinity(0))
    return f"{cores} cores of {models[0] if models else platform.machine()}"


def warn_if_busy() -> None:
    """Say that other work on the machine makes the times rough."""
    load, cores = os.getloadavg()[0], len(os.sched_getaffinity(0))
    if load > cores / 2:
        print(f"bench: the machine is busy (load {load:.1f} on {cores} cores)", file=sys.stderr)


def describe(results: Sequence[Result], command: str) -> dict[str, Any]:
    """Return everything that was measured, as JSON can hold it."""
    return {
        "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
        "machine": machine(),
        "python": platform.python_version(),
        "command": command,
        "load": os.getloadavg()[0],
        "rows": [
            {**result.as_json(), "goals": [one.as_json() for one in judge(result)]}
            for result in results
        ],
    }


def write(folder: Path, results: Sequence[Result], command: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    told = describe(results, command)
    (folder / "bench.json").write_text(json.dumps(told, indent=1) + "\n")
    caption = f"{told['date']}, {told['machine']}, Python {told['python']}: {command}"
    (folder / "bench.svg").write_text(draw(results, caption))


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure; return 1 if one of our own works failed, whatever the times are."""
    options = parse(arguments)
    if options.list:
        list_rows()
        return 0
    effort = QUICK if options.quick else FULL
    if options.rounds:
        effort = Effort(options.rounds, effort.shortened)
    tell = print_status if sys.stderr.isatty() else lambda _: None
    results, failures = [], []
    warn_if_busy()
    print(header())
    for row in [row for row in ROWS if not options.rows or row.name in options.rows]:
        try:
            results.append(measure_row(row, effort, options.peer, tell))
            print(format_result(results[-1]), flush=True)
        except PeerError as error:
            failures.append(str(error))
            print(f"{row.name}: FAILED: {error}", flush=True)
    command = " ".join(["./dev bench", *(sys.argv[1:] if arguments is None else arguments)])
    write(options.output, results, command)
    print(f"\n{format_summary(results)}")
    print(f"\n{machine()}, Python {platform.python_version()}; figures in {options.output}")
    return 1 if failures else 0


def print_status(text: str) -> None:
    print(f"\r\033[K{text}\r", end="", file=sys.stderr, flush=True)


if __name__ == "__main__":
    exit_when_terminated()
    try:
        sys.exit(main())
    except Refusal as refusal:
        sys.exit(f"dev: {refusal}")
    except KeyboardInterrupt:
        sys.exit(130)

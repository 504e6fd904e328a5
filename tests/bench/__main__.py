"""`./dev bench [ROW ...]`: measure the rows and print the table."""

from __future__ import annotations

import argparse
import dataclasses
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
from tests.bench.publish import publish
from tests.bench.rows import ROWS
from tests.bench.table import format_result, format_summary, header
from tests.bench.verdict import judge
from tests.tools.process import exit_when_terminated
from tests.tools.project import CACHE, ROOT, Refusal

__all__ = ["main", "write"]

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
    parser.add_argument(
        "--write", action="store_true", help="put the figures into docs/ and README.md, too"
    )
    parser.add_argument(
        "--only-write", action="store_true", help="the same with the last run's, nothing measured"
    )
    options = parser.parse_args(arguments)
    if options.write and (options.rows or options.peer or options.quick):
        parser.error("--write wants every row and peer, measured with care")
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


def warn_if_busy(load: float) -> None:
    """Say that other work on the machine makes the times rough."""
    cores = len(os.sched_getaffinity(0))
    if load > cores / 2:
        print(f"bench: the machine is busy (load {load:.1f} on {cores} cores)", file=sys.stderr)


def describe(results: Sequence[Result], command: str, load: float) -> dict[str, Any]:
    """Return everything that was measured, as JSON can hold it."""
    return {
        "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
        "machine": machine(),
        "python": platform.python_version(),
        "command": command,
        "load": load,
        "rows": [
            {**result.as_json(), "goals": [one.as_json() for one in judge(result)]}
            for result in results
        ],
    }


def write(folder: Path, results: Sequence[Result], command: str, load: float) -> None:
    """Leave the figures in a folder; `load` is what the machine had to do before the run."""
    folder.mkdir(parents=True, exist_ok=True)
    told = describe(results, command, load)
    (folder / "bench.json").write_text(json.dumps(told, indent=1) + "\n")
    caption = f"{told['date']}, {told['machine']}, Python {told['python']}: {command}"
    (folder / "bench.svg").write_text(draw(results, caption))


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure; return 1 if one of our own works failed, whatever the times are."""
    options = parse(arguments)
    if options.list:
        list_rows()
        return 0
    if options.only_write:
        return tell_written(options.output)
    effort = QUICK if options.quick else FULL
    if options.rounds:
        effort = dataclasses.replace(effort, rounds=options.rounds)
    tell = print_status if sys.stderr.isatty() else lambda _: None
    results, failures = [], []
    load = os.getloadavg()[0]
    warn_if_busy(load)
    print(header())
    for row in [row for row in ROWS if not options.rows or row.name in options.rows]:
        try:
            results.append(measure_row(row, effort, options.peer, tell))
            print(format_result(results[-1]), flush=True)
        except PeerError as error:
            failures.append(str(error))
            print(f"{row.name}: FAILED: {error}", flush=True)
    command = " ".join(["./dev bench", *(sys.argv[1:] if arguments is None else arguments)])
    write(options.output, results, command, load)
    print(f"\n{format_summary(results)}")
    print(f"\n{machine()}, Python {platform.python_version()}; figures in {options.output}")
    if options.write and not failures:
        tell_written(options.output)
    return 1 if failures else 0


def tell_written(folder: Path) -> int:
    print("written:", *(file.relative_to(ROOT) for file in publish(folder)))
    return 0


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

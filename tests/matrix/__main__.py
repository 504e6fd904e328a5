"""Runs the suites over the systems: one line each, kept in .cache/matrix/results.txt."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence

from tests.matrix.systems import PLACE, SYSTEMS, Outcome, run_on
from tests.tools.process import exit_when_terminated
from tests.tools.project import Refusal

__all__ = ["main"]


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    names = [system.name for system in SYSTEMS]
    parser = argparse.ArgumentParser(
        prog="./dev matrix", description=f"Systems: {', '.join(names)}; none named is all."
    )
    parser.add_argument("systems", nargs="*", metavar="SYSTEM")
    parser.add_argument("--quick", action="store_true", help="the suites c and py alone")
    parser.add_argument("--fresh", action="store_true", help="make the systems anew")
    parser.add_argument("--list", action="store_true", help="name the systems")
    parser.add_argument("--test", default="", metavar="WORDS", help="arguments of ./dev test")
    options = parser.parse_args(arguments)
    unknown = [name for name in options.systems if name not in names]
    if unknown:
        raise Refusal(f"unknown system: {', '.join(unknown)}; known: {', '.join(names)}")
    return options


def main(arguments: Sequence[str]) -> int:
    """Return the exit status: 0 when tests ran on each system and none failed."""
    options = parse(arguments)
    if options.list:
        print("\n".join(f"{system.name:<9} {system.kind}" for system in SYSTEMS))
        return 0
    exit_when_terminated()
    outcomes: list[Outcome] = []
    for system in SYSTEMS:
        if not options.systems or system.name in options.systems:
            suites = options.test.split() or system.suites_of(quick=options.quick)
            outcomes.append(run_on(system, suites, fresh=options.fresh))
            with (PLACE / "results.txt").open("a") as results:
                print(time.strftime("%Y-%m-%d %H:%M"), outcomes[-1].line(), file=results)
    passed, failed = (sum(getattr(one, name) for one in outcomes) for name in ("passed", "failed"))
    print(f"{passed} passed, {failed + sum(bool(one.problem) for one in outcomes)} failed")
    return 0 if all(outcome.is_good for outcome in outcomes) else 1


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except Refusal as refusal:
        sys.exit(f"dev: {refusal}")
    except KeyboardInterrupt:
        sys.exit(130)

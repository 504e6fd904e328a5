"""`./dev test`: runs suites, prints their table, and fails when a test did."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Sequence

from tests.tools.process import exit_when_terminated
from tests.tools.project import Refusal
from tests.tools.results import Result, format_table
from tests.tools.suites import SUITES, Suite

__all__ = ["main"]


def choose(arguments: Sequence[str]) -> tuple[list[Suite], list[str]]:
    """Return the suites that the first arguments name, and what is left for pytest."""
    by_name = {suite.name: suite for suite in SUITES}
    rest = list(arguments)
    chosen = []
    while rest and rest[0] in by_name:
        chosen.append(by_name[rest.pop(0)])
    if not chosen:
        chosen = [by_name["py"]] if rest else [suite for suite in SUITES if suite.by_default]
    deaf = [suite.name for suite in chosen if rest and not suite.takes_arguments]
    if deaf:
        raise Refusal(f"{', '.join(deaf)} takes no arguments, got {' '.join(rest)}")
    return chosen, rest


def run_suite(suite: Suite, arguments: Sequence[str]) -> Result:
    """Run one suite; a refusal is a result too, so that the others still run."""
    result = Result(suite.name, suite.budget)
    print(f"\n== {suite.name} ==", flush=True)
    started = time.monotonic()
    try:
        suite.run(result, arguments)
    except Refusal as refusal:
        result.problem = str(refusal)
        print(f"dev: {refusal}", flush=True)
    result.seconds = time.monotonic() - started
    return result


def main(arguments: Sequence[str]) -> int:
    """Return the exit status of `./dev test` with these arguments."""
    if list(arguments) == ["--list"]:
        print("\n".join(f"{suite.name:<14}{suite.budget:>4} s" for suite in SUITES))
        return 0
    skips_allowed = not (os.environ.get("CI") or os.environ.get("APIKIT_NO_SKIP"))
    suites, rest = choose(arguments)
    exit_when_terminated()
    results = [run_suite(suite, rest) for suite in suites]
    print(f"\n{format_table(results)}")
    return 0 if all(result.is_good(skips_allowed=skips_allowed) for result in results) else 1


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except Refusal as stop:
        sys.exit(f"dev: {stop}")
    except KeyboardInterrupt:
        sys.exit(130)

"""`python -m tests.prove NAME [--n N] [--fresh]`: run one promise and print its figure."""

from __future__ import annotations

import argparse
import logging
import sys

from tests.faults.handle import ROOT
from tests.prove import (
    canaries,
    fork,
    isolation,
    kill,
    leaks,
    logins,
    longlife,
    mixing,
    truncation,
    valgrind,
)
from tests.prove.harness import Promise, Tally

__all__ = ["PROMISES", "main"]

PROMISES: dict[str, Promise] = {
    module.PROMISE.name: module.PROMISE
    for module in (
        truncation,
        fork,
        kill,
        longlife,
        valgrind,
        isolation,
        mixing,
        logins,
        canaries,
        leaks,
    )
}


def _parse(arguments: list[str] | None) -> argparse.Namespace:
    listing = "\n".join(f"  {one.name:<12}{one.says}" for one in PROMISES.values())
    parser = argparse.ArgumentParser(
        prog="python -m tests.prove",
        description="Prove promises about the session and print the figure of each.",
        epilog=f"promises:\n{listing}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("names", choices=sorted(PROMISES), metavar="NAME", nargs="+")
    parser.add_argument("--n", type=int, help="how many steps (default: the promised number)")
    parser.add_argument("--fresh", action="store_true", help="do not resume an unfinished run")
    return parser.parse_args(arguments)


def main(arguments: list[str] | None = None) -> int:
    """Run the command; return 0 if the promises were kept."""
    options = _parse(arguments)
    kept = [_prove(PROMISES[name], options) for name in options.names]
    return 0 if all(kept) else 1


def _prove(promise: Promise, options: argparse.Namespace) -> bool:
    path = ROOT / ".cache" / "prove" / f"{promise.name}.json"
    if options.fresh:
        path.unlink(missing_ok=True)
    verdict = promise.prove(Tally.open(path, options.n or promise.full))
    print(f"{promise.name}: {verdict.figure}: {'kept' if verdict.kept else 'BROKEN'}", flush=True)
    return verdict.kept


if __name__ == "__main__":
    logging.disable()  # what fails here is meant to
    sys.exit(main())

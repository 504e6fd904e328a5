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
    logins,
    longlife,
    mixing,
    secrets,
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
        secrets,
    )
}


def _parse(arguments: list[str] | None) -> argparse.Namespace:
    listing = "\n".join(f"  {one.name:<12}{one.says}" for one in PROMISES.values())
    parser = argparse.ArgumentParser(
        prog="python -m tests.prove",
        description="Prove one promise about the session and print its figure.",
        epilog=f"promises:\n{listing}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("name", choices=sorted(PROMISES), metavar="NAME")
    parser.add_argument("--n", type=int, help="how many steps (default: the promised number)")
    parser.add_argument("--fresh", action="store_true", help="do not resume an unfinished run")
    return parser.parse_args(arguments)


def main(arguments: list[str] | None = None) -> int:
    """Run the command; return 0 if the promise was kept."""
    options = _parse(arguments)
    promise = PROMISES[options.name]
    path = ROOT / ".cache" / "prove" / f"{promise.name}.json"
    if options.fresh:
        path.unlink(missing_ok=True)
    verdict = promise.prove(Tally.open(path, options.n or promise.full))
    print(f"{promise.name}: {verdict.figure}: {'kept' if verdict.kept else 'BROKEN'}")
    return 0 if verdict.kept else 1


if __name__ == "__main__":
    logging.disable()  # what fails here is meant to
    sys.exit(main())

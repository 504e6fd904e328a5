"""`./dev count [PATH ...]`: count, show and judge; `--write` keeps the counts."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from tests.count.gate import COUNTS, judge, read, report, write
from tests.count.measure import count_all
from tests.count.paths import PATHS
from tests.count.toolchain import toolchain
from tests.tools.project import ROOT, Refusal

__all__ = ["main"]


def main(arguments: Sequence[str] | None = None) -> int:
    """Return 1 if a path takes more instructions than its count allows."""
    parser = argparse.ArgumentParser(
        prog="dev count", description="Count the instructions of apikit's hot paths."
    )
    parser.add_argument("paths", nargs="*", metavar="PATH", help=f"of {', '.join(PATHS)}")
    where = COUNTS.relative_to(ROOT)
    parser.add_argument("--write", action="store_true", help=f"put the counts into {where}")
    options = parser.parse_args(arguments)
    unknown = [name for name in options.paths if name not in PATHS]
    if unknown:
        parser.error(f"no path {', '.join(unknown)}; there are: {', '.join(PATHS)}")
    chosen = {name: PATHS[name] for name in options.paths or PATHS}
    here, counted = toolchain(), count_all(chosen)
    known = read(here)
    print(report(here, counted, known))
    if options.write:
        write(here, counted)
        return 0
    slower = judge(counted, known)
    print(*slower, sep="\n", end="\n" if slower else "")
    return 1 if slower else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except Refusal as refusal:
        sys.exit(f"dev: {refusal}")
    except KeyboardInterrupt:
        sys.exit(130)

"""`./dev docs`: makes the pages, tries their examples and prints the folder; no warning passes."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from tests.tools.project import CACHE, ROOT, Refusal, neutral_environment

__all__ = ["BUILDERS", "build", "main"]

BUILDERS = ("html", "doctest")
FOLDER = CACHE / "docs"


def build(builder: str, folder: Path) -> str:
    """Run one of Sphinx's builders, from nothing: an unchanged page may be wrong as before.

    Parameters
    ----------
    builder
        One of `BUILDERS`.
    folder
        Gets a folder of the builder's name.

    Returns
    -------
    str
        What is wrong with the pages; empty if nothing is.
    """
    sphinx = [sys.executable, "-P", "-m", "sphinx", "-q", "-E", "-W", "--keep-going", "-b", builder]
    done = subprocess.run(
        [*sphinx, "-d", folder / "trees", ROOT / "docs", folder / builder],
        env=neutral_environment(),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
    )
    if done.returncode == 0 and not done.stderr:
        return ""
    return f"{done.stdout}{done.stderr}sphinx -b {builder}: exit status {done.returncode}"


def main(arguments: Sequence[str], folder: Path = FOLDER) -> int:
    """Return the exit status of `./dev docs` with these arguments."""
    if arguments:
        raise Refusal(f"docs takes no arguments, got {' '.join(arguments)}")
    for builder in BUILDERS:
        wrong = build(builder, folder)
        if wrong:
            print(wrong, file=sys.stderr)
            return 1
    print(folder / "html")
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except Refusal as stop:
        sys.exit(f"dev: {stop}")
    except KeyboardInterrupt:
        sys.exit(130)

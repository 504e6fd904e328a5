"""What an import costs: a process that imports, less one that does not."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable

from tests.bench.model import Maker, Work

__all__ = ["importing"]


def interpreter(code: str) -> Callable[[], int]:
    command = [sys.executable, "-P", "-c", code]

    def call() -> int:
        child = os.posix_spawn(command[0], command, os.environ)
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])

    return call


def importing(statement: str) -> Maker:
    """Return a maker of the work of importing, in an interpreter that has just started."""
    return lambda _place: Work(interpreter(statement), interpreter("pass"))

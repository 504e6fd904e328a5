"""A command whose output is shown as it comes, and which does not outlive this process."""

from __future__ import annotations

import contextlib
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import FrameType
from typing import NoReturn

from tests.tools.project import ROOT

__all__ = ["exit_when_terminated", "run_visibly"]

SECONDS_TO_CLEAN_UP = 30
TIMED_OUT = 124
TERMINATED = 143


def exit_when_terminated() -> None:
    """Let SIGTERM end this process by SystemExit, so that what it started is ended too."""

    def leave(_number: int, _frame: FrameType | None) -> NoReturn:
        sys.exit(TERMINATED)

    signal.signal(signal.SIGTERM, leave)


def run_visibly(
    command: Sequence[str | Path], environment: Mapping[str, str], *, most_seconds: int
) -> int:
    """Return the exit status of `command`; after `most_seconds` it is interrupted.

    Ctrl-C reaches the command from the terminal too: it gets time to stop what it started.
    """
    with subprocess.Popen(command, cwd=ROOT, env=environment, stdin=subprocess.DEVNULL) as child:
        try:
            return child.wait(most_seconds)
        except subprocess.TimeoutExpired:
            print(f"interrupted after {most_seconds} seconds", flush=True)
            child.send_signal(signal.SIGINT)
            return TIMED_OUT
        except SystemExit:
            child.send_signal(signal.SIGINT)
            raise
        finally:
            with contextlib.suppress(subprocess.TimeoutExpired):
                child.wait(SECONDS_TO_CLEAN_UP)
            if child.poll() is None:
                child.kill()

"""A command whose output is shown as it comes, and which does not outlive this process."""

from __future__ import annotations

import contextlib
import signal
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from tests.tools.project import ROOT

__all__ = ["run_visibly"]

SECONDS_TO_CLEAN_UP = 30


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
            return 124
        finally:
            with contextlib.suppress(subprocess.TimeoutExpired):
                child.wait(SECONDS_TO_CLEAN_UP)
            if child.poll() is None:
                child.kill()

"""Runs pytest under AddressSanitizer and looks for leaks while the interpreter is still whole.

From 3.12 on the interpreter leaves its immortal strings behind when it ends, so a check at
the end of the process would drown in them.  It is made when the last call has returned and
nothing has been taken down: the frame objects of calls that go on hang in memory that
LeakSanitizer does not look at, and would be taken for lost.
"""

from __future__ import annotations

import atexit
import ctypes
import gc
import os
import sys

import pytest

__all__ = ["end"]

LEAKED = 23


def end(status: int) -> None:
    """End the process with pytest's status, or with `LEAKED` if that is good and memory was lost.

    Parameters
    ----------
    status
        pytest's.
    """
    gc.collect()
    sys.stdout.flush()
    has_leaked = bool(ctypes.CDLL(None).__lsan_do_recoverable_leak_check())
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(LEAKED if has_leaked and status == 0 else status)


if __name__ == "__main__":
    atexit.register(end, int(pytest.main(sys.argv[1:])))

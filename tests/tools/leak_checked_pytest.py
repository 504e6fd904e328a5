"""Runs pytest under AddressSanitizer and looks for leaks while the interpreter is still whole.

From 3.12 on the interpreter leaves its immortal strings behind when it ends, so a check at
the end of the process would drown in them.
"""

from __future__ import annotations

import ctypes
import gc
import os
import sys

import pytest

__all__ = ["main"]

LEAKED = 23


def main() -> int:
    """Return pytest's exit status, or `LEAKED` when that was good and memory was lost."""
    status = int(pytest.main(sys.argv[1:]))
    gc.collect()
    sys.stdout.flush()
    leaked = ctypes.CDLL(None).__lsan_do_recoverable_leak_check()
    return LEAKED if leaked and status == 0 else status


if __name__ == "__main__":
    result = main()
    sys.stderr.flush()
    os._exit(result)

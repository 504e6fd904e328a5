"""Runs pytest under AddressSanitizer and looks for leaks while the interpreter is still whole.

From 3.12 on the interpreter leaves its immortal strings behind when it ends, so a check at
the end of the process would drown in them.  Tests by Hypothesis come after the check, and
are not looked at: whatever they test, on CPython 3.11 Hypothesis itself loses four objects,
whose stacks say no more than that Python allocated them.
"""

from __future__ import annotations

import ctypes
import gc
import os
import sys

import pytest

__all__ = ["main"]

LEAKED = 23


class LeakCheck:
    """A plugin that puts Hypothesis last and looks for leaks before it, or at the end."""

    def __init__(self) -> None:
        self._is_done = False
        self._found = False

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Sort the tests, each kind in its order."""
        items.sort(key=is_by_hypothesis)

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_setup(self, item: pytest.Item) -> None:
        """Check before the first test by Hypothesis."""
        if is_by_hypothesis(item):
            # The report must not be taken for the output of a test that passes.
            capture = item.config.pluginmanager.getplugin("capturemanager")
            with capture.global_and_fixture_disabled():
                self.has_found_any()

    def has_found_any(self) -> bool:
        """Whether memory was lost: looked for at the first call only, and reported there."""
        if not self._is_done:
            self._is_done = True
            self._found = look_for_leaks()
        return self._found


def look_for_leaks() -> bool:
    gc.collect()
    sys.stdout.flush()
    return bool(ctypes.CDLL(None).__lsan_do_recoverable_leak_check())


def is_by_hypothesis(item: pytest.Item) -> bool:
    return item.get_closest_marker("hypothesis") is not None


def main() -> int:
    """Return pytest's exit status, or `LEAKED` when that was good and memory was lost."""
    check = LeakCheck()
    status = int(pytest.main(sys.argv[1:], plugins=[check]))
    return LEAKED if check.has_found_any() and status == 0 else status


if __name__ == "__main__":
    result = main()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(result)

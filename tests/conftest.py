"""Options of the whole suite; fixtures live in modules of their own."""

from __future__ import annotations

import os
import signal
import sys
import sysconfig
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

import apikit

ROOT = Path(__file__).resolve().parents[1]

IS_FREE_THREADED = bool(sysconfig.get_config_var("Py_GIL_DISABLED"))
#: What needs a package that there is not for a CPython 3.13 without the GIL (see
#: requirements-free-threaded.txt): cryptography, greenlet, PyYAML and its like, playwright.
collect_ignore = (
    [
        "test_catalog_browser.py",
        "test_docs_blocks.py",
        "test_doctor.py",
        "test_green_threads.py",
        "test_issuer.py",
        "test_matrix.py",
        "test_new.py",
        "test_new_services.py",
        "test_stores.py",
    ]
    if IS_FREE_THREADED
    else []
)

# No deadline and no word of slowness: the machine may be busy.  The same examples in every
# run, so that it judges the change alone; --hypothesis-profile=thorough looks for new ones.
BUSY = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow], database=None)
settings.register_profile("quick", BUSY, max_examples=100, derandomize=True)
settings.register_profile("thorough", BUSY, max_examples=10_000)
settings.load_profile("quick")


def pytest_configure() -> None:
    """Test the installed apikit only, and let no child report the leaks of other programs."""
    if ROOT / "apikit" in Path(apikit.__file__).resolve().parents:
        raise pytest.UsageError("apikit of the checkout was imported, not the installed one")
    if str(ROOT) not in sys.path:
        sys.path.append(str(ROOT))
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        # So a shell without job control starts what runs in the background; children inherit it.
        signal.signal(signal.SIGINT, signal.default_int_handler)
    os.environ["PYTHONSAFEPATH"] = "1"  # children too: the checkout's apikit lacks its C half
    options = os.environ.get("ASAN_OPTIONS")
    if options:
        # Read at the start of a process: this one still looks for leaks when it ends.
        os.environ["ASAN_OPTIONS"] = options.replace("detect_leaks=1", "detect_leaks=0")

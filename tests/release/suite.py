"""The part of the Python suite that needs little else, with a wheel in a system of its own."""

from __future__ import annotations

import re
from pathlib import Path

from tests.release.bare import DEPENDENCIES, System, installed
from tests.release.pins import Pins
from tests.release.wheels import Kind
from tests.tools.builds import copy_checkout
from tests.tools.project import Refusal

__all__ = ["run_suite"]

#: What these tests import beside what the wheel requires.
TOOLS = (
    "attrs brotli backports.zstd certifi cffi charset-normalizer cryptography hypothesis iniconfig "
    "packaging pluggy pycparser pygments pytest pytest-timeout requests sortedcontainers trustme "
    "typing_extensions urllib3"
)
#: What these tests start, or compile what they preload by.
PACKAGES = ("gcc", "libc6-dev", "tinyproxy-bin")
#: tests/test_*.py by their second halves.
FILES = (
    "app backend_error cookie_jar digest errors events faults fork headers interrupt json_bytes "
    "log metadata_core metadata_rules metadata_view prepare proxies response retries "
    "session_bounds session_lifetime session_login session_page session_pool testing tls"
)
#: For emulation, on a machine that does other things.
SECONDS_OF_A_TEST = 900


def run_suite(wheel: Path, kind: Kind, pins: Pins) -> None:
    """Install `wheel` and pytest in a Debian and run FILES there.

    Raises
    ------
    Refusal
        With what pytest printed, when a test fails.
    """
    names = (*DEPENDENCIES, *TOOLS.split())
    with installed(wheel, kind, pins, names=names, packages=PACKAGES) as system:
        copy = system.root / "trial" / "checkout"
        copy_checkout(copy)
        # The checkout comes last on the path, as in its own environment.
        (packages,) = (system.root / "trial" / "venv").glob("lib/python3*/site-packages")
        (packages / "checkout.pth").write_text("/trial/checkout\n")
        command = [System.PYTHON, "-P", "-m", "pytest", "-q", "-p", "no:cacheprovider"]
        command += [f"--timeout={SECONDS_OF_A_TEST}", "-m", "not no_asan and not differential"]
        command += [f"tests/test_{name}.py" for name in FILES.split()]
        lines = system.run(*command, cwd="/trial/checkout").splitlines()
    summary = lines[-1]
    if not re.search(r"\d+ passed", summary):
        raise Refusal(f"no test ran in {system.name}: {summary}")
    print(f"{wheel.name}: pytest in {system.name}: {summary.strip('= ')}", flush=True)

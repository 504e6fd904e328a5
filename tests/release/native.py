"""The C tests with the wheels' libraries and compiler; by qemu where the machine is another."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.release.bare import make_system
from tests.release.libraries import build_cmocka
from tests.release.pins import Pins
from tests.release.toolchain import Target, make_toolchain
from tests.tools.native import Variant
from tests.tools.project import CACHE, Refusal
from tests.tools.results import Result
from tests.tools.suites import run_c

__all__ = ["run_c_tests"]

SECONDS = 600
LOADER_OF = "bookworm"


@contextmanager
def environment(changes: dict[str, str]) -> Iterator[None]:
    """Change this process's environment, which the ordinary suite reads, for a while."""
    before = dict(os.environ)
    os.environ.update(changes)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


def run_c_tests(target: Target, prefix: Path, pins: Pins) -> Result:
    """Run all C tests for `target`.

    Raises
    ------
    Refusal
        When one fails.
    """
    place = CACHE / "release" / "c" / target.machine
    tools = make_toolchain(target, place / "tools")
    archiver = tools.folder / "ar"
    archiver.unlink(missing_ok=True)
    archiver.symlink_to("apikit-ar")  # the ordinary suite's name of it
    cmocka = place / "cmocka"
    build_cmocka(tools, pins, cmocka)
    folders = [folder / "lib" / "pkgconfig" for folder in (prefix, cmocka)]
    changes = {
        **tools.environment,
        "CC": f"apikit-cc -DAK_TLS_WITHIN -I{cmocka}/include",
        "PKG_CONFIG_LIBDIR": os.pathsep.join(map(str, folders)),
    }
    if target.machine != os.uname().machine:
        # Where qemu finds the loader and the C library of that machine.
        changes["QEMU_LD_PREFIX"] = str(make_system(LOADER_OF, target.machine, pins))
    result = Result(f"c-{target.machine}", SECONDS)
    with environment(changes):
        run_c(result, Variant(f"release-{target.machine}", ("-O2", f"-L{prefix}/lib")))
    if result.failed or not result.passed:
        raise Refusal(f"the C tests for {target.machine}: {result.failed} failed")
    print(f"C tests for {target.machine}: {result.passed} passed", flush=True)
    return result

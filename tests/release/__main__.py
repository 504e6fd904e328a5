"""`./dev release`: the source distribution and the wheels, each made twice to the same bytes."""

from __future__ import annotations

import argparse
import fcntl
import hashlib
import sys
from collections.abc import Sequence
from pathlib import Path

from tests.release.bare import try_wheel
from tests.release.examine import examine
from tests.release.libraries import build_libraries
from tests.release.native import run_c_tests
from tests.release.pins import Pins, read_pins
from tests.release.suite import run_suite
from tests.release.toolchain import TARGETS
from tests.release.wheels import Kind, build_wheel, kinds_of
from tests.tools.project import CACHE, ROOT, Refusal
from tests.tools.sdist import make_sdist

__all__ = ["main"]

BUILDS = ("first", "second")
DIST = ROOT / "dist"
PYTHON_OF_SUITE = "3.13"
NAME = "sqre_apikit_c"  # as files of distributions are called


def publish(first: Path, second: Path) -> Path:
    """Put a file into dist that two builds made, and say what it is."""
    content = first.read_bytes()
    if content != second.read_bytes():
        raise Refusal(f"two builds differ: compare {first} with {second}")
    target = DIST / first.name
    target.write_bytes(content)
    digest = hashlib.sha256(content).hexdigest()
    print(f"{digest}  {len(content):>9}  dist/{first.name}", flush=True)
    return target


def release_wheels(machine: str, pins: Pins) -> list[tuple[Path, Kind]]:
    """Make the wheels of a machine, for each Python whose headers are there."""
    target = TARGETS[machine]
    prefix = build_libraries(target, pins)
    made = []
    for kind in kinds_of(target, pins):
        first, second = (build_wheel(kind, prefix, pins, name) for name in BUILDS)
        examine(first, kind, pins)
        made.append((publish(first, second), kind))
    return made


def check_libraries(machine: str, pins: Pins) -> None:
    """Build the static libraries a second time, in another place, and compare."""
    target = TARGETS[machine]
    prefix = build_libraries(target, pins)
    again = build_libraries(target, pins, CACHE / "release" / "libraries" / f"{machine}-again")
    for library in sorted((prefix / "lib").glob("*.a")):
        if library.read_bytes() != (again / "lib" / library.name).read_bytes():
            raise Refusal(f"two builds differ: compare {library} with the one in {again}")
        digest = hashlib.sha256(library.read_bytes()).hexdigest()
        print(f"{digest}  {library.stat().st_size:>9}  {machine}/{library.name}, twice")


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="./dev release", description=__doc__)
    parser.add_argument(
        "--machine",
        action="append",
        choices=sorted(TARGETS),
        help="make the wheels of this machine alone (may be repeated)",
    )
    parser.add_argument(
        "--check",
        action="store_true",
        help="run the C tests with the libraries, and use the wheels in a bare Debian (as root, "
        "with debootstrap, and qemu-user-static for another machine)",
    )
    parser.add_argument(
        "--libraries",
        action="store_true",
        help="build the static libraries a second time too, and compare",
    )
    return parser.parse_args(arguments)


def main(arguments: Sequence[str] | None = None) -> int:
    """Make the files, compare them with a second build, and say what they are."""
    options = parse(arguments)
    pins = read_pins()
    DIST.mkdir(exist_ok=True)
    for stale in DIST.glob(f"{NAME}-*"):
        stale.unlink()
    publish(*(make_sdist(CACHE / "release" / name / "sdist") for name in BUILDS))
    for machine in options.machine or TARGETS:
        if options.libraries:
            check_libraries(machine, pins)
        wheels = release_wheels(machine, pins)
        if options.check:
            run_c_tests(TARGETS[machine], build_libraries(TARGETS[machine], pins), pins)
            for wheel, kind in wheels:
                try_wheel(wheel, kind, pins)
                if kind.python == PYTHON_OF_SUITE:
                    run_suite(wheel, kind, pins)
    return 0


if __name__ == "__main__":
    (CACHE / "release").mkdir(parents=True, exist_ok=True)
    with (CACHE / "release" / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        try:
            sys.exit(main())
        except Refusal as refusal:
            sys.exit(f"dev: {refusal}")

"""`./dev lint`: every check of the style, each configured in one place; all run, all are told."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.tools.c_rules import broken_rules
from tests.tools.install import install
from tests.tools.native import WARNINGS, optional_macros, package_flags
from tests.tools.project import ROOT, Refusal, neutral_environment

__all__ = ["main"]

CSRC = sorted((ROOT / "csrc").rglob("*.[ch]"))
C_TESTS = sorted([*(ROOT / "tests").glob("c/*.[ch]"), *(ROOT / "tests").glob("fuzz/*.[ch]")])
SOURCES = [path for path in CSRC if path.suffix == ".c"]
TOOLS = Path(sys.prefix) / "bin"
PYTHON_SOURCES = ["setup.py", "apikit", "tests"]


def passes(*command: str | Path) -> bool:
    """Run one tool and show what it says."""
    environment = neutral_environment({"PATH": f"{TOOLS}{os.pathsep}{os.environ['PATH']}"})
    return subprocess.run(command, cwd=ROOT, env=environment).returncode == 0


def check_types() -> bool:
    install()  # the other import names are found where they are installed
    return passes("mypy", "--strict", "apikit", "tests/tools", "tests/release")


def check_stubs() -> bool:
    install()
    return passes(sys.executable, "-P", "-m", "mypy.stubtest", "apikit._core")


def check_rules() -> bool:
    broken = list(broken_rules(ROOT / "csrc"))
    print("\n".join(broken), end="\n" if broken else "")
    return not broken


def check_warnings() -> bool:
    """Compile csrc with warnings as errors, by each compiler that is here."""
    compilers = [name for name in ("gcc", "clang") if shutil.which(name)]
    flags = [*WARNINGS, "-O2", "-Icsrc", f"-I{sysconfig.get_path('include')}"]
    flags += package_flags("--cflags", "libcurl")
    flags += optional_macros()
    commands = [
        [compiler, *flags, "-c", source, "-o", os.devnull]
        for compiler in compilers
        for source in SOURCES
    ]
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        return bool(commands) and all(pool.map(lambda command: passes(*command), commands))


def check_instructions() -> bool:
    """Count the instructions of the hot paths: a toolchain without counts is not judged."""
    install()
    return passes(sys.executable, "-P", "-m", "tests.count")


CHECKS: dict[str, Callable[[], bool]] = {
    "ruff check": lambda: passes("ruff", "check", "--quiet", *PYTHON_SOURCES),
    "ruff format": lambda: passes("ruff", "format", "--quiet", "--diff", *PYTHON_SOURCES),
    "mypy": check_types,
    "stubtest": check_stubs,
    "clang-format": lambda: passes("clang-format", "--dry-run", "-Werror", *CSRC, *C_TESTS),
    "layers, lengths": check_rules,
    "warnings": check_warnings,
    "cppcheck": lambda: passes(
        "cppcheck",
        "--quiet",
        "--std=c11",
        "--library=posix,python",
        "--enable=warning,performance,portability",
        "--inline-suppr",
        "--error-exitcode=1",
        "--suppress=missingIncludeSystem",
        "--suppress=normalCheckLevelMaxBranches",
        "-Icsrc",
        *SOURCES,
    ),
    "instructions": check_instructions,
    "sh -n": lambda: passes("sh", "-n", "dev") and passes("bash", "-n", ".ci/run"),
    "shellcheck": lambda: passes("shellcheck", "dev", ".ci/run"),
}


def main(names: Sequence[str]) -> int:
    """Run the named checks, or all; return the exit status."""
    unknown = [name for name in names if name not in CHECKS]
    if unknown:
        raise Refusal(f"no check {', '.join(unknown)}; there are: {', '.join(CHECKS)}")
    failed = []
    for name in names or CHECKS:
        print(f"== {name} ==", flush=True)
        try:
            good = CHECKS[name]()
        except Refusal as refusal:
            print(f"dev: {refusal}", flush=True)
            good = False
        if not good:
            failed.append(name)
    print(f"lint: {'failed: ' + ', '.join(failed) if failed else 'all checks passed'}")
    return 1 if failed else 0


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except Refusal as stop:
        sys.exit(f"dev: {stop}")
    except KeyboardInterrupt:
        sys.exit(130)

"""The suites of `./dev test`: what each builds, runs and counts, in the order of the table."""

from __future__ import annotations

import functools
import subprocess
import sys
import sysconfig
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.tools.builds import (
    install_into,
    make_venv,
    own_python,
    unpack_wheel,
    wheel,
)
from tests.tools.native import ASAN, PLAIN, TSAN, Variant, build_programs
from tests.tools.process import run_visibly
from tests.tools.project import CACHE, ROOT, Refusal, neutral_environment, run
from tests.tools.results import Result, read_cmocka, read_junit
from tests.tools.sdist import make_sdist

__all__ = ["SUITES", "Suite"]

TSAN_MARKER = "/* tsan */"
NO_TESTS_RAN = 5
IS_FREE_THREADED = bool(sysconfig.get_config_var("Py_GIL_DISABLED"))
ORDINARY = "not differential and not services and not logins"
SANITIZER_OPTIONS = {
    "ASAN_OPTIONS": "detect_leaks=1:strict_string_checks=1:detect_stack_use_after_return=1",
    "UBSAN_OPTIONS": "print_stacktrace=1:halt_on_error=1",
    "LSAN_OPTIONS": f"suppressions={ROOT / 'tests' / 'tools' / 'leaks.supp'}:print_suppressions=0",
    "TSAN_OPTIONS": "halt_on_error=1:second_deadlock_stack=1",
}


@dataclass(frozen=True)
class Suite:
    """A name, the seconds that it may take, what runs it, and whether it is pytest's.

    One that is not run `by_default` must be named.
    """

    name: str
    budget: int
    run: Callable[[Result, Sequence[str]], None]
    takes_arguments: bool = False
    by_default: bool = True


@functools.cache
def fixed_addresses() -> list[str]:
    """Return the prefix of a command that shall run without address randomisation.

    The sanitizers of gcc 12 cannot place their shadow under the widest one; a container may
    forbid the change.
    """
    prefix = ["setarch", "--addr-no-randomize"]
    works = subprocess.run([*prefix, "true"], capture_output=True).returncode == 0
    return prefix if works else []


def run_programs(result: Result, programs: Sequence[Path]) -> None:
    """Run C tests one by one; what they print is shown when they fail."""
    environment = neutral_environment(SANITIZER_OPTIONS)
    for program in programs:
        before = result.passed, len(result.skips)
        done = subprocess.run(
            [*fixed_addresses(), program],
            cwd=ROOT,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            timeout=4 * result.budget,
        )
        read_cmocka(program.name, done.stdout, result)
        passed, skipped = result.passed - before[0], len(result.skips) - before[1]
        print(f"{program.name}: {passed} passed, {skipped} skipped", flush=True)
        if done.returncode != 0:
            result.failed += 1
            print(done.stdout, f"{program.name}: exit status {done.returncode}", flush=True)
        elif passed + skipped == 0:
            result.failed += 1
            print(done.stdout, f"{program.name}: no test ran", flush=True)


def c_tests(marker: str = "") -> list[Path]:
    tests = sorted((ROOT / "tests" / "c").glob("test_*.c"))
    chosen = [test for test in tests if marker in "".join(test.read_text()[:400])]
    if not chosen:
        raise Refusal(f"tests/c has no test{' marked ' + marker if marker else ''}")
    return chosen


def run_c(result: Result, variant: Variant, marker: str = "") -> None:
    run_programs(result, build_programs(c_tests(marker), variant, libraries="cmocka"))


def run_fuzz(result: Result, _arguments: Sequence[str]) -> None:
    """Replay each fuzzer's corpus under the sanitizers; no finding, no leak."""
    folder = ROOT / "tests" / "fuzz"
    fuzzers = sorted(folder.glob("fuzz_*.c"))
    if not fuzzers:
        raise Refusal("tests/fuzz has no fuzzer")
    programs = build_programs(fuzzers, ASAN, beside=(folder / "replay_main.c",))
    for program in programs:
        name = program.name.removeprefix("fuzz_")
        corpus = sorted(path for path in (folder / "corpus" / name).rglob("*") if path.is_file())
        environment = neutral_environment(SANITIZER_OPTIONS)
        done = subprocess.run(
            [*fixed_addresses(), program, *corpus],
            env=environment,
            capture_output=True,
            text=True,
            errors="replace",
        )
        good = done.returncode == 0 and bool(corpus)
        result.passed += good
        result.failed += not good
        print(f"{program.name}: {len(corpus)} inputs, exit status {done.returncode}", flush=True)
        if not good:
            print(done.stdout[-4000:], done.stderr[-8000:], flush=True)


def run_pytest(
    result: Result,
    python: Path,
    arguments: Sequence[str],
    extra_environment: Mapping[str, str] | None = None,
    *,
    module: str = "pytest",
) -> None:
    """Run pytest, or a module that wraps it, in view, and count what its JUnit file says."""
    report = CACHE / "results" / f"{result.suite}.xml"
    report.parent.mkdir(parents=True, exist_ok=True)
    report.unlink(missing_ok=True)
    command = [str(python), "-P", "-m", module, f"--junit-xml={report}", *arguments]
    # Where there need be none, no extension of others turns the GIL on.
    environment = {"PYTHON_GIL": "0"} if IS_FREE_THREADED else {}
    environment.update(extra_environment or {})
    status = run_visibly(command, neutral_environment(environment), most_seconds=4 * result.budget)
    if report.exists():
        read_junit(report, result)
    if status == NO_TESTS_RAN:
        result.problem = "no test ran"
    elif status != 0 and result.failed == 0:
        result.problem = f"pytest ended with status {status}"


def oracles() -> dict[str, str]:
    """Return the variables that name the interpreters which the differential tests start."""
    flask22 = make_venv("flask22")
    install_into(flask22, wheel())
    return {
        "APIKIT_ORACLE_PYTHON": str(make_venv("originals")),
        "APIKIT_ORACLE_PYTHON_FLASK22": str(make_venv("originals-flask22")),
        "APIKIT_PYTHON_FLASK22": str(flask22),
    }


def run_py(result: Result, arguments: Sequence[str]) -> None:
    install_into(own_python(), wheel())
    if arguments:
        run_pytest(result, own_python(), arguments, oracles())
    else:
        run_pytest(result, own_python(), ["-m", ORDINARY])


def run_flask22(result: Result, arguments: Sequence[str]) -> None:
    python = make_venv("flask22")
    install_into(python, wheel())
    # These releases are older than the interpreter's latest deprecations.
    quiet = ["-W", "ignore::DeprecationWarning"]
    # The other files import what this environment lacks.
    files = [
        str(path.relative_to(ROOT))
        for path in sorted((ROOT / "tests").rglob("test_*.py"))
        if "pytest.mark.flask" in path.read_text(encoding="utf-8")
    ]
    if any((ROOT / argument.partition("::")[0]).exists() for argument in arguments):
        files = []
    run_pytest(result, python, ["-m", "flask", *quiet, *arguments, *files])


def run_differential(result: Result, arguments: Sequence[str]) -> None:
    install_into(own_python(), wheel())
    run_pytest(result, own_python(), ["-m", "differential", *arguments], oracles())


def run_services(result: Result, arguments: Sequence[str]) -> None:
    install_into(own_python(), wheel())
    run_pytest(result, own_python(), ["-m", "services", *arguments])


def run_asan(result: Result, arguments: Sequence[str]) -> None:
    """Run the Python suite on an instrumented build; tests/conftest.py quietens its children."""
    install_into(own_python(), wheel())  # for children that get no environment of ours
    built = unpack_wheel(wheel("asan", APIKIT_SANITIZE="address,undefined"))
    runtime = subprocess.run(
        ["gcc", "-print-file-name=libasan.so"], capture_output=True, text=True, check=True
    ).stdout.strip()
    environment = {
        **SANITIZER_OPTIONS,
        "LD_PRELOAD": runtime,
        "PYTHONMALLOC": "malloc",
        "PYTHONPATH": str(built),
    }
    run_pytest(
        result,
        own_python(),
        ["-m", f"{ORDINARY} and not no_asan", *arguments],
        environment,
        module="tests.tools.leak_checked_pytest",
    )


def run_logins(result: Result, arguments: Sequence[str]) -> None:
    """Run the tests that want Java, Maven, Node and a new Go, and install what these run."""
    install_into(own_python(), wheel())
    run_pytest(result, own_python(), ["-m", "logins", *(arguments or ["tests/logins"])])


def run_sdist(result: Result, _arguments: Sequence[str]) -> None:
    """Build from the source distribution with the newest and the oldest setuptools, and try it."""
    place = CACHE / "sdist"
    archive = make_sdist(place)
    (site,) = Path(sys.prefix).glob("lib/python3.*/site-packages")
    oldest = "66.1.1" if sys.version_info < (3, 12) else "75.8.2"
    for setuptools in ("newest", oldest):
        venv = place / "venv"
        run([sys.executable, "-m", "venv", "--clear", venv], f"{venv} cannot be made")
        python = venv / "bin" / "python"
        install: list[str | Path] = [python, "-m", "pip", "install", "-q"]
        refusal = f"the source distribution does not install with setuptools {setuptools}"
        if setuptools == "newest":
            run([*install, archive], refusal)
        else:
            tools = [f"setuptools=={oldest}", "wheel"]
            run([*install, *tools], "pip could not install setuptools: is the index in reach?")
            run([*install, "--no-build-isolation", archive], refusal)
        smoke = place / "src" / "tests" / "tools" / "smoke.py"
        run([python, "-P", smoke], "what was installed does not work", cwd=site)
        result.passed += 1
        print(f"sdist: installed with setuptools {setuptools} and tried", flush=True)


SUITES = (
    Suite("c", 30, lambda result, _: run_c(result, PLAIN)),
    Suite("c-asan", 45, lambda result, _: run_c(result, ASAN)),
    Suite("c-tsan", 45, lambda result, _: run_c(result, TSAN, TSAN_MARKER)),
    Suite("fuzz", 30, run_fuzz),
    Suite("py", 330, run_py, takes_arguments=True),
    Suite("py-flask22", 60, run_flask22, takes_arguments=True),
    Suite("differential", 60, run_differential, takes_arguments=True),
    Suite("services", 60, run_services, takes_arguments=True),
    Suite("py-asan", 300, run_asan, takes_arguments=True),
    Suite("sdist", 45, run_sdist),
    Suite("logins", 600, run_logins, takes_arguments=True, by_default=False),
)

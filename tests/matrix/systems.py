"""The systems of `./dev matrix`, and how the suites run on each."""

from __future__ import annotations

import contextlib
import os
import re
import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from tests.matrix.chroot import enter, make_root, within_namespaces
from tests.matrix.free_threaded import make_python
from tests.release.wheels import find_installed
from tests.tools.builds import copy_checkout
from tests.tools.project import CACHE, ROOT, Refusal

__all__ = ["SYSTEMS", "Outcome", "System", "read_log", "run_on"]

PLACE = CACHE / "matrix"
LONGEST = 3 * 3600  # seconds
#: What a run leaves in a checkout for the next one.
KEPT = (".venv", ".cache")
#: How this machine reaches the package indexes, the other one does too.
PASSED_ON = re.compile(
    r"(PIP_(?!FIND_LINKS)|GO(PROXY|FLAGS|NOSUM|SUMDB)|(https?|no|all)_proxy$|SSL_CERT_FILE$|"
    r"(CURL|REQUESTS)_CA_BUNDLE$|CARGO_HTTP|CI$|APIKIT_NO_SKIP$)",
    re.I,
)
FACTS = """
.venv/bin/python -c 'import importlib.metadata as m, platform, sysconfig
gil = "t" if sysconfig.get_config_var("Py_GIL_DISABLED") else ""
print(platform.python_version() + gil, m.version("Flask"))'
gcc -dumpfullversion
pkg-config --modversion libcurl
"""
ROW = re.compile(r"^([a-z][\w-]*) +[\d.]+ +\d+ +\d+ +\d+ +\d+", re.M)
CLOSING = re.compile(r"^(\d+) passed, (\d+) failed, (\d+) skipped$", re.M)


@dataclass(frozen=True)
class System:
    """A suite of Debian, or a version of Python on this machine."""

    name: str
    kind: str  # "debian", "python" or "free-threaded"
    #: What of `./dev test` can run there, where that is not all.
    suites: tuple[str, ...] = ()

    def suites_of(self, *, quick: bool) -> tuple[str, ...]:
        """Return the arguments of `./dev test`: none is all."""
        return ("c", "py") if quick else self.suites


SYSTEMS = (
    System("bookworm", "debian"),
    System("trixie", "debian"),
    System("forky", "debian"),
    System("sid", "debian"),
    System("3.11", "python"),
    System("3.12", "python"),
    System("3.13", "python"),
    # The tools of the other suites are not to be had for it.
    System("3.13t", "free-threaded", ("c", "py")),
)


@dataclass
class Outcome:
    """What came of a run; `problem` is what kept it from giving counts."""

    system: str
    facts: list[str] = field(default_factory=list)
    suites: list[str] = field(default_factory=list)
    passed: int = 0
    failed: int = 0
    skipped: int = 0
    seconds: float = 0.0
    problem: str = ""

    @property
    def is_good(self) -> bool:
        """Whether tests ran there and none failed."""
        return not self.problem and not self.failed and self.passed > 0

    def line(self) -> str:
        """Return all of it as one line."""
        python, flask, gcc, libcurl = (self.facts + ["?"] * 4)[:4]
        counts = f"{self.passed} passed, {self.failed} failed, {self.skipped} skipped"
        return (
            f"{self.system:<9} Python {python:<9} gcc {gcc:<7} libcurl {libcurl:<7} "
            f"Flask {flask:<6} {' '.join(self.suites) or '-'}: {counts}, {self.seconds:.0f} s"
            + (f"; {self.problem}" if self.problem else "")
        )


def read_log(text: str, outcome: Outcome) -> None:
    """Take the suites and their counts from what `./dev test` printed."""
    table = text.rpartition("\nsuite ")[2]
    outcome.suites = ROW.findall(table)
    closing = CLOSING.findall(table)
    if not closing:
        last = text.strip().splitlines()[-1:] or ["nothing was printed"]
        outcome.problem = last[0]
        return
    outcome.passed, outcome.failed, outcome.skipped = map(int, closing[-1])


def lay_sources(target: Path) -> None:
    """Put the checkout to `target`, beside what the last run has left for this one."""
    copy = target.with_name(target.name + ".new")
    copy_checkout(copy)
    target.mkdir(parents=True, exist_ok=True)
    for kept in KEPT:
        if (target / kept).exists():
            (target / kept).rename(copy / kept)
    shutil.rmtree(target)
    copy.rename(target)
    proxy = CACHE / "oauth2-proxy"  # minutes of compiling, and a program without libraries
    if proxy.exists() and not (target / ".cache" / "oauth2-proxy").exists():
        shutil.copytree(proxy, target / ".cache" / "oauth2-proxy", symlinks=True)


class Place:
    """Where the suites of one system run."""

    def __init__(self, system: System, *, fresh: bool) -> None:
        self._root = make_root(system.name, fresh=fresh) if system.kind == "debian" else None
        self._python = interpreter(system) if self._root is None else ""
        self._sources = (self._root or PLACE / "python" / system.name) / "src"
        if fresh:
            shutil.rmtree(self._sources, ignore_errors=True)
        lay_sources(self._sources)

    def command(self, script: str) -> list[str]:
        """Return the command that runs a shell's `script` in the checkout there."""
        if self._root is not None:
            return enter(self._root, f"cd /src && {script}")
        return [*within_namespaces(), "sh", "-c", f"cd {shlex.quote(str(self._sources))}\n{script}"]

    def environment(self) -> Mapping[str, str]:
        """Return the variables of a command there."""
        passed = {name: text for name, text in os.environ.items() if PASSED_ON.match(name)}
        if self._root is None:
            own = {"PYTHON": self._python, "APIKIT_CERTIFICATES_PYTHON": sys.executable}
            return {**os.environ, **own}
        path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
        return {**passed, "PATH": path, "HOME": "/root", "LANG": "C.UTF-8", "TERM": "dumb"}


def interpreter(system: System) -> str:
    """Return the Python of a system that is none but a Python."""
    if system.kind == "free-threaded":
        return str(make_python())
    found = find_installed(system.name)
    if found is None:
        raise Refusal(f"Python {system.name} is not installed here, with its headers")
    prefix, _ = found
    return str(prefix / "bin" / f"python{system.name}")


def run_logged(command: Sequence[str], environment: Mapping[str, str], log: IO[str]) -> int:
    with subprocess.Popen(
        command, env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT
    ) as child:
        try:
            return child.wait(LONGEST)
        except subprocess.TimeoutExpired:
            log.write(f"\nended after {LONGEST} seconds\n")
            return 1
        finally:
            child.kill()  # with all that it has started: see within_namespaces


def run_on(system: System, suites: Sequence[str], *, fresh: bool) -> Outcome:
    """Run `./dev test` with `suites` on a system, its output in .cache/matrix/SYSTEM.log."""
    outcome = Outcome(system.name)
    started = time.monotonic()
    log = PLACE / f"{system.name}.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    try:
        place = Place(system, fresh=fresh)
        with log.open("w") as out:
            test = f"./dev test {shlex.join(suites)}"
            status = run_logged(place.command(test), place.environment(), out)
        read_log(log.read_text(errors="replace"), outcome)
        if status != 0 and outcome.failed == 0 and not outcome.problem:
            outcome.problem = f"exit status {status}"
        with contextlib.suppress(subprocess.CalledProcessError):
            outcome.facts = subprocess.run(
                place.command(FACTS),
                env=place.environment(),
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                check=True,
            ).stdout.split()
    except Refusal as refusal:
        outcome.problem = str(refusal)
    outcome.seconds = time.monotonic() - started
    print(outcome.line(), flush=True)
    if not outcome.is_good:
        print(f"  see {log.relative_to(ROOT)}", file=sys.stderr, flush=True)
    return outcome

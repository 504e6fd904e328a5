"""Promise: valgrind finds nothing in what sessions do."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Final

from tests.faults.certs import make_certificates
from tests.faults.handle import FaultServer, Listen, python_path
from tests.faults.steps import Step, answer, close, send
from tests.prove.harness import Promise, Tally, Verdict

__all__ = ["PROMISE"]

_ANSWERS: dict[str, list[Step]] = {
    "/plain": [answer(b"x" * 30)],
    "/large": [answer(b"x" * 100_000)],
    "/away": [answer(b"", "Set-Cookie: a=b; Path=/", "Location: /plain", status="302 Found")],
    "/short": [send(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nx"), close()],
}

_VALGRIND: Final = (
    "valgrind",
    "--leak-check=full",
    "--errors-for-leak-kinds=none",
    "--fullpath-after=",
)
#: Names that the import of the module interned: CPython 3.12 and later never frees such.
_INTERNED: Final = re.compile(
    r"lost in loss record.*\n.*: malloc \(.*\n"
    r".*\(in [^)]*python[^)]*\)\n(?:.*\n)*.*: exec_module \("
)


def _find(arguments: list[str]) -> list[str]:
    """Return what valgrind reports with a frame of ours: errors, and memory that was lost.

    CPython's start makes reports of its own, which are nobody's business here.
    """
    report = subprocess.run(
        [*_VALGRIND, sys.executable, "-P", "-m", "tests.prove.valgrind_life", *arguments],
        env={"PATH": "/usr/bin:/bin", "PYTHONPATH": python_path(), "PYTHONMALLOC": "malloc"},
        capture_output=True,
        text=True,
        check=True,
    ).stderr
    assert "ERROR SUMMARY" in report, report
    blocks = re.split(r"^==\d+== *$", report, flags=re.MULTILINE)
    ours = [block for block in blocks if re.search("csrc/(core|net|python)/|/apikit/_core", block)]
    return [block for block in ours if not _INTERNED.search(block)]


def _prove(tally: Tally) -> Verdict:
    if shutil.which("valgrind") is None:
        raise SystemExit("valgrind is missing: apt-get install valgrind")
    with tempfile.TemporaryDirectory() as folder, FaultServer() as server:
        certificates = make_certificates(Path(folder))
        for path, steps in _ANSWERS.items():
            server.script(path, steps, record=False)
        secure = f"https://127.0.0.1:{server.listen(Listen(chain=certificates.good))}"
        arguments = [server.url(""), secure, certificates.ca, str(tally.goal)]
        found = _find(arguments)
    if not tally.quiet:
        print("\n".join(found), file=sys.stderr)
    return Verdict(f"{len(found)} findings of valgrind in {tally.goal} rounds", not found)


PROMISE = Promise("valgrind", "valgrind finds neither a leak nor an error of ours", 20, _prove)

"""Instructions of one call: two processes under cachegrind, which make fewer and more calls.

Their difference has neither the start nor the imports, and the kernel's part is in neither.  The
addresses, the hashes and the environment are the same each time, and so is what the C library
chooses by the processor: the same sources give the same number, give or take a few.
"""

from __future__ import annotations

import contextlib
import os
import re
import socketserver
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Final

from tests.bench.environment import bare_environment
from tests.count.paths import Path
from tests.tools.project import ROOT, Refusal

__all__ = ["count", "count_all"]

VALGRIND: Final = (
    "valgrind",
    "--tool=cachegrind",
    "--cache-sim=no",
    "--cachegrind-out-file=/dev/null",
)

#: Without these, memcpy and its like are the same functions on each processor.
PROCESSOR: Final = "glibc.cpu.hwcaps=" + ",".join(
    f"-{name}"
    for name in (
        "AVX512F",
        "AVX512VL",
        "AVX512BW",
        "AVX2",
        "AVX_Fast_Unaligned_Load",
        "SSSE3",
        "SSE4_1",
        "SSE4_2",
        "BMI2",
        "ERMS",
        "FSRM",
    )
)

ANSWER: Final = (
    b"HTTP/1.1 200 OK\r\nServer: nginx/1.22.1\r\nDate: Wed, 01 Jan 2025 00:00:00 GMT\r\n"
    b"Content-Type: application/octet-stream\r\nContent-Length: 30\r\n"
    b"Last-Modified: Wed, 01 Jan 2025 00:00:00 GMT\r\nConnection: keep-alive\r\n"
    b'ETag: "67748580-1e"\r\nAccept-Ranges: bytes\r\n\r\nthirty bytes, a small answer.\n'
)


class Answering(socketserver.StreamRequestHandler):
    """Gives each request of a connection the same answer."""

    def handle(self) -> None:
        while line := self.rfile.readline():
            if line == b"\r\n":
                self.wfile.write(ANSWER)


class Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    block_on_close = False


@contextlib.contextmanager
def server() -> Iterator[str]:
    """Serve on loopback in this process, which is not counted; gives the URL."""
    with Server(("127.0.0.1", 0), Answering) as listening:
        thread = threading.Thread(target=listening.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield f"http://127.0.0.1:{listening.server_address[1]:05}/small"
        finally:
            listening.shutdown()
            thread.join()


def run(path: Path, calls: int, url: str, under: Sequence[str] = VALGRIND) -> str:
    """Return what a process that makes so many calls has printed."""
    done = subprocess.run(
        [*under, sys.executable, "-P", "-m", "tests.count.worker", path.maker, str(calls), url],
        cwd=ROOT,
        env={**bare_environment(), "GLIBC_TUNABLES": PROCESSOR},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    if done.returncode != 0:
        raise Refusal(f"{path.maker} does not run:\n{done.stdout[-2000:]}")
    return done.stdout


def count(path: Path, url: str) -> int:
    """Return the instructions of one call."""
    run(path, 1, url, under=())  # now all that is imported has been compiled
    printed = [run(path, path.warm + calls, url) for calls in (0, path.calls)]
    fewer, more = (
        int("".join(re.findall(r"I\s+refs:\s+([\d,]+)", text)).replace(",", "")) for text in printed
    )
    return round((more - fewer) / path.calls)


def count_all(paths: Mapping[str, Path]) -> dict[str, int]:
    """Return the instructions of one call of each path."""
    with server() as url, ThreadPoolExecutor(len(os.sched_getaffinity(0))) as pool:
        return dict(
            zip(paths, pool.map(lambda path: count(path, url), paths.values()), strict=True)
        )

"""Promise: memory and descriptors stay level over a long life."""

from __future__ import annotations

import contextlib
import gc
import gzip
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from apikit import Session
from apikit.errors import RequestException
from tests.faults.certs import make_certificates
from tests.faults.children import count_descriptors
from tests.faults.handle import FaultServer, Listen, python_path
from tests.faults.steps import Step, answer, close, send
from tests.prove.harness import Promise, Tally, Verdict

__all__ = ["PROMISE", "run_life"]

#: How much memory may grow after the warm-up, in bytes.
ALLOWANCE = 64 * 1024

SAMPLES = 200

_ANSWERS: dict[str, list[Step]] = {
    "/plain": [answer(b"x" * 30)],
    "/large": [answer(b"x" * 100_000)],
    "/gzip": [answer(gzip.compress(b"x" * 5000), "Content-Encoding: gzip")],
    "/cookie": [answer(b"", "Set-Cookie: a=b; Path=/", "Location: /plain", status="302 Found")],
    "/missing": [answer(b"no", status="404 Not Found")],
    "/last": [answer(b"last", "Connection: close"), close()],
    "/short": [send(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nx"), close()],
}


def _memory() -> int:
    """Return the resident set in bytes."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGESIZE")


def _be_cut_short(session: Session, url: str) -> None:
    with contextlib.suppress(RequestException):
        session.get(url)
        raise AssertionError("a short body was returned")


def _stream(session: Session, url: str) -> None:
    with session.get(url, stream=True) as response:
        assert sum(map(len, response.iter_content(4096))) == 100_000


def _actions(session: Session, base: str, secure: str) -> list[Callable[[], object]]:
    """Return what a long life is made of, the frequent ones several times."""

    def plain() -> str:
        return str(session.get(f"{base}/plain", params={"a": "b"}).text)

    return [
        *[plain] * 12,
        lambda: session.post(f"{base}/plain", json={"a": [1, 2]}).status_code,
        lambda: session.get(f"{base}/gzip").content,
        lambda: session.get(f"{base}/cookie").history,
        lambda: session.get(f"{base}/missing").headers,
        lambda: session.get(f"{secure}/plain").cookies,
        lambda: _stream(session, f"{base}/large"),
        lambda: session.get(f"{base}/last").elapsed,
        lambda: _be_cut_short(session, f"{base}/short"),
    ]


def run_life(base: str, secure: str, ca: str, count: int) -> None:
    """Make COUNT requests; print memory and descriptors SAMPLES times on the way."""
    every = max(1, count // SAMPLES)
    with Session(timeout=(30, 30), trust_env=False, verify=ca) as session:
        actions = _actions(session, base, secure)
        for number in range(count):
            actions[number % len(actions)]()
            if number % every == every - 1:
                gc.collect()
                print(_memory(), count_descriptors(), flush=True)


def _level(samples: list[int]) -> int:
    """Return by how much the floor of the last quarter is above that after the warm-up."""
    quarter = len(samples) // 4
    return min(samples[-quarter:]) - min(samples[quarter : 2 * quarter])


def _live(tally: Tally, count: int) -> tuple[list[int], list[int]]:
    memory: list[int] = []
    descriptors: list[int] = []
    with tempfile.TemporaryDirectory() as folder, FaultServer() as server:
        certificates = make_certificates(Path(folder))
        for path, steps in _ANSWERS.items():
            server.script(path, steps, record=False)
        secure = server.listen(Listen(chain=certificates.good))
        arguments = [server.url(""), f"https://127.0.0.1:{secure}", certificates.ca, str(count)]
        with subprocess.Popen(
            [sys.executable, "-P", "-m", "tests.prove.longlife", *arguments],
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": python_path()},
        ) as child:
            assert child.stdout is not None
            for line in child.stdout:
                resident, opened = map(int, line.split())
                memory.append(resident)
                descriptors.append(opened)
                if not tally.quiet and len(memory) % 10 == 0:
                    made = len(memory) * count // SAMPLES
                    text = f"{made:>9} of {count}: {resident} bytes, {opened} descriptors"
                    print(text, file=sys.stderr, flush=True)
        if child.returncode != 0:
            raise RuntimeError(f"the long life ended early with status {child.returncode}")
    return memory, descriptors


def _prove(tally: Tally) -> Verdict:
    """A life cannot be resumed, so each chunk is a life of its own and all must be level."""
    for chunk in tally.chunks(tally.goal):
        memory, descriptors = _live(tally, len(chunk))
        tally.counts["memory grew"] = max(tally["memory grew"], _level(memory))
        tally.counts["descriptors grew"] = max(tally["descriptors grew"], _level(descriptors))
    figure = (
        f"memory grew by {tally['memory grew']} bytes and descriptors by"
        f" {tally['descriptors grew']} after the warm-up of {tally.done} requests"
    )
    kept = tally["memory grew"] <= ALLOWANCE and tally["descriptors grew"] <= 0
    return Verdict(figure, kept)


PROMISE = Promise("longlife", "memory and descriptors level over 1e6 requests", 1_000_000, _prove)

if __name__ == "__main__":
    run_life(sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4]))

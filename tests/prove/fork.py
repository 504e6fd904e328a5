"""Promise: no wrong body after fork, under gunicorn --preload with a warm session."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from tests.faults.children import is_listening, unused_port, wait_until
from tests.faults.handle import FaultServer, python_path
from tests.faults.steps import answer, call, hold
from tests.prove.harness import Promise, Tally, Verdict

__all__ = ["PROMISE"]

WORKERS = 8

#: Requests of the session for each request to gunicorn.
BATCH = 25


@contextlib.contextmanager
def _run_gunicorn(server: FaultServer) -> Iterator[str]:
    port = unused_port()
    options = ["--preload", f"--workers={WORKERS}", "--timeout=120", "--log-level=warning"]
    bind = f"--bind=127.0.0.1:{port}"
    process = subprocess.Popen(
        [sys.executable, "-P", "-m", "gunicorn", bind, *options, "tests.prove.fork_app"],
        env={**os.environ, "PYTHONPATH": python_path(), "PROVE_BACKEND": server.url("")},
    )
    try:
        server.wait_seen("/warm", WORKERS)
        server.release("warm")
        wait_until(lambda: is_listening(port) or process.poll() is not None, "gunicorn")
        yield f"http://127.0.0.1:{port}/"
    finally:
        process.terminate()
        process.wait()


def _ask(base: str, start: int, count: int) -> dict[str, Any]:
    url = f"{base}?start={start}&count={count}"
    with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(url) as response:
        result: dict[str, Any] = json.load(response)
        return result


def _prove(tally: Tally) -> Verdict:
    with FaultServer() as server, ThreadPoolExecutor(WORKERS) as pool:
        server.script("/warm", [hold("warm"), answer(b"warm")])
        server.script("/echo/", [call("tests.prove.echo:answer_name")], record=False)
        with _run_gunicorn(server) as base:
            pids: set[int] = set()
            for chunk in tally.chunks(WORKERS * BATCH * 5):
                batches = [chunk[start : start + BATCH] for start in range(0, len(chunk), BATCH)]
                for result in pool.map(lambda one: _ask(base, one.start, len(one)), batches):
                    pids.add(result["pid"])
                    tally.add("wrong", result["wrong"])
                    tally.add("errors", result["errors"])
                tally.add("crossings", server.run("tests.prove.echo:take_crossings"))
                tally.counts["children"] = max(tally["children"], len(pids))
    figure = (
        f"{tally['wrong']} wrong bodies after fork in {tally.done} requests over"
        f" {tally['children']} children of a warm session ({tally['errors']} errors,"
        f" {tally['crossings']} requests on another process's connection)"
    )
    bad = tally["wrong"] + tally["errors"] + tally["crossings"]
    return Verdict(figure, bad == 0 and tally["children"] > 1)


PROMISE = Promise("fork", "0 wrong bodies after fork in 1e5", 100_000, _prove)

"""What the log-in proof runs on: the provider, the proxy, stores, and two masters of workers."""

from __future__ import annotations

import base64
import contextlib
import http.client
import json
import os
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from tests.servers import (
    LOOPBACK,
    ROOT,
    Server,
    User,
    fetch_counts,
    start_backend,
    start_provider,
    start_proxy,
    start_redis,
    start_server,
    start_service,
)

__all__ = ["CALLERS", "LEASE", "MASTERS", "WORKERS", "Answers", "Services", "Site", "run_site"]

CALLERS = 200
MASTERS = 2
WORKERS = 4
#: As many threads as let all callers in at once: a worker of gunicorn's may accept all of its
#: master's, one of uWSGI's accepts as many as it has threads.
THREADS = {"gunicorn": CALLERS // MASTERS, "uwsgi": CALLERS // (MASTERS * WORKERS)}
#: Seconds after which the lock of a process that died is free: what the stores have.
LEASE = 5.0
PATIENCE = 300.0

_FOLDER = Path(__file__).resolve().parent
_APPLICATION = "logins_app:server()"


@dataclass
class Site:
    """The proxy and what stands behind it."""

    provider: Server
    backend: Server
    proxy: Server
    running: contextlib.ExitStack

    @property
    def endpoint(self) -> str:
        """Where a log-in begins."""
        return f"{self.proxy.url}/oauth2/start"

    def count(self, name: str) -> int:
        """Return one of the provider's counters."""
        return fetch_counts(self.provider)[name]

    def expire(self) -> None:
        """Let all sessions be over at once: the proxy starts anew, with another cookie secret."""
        port = self.proxy.port
        self.proxy.stop()
        self.proxy = self.running.enter_context(start_proxy(self.provider, self.backend, port=port))

    @contextlib.contextmanager
    def frozen(self) -> Iterator[None]:
        """Let the provider answer nobody for the time of the block."""
        os.kill(self.provider.pid, signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(self.provider.pid, signal.SIGCONT)


@contextlib.contextmanager
def run_site() -> Iterator[Site]:
    """Run the provider, the back end and the proxy."""
    with contextlib.ExitStack() as running:
        provider = running.enter_context(start_provider())
        backend = running.enter_context(start_backend())
        proxy = running.enter_context(start_proxy(provider, backend))
        yield Site(provider, backend, proxy, running)


@dataclass
class Answers:
    """What the callers of one moment were answered."""

    right: int = 0
    refused: int = 0
    #: Those whose connection died.
    lost: int = 0
    #: Those who got another answer, with its status.
    others: list[int] = field(default_factory=list)
    workers: set[int] = field(default_factory=set)


class Services:
    """Two masters of four workers each, which share a store.

    Parameters
    ----------
    servers
        The masters.
    notes
        Where the workers write what happens.
    """

    def __init__(self, servers: list[Server], notes: Path) -> None:
        self._servers = servers
        self._notes = notes

    def call(self, user: User) -> Answers:
        """Let all callers ask as one user, at once."""
        answers, lock = Answers(), threading.Lock()
        gate = threading.Barrier(CALLERS)

        def ask(number: int) -> None:
            server = self._servers[number % len(self._servers)]
            gate.wait(PATIENCE)
            status, body = _ask(server.port, user)
            with lock:
                _judge(answers, status, body, user)

        with ThreadPoolExecutor(CALLERS) as threads:
            list(threads.map(ask, range(CALLERS)))
        return answers

    def call_and_kill(self, user: User, site: Site) -> tuple[Answers, float]:
        """Do the same, and kill the process that logs in when all have asked.

        Returns
        -------
        answers, seconds
            Of the callers; and those from the kill to the next process's log-in.
        """
        self._forget()
        with ThreadPoolExecutor(1) as thread:
            with site.frozen():
                asking = thread.submit(self.call, user)
                _wait_for(lambda: len(self._read("calls")) == CALLERS)
                _wait_for(lambda: bool(self._read("logins")))
                leader = int(self._read("logins")[0].split()[0])
                os.kill(leader, signal.SIGKILL)
                killed = time.monotonic()
            answers = asking.result()
        others = [line.split() for line in self._read("logins")]
        times = [float(when) for process, when in others if int(process) != leader]
        return answers, min(times, default=float("inf")) - killed

    def _read(self, name: str) -> list[str]:
        try:
            return (self._notes / name).read_text().splitlines()
        except FileNotFoundError:
            return []

    def _forget(self) -> None:
        for path in self._notes.iterdir():
            path.unlink()


@contextlib.contextmanager
def run_services(site: Site, program: str, store: str) -> Iterator[Services]:
    """Run the masters.

    Parameters
    ----------
    site
        What they call.
    program
        Of the masters: gunicorn or uwsgi.
    store
        What they share: redis, sqlite or, to be found out, memory.
    """
    with contextlib.ExitStack() as running:
        folder = Path(running.enter_context(tempfile.TemporaryDirectory()))
        notes = folder / "notes"
        notes.mkdir()
        urls = {"memory": lambda: "memory:", "sqlite": lambda: f"sqlite://{folder}/logins.sqlite"}
        urls["redis"] = lambda: f"redis://{LOOPBACK}:{running.enter_context(start_redis()).port}"
        env = {
            "STORE_URL": urls[store](),
            "LEASE": str(LEASE),
            "NOTES": str(notes),
            "BACKEND_URL": site.proxy.url,
            "PROVIDER_URL": site.provider.url,
        }
        servers = [running.enter_context(_START[program](env)) for _ in range(MASTERS)]
        yield Services(servers, notes)


def _start_gunicorn(env: dict[str, str]) -> Server:
    options = (
        f"--workers={WORKERS}",
        f"--threads={THREADS['gunicorn']}",
        f"--timeout={PATIENCE:.0f}",
    )
    return start_service(_APPLICATION, _FOLDER, *options, env=env)


def _start_uwsgi(env: dict[str, str]) -> Server:
    # The packages, and not the checkout: its apikit lacks the C half.
    packages = [path for path in sys.path if "site-packages" in path and Path(path) != ROOT]
    return start_server(
        "uwsgi",
        lambda port: [
            Path(sys.executable).parent / "uwsgi",
            f"--http-socket={LOOPBACK}:{port}",
            f"--module={_APPLICATION}",
            "--master",
            f"--processes={WORKERS}",
            f"--threads={THREADS['uwsgi']}",
            "--listen=128",
            "--enable-threads",
            "--die-on-term",
            "--no-orphans",
            "--disable-logging",
        ],
        cwd=_FOLDER,
        env=env
        | {
            "PYTHONPATH": os.pathsep.join((str(_FOLDER), *packages)),
            "PYTHONSAFEPATH": "1",
            "DEBUG": "",
        },
    )


_START: dict[str, Callable[[dict[str, str]], Server]] = {
    "gunicorn": _start_gunicorn,
    "uwsgi": _start_uwsgi,
}


def _ask(port: int, user: User) -> tuple[int, bytes]:
    """Return status and body; 0 if there was no answer."""
    pair = base64.b64encode(f"{user.name}:{user.password}".encode()).decode()
    connection = http.client.HTTPConnection(LOOPBACK, port, timeout=PATIENCE)
    with contextlib.closing(connection):
        try:
            connection.request("GET", "/who", headers={"Authorization": f"Basic {pair}"})
            response = connection.getresponse()
            return response.status, response.read()
        except (OSError, http.client.HTTPException):
            return 0, b""


def _judge(answers: Answers, status: int, body: bytes, user: User) -> None:
    if status == 200 and (answer := json.loads(body))["user"] == user.name:
        answers.right += 1
        answers.workers.add(answer["worker"])
    elif status == 401:
        answers.refused += 1
    elif status == 0:
        answers.lost += 1
    else:
        answers.others.append(status)


def _wait_for(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE
    while not condition():
        if time.monotonic() > end:
            raise TimeoutError("what the proof waits for did not come")
        threading.Event().wait(0.02)

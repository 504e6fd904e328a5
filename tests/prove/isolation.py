"""Promise: no answer for another user, while sessions expire, are evicted and refused.

Two gunicorn workers serve a service on `Backend` behind oauth2-proxy, whose session cookies
live for seconds; nginx, as the back end, says whom the proxy vouched for.
"""

from __future__ import annotations

import base64
import contextlib
import http.client
import json
import random
import tempfile
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from tests.prove.harness import Promise, Tally, Verdict
from tests.servers import (
    CROWD,
    LOOPBACK,
    Kind,
    Server,
    User,
    fetch_counts,
    find_go,
    start_provider,
    start_proxy,
    start_server,
    start_service,
)

__all__ = ["PROMISE", "prove"]

THREADS = 16
WORKERS = 2
#: Users who call all the while, and those who call at one time and then no more.
REGULARS = 20
GUESTS = 20
#: One call in so many is of a real user with a wrong password.
WRONG_IN = 12
CHUNK = 5000
#: Calls of one connection to the service, so that both workers get some.
CALLS = 50
TIMEOUT_SECONDS = 120.0
#: A run of fewer calls is over before sessions of the longer life expire.
SHORT_RUN = 20_000

_NGINX = """
daemon off; worker_processes 1; pid {folder}/pid; error_log stderr warn;
events {{ worker_connections 256; }}
http {{
    access_log off; default_type text/plain; keepalive_requests 1000000;
    client_body_temp_path {folder}/1; proxy_temp_path {folder}/2; fastcgi_temp_path {folder}/3;
    uwsgi_temp_path {folder}/4; scgi_temp_path {folder}/5;
    server {{
        listen 127.0.0.1:{port};
        location / {{ return 200 "$http_x_forwarded_user $arg_number"; }}
    }}
}}
"""


@dataclass(frozen=True)
class _Call:
    """What a caller asks, and whether with the right password."""

    number: int
    user: User
    is_right: bool

    @property
    def authorization(self) -> str:
        password = self.user.password if self.is_right else f"not-{self.user.password}"
        return "Basic " + base64.b64encode(f"{self.user.name}:{password}".encode()).decode()


@dataclass
class _Counter:
    """What the answers of a chunk were, and how each worker stands."""

    tally: Tally
    workers: dict[int, tuple[int, int]] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def judge(self, call: _Call, status: int, body: bytes) -> None:
        """Count an answer by what is right or wrong about it."""
        with self.lock:
            self.tally.add(self._kind_of(call, status, body))

    def _kind_of(self, call: _Call, status: int, body: bytes) -> str:
        if status == 200:
            answer = json.loads(body)
            self._note_worker(answer)
            if not call.is_right:
                return "let in by a wrong password"
            right = answer["text"] == f"{call.user.name} {call.number}"
            return "right" if right else "for another user"
        if status == 401:
            return "refused by mistake" if call.is_right else "refused"
        return f"status {status}"

    def _note_worker(self, answer: dict[str, int]) -> None:
        now = (answer["logins"], answer["evictions"])
        before = self.workers.get(answer["worker"], (0, 0))
        self.workers[answer["worker"]] = (max(now[0], before[0]), max(now[1], before[1]))
        for name, new, old in zip(("logins", "evictions"), now, before, strict=True):
            self.tally.add(name, max(0, new - old))


@contextlib.contextmanager
def _run_echo() -> Iterator[Server]:
    """Run nginx as the back end."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "nginx.conf"

        def command(port: int) -> list[str]:
            path.write_text(_NGINX.format(folder=folder, port=port))
            return ["/usr/sbin/nginx", "-p", folder, "-c", str(path)]

        with start_server("nginx", command) as server:
            yield server


@dataclass(frozen=True)
class _World:
    provider: Server
    service: Server


@contextlib.contextmanager
def _run_world(application: str, cookie_seconds: int) -> Iterator[_World]:
    with contextlib.ExitStack() as running:
        provider = running.enter_context(start_provider())
        backend = running.enter_context(_run_echo())
        options = [f"--cookie-expire={cookie_seconds}s"]
        if find_go():
            options += ["--request-logging=false", "--auth-logging=false"]
        proxy = running.enter_context(start_proxy(provider, backend, *options))
        service = running.enter_context(
            start_service(
                f"isolation_app:{application}()",
                Path(__file__).resolve().parent,
                f"--workers={WORKERS}",
                f"--threads={THREADS // 2}",
                "--timeout=120",
                env={"BACKEND_URL": proxy.url, "SESSION_URL": f"{provider.url}/session"},
            )
        )
        yield _World(provider, service)


def _make_calls(chunk: range) -> list[_Call]:
    """Return who asks in a chunk: the same each time, so that a run can be resumed."""
    chance = random.Random(chunk.start)
    users = [*CROWD[:REGULARS], *chance.sample(CROWD[REGULARS:], GUESTS)]
    return [_Call(number, chance.choice(users), chance.randrange(WRONG_IN) > 0) for number in chunk]


def _ask(service: Server, calls: list[_Call], counter: _Counter) -> None:
    connection = http.client.HTTPConnection(LOOPBACK, service.port, timeout=TIMEOUT_SECONDS)
    with contextlib.closing(connection):
        for number, call in enumerate(calls, 1):
            headers = {"Authorization": call.authorization}
            try:
                connection.request("GET", f"/echo/{call.number}", headers=headers)
                response = connection.getresponse()
                status, body = response.status, response.read()
            except (OSError, http.client.HTTPException):
                status, body = 0, b""
            counter.judge(call, status, body)
            if status == 0 or number % CALLS == 0:
                connection.close()


def prove(tally: Tally, application: str = "kept_apart") -> Verdict:
    """Call a service of `isolation_app` as many users at once.

    Parameters
    ----------
    tally
        How many calls, and what came of them.
    application
        Which of the services.

    Returns
    -------
    Verdict
        Kept if nobody got another's answer, and neither a wrong password was let in nor a
        right one refused; and if sessions did expire and were evicted.
    """
    seconds = 2 if tally.goal < SHORT_RUN else 10
    counter = _Counter(tally)
    with _run_world(application, seconds) as world, ThreadPoolExecutor(THREADS) as threads:
        known = 0
        for chunk in tally.chunks(min(CHUNK, max(THREADS, tally.goal // 4))):
            calls = _make_calls(chunk)
            parts = [calls[start::THREADS] for start in range(THREADS)]
            list(threads.map(lambda part: _ask(world.service, part, counter), parts))
            grants = fetch_counts(world.provider)["grants"]
            tally.add("grants of the provider", grants - known)
            known = grants
            tally.counts["workers"] = max(tally["workers"], len(counter.workers))
    return _judge(tally)


def _judge(tally: Tally) -> Verdict:
    named = {name: tally[name] for name in ("right", "refused")}
    wrong = ("for another user", "let in by a wrong password", "refused by mistake")
    others = sum(count for name, count in tally.counts.items() if name.startswith("status "))
    renewed = tally["grants of the provider"] - tally["logins"]
    proxy = Kind.REAL if find_go() else Kind.STAND_IN
    figure = (
        f"{tally['for another user']} answers for another user in {tally.done} calls of"
        f" {len(CROWD)} users on {THREADS} threads over {tally['workers']} workers behind"
        f" {proxy.value}: {named['right']} right, {named['refused']} wrong passwords refused,"
        f" {tally[wrong[1]]} let in, {tally[wrong[2]]} right ones refused, {others} failed;"
        f" {tally['logins']} sessions made, {renewed} renewed, {tally['evictions']} evicted"
    )
    wrongs = sum(tally[name] for name in wrong)
    moved = renewed > 0 and tally["evictions"] > 0 and tally["workers"] == WORKERS
    return Verdict(figure, wrongs == 0 and moved and min(named.values()) > 0)


PROMISE = Promise("isolation", "0 answers for another user in 1e6", 1_000_000, prove)

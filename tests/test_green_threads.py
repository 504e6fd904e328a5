"""A session under gevent and eventlet: right answers, no deadlock, and what the hub does."""

from __future__ import annotations

import os
import signal
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

from apikit import Session
from tests.faults.children import Child, run_child, wait_until
from tests.faults.handle import FaultServer, python_path
from tests.faults.steps import answer, call, hold, stall
from tests.servers import ANN, start_backend, start_provider, start_proxy, start_server

pytest_plugins = ("tests.faults.fixtures",)

pytestmark = pytest.mark.no_asan  # greenlets change stacks, which the sanitizer does not follow

#: How to patch, to start a green thread, and to call on a real one.
GREEN = {
    "gevent": """
from gevent import monkey
monkey.patch_all()
import gevent
spawn, sleep, wait = gevent.spawn, gevent.sleep, gevent.Greenlet.get
def on_a_thread(function, *args):
    return gevent.get_hub().threadpool.apply(function, args)
""",
    "eventlet": """
import warnings
warnings.simplefilter("ignore")
import eventlet
eventlet.monkey_patch()
from eventlet import tpool
from eventlet.greenthread import GreenThread
spawn, sleep, wait = eventlet.spawn, eventlet.sleep, GreenThread.wait
on_a_thread = tpool.execute
""",
}

SESSION = """
import sys, threading
from apikit import Session
session = Session(timeout=(60, 60), trust_env=False)
"""

ECHOES = """
names = [f"name-{number}" for number in range(20)]
def ask(name):
    return session.get(f"{sys.argv[1]}/echo/{name}").text
assert [wait(one) for one in [spawn(ask, name) for name in names]] == names
found = {}
def keep(name):
    found[name] = ask(name)
threads = [threading.Thread(target=keep, args=[name]) for name in names]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
assert found == {name: name for name in names}
assert [wait(one) for one in [spawn(on_a_thread, ask, name) for name in names]] == names
"""

TICKS = """
ticks = 0
def tick():
    global ticks
    while True:
        ticks += 1
        sleep(0.001)
spawn(tick)
while ticks < 3:
    sleep(0.001)
"""

DIRECT = """
before = ticks
text = session.get(sys.argv[1]).text
print(text, ticks - before, flush=True)
"""

THREADED = """
calling = spawn(on_a_thread, session.get, sys.argv[1])
before = ticks
while ticks < before + 20:
    sleep(0.001)
print("ticked", flush=True)
print(wait(calling).text, flush=True)
"""

INTERRUPTED = """
try:
    session.get(sys.argv[1])
except KeyboardInterrupt:
    print("interrupted", flush=True)
print(session.get(sys.argv[2]).text)
"""

FORKED = """
import os
assert session.get(sys.argv[1]).text == "alive"
reading, writing = os.pipe()
if os.fork() == 0:
    os.write(writing, session.get(sys.argv[1]).content)
    os._exit(0)
os.close(writing)
# Not waitpid(): gevent's misses a child that ends before it waits.
assert os.read(reading, 9) == b"alive"
assert session.get(sys.argv[1]).text == "alive"
"""

POOL = """
import sys
from apikit import SessionPool
start, name, password, session_url = sys.argv[1:]
with SessionPool(trust_env=False) as pool:
    asked = [spawn(pool.get, start, name, password, session_url) for _ in range(20)]
    assert len({id(wait(one)) for one in asked}) == 1
    print(pool.stats()["logins"])
"""


@pytest.fixture(params=GREEN)
def green(request: pytest.FixtureRequest) -> str:
    return GREEN[request.param]


def test_each_caller_gets_his_own_answer(green: str, server: FaultServer) -> None:
    server.script("/echo/", [call("tests.prove.echo:answer_name")])
    run_child(green + SESSION + ECHOES, server.url(""))


def test_a_call_keeps_the_hub_until_it_ends(green: str, server: FaultServer) -> None:
    server.script("/held", [hold("held"), answer(b"held")])
    with Child(green + SESSION + TICKS + DIRECT, [server.url("/held")]) as child:
        server.wait_seen("/held")
        server.release("held")
        assert child.read_line() == "held 0"


def test_a_call_on_a_thread_leaves_the_hub_free(green: str, server: FaultServer) -> None:
    server.script("/held", [hold("held"), answer(b"held")])
    with Child(green + SESSION + TICKS + THREADED, [server.url("/held")]) as child:
        server.wait_seen("/held")
        assert child.read_line() == "ticked"
        server.release("held")
        assert child.read_line() == "held"


def test_ctrl_c_ends_a_call(green: str, server: FaultServer) -> None:
    server.script("/stall", [stall()])
    args = [server.url("/stall"), server.url("/alive")]
    with Child(green + SESSION + INTERRUPTED, args) as child:
        server.wait_seen("/stall")
        child.interrupt()
        assert child.wait().check().split() == ["interrupted", "alive"]


def test_a_fork_is_as_without_green_threads(green: str, server: FaultServer) -> None:
    run_child(green + SESSION + FORKED, server.url("/alive"))


def test_a_pool_logs_in_once(green: str) -> None:
    with (
        start_provider() as provider,
        start_backend() as backend,
        start_proxy(provider, backend) as proxy,
    ):
        args = [f"{proxy.url}/oauth2/start", ANN.name, ANN.password, f"{provider.url}/session"]
        assert run_child(green + POOL, *args).split() == ["1"]


@pytest.mark.parametrize("preload", [[], ["--preload"]], ids=["own", "preload"])
def test_gunicorns_gevent_worker(server: FaultServer, preload: list[str]) -> None:
    server.script("/echo/", [call("tests.prove.echo:answer_name")])

    def command(port: int) -> list[str]:
        options = ["--worker-class=gevent", "--workers=2", *preload]
        return [
            sys.executable,
            "-P",
            "-m",
            "gunicorn",
            f"--bind=127.0.0.1:{port}",
            "--config=python:tests.green_app",
            *options,
            "tests.green_app",
        ]

    environment = {"PYTHONPATH": python_path(), "GREEN_BACKEND": server.url("")}
    names = [f"name-{number}" for number in range(100)]
    with start_server("gunicorn", command, env=environment) as service:
        wait_until(lambda: service.output().count("the worker is ready") == 2, "both workers", 60)
        urls = [f"{service.url}/echo/{name}" for name in names]
        with (
            Session(timeout=(60, 60), trust_env=False) as session,
            ThreadPoolExecutor(8) as threads,
        ):
            assert [got.text for got in threads.map(session.get, urls)] == names
        os.kill(service.pid, signal.SIGTERM)
        wait_until(lambda: not service.is_running(), "the end of gunicorn", 60)

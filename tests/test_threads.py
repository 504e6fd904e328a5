"""One session for many threads, with a GIL or without one."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import sysconfig
import threading
from collections.abc import Callable
from itertools import count

from apikit import Session
from apikit.cookies import CookieJar
from apikit.session import Response
from apikit.structures import CaseInsensitiveDict
from tests.faults.handle import FaultServer

pytest_plugins = ("tests.faults.fixtures",)

THREADS = 64
CALLS = 20
IMPORT = """
import sys
import apikit, apikit.session
print(getattr(sys, "_is_gil_enabled", lambda: True)())
"""


def test_the_module_needs_no_gil() -> None:
    environment = {name: text for name, text in os.environ.items() if name != "PYTHON_GIL"}
    done = subprocess.run(
        [sys.executable, "-P", "-W", "error", "-c", IMPORT],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    is_free_threaded = bool(sysconfig.get_config_var("Py_GIL_DISABLED"))
    assert done.stdout == f"{not is_free_threaded}\n"


def run_all(work: Callable[[int], None], aside: Callable[[], None]) -> None:
    """Run `work` in 64 threads, and `aside` again and again until they are done."""
    failures: list[BaseException] = []
    ended = threading.Event()

    def guarded(index: int) -> None:
        try:
            work(index)
        except BaseException as failure:
            failures.append(failure)

    def repeated() -> None:
        try:
            while not ended.is_set():
                aside()
        except BaseException as failure:
            failures.append(failure)

    threads = [threading.Thread(target=guarded, args=(index,)) for index in range(THREADS)]
    other = threading.Thread(target=repeated)
    for thread in (*threads, other):
        thread.start()
    for thread in threads:
        thread.join()
    ended.set()
    other.join()
    if failures:
        raise failures[0]


def assign_all(session: Session, number: int) -> None:
    """Assign each setting to what changes nothing of an answer."""
    session.headers = CaseInsensitiveDict({"X-Number": str(number)})
    session.headers["X-Other"] = "x"
    session.headers.pop("X-Other", None)
    session.auth = ("somebody", str(number)) if number % 2 else None
    session.params = {"number": str(number)} if number % 2 else {}
    session.proxies = {}
    session.hooks = {"response": []}
    session.verify = bool(number % 2)
    session.cert = None
    session.timeout = (60, 60 + number % 3)
    session.deadline = 300 + number % 3
    session.trust_env = bool(number % 2)
    session.max_redirects = 10 + number % 3
    session.cookies = CookieJar()
    session.cookies.clear()
    session.oauth2_username = f"user-{number}"
    session.set_oauth2_password("x" * (number % 40))
    os.environ["APIKIT_OF_A_TEST"] = "x" * (number % 100)


def test_settings_may_be_assigned_while_64_threads_send(server: FaultServer) -> None:
    numbers = count()
    url = server.url("/alive")
    try:
        with Session(timeout=60, pool_maxsize=THREADS) as session:

            def send(index: int) -> None:
                for number in range(CALLS):
                    params = {"a": "b"} if (index + number) % 2 else None
                    answer = session.get(url, params=params, stream=number % 3 == 0)
                    assert answer.text == "alive"

            run_all(send, lambda: assign_all(session, next(numbers)))
    finally:
        os.environ.pop("APIKIT_OF_A_TEST", None)


def look(response: Response) -> None:
    """Ask for each attribute that is made when it is first asked for."""
    assert response.status_code == 200
    assert response.headers is response.headers
    assert response.request.method == "GET"
    assert response.url.endswith("/alive")
    assert response.history == []
    assert response.elapsed.total_seconds() > 0
    assert len(response.cookies) == 0
    with contextlib.suppress(RuntimeError):  # one thread at a time may read a body
        assert response.content == b"alive"


def test_64_threads_may_look_at_one_response(server: FaultServer) -> None:
    url = server.url("/alive")
    with Session(timeout=60) as session:
        for stream in (False, True):
            response = session.get(url, stream=stream)
            run_all(lambda _, seen=response: look(seen), lambda: None)  # type: ignore[misc]
            assert response.content == b"alive"

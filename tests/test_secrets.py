"""No secret is found where it does not belong: logs, reprs, tracebacks, pickles, C's memory."""

from __future__ import annotations

import base64
import logging
import os
import pickle
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
import structlog

import apikit
from apikit import APIFlask, Backend, Session, SessionPool, errors
from tests.faults.children import unused_port
from tests.login_world import BASE_URL, PROXY, SESSION_URL, World, answer
from tests.prove.canary_net import PROVIDER_COOKIE, PROXY_COOKIE, Net, login_form
from tests.prove.canary_net import answer as net_answer
from tests.secrets_life import make_password
from tests.servers import ROOT
from tests.shown import leaks_in, logging_all, texts_of

# C's memory.

#: Parts of a secret that are looked for: allocators write over the beginning of a freed block.
PIECE = 20


def pieces_of(secret: str) -> set[bytes]:
    return {secret[i : i + PIECE].encode() for i in range(0, len(secret) - PIECE + 1, 4)}


def heap_of(pid: int) -> bytes:
    """Return the memory that malloc has of the system, as it is now."""
    lines = Path(f"/proc/{pid}/maps").read_text(encoding="utf-8").splitlines()
    (bounds,) = (line.split()[0] for line in lines if line.endswith("[heap]"))
    start, end = (int(bound, 16) for bound in bounds.split("-"))
    with Path(f"/proc/{pid}/mem").open("rb", 0) as memory:
        memory.seek(start)
        return memory.read(end - start)


def found_in(heap: bytes, secrets: dict[str, str]) -> list[str]:
    return [
        f"{name}: {heap[max(0, place - 40) : place + 60]!r}"
        for name, secret in secrets.items()
        for piece in sorted(pieces_of(secret))
        if (place := heap.find(piece)) >= 0
    ]


@pytest.fixture
def life() -> Iterator[subprocess.Popen[str]]:
    """A process in which sessions live, before servers that let it log in, or refuse it."""
    wrong_page = net_answer(200, body=login_form("/wrong"))
    with Net.running() as net:
        net.play(
            {
                ("provider", "/wrong"): wrong_page,
                ("proxy", "/cut"): b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\ncut",
                ("proxy", "/404"): net_answer(404, body="none"),
            }
        )
        urls = [net.url("proxy"), net.url("provider"), net.url("provider", "/wrong")]
        with subprocess.Popen(
            [sys.executable, "-P", ROOT / "tests" / "secrets_life.py", *urls, _dead_url()],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            # One arena, so that all of malloc's memory is in one place.
            env={**os.environ, "MALLOC_ARENA_MAX": "1", "PYTHONMALLOC": ""},
        ) as process:
            try:
                yield process
            finally:
                process.kill()


def _dead_url() -> str:
    return f"http://127.0.0.1:{unused_port()}"


def _await(process: subprocess.Popen[str], word: str) -> None:
    assert process.stdout is not None
    assert process.stdout.readline().strip() == word


@pytest.mark.no_asan  # its quarantine is another heap
def test_after_close_no_memory_of_c_holds_a_secret(life: subprocess.Popen[str]) -> None:
    password = make_password()
    basic = base64.b64encode(f"ann:{password}".encode()).decode()
    secrets = {
        "the password": password,
        "Basic credentials": basic,
        "the proxy's cookie": PROXY_COOKIE,
        "the provider's cookie": PROVIDER_COOKIE,
    }
    _await(life, "open")
    assert found_in(heap_of(life.pid), {"the password": password})  # sessions keep it, in C alone
    assert life.stdin is not None
    life.stdin.write("\n")
    life.stdin.flush()
    _await(life, "closed")
    assert found_in(heap_of(life.pid), secrets) == []


# What Python shows.

SECRET = "hunter2&more=\u00e9"
ANN = ("ann", SECRET)
BASIC = {"type": "basic", "data": {}}
BITLY = {"type": "bitly-proxy", "data": {"endpoint": BASE_URL, "session_url": SESSION_URL}}


def test_each_spelling_is_found() -> None:
    coded = base64.b64encode(f"ann:{SECRET}".encode()).decode()
    for text in (SECRET, f"{SECRET!r}", repr(SECRET.encode()), quote(SECRET), f"Basic {coded}"):
        assert leaks_in(f"<{text}>", SECRET), text
    assert leaks_in("hunter2", SECRET) == []


def refuse_form(request: Any) -> bytes | None:
    return answer(422, "no") if request.url == SESSION_URL else None


def fail_at(url: str, failure: Exception) -> Callable[[Any], bytes | None]:
    """Return what is a world whose network fails at a URL."""

    def fail(request: Any) -> bytes | None:
        if str(request.url).startswith(url):
            raise failure
        return None

    return fail


def call(
    before: Callable[[Any], bytes | None] = lambda request: None,
    auth: Any = BITLY,
    path: str = "/api",
    caller: Any = ANN,
    method: str = "GET",
    **options: Any,
) -> None:
    """Call a back end whose world is as said."""
    world = World()
    world.before = before
    with Backend(PROXY, auth=auth, transport=world, retries=None) as backend:
        backend.request(method, path, auth=caller, **options)


def log_in(
    before: Callable[[Any], bytes | None] = lambda request: None,
    password: Any = SECRET,
    **options: Any,
) -> None:
    """Log in as the original does, at construction."""
    world = World()
    world.before = before
    options = {"transport": world, **options}
    Session("ann", password, BASE_URL, SESSION_URL, **options).close()


def call_closed() -> None:
    pool = SessionPool(transport=World())
    pool.close()
    pool.get(BASE_URL, "ann", SECRET, SESSION_URL)


def pickle_session() -> None:
    session = Session("ann", None, BASE_URL, SESSION_URL, transport=World())
    session.set_oauth2_password(SECRET)
    with session:
        pickle.dumps(session)


PAGE = f"{PROXY}/oauth2/start"
SILENCE = errors.ReadTimeout("silence")

#: What can fail, each with the password at hand.
FAILURES: dict[str, Callable[[], object]] = {
    "a wrong password": lambda: call(refuse_form),
    "no page": lambda: call(fail_at(BASE_URL, SILENCE)),
    "no answer to the form": lambda: call(fail_at(SESSION_URL, SILENCE)),
    "no answer to the callback": lambda: call(fail_at(f"{PROXY}/oauth2/callback", SILENCE)),
    "no answer to the call": lambda: call(fail_at(f"{PROXY}/api", SILENCE)),
    "no answer to basic": lambda: call(fail_at(f"{PROXY}/api", SILENCE), BASIC),
    "an error of a transport": lambda: call(fail_at(SESSION_URL, OSError("broken"))),
    "a 404": lambda: call(lambda _: answer(404, "none"), BASIC),
    "a path that leads elsewhere": lambda: call(path="/../x"),
    "a header with a line break": lambda: call(headers={"A": "b\r\nc"}),
    "a header, basic": lambda: call(auth=BASIC, headers={"A": "b\r\nc"}),
    "a body of no kind": lambda: call(auth=BASIC, method="POST", json=object()),
    "an unknown option": lambda: call(auth=BASIC, nonsense=1),
    "a colon in the name": lambda: call(auth=BASIC, caller=("a:b", SECRET)),
    "a control character": lambda: call(caller=("ann", SECRET + "\x07")),
    "too long": lambda: call(caller=("ann", SECRET * 2000)),
    "a surrogate": lambda: call(caller=("ann", SECRET + "\udcff")),
    "bytes": lambda: call(caller=("ann", SECRET.encode())),
    "three": lambda: call(caller=("ann", SECRET, "more")),
    "a closed pool": call_closed,
    "a session's pickle": pickle_session,
    "a session without a network": lambda: log_in(fail_at(SESSION_URL, SILENCE)),
    "a session's password too long": lambda: log_in(password=SECRET * 2000),
    "a session's password with a surrogate": lambda: log_in(password=SECRET + "\udcff"),
    "a session's password in a list": lambda: log_in(password=[SECRET]),
    "a session's wrong option": lambda: log_in(timeout="soon"),
    "a URL of two ports": lambda: call_url(f"http://ann:{quote(SECRET)}@host:1:2/"),
    "a URL of another scheme": lambda: call_url(f"ftp://ann:{quote(SECRET)}@host/"),
    "a URL that nobody answers": lambda: call_url(
        f"http://ann:{quote(SECRET)}@127.0.0.1:{unused_port()}/"
    ),
    "a retry that nobody answers": lambda: retry(f"http://127.0.0.1:{unused_port()}/"),
    "a retry by no method": lambda: apikit.retry_request("patch", BASE_URL, auth=ANN),
    "a retry by a number": lambda: apikit.retry_request(5, BASE_URL, auth=ANN),  # type: ignore[arg-type]
    "a retry that is refused": lambda: apikit.retry_request(
        "get", "http://[::1/", {"Authorization": SECRET}, auth=ANN
    ),
    "a retry with a URL of its own": lambda: retry(
        f"http://ann:{quote(SECRET)}@127.0.0.1:{unused_port()}/"
    ),
}


def call_url(url: str) -> None:
    with Session(trust_env=False) as session:
        session.get(url)


def retry(url: str) -> None:
    apikit.retry_request("get", url, auth=ANN, tries=1, timeout=1)


@pytest.fixture
def logged(capsys: pytest.CaptureFixture[str]) -> Iterator[Callable[[], str]]:
    with logging_all(capsys) as lines:
        yield lines


@pytest.mark.parametrize("name", FAILURES)
def test_failure_shows_no_password(logged: Callable[[], str], name: str) -> None:
    try:
        FAILURES[name]()
    except Exception as exception:
        failure = exception
    texts = [*texts_of(failure), logged()]
    logging.getLogger("service").exception("failed", exc_info=failure)
    structlog.get_logger().error("failed", exc_info=failure)
    texts.append(logged())
    assert len(texts) > 3
    assert [leak for text in texts for leak in leaks_in(text, SECRET)] == []


def test_nothing_shows_the_password_while_all_goes_well(logged: Callable[[], str]) -> None:
    world = World()
    auth = BITLY
    app = APIFlask("secrets", "1", "https://example.org", "Keeps them", auth=auth)
    texts = []
    with (
        Backend(PROXY, app=app, transport=world) as backend,
        Session("ann", SECRET, BASE_URL, SESSION_URL, transport=world) as session,
        SessionPool(transport=world) as pool,
        app.test_request_context(headers={"Authorization": "Basic " + coded()}),
    ):
        caller = backend.caller()
        pooled = pool.get(BASE_URL, "ann", SECRET, SESSION_URL)
        world.good = "user=none"
        response = backend.get("/api")
        answered = session.get(f"{PROXY}/api", auth=ANN)
        prepared = session.prepare_request(apikit.session.Request("GET", f"{PROXY}/api", auth=ANN))
        things = {
            *(caller, backend, session, pool, pooled, response, answered, prepared),
            *(response.request, answered.request, backend.pool),
        }
        things_of = [app, *things, session.headers, answered.request.headers, session.cookies]
        assert {type(thing) for thing in things_of} >= {APIFlask, Backend, Session, SessionPool}
        texts += [f"{thing!r} {thing}" for thing in things_of]
        texts += [f"{session.authentication_postdata} {pool.stats()} {session.login_message}"]
        for thing in (session, pooled, backend, pool):
            texts += [f"{name}={value!r}" for name, value in vars(thing).items()]
            texts += [repr(getattr(thing, name, None)) for name in dir(thing)]
        texts.append(repr(pickle.dumps(response)))
    texts.append(logged())
    assert "back end called" in texts[-1]
    assert [leak for text in texts for leak in leaks_in(text, SECRET)] == []


def coded() -> str:
    return base64.b64encode(f"ann:{SECRET}".encode()).decode()

"""No secret is found where it does not belong: logs, reprs, tracebacks, pickles, C's memory."""

from __future__ import annotations

import base64
import pickle
from collections.abc import Callable, Iterator
from urllib.parse import quote

import pytest

import apikit
from apikit import APIFlask, Backend, Session, SessionPool
from tests.login_world import BASE_URL, PROXY, SESSION_URL, World
from tests.prove.secrets_cases import ANN, BITLY, FAILURES, SECRET, all_shown
from tests.prove.secrets_memory import PASSWORD, SECRETS, close_all, found_in, heap_of, living
from tests.shown import leaks_in, logging_all

# C's memory.


@pytest.mark.no_asan  # its quarantine is another heap
def test_after_close_no_memory_of_c_holds_a_secret() -> None:
    with living() as life:
        assert found_in(heap_of(life.pid), PASSWORD)  # sessions keep it, in C alone
        close_all(life)
        assert found_in(heap_of(life.pid), SECRETS) == []


# What Python shows.


def test_each_spelling_is_found() -> None:
    coded = base64.b64encode(f"ann:{SECRET}".encode()).decode()
    for text in (SECRET, f"{SECRET!r}", repr(SECRET.encode()), quote(SECRET), f"Basic {coded}"):
        assert leaks_in(f"<{text}>", SECRET), text
    assert leaks_in("hunter2", SECRET) == []


@pytest.fixture
def logged(capsys: pytest.CaptureFixture[str]) -> Iterator[Callable[[], str]]:
    with logging_all(capsys) as lines:
        yield lines


@pytest.mark.parametrize("name", FAILURES)
def test_failure_shows_no_password(logged: Callable[[], str], name: str) -> None:
    texts = all_shown(name, logged)
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

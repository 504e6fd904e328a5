"""No code and no token is shown: not in logs, hooks, reprs, tracebacks, pickles or stores."""

from __future__ import annotations

import logging
import pickle
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import structlog

from apikit import APIFlask, Backend, BackendError, Session, SessionPool
from apikit.errors import RequestException
from apikit.models import PreparedRequest
from apikit.pool import LoginError
from apikit.response import Response
from tests.shown import leaks_in, logging_all, spellings, texts_of
from tests.store_kinds import open_sqlite
from tests.ways_world import CODE, PASSWORD, Answer, Seen, World, running

TOKEN = "head.the-body-of-the-token.signature"
ONE_TIME = "847261"


@pytest.fixture
def world() -> Iterator[World]:
    with running() as made:
        made.takes = {f"Bearer {TOKEN}"}
        made.pages = [PASSWORD, CODE]
        yield made


@pytest.fixture
def logged(capsys: pytest.CaptureFixture[str]) -> Iterator[Callable[[], str]]:
    with logging_all(capsys) as lines:
        yield lines


def give_token(user: str, password: str) -> str:
    return f"Bearer {TOKEN}"


def give_code(user: str) -> str:
    return ONE_TIME


#: A way -> its options, and the secret that goes by it.
WAYS: dict[str, tuple[dict[str, Any], str]] = {
    "bearer": ({"login": "bearer"}, TOKEN),
    "a token as a password": ({"login": "basic"}, TOKEN),
    "a function": ({"login": give_token}, TOKEN),
    "a code": ({"login": "form", "otp": give_code}, ONE_TIME),
}


class Shown:
    """All that somebody could look at; the secret must be in none of it."""

    def __init__(self) -> None:
        self.texts: list[str] = []

    def hook(self, response: Any, **_: Any) -> None:
        self.see(response)

    def tell(self, *things: Any) -> None:
        for thing in things:
            self.texts += [repr(thing), str(thing)]
            if isinstance(thing, PreparedRequest):
                self.texts += [repr(thing.body), repr(thing.headers)]

    announce = answer = fail = tell  # as an observer, of each hop

    def see(self, *things: Any) -> None:
        """Look at responses with their requests, sessions and pools."""
        for thing in things:
            self.texts += [repr(thing), str(thing)]
            self.texts += [f"{name}={value!r}" for name, value in vars(thing).items()]
            self.texts += [f"{name}: {getattr(thing, name, None)!r}" for name in dir(thing)]
            if isinstance(thing, Response):
                sent = thing.request
                self.texts += [repr(sent), repr(sent.body), repr(sent.headers)]
                self.texts += [repr(pickle.dumps(thing)), repr(thing.history)]

    def leaks(self, secret: str) -> list[str]:
        return [leak for text in self.texts for leak in leaks_in(text, secret)]


def open_session(world: World, shown: Shown, name: str) -> Session:
    options, secret = WAYS[name]
    session = Session("ann", None, world.base_url, world.provider,
                      on_request=shown.tell, on_response=shown.tell, on_error=shown.tell,
                      on_login=shown.tell, observer=shown, **options)  # fmt: skip
    session.hooks["response"].append(shown.hook)
    session.set_oauth2_password(secret if secret == TOKEN else "s3cret")
    session.authenticate()
    return session


@pytest.mark.parametrize("name", WAYS)
def test_nothing_shows_it_while_all_goes_well(
    world: World, logged: Callable[[], str], name: str
) -> None:
    shown = Shown()
    with open_session(world, shown, name) as session:
        assert session.login_state == "ok"
        response = session.get(f"{world.proxy}/api")
        assert response.status_code == (403 if name == "a token as a password" else 200)
        shown.see(response, session)
    shown.texts.append(logged())
    assert len(shown.texts) > 100
    assert shown.leaks(WAYS[name][1]) == []


def _cut(request: Seen) -> Answer | None:
    return Answer(body=None) if request.path == "/api" or "c=" in request.body else None


def _refuse(request: Seen) -> Answer | None:
    return Answer(403, "Forbidden", "text/plain") if request.host.startswith("127") else None


def _rename(request: Seen) -> Answer | None:
    return Answer(200, "", "text/plain", (("GAP-Auth", request.path),))


#: What goes wrong, at the proxy or at the page for the code.
TROUBLES: dict[str, Callable[[Seen], Answer | None]] = {
    "the connection is cut": _cut,
    "the proxy refuses": _refuse,
    "the proxy takes it for another": _rename,
}


@pytest.mark.parametrize("trouble", TROUBLES)
@pytest.mark.parametrize("name", WAYS)
def test_nothing_shows_it_when_something_goes_wrong(
    world: World, logged: Callable[[], str], name: str, trouble: str
) -> None:
    shown = Shown()
    world.accepts = lambda page, fields: page == PASSWORD  # no code is right
    if name != "a code":
        world.before = TROUBLES[trouble]
    elif trouble == "the connection is cut":
        world.before = _cut
    try:
        with open_session(world, shown, name) as session:
            shown.see(session)
            for path in ("/api", "/more"):
                shown.see(session.get(world.proxy + path))
    except RequestException as exception:
        shown.texts += texts_of(exception)
        logging.getLogger("service").exception("failed", exc_info=exception)
        structlog.get_logger().error("failed", exc_info=exception)
    shown.texts.append(logged())
    assert len(shown.texts) > 3
    assert shown.leaks(WAYS[name][1]) == []


def _raise_token(user: str, password: str) -> str:
    raise RuntimeError(f"the token is {TOKEN}")


def _raise_code(user: str) -> str:
    raise RuntimeError(f"the code is {ONE_TIME}")


def test_what_a_function_raises_is_not_shown(world: World, logged: Callable[[], str]) -> None:
    shown = Shown()
    ways = (({"login": _raise_token}, TOKEN), ({"login": "form", "otp": _raise_code}, ONE_TIME))
    for options, secret in ways:
        with pytest.raises(LoginError) as refusal, SessionPool(**options) as pool:
            pool.get(world.base_url, "ann", "s3cret", world.provider)
        assert "RuntimeError" in str(refusal.value)
        shown.texts += [*texts_of(refusal.value), logged()]
        assert shown.leaks(secret) == []


@pytest.mark.parametrize("token", [TOKEN, "another.token.that-is-refused"])
def test_nothing_shows_the_callers_token(
    world: World, logged: Callable[[], str], token: str
) -> None:
    shown = Shown()
    auth = {"type": "bitly-proxy", "data": {"endpoint": world.base_url}}
    app = APIFlask("service", "1", "https://github.com/example/service", "a service", auth=auth)
    header = {"Authorization": f"Bearer {token}"}
    with (
        Backend(world.proxy, app=app, bearer=True) as backend,
        app.test_request_context(headers=header),
    ):
        if token == TOKEN:
            shown.see(backend.get("/api"))
        else:
            with pytest.raises(BackendError) as refusal:
                backend.get("/api")
            assert refusal.value.status_code == 401
            shown.texts += texts_of(refusal.value)
        assert len(backend.pool) == 0
        shown.see(backend, backend.pool)
    shown.texts.append(logged())
    assert shown.leaks(token) == []


def test_a_store_keeps_neither_codes_nor_tokens(world: World, tmp_path: Path) -> None:
    with open_sqlite(tmp_path) as kind:
        for name, (options, secret) in WAYS.items():
            with SessionPool(store=kind.make(), **options) as pool:
                session = pool.get(
                    world.base_url, name, secret if secret == TOKEN else "s3cret", world.provider
                )
                session.get(f"{world.proxy}/api")
        kept = kind.raw()
    assert kept
    for secret in (TOKEN, ONE_TIME, "s3cret"):
        for spelling in spellings(secret):
            assert not [name for name, value in kept.items() if spelling.encode() in value]


def test_a_secret_that_is_shown_is_found() -> None:
    shown = Shown()
    shown.tell({"Authorization": f"Bearer {TOKEN}", "otp": ONE_TIME})
    assert len(shown.leaks(TOKEN)) == len(shown.leaks(ONE_TIME)) == 2


def held_by(thing: object, seen: dict[int, object]) -> Iterator[str | bytes]:
    """Yield the texts that an object of ours holds, in attributes and containers."""
    if id(thing) in seen:
        return
    seen[id(thing)] = thing  # alive, so that no other gets its id
    if isinstance(thing, str | bytes):
        yield thing
    elif isinstance(thing, Mapping):
        for pair in thing.items():
            yield from held_by(pair, seen)
    elif isinstance(thing, tuple | list | set | frozenset):
        for one in thing:
            yield from held_by(one, seen)
    elif type(thing).__module__.partition(".")[0] == "apikit":
        for name in dir(thing):
            if not name.startswith("__"):
                yield from held_by(getattr(thing, name, None), seen)


def test_a_code_is_held_no_longer_than_it_takes_to_send(world: World) -> None:
    codes = [ONE_TIME[:3] + ONE_TIME[3:]]
    with SessionPool(login="form", otp=lambda user: codes.pop()) as pool:
        session = pool.get(world.base_url, "ann", "s3cret", world.provider)
        assert session.login_state == "ok"
        held = [str(text) for thing in (pool, session) for text in held_by(thing, {})]
    assert "ann" in held
    assert not [text for text in held if ONE_TIME in text]
    session.kept = [ONE_TIME]  # type: ignore[attr-defined]
    assert ONE_TIME in held_by(session, {})


def test_a_refused_token_is_remembered_by_a_digest_alone(world: World) -> None:
    refused = "another.token.that-is-refused"
    auth = {"type": "bitly-proxy", "data": {"endpoint": world.base_url}}
    with Backend(world.proxy, auth=auth, login="bearer") as backend:
        for _ in range(2):
            with pytest.raises(BackendError):
                backend.get("/api", auth=("ann", refused))
        held = [str(text) for text in held_by(backend, {})]
    assert [request.path for request in world.requests].count("/api") == 1
    assert "ann" in held
    assert not [text for text in held if refused in text]

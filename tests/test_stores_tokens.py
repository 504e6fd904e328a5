"""A header that the proxy refused is remembered by all who share a store, like a password."""

from __future__ import annotations

import base64
import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from apikit import MemoryStore, SessionPool
from apikit.pool import LoginError
from tests.store_kinds import Kind, open_redis, open_sqlite
from tests.ways_world import CODE, PASSWORD, World, running

GOOD, BAD = "ey.the-good-token.x", "ey.the-bad-token.y"
Way = Callable[[Any, Any], str]


@pytest.fixture
def world() -> Iterator[World]:
    with running() as made:
        made.takes = {_basic(GOOD), f"Bearer {GOOD}"}
        yield made


@pytest.fixture(params=["sqlite", "redis"])
def kind(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Kind]:
    with open_sqlite(tmp_path) if request.param == "sqlite" else open_redis() as opened:
        yield opened


@pytest.fixture(autouse=True)
def look_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a pool see at its next call what another one revoked."""
    monkeypatch.setattr("apikit._revocations.LOOK_SECONDS", 0)


def _basic(password: str) -> str:
    return "Basic " + base64.b64encode(f"ann:{password}".encode()).decode()


def bear(_user: str, token: str) -> str:
    return f"Bearer {token}"


#: A way that is a header -> what is sent for a secret.
WAYS: dict[Any, Callable[[str], str]] = {
    "basic": _basic,
    "bearer": lambda token: f"Bearer {token}",
    bear: lambda token: f"Bearer {token}",
}
each_way = pytest.mark.parametrize("login", WAYS, ids=["basic", "bearer", "function"])


@contextlib.contextmanager
def pools(make: Callable[[], Any], login: Any, **options: Any) -> Iterator[list[SessionPool]]:
    """Offer pools that share a store, each as another process."""
    with contextlib.ExitStack() as opened:
        yield [
            opened.enter_context(SessionPool(store=make(), login=login, **options))
            for _ in range(3)
        ]


def ask(world: World, pool: SessionPool, secret: str) -> int | str:
    """Return the status of an answer, or the state of a refusal that is remembered."""
    try:
        session = pool.get(world.base_url, "ann", secret)
    except LoginError as refusal:
        return refusal.state
    return world.ask(session)


def sent(world: World, header: str) -> int:
    """Return how many requests bore a header."""
    return [request.authorization for request in world.requests if request.path == "/api"].count(
        header
    )


@each_way
def test_refused_secret_is_sent_once_by_all(world: World, kind: Kind, login: Any) -> None:
    with pools(kind.make, login) as shared:
        assert ask(world, shared[0], BAD) == 403
        assert [ask(world, pool, BAD) for pool in shared] == ["bad-credentials"] * 3
        assert sent(world, WAYS[login](BAD)) == 1
        assert shared[1].stats()["shared_logins"] == 1
        assert [ask(world, pool, GOOD) for pool in shared] == [200] * 3
    assert kind.names("lock:") == []


@each_way
def test_memory_remembers_for_its_pool_alone(world: World, login: Any) -> None:
    store = MemoryStore()
    with pools(lambda: store, login) as apart:
        for _ in range(2):
            for pool in apart:
                ask(world, pool, BAD)
        assert sent(world, WAYS[login](BAD)) == len(apart)


@each_way
def test_refused_secret_is_forgotten_with_its_owner(world: World, kind: Kind, login: Any) -> None:
    with pools(kind.make, login) as shared:
        ask(world, shared[0], BAD)
        assert ask(world, shared[1], BAD) == "bad-credentials"
        world.takes.add(WAYS[login](BAD))
        shared[2].discard(world.base_url, "ann")
        assert [ask(world, pool, BAD) for pool in shared] == [200] * 3


@each_way
def test_refused_secret_is_sent_again_when_its_time_is_up(
    world: World, kind: Kind, login: Any
) -> None:
    with pools(kind.make, login, negative_ttl=0) as shared:
        assert [ask(world, pool, BAD) for pool in shared] == [403] * 3
    assert kind.names("record:") == []


def test_refusal_is_of_its_way_alone(world: World, kind: Kind) -> None:
    world.takes = {_basic(BAD)}
    with pools(kind.make, "bearer") as bearers, pools(kind.make, "basic") as others:
        ask(world, bearers[0], BAD)
        assert ask(world, bearers[1], BAD) == "bad-credentials"
        assert ask(world, others[1], BAD) == 200


def test_refusal_is_of_the_whole_secret(world: World, kind: Kind) -> None:
    long = "x" * 16_000
    world.takes = {f"Bearer {long}1"}
    with pools(kind.make, "bearer") as shared:
        ask(world, shared[0], f"{long}2")
        assert ask(world, shared[1], f"{long}2") == "bad-credentials"
        assert ask(world, shared[1], f"{long}1") == 200


def test_another_token_of_the_same_function_is_tried(world: World, kind: Kind) -> None:
    tokens = [BAD, BAD, GOOD]

    def next_token(_user: str, _password: str) -> str:
        return f"Bearer {tokens.pop(0)}"

    with pools(kind.make, next_token) as shared:
        assert [ask(world, pool, "s3cret") for pool in shared] == [403, "bad-credentials", 200]
        assert sent(world, f"Bearer {BAD}") == 1


def test_token_that_was_good_and_is_revoked_is_remembered(world: World, kind: Kind) -> None:
    with pools(kind.make, "bearer") as shared:
        assert ask(world, shared[0], GOOD) == 200
        world.takes.clear()
        assert ask(world, shared[0], GOOD) == 403
        assert ask(world, shared[1], GOOD) == "bad-credentials"


def test_answer_of_the_service_is_no_refusal(world: World, kind: Kind) -> None:
    with pools(kind.make, "bearer") as shared:
        session = shared[0].get(world.base_url, "ann", GOOD)
        assert session.get(f"{world.proxy}/oauth2/start").status_code < 500
        assert ask(world, shared[0], GOOD) == ask(world, shared[1], GOOD) == 200
    assert kind.names("record:") == []


@each_way
def test_no_token_is_kept(world: World, kind: Kind, login: Any) -> None:
    with pools(kind.make, login) as shared:
        for secret in (BAD, GOOD):
            ask(world, shared[0], secret)
        (name,) = kind.names("record:")
        store = kind.make()
        text = store._seal.open(kind.raw()[name], name)
        assert text is not None
        kept = f"{text!r} {kind.raw()} {shared[0]._kept.everything()}"
    for secret in (BAD, GOOD):
        assert secret not in kept
        assert _basic(secret) not in kept


def test_no_code_is_kept(world: World, kind: Kind) -> None:
    world.pages = [PASSWORD, CODE]
    with pools(kind.make, "form", otp=lambda _user: "314159") as shared:
        shared[0].get(world.base_url, "ann", "s3cret", world.provider)
        (name,) = kind.names("record:")
        text = kind.make()._seal.open(kind.raw()[name], name)
        assert text is not None
        assert b"cookies" in text
        assert "314159" not in f"{text!r} {kind.raw()}"

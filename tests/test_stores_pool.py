"""Pools that share a store, each as another process: one log-in for all, also when one dies."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from apikit import Session, SessionPool
from apikit._credentials import Credentials
from apikit.models import PreparedRequest
from apikit.pool import LoginError
from apikit.stores import Entry, MemoryStore, SQLiteStore
from apikit.stores.sealed import SealedStore
from tests import login_world
from tests.login_world import BASE_URL, PROXY, SESSION_URL
from tests.servers import (
    ANN,
    ROOT,
    USER_HEADER,
    Server,
    User,
    fetch_counts,
    reserve_port,
    start_backend,
    start_provider,
    start_proxy,
    start_redis,
)
from tests.store_kinds import SECRET, Kind, RedisKind, open_redis, open_sqlite

PATIENCE = 60.0


@pytest.fixture(params=["sqlite", "redis"])
def kind(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Kind]:
    with open_sqlite(tmp_path) if request.param == "sqlite" else open_redis() as opened:
        yield opened


def wait_for(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end
        threading.Event().wait(0.01)


# The real proxy.


class World:
    """A proxy with what stands behind it."""

    def __init__(self, provider: Server, proxy: Server) -> None:
        self.provider = provider
        self.places = (f"{proxy.url}/oauth2/start", f"{provider.url}/session")
        self.api = f"{proxy.url}/api"

    def get(self, pool: SessionPool, user: User = ANN) -> Session:
        start, session = self.places
        return pool.get(start, user.name, user.password, session)

    def asks_as(self, session: Session) -> tuple[int, str | None]:
        response = session.get(self.api, params={"metric": "m", "job": "j"})
        return response.status_code, response.headers.get(USER_HEADER)

    def count(self, name: str) -> int:
        return fetch_counts(self.provider)[name]


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    with (
        start_provider() as provider,
        start_backend() as backend,
        start_proxy(provider, backend) as proxy,
    ):
        yield World(provider, proxy)


@pytest.fixture
def pools(kind: Kind) -> Iterator[list[SessionPool]]:
    with ExitStack() as opened:
        yield [opened.enter_context(SessionPool(store=kind.make())) for _ in range(4)]


def test_pools_that_ask_at_once_log_in_once(world: World, pools: list[SessionPool]) -> None:
    before = world.count("logins")
    gate = threading.Barrier(40)

    def ask(number: int) -> tuple[int, str | None]:
        gate.wait(PATIENCE)
        return world.asks_as(world.get(pools[number % len(pools)]))

    with ThreadPoolExecutor(40) as threads:
        assert set(threads.map(ask, range(40))) == {(200, ANN.name)}
    assert world.count("logins") == before + 1
    stats = [pool.stats() for pool in pools]
    assert sorted(one["logins"] for one in stats) == [0, 0, 0, 1]
    assert sorted(one["shared_logins"] for one in stats) == [0, 1, 1, 1]


def test_lost_login_is_renewed_once_for_all(world: World, pools: list[SessionPool]) -> None:
    sessions = [world.get(pool) for pool in pools]
    before = world.count("logins")
    for session in sessions:
        session.cookies.clear()
    with ThreadPoolExecutor(len(pools)) as threads:
        assert set(threads.map(world.asks_as, sessions)) == {(200, ANN.name)}
    assert world.count("logins") == before + 1
    assert [world.get(pool) for pool in pools] == sessions


def test_cookies_of_both_origins_are_shared(world: World, pools: list[SessionPool]) -> None:
    jars = [set(world.get(pool).cookies._rows()) for pool in pools[:2]]
    assert jars[0] == jars[1]
    assert {row[2] for row in jars[0]} == {"127.0.0.1", "localhost"}


def test_wrong_password_is_tried_once_by_all(world: World, pools: list[SessionPool]) -> None:
    wrong = User(ANN.name, "not-the-password")
    before = world.count("refused")
    gate = threading.Barrier(20)

    def state(number: int) -> str:
        gate.wait(PATIENCE)
        with pytest.raises(LoginError) as refusal:
            world.get(pools[number % len(pools)], wrong)
        return refusal.value.state

    with ThreadPoolExecutor(20) as threads:
        assert set(threads.map(state, range(20))) == {"bad-credentials"}
    assert world.count("refused") == before + 1
    assert world.asks_as(world.get(pools[0])) == (200, ANN.name)


@pytest.mark.no_asan  # ends a process of its own by force
def test_process_that_dies_in_a_login_delays_others_by_its_lease_only(
    world: World, kind: Kind
) -> None:
    script = f"""
        import sys
        from apikit import SessionPool
        from apikit.stores import RedisStore, SQLiteStore
        with SessionPool(store={kind.source()}sys.argv[1], lease=0.5)) as pool:
            pool.get(*sys.argv[2:])
    """
    made = kind.make()
    start, session = world.places
    os.kill(world.provider.pid, signal.SIGSTOP)
    try:
        leader = subprocess.Popen(
            [
                *(sys.executable, "-P", "-c", textwrap.dedent(script)),
                *(SECRET, start, ANN.name, ANN.password, session),
            ],
            cwd=ROOT / "tests",
        )
        try:
            wait_for(lambda: bool(kind.names("lock:")))
        finally:
            leader.kill()
            leader.wait(PATIENCE)
    finally:
        os.kill(world.provider.pid, signal.SIGCONT)
    before = world.count("logins")
    with SessionPool(store=made) as pool:
        assert world.asks_as(world.get(pool)) == (200, ANN.name)
        assert pool.stats()["logins"] == 1
    assert world.count("logins") == before + 1


# A proxy in this process, which can be held.


@pytest.fixture
def near() -> login_world.World:
    return login_world.World()


def make(store: Any, near: login_world.World, **options: Any) -> SessionPool:
    return SessionPool(store=store, transport=near, **options)


def get(pool: SessionPool, password: str = "s3cret") -> Session:
    return pool.get(BASE_URL, "ann", password, SESSION_URL)


class Gate:
    """Holds the log-in forms of a proxy until it is opened."""

    def __init__(self, near: login_world.World) -> None:
        self.open = threading.Event()
        self.reached = threading.Semaphore(0)
        near.before = self

    def __call__(self, request: PreparedRequest) -> bytes | None:
        if request.url == SESSION_URL and not self.open.is_set():
            self.reached.release()
            assert self.open.wait(PATIENCE)
        return None


def test_newer_login_that_was_lost_as_well_is_not_taken_over(
    kind: Kind, near: login_world.World
) -> None:
    with make(kind.make(), near) as one, make(kind.make(), near) as other:
        get(one), get(other)
        assert near.logins == 1
        get(one).authenticate()
        assert near.logins == 2
        near.good = "user=none"
        assert get(other).get(f"{PROXY}/api").text == "data"
        assert near.logins == 3
        assert get(one).get(f"{PROXY}/api").text == "data"
        assert near.logins == 3


def test_newer_login_of_another_process_is_taken_over(kind: Kind, near: login_world.World) -> None:
    with make(kind.make(), near) as one, make(kind.make(), near) as other:
        get(one), get(other)
        get(one).authenticate()
        assert get(other).get(f"{PROXY}/api").text == "data"
        assert near.logins == 2
        assert get(other).cookies.get_dict() == get(one).cookies.get_dict()


def test_login_that_takes_longer_than_the_lease_keeps_the_lock(
    kind: Kind, near: login_world.World
) -> None:
    gate = Gate(near)
    short = kind.make(lease=0.2)
    with (
        make(short, near) as one,
        make(kind.make(lease=0.2), near) as other,
        ThreadPoolExecutor(2) as threads,
    ):
        first = threads.submit(get, one)
        assert gate.reached.acquire(timeout=PATIENCE)
        second = threads.submit(get, other)
        (lock,) = kind.names("lock:")
        token = kind.raw()[lock]
        threading.Event().wait(1)  # five leases
        assert kind.raw()[lock] == token
        gate.open.set()
        assert first.result(PATIENCE).cookies == second.result(PATIENCE).cookies
        assert kind.names("lock:") == []
    assert near.logins == 1


def test_who_lost_the_lock_takes_over_what_the_others_have(
    kind: Kind, near: login_world.World
) -> None:
    gate, fast = Gate(near), login_world.World()
    with (
        make(kind.make(), near) as one,
        make(kind.make(), fast) as other,
        ThreadPoolExecutor(1) as threads,
    ):
        stopped = threads.submit(get, one)
        assert gate.reached.acquire(timeout=PATIENCE)
        (lock,) = kind.names("lock:")
        kind.drop(lock)  # as if its lease were over
        fast.logins = 7
        session = get(other)
        gate.open.set()
        assert stopped.result(PATIENCE).cookies == session.cookies
        assert session.cookies["user"] == "8"


@pytest.mark.parametrize("at_once", ["owner", "all"])
def test_revoked_session_is_forgotten_by_other_pools(
    kind: Kind, near: login_world.World, at_once: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("apikit._revocations.LOOK_SECONDS", 0)
    with make(kind.make(), near) as one, make(kind.make(), near) as other:
        session = get(other)
        bob = other.get(BASE_URL, "bob", "x", SESSION_URL)
        assert get(other) is session
        if at_once == "all":
            one.clear()
        else:
            one.discard(BASE_URL, "ann")
        assert get(other) is not session
        assert (other.get(BASE_URL, "bob", "x", SESSION_URL) is bob) == (at_once == "owner")
        assert near.logins == {"all": 4, "owner": 3}[at_once]


def test_revoked_refusal_is_forgotten_by_other_pools(
    kind: Kind, near: login_world.World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("apikit._revocations.LOOK_SECONDS", 0)
    near.before = lambda request: login_world.answer(422) if request.url == SESSION_URL else None
    with make(kind.make(), near) as one, make(kind.make(), near) as other:
        for pool in (one, other):
            with pytest.raises(LoginError):
                get(pool)
        assert len(near.seen(SESSION_URL)) == 1
        near.before = lambda request: None
        one.discard(BASE_URL, "ann")
        get(other)
    assert near.logins == 1


def test_login_that_was_revoked_while_it_was_made_is_kept_by_nobody(
    kind: Kind, near: login_world.World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("apikit._revocations.LOOK_SECONDS", 0)
    gate = Gate(near)
    with (
        make(kind.make(), near) as one,
        make(kind.make(), near) as other,
        ThreadPoolExecutor(1) as threads,
    ):
        login = threads.submit(get, one)
        assert gate.reached.acquire(timeout=PATIENCE)
        other.discard(BASE_URL, "ann")
        gate.open.set()
        session = login.result(PATIENCE)
        assert get(one) is not session
        get(other)
    assert near.logins == 2


def test_failure_that_is_no_wrong_password_lets_nobody_take_over_what_was_before(
    kind: Kind, near: login_world.World
) -> None:
    with make(kind.make(), near) as one:
        get(one)
        assert kind.names("record:")
        near.before = lambda request: (
            login_world.redirect("https://login.example/sessions/two-factor/app")
            if request.url == SESSION_URL
            else None
        )
        get(one).authenticate()
        assert kind.names("record:") == []


def test_what_was_learnt_lives_no_longer_than_with_who_learnt_it_first(
    kind: Kind, near: login_world.World
) -> None:
    with make(kind.make(), near, ttl=3600) as one, make(kind.make(), near, ttl=7200) as other:
        first, second = get(one), get(other)
        assert (first.lifetime, second.lifetime is None) == (None, False)  # type: ignore[attr-defined]
        assert second.lifetime < 3600.1  # type: ignore[attr-defined]


def test_other_way_to_log_in_is_another_key(kind: Kind) -> None:
    ways: list[dict[str, Any]] = [{}, {"login": "form"}, {"login": len}, {"login": max}]
    keys = set()
    for options in ways:
        with SessionPool(store=kind.make(), **options) as pool:
            keys.add(pool._key_of(BASE_URL, Credentials("ann", "s3cret"), SESSION_URL))
    assert len(keys) == 4


def test_memory_store_shares_nothing_and_is_the_default(near: login_world.World) -> None:
    store = MemoryStore()
    with make(store, near) as one, make(store, near) as other, SessionPool() as plain:
        assert get(one) is get(one)
        get(other)
        assert repr(plain._store) == "<SteadyStore of MemoryStore()>"
    assert near.logins == 2
    assert MemoryStore().key_of("x") != store.key_of("x") != store.key_of("y")


@pytest.mark.parametrize("store", ["redis://127.0.0.1", SQLiteStore, 1])
def test_what_is_no_store_is_refused(store: Any) -> None:
    with pytest.raises(TypeError, match="store must be a MemoryStore, SQLiteStore or RedisStore"):
        SessionPool(store=store)


def test_no_store_holds_the_password(kind: Kind, near: login_world.World) -> None:
    with make(kind.make(), near) as pool:
        get(pool, "hunter2-and-more")
        record = kind.make().load(*_keys(pool)).record
        assert isinstance(record, Entry)
        assert record.cookies
        assert "hunter2" not in str((record, record.cookies, kind.raw()))


def _keys(pool: SessionPool) -> tuple[bytes, bytes]:
    (session,) = pool._kept.sessions()
    return session.key, session.owner_key


# A store that is away.


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Try a store that failed again at once."""
    monkeypatch.setattr("apikit.stores.steady.PAUSE", 0)


def warnings_of(lines: Any) -> list[str]:
    return [line["event"] for line in lines if line["log_level"] == "warning"]


def test_pool_works_without_its_server_and_shares_when_it_is_there(
    near: login_world.World, impatient: None
) -> None:
    with reserve_port("redis") as port, capture_logs() as lines:
        kind = RedisKind(port)
        with make(kind.make(), near) as one, make(kind.make(), near) as other:
            assert get(one).get(f"{PROXY}/api").text == "data"
            get(other)
            assert near.logins == 2
            one.discard(BASE_URL, "ann")
            get(one), get(one)
            assert near.logins == 3
            assert len(warnings_of(lines)) == 2  # each pool's
            assert "ConnectionError" in warnings_of(lines)[0]
            with start_redis(port=port):
                one.clear()
                other.clear()
                get(one), get(other)
                assert near.logins == 4
            assert [line["event"] for line in lines if line["log_level"] == "info"] == [
                "the store can be used again"
            ] * 2
        kind.close()


def test_what_was_revoked_while_the_store_was_away_is_made_up_for(
    near: login_world.World, impatient: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("apikit._revocations.LOOK_SECONDS", 0)
    with (
        open_redis() as kind,
        make(kind.make(), near) as one,
        make(kind.make(timeout=0.1), near) as other,
    ):
        session = get(other)
        before = get(one)
        os.kill(kind.pid, signal.SIGSTOP)
        try:
            other.discard(BASE_URL, "ann")
        finally:
            os.kill(kind.pid, signal.SIGCONT)
        assert get(other) is not session
        assert len(kind.names("mark:")) == 1
        assert get(one) is not before


def test_server_that_hangs_holds_up_nobody(near: login_world.World) -> None:
    with open_redis() as kind, make(kind.make(timeout=0.1), near) as pool, capture_logs() as lines:
        session = get(pool)
        os.kill(kind.pid, signal.SIGSTOP)
        try:
            near.good = "user=none"
            assert session.get(f"{PROXY}/api").text == "data"
            pool.discard(BASE_URL, "ann")
            assert get(pool).get(f"{PROXY}/api").text == "data"
        finally:
            os.kill(kind.pid, signal.SIGCONT)
        assert len(warnings_of(lines)) == 1
        assert "TimeoutError" in warnings_of(lines)[0]
        assert SECRET not in str(lines)
    assert near.logins == 3


def test_store_that_holds_other_things_than_ours_serves_nobody_wrong(
    near: login_world.World, impatient: None
) -> None:
    with open_redis() as kind, make(kind.make(), near) as one, make(kind.make(), near) as other:
        get(one)
        for name in kind.raw():
            kind.drop(name)
            kind.client.lpush(f"apikit:{name}", "a list")
        with capture_logs() as lines:
            assert get(other).get(f"{PROXY}/api").text == "data"
        # MGET passes over what is no string; the lock is another matter.
        assert len(warnings_of(lines)) <= 1
        assert near.logins == 2


def test_file_that_was_damaged_serves_nobody_wrong_and_is_used_again_once_it_is_removed(
    near: login_world.World, impatient: None, tmp_path: Path
) -> None:
    with (
        open_sqlite(tmp_path) as kind,
        make(kind.make(), near) as one,
        make(kind.make(), near) as other,
        capture_logs() as lines,
    ):
        get(one)
        kind.close()
        for file in tmp_path.iterdir():
            file.write_bytes(os.urandom(20000))
        assert get(other).get(f"{PROXY}/api").text == "data"
        assert near.logins == 2
        for file in tmp_path.iterdir():
            file.unlink()
        one.clear()
        other.clear()
        get(one), get(other)
        assert near.logins == 3
    assert len(warnings_of(lines)) == 1
    assert "file is not a database" in warnings_of(lines)[0]


class Broken(SealedStore):
    """A store of a service's own, with a mistake in it."""

    def __init__(self) -> None:
        super().__init__(SECRET, 5)

    def __repr__(self) -> str:
        return "Broken()"

    def _read(self, names: Any) -> Any:
        raise RuntimeError("the text of an error that may hold a s3cret")

    _write = _write_if = _claim = _extend = _delete_if = _release = close = _read  # type: ignore[assignment]


def test_mistake_in_a_store_fails_no_request_and_is_not_quoted(near: login_world.World) -> None:
    with capture_logs() as lines, make(Broken(), near) as pool:
        assert get(pool).get(f"{PROXY}/api").text == "data"
    assert lines == [
        {
            "event": "the store cannot be used, log-ins are not shared for now: RuntimeError",
            "log_level": "warning",
            "store": "Broken()",
        }
    ]

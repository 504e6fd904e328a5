"""What an operator may meet with a store: failovers, replicas, full disks, clocks, and links."""

from __future__ import annotations

import contextlib
import errno
import itertools
import os
import sqlite3
import stat
import subprocess
import sys
import textwrap
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import redis
from structlog.testing import capture_logs

from apikit import SessionPool, errors
from apikit.pool import LoginError
from apikit.stores import MemoryStore, RedisStore, Refusal, SQLiteStore, StoreError
from apikit.stores import sqlite as sqlite_module
from apikit.stores.steady import SteadyStore
from tests import login_world, ways_world
from tests.faults.certs import Certificates
from tests.login_world import BASE_URL, PROXY, SESSION_URL
from tests.servers import ROOT, Server, start_redis, start_server
from tests.store_kinds import SECRET, Kind, SQLiteKind, open_redis, open_sqlite

pytest_plugins = ("tests.faults.fixtures",)

PATIENCE = 60.0
REFUSAL = Refusal(2e9, "refused")


@pytest.fixture(params=["sqlite", "redis"])
def kind(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Kind]:
    with open_sqlite(tmp_path) if request.param == "sqlite" else open_redis() as opened:
        yield opened


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Try a store that failed again at once."""
    monkeypatch.setattr("apikit.stores.steady.PAUSE", 0)


@pytest.fixture
def near() -> login_world.World:
    return login_world.World()


def make(kind: Kind, near: login_world.World, **options: Any) -> SessionPool:
    return SessionPool(store=kind.make(), transport=near, **options)


def get(pool: SessionPool) -> Any:
    return pool.get(BASE_URL, "ann", "s3cret", SESSION_URL)


def told(lines: Any, level: str) -> list[str]:
    return [line["event"] for line in lines if line["log_level"] == level]


# Redis.


def client_of(server: Server) -> Any:
    return redis.Redis(host="127.0.0.1", port=server.port)


def test_new_primary_is_found_by_the_address_of_the_old_one(tmp_path: Path) -> None:
    sockets = [tmp_path / "one.sock", tmp_path / "two.sock"]
    address, next_address = tmp_path / "primary.sock", tmp_path / "next.sock"
    address.symlink_to(sockets[0])
    next_address.symlink_to(sockets[1])
    with (
        start_redis(f"--unixsocket {sockets[0]}", f"--dir {tmp_path}") as old,
        start_redis(f"--unixsocket {sockets[1]}") as new,
        RedisStore(f"unix://{address}", SECRET, timeout=30) as store,
    ):
        key = store.key_of("x")
        assert store.claim(key, "one")
        with client_of(old) as client:
            client.replicaof("127.0.0.1", new.port)
        next_address.replace(address)
        with pytest.raises(StoreError, match="ReadOnlyError"):
            store.claim(store.key_of("y"), "one")
        assert store.claim(key, "two")  # of which the new one knows nothing
        with client_of(new) as client:
            assert len(client.keys("*")) == 1


def test_server_that_can_only_be_read_is_away_until_it_can_be_written_to(impatient: None) -> None:
    with open_redis() as kind, capture_logs() as lines:
        store = SteadyStore(kind.make())
        key = store.key_of("x")
        assert store.load(key, key).marks == ":"
        kind.client.config_set("min-replicas-to-write", 1)  # and there are none
        for _ in range(5):
            assert store.claim(key, "one")  # as if nobody else were there
            assert store.load(key, key).marks is None
        assert len(told(lines, "warning")) == 1
        assert told(lines, "info") == []
        kind.client.config_set("min-replicas-to-write", 0)
        assert store.pulse() == ""
        assert told(lines, "info") == ["the store can be used again"]
        assert kind.names("lock:") == []


@pytest.mark.parametrize(("name", "is_right"), [("good", True), ("wrong_host", False)])
def test_host_name_of_a_server_with_tls_is_checked(
    certificates: Certificates, name: str, is_right: bool
) -> None:
    file = getattr(certificates, name)
    with start_server(
        "redis-server",
        lambda port: [
            *("redis-server", "--port", "0", "--tls-port", str(port), "--bind", "127.0.0.1"),
            *("--tls-cert-file", file, "--tls-key-file", file, "--tls-ca-cert-file", file),
            *("--tls-auth-clients", "no", "--save", ""),
        ],
    ) as server:
        url = f"rediss://localhost:{server.port}?ssl_ca_certs={certificates.ca}"
        store = RedisStore(url, SECRET, timeout=30)
        if is_right:
            assert store.pulse() == ""
        else:
            with pytest.raises(StoreError):
                store.pulse()
        store.close()


def test_no_frame_shows_the_password_of_the_server() -> None:
    with start_redis("--requirepass tiger-lily") as server:
        store = RedisStore(f"redis://:hunter2-and-more@127.0.0.1:{server.port}", SECRET)
        with pytest.raises(StoreError, match="AuthenticationError") as failure:
            store.pulse()
    shown = traceback.TracebackException.from_exception(failure.value, capture_locals=True)
    text = "".join(shown.format())
    assert "redis.py" in text
    assert "hunter2" not in text
    assert SECRET not in text


# What is owed to a store that was away.


class Revoking(MemoryStore):
    """A store that counts what is revoked, and does as it is told then."""

    is_shared = True

    def __init__(self) -> None:
        super().__init__()
        self.revoked: list[bytes | None] = []
        self.then: list[Callable[[], None]] = []

    def revoke(self, owner: bytes | None) -> None:
        self.revoked.append(owner)
        if self.then:
            self.then.pop(0)()


def fail() -> None:
    raise StoreError("away")


def test_what_is_owed_again_while_it_is_paid_is_still_owed(impatient: None) -> None:
    store = Revoking()
    steady = SteadyStore(store)
    store.then = [lambda: steady.revoke(b"ann"), fail]
    steady.revoke(b"ann")  # and once more meanwhile, which fails
    assert store.revoked == [b"ann"] * 2
    steady.pulse()
    assert store.revoked == [b"ann"] * 3
    steady.pulse()
    assert store.revoked == [b"ann"] * 3


def test_threads_that_revoke_at_once_are_no_failure_of_the_store() -> None:
    store = Revoking()
    steady = SteadyStore(store)
    owners = [f"{number}".encode() for number in range(400)]
    with capture_logs() as lines, ThreadPoolExecutor(8) as threads:
        list(threads.map(steady.revoke, owners))
    assert set(store.revoked) == set(owners)
    assert lines == []


@pytest.mark.usefixtures("impatient")
def test_session_of_when_the_store_was_away_is_made_anew(
    near: login_world.World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody can say whether it was revoked since, by a process that the store was there for."""
    monkeypatch.setattr("apikit._revocations.LOOK_SECONDS", 0)
    with open_redis() as kind, make(kind, near) as one, make(kind, near) as other:
        kind.client.config_set("min-replicas-to-write", 1)
        session = get(other)
        assert get(other) is session
        kind.client.config_set("min-replicas-to-write", 0)
        one.discard(BASE_URL, "ann")
        assert get(other) is not session
        assert get(other) is get(other)
        get(one)
        assert near.logins == 2
        assert one.stats()["shared_logins"] == 1


# A login whose lock was lost, or that was refused.


class Gate:
    """Holds the first log-in form that comes, and answers it by a refusal."""

    def __init__(self, near: login_world.World) -> None:
        self.reached, self.open = threading.Event(), threading.Event()
        near.before = self

    def __call__(self, request: Any) -> bytes | None:
        if request.url != SESSION_URL or self.reached.is_set():
            return None
        self.reached.set()
        assert self.open.wait(PATIENCE)
        return login_world.answer(422)


def test_refusal_of_who_lost_the_lock_gives_way_to_a_login_that_was_good(
    kind: Kind, near: login_world.World
) -> None:
    gate = Gate(near)
    with make(kind, near) as one, make(kind, near) as other, ThreadPoolExecutor(1) as threads:
        stopped = threads.submit(get, one)
        assert gate.reached.wait(PATIENCE)
        (lock,) = kind.names("lock:")
        kind.drop(lock)  # as if its lease were over
        session = get(other)
        gate.open.set()
        assert stopped.result(PATIENCE).cookies == session.cookies
        assert get(one) is stopped.result()
    assert near.logins == 1


@pytest.mark.parametrize("negative_ttl", [0, 60])
def test_password_that_became_wrong_leaves_no_login_behind(
    kind: Kind, near: login_world.World, negative_ttl: int
) -> None:
    with make(kind, near, negative_ttl=negative_ttl) as pool:
        session = get(pool)
        near.before = lambda request: (
            login_world.answer(422) if request.url == SESSION_URL else None
        )
        session.authenticate()
        assert session.login_state == "bad-credentials"
        assert len(kind.names("record:")) == (1 if negative_ttl else 0)


# A session that became another user's.


def test_cookies_that_became_another_users_are_taken_over_by_nobody(kind: Kind) -> None:
    with (
        ways_world.running() as world,
        SessionPool(store=kind.make(), login="form") as one,
        SessionPool(store=kind.make(), login="form") as other,
    ):
        world.gap_auth = "ann@example.org"
        session = one.get(world.base_url, "ann", "s3cret", world.provider)
        assert world.ask(session) == 200
        world.gap_auth = "bob@example.org"
        with pytest.raises(errors.IdentityChanged):
            world.ask(session)
        assert kind.names("record:") == []
        assert kind.names("lock:") == []
        other.get(world.base_url, "ann", "s3cret", world.provider)
        assert other.stats()["logins"] == 1


def test_newer_login_stays_when_an_older_one_became_another_users(kind: Kind) -> None:
    with (
        ways_world.running() as world,
        SessionPool(store=kind.make(), login="form") as one,
        SessionPool(store=kind.make(), login="form") as other,
    ):
        world.gap_auth = "ann@example.org"
        old = one.get(world.base_url, "ann", "s3cret", world.provider)
        assert world.ask(old) == 200
        other.get(world.base_url, "ann", "s3cret", world.provider).authenticate()
        old.cookies.set("proxy", str(world.logins), domain="127.0.0.1")
        world.gap_auth = "bob@example.org"
        with pytest.raises(errors.IdentityChanged):
            world.ask(old)
        assert len(kind.names("record:")) == 1


# Clocks.


def set_clock(monkeypatch: pytest.MonkeyPatch, module: str, seconds: float) -> None:
    """Let the clock of one module be wrong by some seconds."""
    wrong = SimpleNamespace(time=lambda: time.time() + seconds, monotonic=time.monotonic)
    monkeypatch.setattr(f"{module}.time", wrong)


def test_lock_of_who_died_is_free_after_the_clock_was_set_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with SQLiteStore(tmp_path / "x", SECRET) as store:
        key = store.key_of("x")
        with monkeypatch.context() as before:
            set_clock(before, "apikit.stores.sqlite", 3600)
            assert store.claim(key, "dead")
            assert not store.claim(key, "heir")
        assert store.claim(key, "heir")
        assert not store.claim(key, "another")


def test_refusal_of_before_the_clock_was_set_back_does_not_count(
    kind: Kind, near: login_world.World, monkeypatch: pytest.MonkeyPatch
) -> None:
    near.before = lambda request: login_world.answer(422) if request.url == SESSION_URL else None
    with make(kind, near) as one, make(kind, near) as other, make(kind, near) as third:
        with monkeypatch.context() as before:
            set_clock(before, "apikit._pooled", 3600)
            with pytest.raises(LoginError):
                get(one)
        for pool in (other, third):
            with pytest.raises(LoginError):
                get(pool)
    assert len(near.seen(SESSION_URL)) == 2


def test_login_by_a_clock_that_is_late_is_kept_for_a_while(
    kind: Kind, near: login_world.World, monkeypatch: pytest.MonkeyPatch
) -> None:
    with make(kind, near) as one, make(kind, near) as other:
        with monkeypatch.context() as late:
            set_clock(late, "apikit._pooled", -7200)
            get(one)
        session = get(other)
        assert get(other) is session
        assert session.get(f"{PROXY}/api").text == "data"
    assert near.logins == 1


# Files and disks.


def save(store: SQLiteStore, name: str) -> None:
    key = store.key_of(name)
    assert store.claim(key, "token")
    assert store.save(key, "token", ":", REFUSAL, 60)
    store.release(key, "token")


def fill(disk: sqlite3.Connection) -> None:
    """Let a file grow no more, and have no room."""
    (pages,) = disk.execute("PRAGMA page_count").fetchone()
    disk.execute(f"PRAGMA max_page_count = {pages}")
    with contextlib.suppress(sqlite3.OperationalError):
        for number in itertools.count():
            disk.execute("INSERT INTO records VALUES (?, 'x', 1e18)", (str(number),))


def test_full_disk_is_a_store_that_is_away(
    tmp_path: Path, near: login_world.World, impatient: None
) -> None:
    store = SQLiteStore(tmp_path / "x", SECRET)
    with SessionPool(store=store, transport=near) as pool, capture_logs() as lines:
        disk = store._connect()
        fill(disk)
        for turn in range(3):
            pool.discard(BASE_URL, "ann")
            assert get(pool).get(f"{PROXY}/api").text == "data"
            assert near.logins == turn + 1
        (warning,) = told(lines, "warning")
        assert "database or disk is full" in warning
        assert told(lines, "info") == []
        disk.execute("PRAGMA max_page_count = 100000")
        pool.discard(BASE_URL, "ann")
        get(pool)
        assert told(lines, "info") == ["the store can be used again"]
        assert SQLiteKind(tmp_path / "x").execute("PRAGMA integrity_check") == [("ok",)]
    store.close()


def test_file_that_became_read_only_is_a_store_that_is_away(
    tmp_path: Path, near: login_world.World, impatient: None
) -> None:
    store = SQLiteStore(tmp_path / "x", SECRET)
    with SessionPool(store=store, transport=near) as pool, capture_logs() as lines:
        store._connect().execute("PRAGMA query_only = ON")
        for _ in range(3):
            pool.discard(BASE_URL, "ann")
            assert get(pool).get(f"{PROXY}/api").text == "data"
        (warning,) = told(lines, "warning")
        assert "readonly database" in warning
        assert told(lines, "info") == []
    store.close()


@pytest.mark.parametrize("size", [0, 4096, 20_000])
def test_service_starts_on_a_full_disk(tmp_path: Path, size: int) -> None:
    script = f"""
        import resource, sys
        from apikit.stores import SQLiteStore, StoreError
        unlimited = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, ({size}, unlimited[1]))
        store = SQLiteStore(sys.argv[1], sys.argv[2])
        try:
            store.claim(store.key_of("x"), "token")
        except StoreError as failure:
            assert "disk I/O error" in str(failure), failure
        else:
            sys.exit("the disk was not full")
        resource.setrlimit(resource.RLIMIT_FSIZE, unlimited)
        assert store.claim(store.key_of("x"), "token")
    """
    done = subprocess.run(
        [sys.executable, "-P", "-c", textwrap.dedent(script), tmp_path / "x", SECRET],
        cwd=ROOT / "tests",
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT])
def test_file_that_cannot_be_made_for_now_is_no_reason_not_to_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    def refuse(*_arguments: Any, **_options: Any) -> int:
        raise OSError(number, os.strerror(number))

    with monkeypatch.context() as full:
        full.setattr(os, "open", refuse)
        store = SQLiteStore(tmp_path / "x", SECRET)
        with pytest.raises(StoreError, match=os.strerror(number)):
            store.pulse()
    save(store, "x")
    store.close()


def test_thread_does_not_wait_for_the_file_behind_all_the_others(tmp_path: Path) -> None:
    store = SQLiteStore(tmp_path / "x", SECRET, timeout=0.01)
    held, ended = threading.Event(), threading.Event()

    def hold() -> None:
        with sqlite_module._in_sqlite:
            held.set()
            assert ended.wait(PATIENCE)

    with ThreadPoolExecutor(1) as thread:
        holding = thread.submit(hold)
        assert held.wait(PATIENCE)
        with pytest.raises(StoreError, match="other threads wait for the file"):
            store.pulse()
        ended.set()
        holding.result()
    assert store.pulse() == ""
    store.close()


def test_mode_of_another_programs_file_is_left_alone(tmp_path: Path) -> None:
    path, link = tmp_path / "foreign", tmp_path / "link"
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE users (name)")
    connection.close()
    path.chmod(0o644)
    link.symlink_to(path)
    for place in (path, link):
        with pytest.raises(ValueError, match="of another program"):
            SQLiteStore(place, SECRET)
    assert stat.S_IMODE(path.stat().st_mode) == 0o644


def test_link_to_nowhere_makes_no_file(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(ValueError, match="No such file"):
        SQLiteStore(tmp_path / "link", SECRET)
    assert not (tmp_path / "elsewhere").exists()


def test_all_files_of_a_store_that_others_could_read_are_made_private(tmp_path: Path) -> None:
    path = tmp_path / "x"
    SQLiteStore(path, SECRET).close()
    path.chmod(0o664)
    with SQLiteStore(path, SECRET) as store:
        save(store, "x")
        files = list(tmp_path.iterdir())
        assert len(files) == 3
        assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o600}

"""The file of a `SQLiteStore`: private, in WAL mode, swept, whole after forks, or refused."""

from __future__ import annotations

import os
import sqlite3
import stat
import subprocess
import sys
import textwrap
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from apikit.stores import Entry, Refusal, SQLiteStore
from apikit.stores.sealing import Seal
from tests.servers import ROOT
from tests.store_kinds import SECRET, SQLiteKind

REFUSAL = Refusal(2e9, "refused")
PATIENCE = 100.0


def run(script: str, *arguments: object) -> tuple[int, str]:
    """Return how a script ended in another process, and what it wrote to its standard error."""
    command = [sys.executable, "-P", "-c", textwrap.dedent(script), *map(str, arguments)]
    done = subprocess.run(
        command, cwd=ROOT / "tests", capture_output=True, text=True, timeout=PATIENCE, check=False
    )
    return done.returncode, done.stderr


def save(store: SQLiteStore, name: str, ttl: float = 60) -> None:
    key = store.key_of(name)
    assert store.claim(key, "token")
    assert store.save(key, "token", ":", REFUSAL, ttl)
    store.release(key, "token")


def test_file_is_for_its_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "logins.sqlite"
    before = os.umask(0)
    try:
        with SQLiteStore(path, SECRET) as store:
            save(store, "x")
            files = sorted(tmp_path.iterdir())
            assert [file.name.removeprefix(path.name) for file in files] == ["", "-shm", "-wal"]
            assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o600}
        path.chmod(0o644)
        SQLiteStore(path, SECRET).close()
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    finally:
        os.umask(before)


def test_link_of_another_user_is_not_followed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In a folder such as /tmp it may lead to any file, whose mode would be changed."""
    file, link = tmp_path / "file", tmp_path / "link"
    file.touch(0o644)
    link.symlink_to(file)
    monkeypatch.setattr(os, "geteuid", lambda: link.lstat().st_uid + 1)
    with pytest.raises(ValueError, match="a link that another user made"):
        SQLiteStore(link, SECRET)
    assert stat.S_IMODE(file.stat().st_mode) == 0o644


def test_file_is_in_wal_mode_and_says_whose_it_is(tmp_path: Path) -> None:
    kind = SQLiteKind(tmp_path / "logins.sqlite")
    kind.make().close()
    assert kind.execute("PRAGMA journal_mode") == [("wal",)]
    assert kind.execute("PRAGMA user_version") == [(1,)]
    assert kind.execute("PRAGMA application_id") == [(0x61706B74,)]


def test_what_is_too_old_is_swept(tmp_path: Path) -> None:
    kind = SQLiteKind(tmp_path / "logins.sqlite")
    with SQLiteStore(kind.path, SECRET) as store:
        for number in range(20):
            save(store, str(number))
        kind.execute("UPDATE records SET expires = 1")
        save(store, "last")
        assert len(kind.names("record:")) == 1


def _make_foreign(path: Path) -> None:
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE users (name)")
    connection.close()


def _make_later(path: Path) -> None:
    SQLiteKind(path).make().close()
    SQLiteKind(path).execute("PRAGMA user_version = 2")


@pytest.mark.parametrize(
    ("make", "problem"),
    [
        (lambda path: path.write_text("no database " * 1000), "file is not a database"),
        (_make_foreign, "of another program"),
        (_make_later, "of version 2, not 1"),
        (lambda path: path.mkdir(), "unable to open|Is a directory"),
    ],
    ids=["text", "another program's", "a later version's", "folder"],
)
def test_file_that_cannot_be_used_is_refused(make: Any, problem: str, tmp_path: Path) -> None:
    path = tmp_path / "logins.sqlite"
    make(path)
    with pytest.raises(ValueError, match=problem) as refusal:
        SQLiteStore(path, SECRET)
    assert str(path) in str(refusal.value)
    assert "give the path of a file that is not there yet" in str(refusal.value)


@pytest.mark.parametrize(
    ("path", "problem"),
    [
        ("/no/such/folder/logins.sqlite", "in a folder that is not there: make it first"),
        ("", "must be that of a file"),
        (":memory:", "must be that of a file"),
        (None, "must be that of a file"),
    ],
)
def test_path_that_is_none_is_refused(path: Any, problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        SQLiteStore(path, SECRET)


@pytest.mark.parametrize("option", ["lease", "timeout"])
@pytest.mark.parametrize("value", [0, -1, "5", None, True, float("nan"), float("inf")])
def test_seconds_are_checked(option: str, value: Any, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=f"{option} must be more than 0 seconds"):
        SQLiteStore(tmp_path / "x", SECRET, **{option: value})


def test_file_that_was_removed_is_made_anew(tmp_path: Path) -> None:
    path = tmp_path / "logins.sqlite"
    with SQLiteStore(path, SECRET) as store:
        save(store, "x")
        for file in tmp_path.iterdir():
            file.unlink()
        save(store, "y")
        assert SQLiteKind(path).names("record:") == [f"record:{store.key_of('y').hex()}"]


def test_store_that_was_closed_opens_again(tmp_path: Path) -> None:
    store = SQLiteStore(tmp_path / "logins.sqlite", SECRET)
    store.close()
    save(store, "x")
    store.close()


def test_threads_share_a_store(tmp_path: Path) -> None:
    path = tmp_path / "logins.sqlite"
    with SQLiteStore(path, SECRET, timeout=60) as store, ThreadPoolExecutor(8) as threads:
        list(threads.map(lambda number: save(store, str(number)), range(64)))
        assert len(SQLiteKind(path).names("record:")) == 64


def test_processes_that_make_the_file_at_once_all_can_use_it(tmp_path: Path) -> None:
    script = """
        import sys
        from apikit.stores import Refusal, SQLiteStore
        path, secret, number = sys.argv[1:]
        store = SQLiteStore(path, secret, timeout=60)
        for turn in range(20):
            key = store.key_of(number, str(turn))
            assert store.claim(key, "token")
            assert store.save(key, "token", ":", Refusal(2e9, "refused"), 60)
            store.release(key, "token")
        store.close()
    """
    path = tmp_path / "logins.sqlite"
    with ThreadPoolExecutor(6) as threads:
        ended = list(threads.map(lambda number: run(script, path, SECRET, number), range(6)))
    assert ended == [(0, "")] * 6
    assert len(SQLiteKind(path).names("record:")) == 6 * 20


def test_store_of_before_a_fork_serves_parent_and_children(tmp_path: Path) -> None:
    script = """
        import os, sys, threading, warnings
        warnings.simplefilter("ignore")  # that threads of the parent are not in the child
        from apikit.stores import Refusal, SQLiteStore
        path, secret = sys.argv[1:]
        store = SQLiteStore(path, secret, timeout=60)

        def save(name):
            key = store.key_of(name)
            assert store.claim(key, "token")
            assert store.save(key, "token", ":", Refusal(2e9, "refused"), 60)
            store.release(key, "token")

        ended = threading.Event()

        def write():
            turn = 0
            while not ended.wait(0.001):  # or the others would never get a turn
                save(f"thread {turn % 10}")
                turn += 1

        thread = threading.Thread(target=write)
        thread.start()
        children = []
        for number in range(6):
            pid = os.fork()
            if pid == 0:
                for turn in range(10):
                    save(f"{number} {turn}")
                store.close()
                sys.exit(0)  # with all that an interpreter does at its end
            children.append(pid)
            save(f"parent {number}")
        bad = [os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) for pid in children]
        ended.set()
        thread.join()
        store.close()
        sys.exit(0 if not any(bad) else f"{bad}")
    """
    path = tmp_path / "logins.sqlite"
    assert run(script, path, SECRET) == (0, "")
    kind = SQLiteKind(path)
    names = [f"{number} {turn}" for number in range(6) for turn in range(10)]
    own = {f"record:{Seal(SECRET).digest(name).hex()}" for name in names}
    assert own <= set(kind.names("record:"))
    assert kind.execute("PRAGMA integrity_check") == [("ok",)]


def test_locked_file_is_no_reason_to_refuse_it(tmp_path: Path) -> None:
    path = tmp_path / "logins.sqlite"
    blocker = sqlite3.connect(path, isolation_level=None)
    blocker.execute("BEGIN EXCLUSIVE")
    try:
        store = SQLiteStore(path, SECRET, timeout=0.01)
    finally:
        blocker.execute("ROLLBACK")
        blocker.close()
    save(store, "x")
    store.close()


def test_entry_with_all_kinds_of_cookies_comes_back(tmp_path: Path) -> None:
    cookies = (
        ("a", "é\xff" * 4000, "example.org", "/", None, True, True, False),
        ("b", "", "", "/x", -1, False, False, True),
    )
    entry = Entry(1, 1.5, 2.5, cookies)
    with SQLiteStore(tmp_path / "logins.sqlite", SECRET) as store:
        key = store.key_of("x")
        assert store.claim(key, "token")
        assert store.save(key, "token", ":", entry, 60)
        assert store.load(key, key).record == entry

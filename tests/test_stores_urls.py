"""The store that a URL of the environment stands for, and what no message of it shows."""

from __future__ import annotations

import traceback
from pathlib import Path
from typing import Any

import pytest

from apikit import MemoryStore, RedisStore, SQLiteStore, open_store
from tests.store_kinds import SECRET, open_redis

PASSWORD = "hunter2-and-more"


@pytest.mark.parametrize("url", ["memory:", "memory://"])
def test_memory_needs_no_secret(url: str) -> None:
    assert isinstance(open_store(url), MemoryStore)


@pytest.mark.parametrize("slashes", ["", "/"])
def test_file_is_the_absolute_path(tmp_path: Path, slashes: str) -> None:
    with open_store(f"sqlite://{slashes}{tmp_path}/log%20ins%25.db", SECRET, lease=3) as store:
        assert isinstance(store, SQLiteStore)
        assert store.lease == 3
    assert (tmp_path / "log ins%.db").exists()


def test_server_is_as_redis_takes_it() -> None:
    with open_redis() as kind:
        for url in (kind.url, kind.url.replace("redis", "valkey", 1)):
            with open_store(f"{url}/1", SECRET, timeout=30) as store:
                assert isinstance(store, RedisStore)
                assert store.pulse() == ""
                assert repr(store) == f"<RedisStore {kind.url}/1>"


@pytest.mark.parametrize("scheme", ["rediss", "unix", "valkeys"])
def test_server_need_not_be_there(scheme: str) -> None:
    assert isinstance(open_store(f"{scheme}://127.0.0.1/0", SECRET), RedisStore)


@pytest.mark.parametrize(
    ("url", "problem"),
    [
        ("", "is not one of a store: give memory:, sqlite:///path"),
        ("memory", "is not one of a store"),
        ("/var/lib/logins.sqlite", "is not one of a store"),
        (f"mysql://ann:{PASSWORD}@host/db", r"'mysql://\*\*\*@host/db' is not one of a store"),
        ("sqlite:", "sqlite:// and the absolute path"),
        ("sqlite://", "sqlite:// and the absolute path"),
        ("sqlite:///", "sqlite:// and the absolute path"),
        ("sqlite://logins.sqlite", "sqlite:// and the absolute path"),
        (f"sqlite:///x?key={PASSWORD}", r"not 'sqlite:///x\?\*\*\*'"),
        (f"sqlite://me:{PASSWORD}@host/x", "not 'sqlite://\\*\\*\\*@host/x'"),
        ("sqlite:///no/such/folder/x", "in a folder that is not there"),
        (f"redis://:{PASSWORD}@host:port", "is not a URL of Redis"),
        (f"redis://host:port?password={PASSWORD}", r"'redis://host:port\?\*\*\*' is not a URL"),
    ],
)
def test_what_is_no_url_is_refused_without_its_password(url: str, problem: str) -> None:
    with pytest.raises(ValueError, match=problem) as refusal:
        open_store(url, SECRET)
    assert PASSWORD not in shown(refusal.value)
    assert SECRET not in shown(refusal.value)


@pytest.mark.parametrize("url", [None, b"memory:", 1])
def test_what_is_no_text_is_refused(url: Any) -> None:
    with pytest.raises(TypeError, match=r"url must be a str, not .*: give memory:"):
        open_store(url)


@pytest.mark.parametrize("secret", [None, "", "short"])
@pytest.mark.parametrize("url", [f"redis://:{PASSWORD}@127.0.0.1", "sqlite:///tmp/x"])
def test_secret_is_asked_for_where_one_is_needed(url: str, secret: str | None) -> None:
    with pytest.raises(ValueError, match=r"secret.*token_urlsafe") as refusal:
        open_store(url, secret)
    assert PASSWORD not in shown(refusal.value)


def test_password_in_the_query_is_shown_nowhere() -> None:
    store = RedisStore(f"redis://127.0.0.1:1/0?password={PASSWORD}", SECRET)
    assert repr(store) == "<RedisStore redis://127.0.0.1:1/0?***>"


def shown(failure: BaseException) -> str:
    """Return what a traceback with the locals of its frames shows, from our own on."""
    told = traceback.TracebackException.from_exception(failure, capture_locals=True)
    own = [frame for frame in told.stack if "/apikit/" in frame.filename]
    assert own
    return f"{failure} {[frame.locals for frame in own]}"

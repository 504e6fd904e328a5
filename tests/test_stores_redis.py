"""The keys of a `RedisStore`, and the URLs that it takes."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from collections.abc import Iterator
from typing import Any

import pytest

from apikit.stores import RedisStore, Refusal, StoreError
from tests.servers import ROOT
from tests.store_kinds import SECRET, RedisKind, open_redis

REFUSAL = Refusal(2e9, "refused")


@pytest.fixture(scope="module")
def kind() -> Iterator[RedisKind]:
    with open_redis() as opened:
        yield opened


def test_every_key_has_an_end_and_the_prefix(kind: RedisKind) -> None:
    store = kind.make(prefix="mine:", lease=5)
    key = store.key_of("x")
    store.load(key, key)
    store.revoke(None)
    store.revoke(key)
    assert store.claim(key, "token")
    assert store.save(key, "token", ":", REFUSAL, 60)
    keys = [name for name in kind.client.keys("*") if name.startswith(b"mine:")]
    assert sorted(name.split(b":")[1] for name in keys) == [
        b"lock",
        b"mark",
        b"mark",
        b"pulse",
        b"record",
        b"secret",
    ]
    assert all(kind.client.pttl(name) > 0 for name in keys)
    assert kind.client.pttl(f"mine:lock:{key.hex()}") <= 5000


def test_connection_that_died_is_made_anew(kind: RedisKind) -> None:
    store = kind.make()
    store.pulse()
    kind.client.client_kill_filter(_type="normal", skipme=True)
    assert store.pulse() == ""


def test_url_may_not_turn_bytes_into_text(kind: RedisKind) -> None:
    with RedisStore(f"{kind.url}?decode_responses=True", SECRET) as store:
        store.revoke(None)
        assert len(store.pulse()) == 16


def test_child_of_a_fork_has_connections_of_its_own(kind: RedisKind) -> None:
    script = """
        import os, sys
        from apikit.stores import Refusal, RedisStore
        store = RedisStore(sys.argv[1], sys.argv[2], timeout=30)

        def ask(name):
            key = store.key_of(name)
            for turn in range(50):
                message = f"{name} {turn}"
                assert store.claim(key, "token")
                assert store.save(key, "token", ":", Refusal(2e9, message), 60)
                found = store.load(key, key).record
                if found is None or found.message != message:
                    return 1
            return 0

        assert ask("warm") == 0
        children = []
        for number in range(4):
            pid = os.fork()
            if pid == 0:
                os._exit(ask(f"child {number}"))
            children.append(pid)
        bad = ask("parent") + sum(os.waitpid(pid, 0)[1] for pid in children)
        store.close()
        sys.exit(bad)
    """
    command = [sys.executable, "-P", "-c", textwrap.dedent(script), kind.url + "/1", SECRET]
    done = subprocess.run(
        command, cwd=ROOT / "tests", capture_output=True, text=True, timeout=100, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize(
    "url",
    [
        "http://host",
        "",
        None,
        b"redis://host",
        "redis://host:port",
        "redis://host?socket_timeout=soon",
        "redis://:pass/word@host",
    ],
)
def test_what_is_no_url_is_refused(url: Any) -> None:
    with pytest.raises(ValueError, match="is not a URL of Redis: give redis://user") as refusal:
        RedisStore(url, SECRET)
    assert "'pass" not in str(refusal.value)


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"secret": "short"}, ValueError),
        ({"secret": None}, TypeError),
        ({"lease": 0}, ValueError),
        ({"timeout": None}, ValueError),
        ({"prefix": b"x"}, TypeError),
    ],
    ids=repr,
)
def test_options_are_checked(options: dict[str, Any], error: type[Exception]) -> None:
    with pytest.raises(error, match=next(iter(options))):
        RedisStore("redis://127.0.0.1", **{"secret": SECRET, **options})


def test_password_of_the_url_is_shown_nowhere() -> None:
    url = "redis://me:hunter2@127.0.0.1:1/0"
    store = RedisStore(url, SECRET)
    with pytest.raises(StoreError) as failure:
        store.pulse()
    with pytest.raises(ValueError, match="URL of Redis") as refusal:
        RedisStore(url.replace(":1/", ":port/"), SECRET)
    shown = f"{store!r} {failure.value} {refusal.value}"
    assert "127.0.0.1:1/0" in shown
    assert "hunter2" not in shown
    assert "me:" not in shown
    assert SECRET not in shown


@pytest.mark.parametrize("package", ["redis", "cryptography"])
def test_missing_package_is_named_with_what_to_do(package: str) -> None:
    script = f"""
        import sys
        sys.modules[{package!r}] = None
        from apikit.stores import RedisStore
        try:
            RedisStore("redis://127.0.0.1", "x" * 32)
        except ModuleNotFoundError as failure:
            sys.exit(str(failure))
    """
    done = subprocess.run(
        [sys.executable, "-P", "-c", textwrap.dedent(script)],
        cwd=ROOT / "tests",
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stderr == (
        f"this store needs the package {package}: pip install sqre-apikit-c[store]\n"
    )

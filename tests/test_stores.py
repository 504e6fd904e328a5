"""What a store promises, whichever it is: sealed, shared, locked for one, and forgotten at once."""

from __future__ import annotations

import itertools
import json
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from structlog.testing import capture_logs

from apikit.stores import Entry, Refusal
from apikit.stores.records import read_record, write_record
from apikit.stores.sealing import Seal
from tests.store_kinds import SECRET, Kind, open_redis, open_sqlite

COOKIE = ("_oauth2_proxy", "c00kie-value", "127.0.0.1", "/", 2**31, False, True, True)
ENTRY = Entry(serial=3, got=1e9, expires=2e9, cookies=(COOKIE,))
REFUSAL = Refusal(2e9, "the provider refused user name or password")
ENDPOINT, USER, PASSWORD = "http://127.0.0.1/oauth2/start", "ann-the-user", "hunter2-and-more"
PATIENCE = 60.0


@pytest.fixture(scope="module", params=["sqlite", "redis"])
def kind(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Kind]:
    folder = tmp_path_factory.mktemp("store")
    with open_sqlite(folder) if request.param == "sqlite" else open_redis() as opened:
        yield opened


_numbers = itertools.count()


@pytest.fixture
def key(kind: Kind) -> bytes:
    """A key that no other test has."""
    return kind.make().key_of("login", ENDPOINT, USER, PASSWORD, str(next(_numbers)))


@pytest.fixture
def owner(kind: Kind) -> bytes:
    return kind.make().key_of("owner", ENDPOINT, USER, str(next(_numbers)))


def keep(kind: Kind, key: bytes, owner: bytes, record: Entry | Refusal, ttl: float = 60) -> None:
    store = kind.make()
    marks = store.load(key, owner).marks
    assert marks is not None
    assert store.claim(key, "keeper")
    assert store.save(key, "keeper", marks, record, ttl)
    store.release(key, "keeper")


def wait_for(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end
        threading.Event().wait(0.01)


# What is kept.


@pytest.mark.parametrize("record", [ENTRY, REFUSAL], ids=["entry", "refusal"])
def test_what_one_process_keeps_another_finds(
    kind: Kind, key: bytes, owner: bytes, record: Entry | Refusal
) -> None:
    assert kind.make().load(key, owner).record is None
    keep(kind, key, owner, record)
    assert kind.make().load(key, owner).record == record


def test_keys_are_of_the_secret_and_of_where_the_parts_end(kind: Kind) -> None:
    parts = [("ab", "c"), ("a", "bc"), ("abc",), ("ab", "c", "")]
    stores = [kind.make(), kind.make(SECRET.encode()), kind.make("another" + SECRET)]
    keys = [[store.key_of(*some) for some in parts] for store in stores]
    assert keys[0] == keys[1]
    assert len({key for some in keys for key in some}) == 2 * len(parts)


def test_nothing_that_is_kept_can_be_read(kind: Kind, key: bytes, owner: bytes) -> None:
    keep(kind, key, owner, ENTRY)
    kind.make().claim(key, "keeper")
    kept = repr(kind.raw())
    assert f"record:{key.hex()}" in kept
    for text in (*COOKIE[:3], ENDPOINT, USER, PASSWORD, SECRET, "cookies", "serial"):
        assert str(text) not in kept
    kind.make().release(key, "keeper")


def test_what_is_kept_is_gone_when_its_time_is_up(kind: Kind, key: bytes, owner: bytes) -> None:
    keep(kind, key, owner, ENTRY, ttl=0.01)
    wait_for(lambda: kind.make().load(key, owner).record is None)


def test_forgotten_record_is_gone(kind: Kind, key: bytes, owner: bytes) -> None:
    keep(kind, key, owner, ENTRY)
    store = kind.make()
    assert store.claim(key, "keeper")
    for _ in range(2):  # also if there is nothing
        assert store.forget(key, "keeper")
        assert store.load(key, owner).record is None
    store.release(key, "keeper")


# The lock.


def test_lock_is_one_owners(kind: Kind, key: bytes) -> None:
    one, other = kind.make(), kind.make()
    assert one.claim(key, "one")
    assert one.claim(key, "one")  # as when the answer to the first was lost
    assert not other.claim(key, "other")
    assert not other.extend(key, "other")
    other.release(key, "other")
    assert one.extend(key, "one")
    one.release(key, "one")
    assert not one.extend(key, "one")
    assert other.claim(key, "other")


def test_lock_of_who_died_is_free_when_its_lease_is_over(kind: Kind, key: bytes) -> None:
    assert kind.make(lease=0.05).claim(key, "dead")
    heir = kind.make(lease=60)
    wait_for(lambda: heir.claim(key, "heir"))
    assert not kind.make(lease=0.05).claim(key, "dead")


def test_who_lost_the_lock_writes_nothing(kind: Kind, key: bytes, owner: bytes) -> None:
    slow, fast = kind.make(lease=0.05), kind.make()
    marks = slow.load(key, owner).marks
    assert marks is not None
    assert slow.claim(key, "slow")
    wait_for(lambda: fast.claim(key, "fast"))
    assert fast.save(key, "fast", marks, ENTRY, 60)
    assert not slow.save(key, "slow", marks, REFUSAL, 60)
    assert fast.load(key, owner).record == ENTRY
    fast.release(key, "fast")
    assert not slow.save(key, "slow", marks, REFUSAL, 60)


def test_who_lost_the_lock_forgets_nothing(kind: Kind, key: bytes, owner: bytes) -> None:
    keep(kind, key, owner, ENTRY)
    slow, fast = kind.make(lease=0.05), kind.make()
    assert slow.claim(key, "slow")
    wait_for(lambda: fast.claim(key, "fast"))
    assert not slow.forget(key, "slow")
    assert fast.load(key, owner).record == ENTRY
    fast.release(key, "fast")
    assert not slow.forget(key, "slow")
    assert fast.load(key, owner).record == ENTRY


# What was revoked.


def test_revoked_owner_is_forgotten_and_others_are_not(kind: Kind) -> None:
    store = kind.make()
    ann, bob = store.key_of("owner", "ann"), store.key_of("owner", "bob")
    keys = [store.key_of("login", name) for name in ("ann", "ann too", "bob")]
    owners = [ann, ann, bob]
    records: list[Entry | Refusal] = [ENTRY, REFUSAL, ENTRY]
    for key, owner, record in zip(keys, owners, records, strict=True):
        keep(kind, key, owner, record)
    before, pulse = store.marks([ann, bob]), store.pulse()
    kind.make().revoke(ann)
    assert [store.load(*pair).record for pair in zip(keys, owners, strict=True)] == [
        None,
        None,
        ENTRY,
    ]
    after = store.marks([ann, bob])
    assert (before[0] == after[0], before[1] == after[1]) == (False, True)
    assert store.pulse() != pulse
    keep(kind, keys[0], ann, ENTRY)
    assert store.load(keys[0], ann).record == ENTRY
    kind.make().revoke(None)
    assert [store.load(*pair).record for pair in zip(keys, owners, strict=True)] == [None] * 3


def test_login_that_was_revoked_while_it_was_made_does_not_count(
    kind: Kind, key: bytes, owner: bytes
) -> None:
    store = kind.make()
    marks = store.load(key, owner).marks
    assert marks is not None
    assert store.claim(key, "keeper")
    kind.make().revoke(owner)
    store.save(key, "keeper", marks, ENTRY, 60)
    store.release(key, "keeper")
    assert store.load(key, owner).record is None


def test_marks_of_very_many_owners_are_found(kind: Kind) -> None:
    store = kind.make()
    owners = [store.key_of("owner", str(number)) for number in range(1500)]
    store.revoke(owners[-1])
    marks = store.marks(owners)
    assert len(marks) == 1500
    assert len(set(marks[:-1])) == 1
    assert marks[-1] not in marks[:-1]


# Damage.


def test_record_of_another_key_is_none(kind: Kind, key: bytes, owner: bytes) -> None:
    store = kind.make()
    other = store.key_of("login", ENDPOINT, "bob", PASSWORD)
    keep(kind, key, owner, ENTRY)
    kind.put(f"record:{other.hex()}", kind.raw()[f"record:{key.hex()}"])
    assert store.load(other, owner).record is None
    assert store.load(key, owner).record == ENTRY


def test_record_of_any_bytes_is_as_if_it_were_not_there(
    kind: Kind, key: bytes, owner: bytes
) -> None:
    store = kind.make()
    keep(kind, key, owner, ENTRY)
    name = f"record:{key.hex()}"
    sealed = kind.raw()[name]
    flips = st.integers(0, 8 * len(sealed) - 1).map(lambda bit: _flipped(sealed, bit))
    cuts = st.integers(0, len(sealed) - 1).map(lambda end: sealed[:end])

    @given(st.one_of(st.binary(max_size=200), flips, cuts))
    def is_absent(value: bytes) -> None:
        kind.put(name, value)
        assert store.load(key, owner).record is None

    with capture_logs() as lines:
        is_absent()
    assert [(line["log_level"], line["event"]) for line in lines] == [
        ("warning", "a record is damaged and is passed over")
    ]
    keep(kind, key, owner, ENTRY)
    assert store.load(key, owner).record == ENTRY


def _flipped(value: bytes, bit: int) -> bytes:
    changed = bytearray(value)
    changed[bit // 8] ^= 1 << bit % 8
    return bytes(changed)


def test_marks_of_any_bytes_are_marks(kind: Kind, key: bytes, owner: bytes) -> None:
    store = kind.make()
    keep(kind, key, owner, ENTRY)

    @given(st.binary(min_size=1, max_size=40))
    def counts_no_longer(value: bytes) -> None:
        for name in (f"mark:{owner.hex()}", "pulse"):
            kind.put(name, value)
        assert store.load(key, owner).record is None
        assert isinstance(store.pulse(), str)

    counts_no_longer()
    kind.drop(f"mark:{owner.hex()}")
    kind.drop("pulse")
    assert store.load(key, owner).record == ENTRY


def test_other_secret_shares_nothing_and_is_told_of_once(
    kind: Kind, key: bytes, owner: bytes
) -> None:
    keep(kind, key, owner, ENTRY)
    with capture_logs() as lines:
        other = kind.make("another" + SECRET)
        for _ in range(3):
            assert other.load(key, owner).record is None
        assert kind.make().load(key, owner).record == ENTRY
    warnings = [line["event"] for line in lines if "another secret" in line["event"]]
    assert len(warnings) == 2  # each side once, to whoever reads the log first
    assert SECRET not in str(lines)


# The JSON.


@given(
    st.one_of(
        st.binary(max_size=100),
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
            lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner),
        ).map(lambda value: json.dumps(value).encode()),
    )
)
def test_any_text_is_a_record_or_a_value_error(text: bytes) -> None:
    with pytest.raises(ValueError, match="record"):
        read_record(text)


_VALUES: list[Any] = [
    None,
    True,
    -1,
    1.5,
    10**400,
    "x",
    [],
    {},
    [[]],
    [list(COOKIE[:7])],
    [[1] * 8],
]


@pytest.mark.parametrize("record", [ENTRY, REFUSAL], ids=["entry", "refusal"])
def test_field_that_is_something_else_is_a_value_error(record: Entry | Refusal) -> None:
    fields = json.loads(write_record(record, "marks"))
    assert read_record(json.dumps(fields).encode()) == (record, "marks")
    changed = [{**fields, name: value} for name in fields for value in _VALUES]
    refused = [one for one in changed if not is_record(json.dumps(one).encode(), type(record))]
    assert len(refused) > 6 * len(fields)


def is_record(text: bytes, kind: type) -> bool:
    """Say whether a text is a record of that kind; if not, it must be a ValueError."""
    try:
        record, _ = read_record(text)
    except ValueError:
        return False
    assert type(record) is kind
    return True


def test_cookies_are_in_no_repr() -> None:
    assert "c00kie-value" not in repr(ENTRY)
    assert SECRET not in repr(Seal(SECRET)) + repr(vars(Seal(SECRET)))


# The secret.


@pytest.mark.parametrize("secret", ["", "short", b"x" * 31, "é" * 15])
def test_secret_that_is_too_short_is_refused(secret: str | bytes, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"at least 32 bytes, not \d+: make one with") as refusal:
        open_sqlite(tmp_path).__enter__().make(secret)
    assert not secret or repr(secret) not in str(refusal.value)


@pytest.mark.parametrize("secret", [None, 32, ["x" * 32]])
def test_secret_that_is_no_text_is_refused(secret: str, tmp_path: Path) -> None:
    with pytest.raises(TypeError, match="secret must be a str or bytes, not"):
        open_sqlite(tmp_path).__enter__().make(secret)


def test_secret_of_thirty_two_bytes_will_do() -> None:
    assert Seal("é" * 16).digest("x") == Seal(("é" * 16).encode()).digest("x")

"""`SealedStore`: all that is the same wherever the sealed records lie."""

from __future__ import annotations

import secrets
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Final, Self

from apikit.stores import log
from apikit.stores.records import Found, Record, read_record, write_record
from apikit.stores.sealing import Seal

__all__ = ["SealedStore", "check_seconds"]

#: Seconds that a mark of what was revoked is kept; no record is kept for longer.
_MARK_SECONDS: Final = 30 * 24 * 3600.0

_PULSE: Final = "pulse"
_ALL: Final = "mark:all"
_SECRET: Final = "secret"  # noqa: S105 - the name of a record


class SealedStore(ABC):
    """A store on top of something that keeps bytes under names for a while.

    A record counts for as long as the marks that are sealed in it are those of its owner:
    so to revoke is to set a mark, and what was written by those who did not see it yet
    does not count either.

    Parameters
    ----------
    secret
        Of the service, at least 32 bytes: the same for all processes.
    lease
        Seconds: see `Store`.
    """

    is_shared = True

    def __init__(self, secret: str | bytes, lease: float) -> None:
        try:
            self._seal = Seal(secret)
        finally:
            del secret
        check_seconds("lease", lease)
        self.lease = lease
        self._said: set[str] = set()

    # What a kind of store does; each method may raise a StoreError.

    @abstractmethod
    def _read(self, names: Sequence[str]) -> list[bytes | None]:
        """Return the values of `names` at one moment."""

    @abstractmethod
    def _write(self, values: dict[str, bytes], ttl: float) -> None:
        """Set all of `values` in one step, for `ttl` seconds."""

    @abstractmethod
    def _write_if(self, lock: str, token: str, name: str, value: bytes, ttl: float) -> bool:
        """Set `name` if the value of `lock` is `token`, in one step."""

    @abstractmethod
    def _claim(self, name: str, token: str, ttl: float) -> bool:
        """Set `name` to `token` if it has no value; True as well if it has that one."""

    @abstractmethod
    def _extend(self, name: str, token: str, ttl: float) -> bool:
        """Let the value of `name` live on if it is `token`."""

    @abstractmethod
    def _delete_if(self, lock: str, token: str, name: str) -> bool:
        """Delete `name` if the value of `lock` is `token`, in one step."""

    @abstractmethod
    def _release(self, name: str, token: str) -> None:
        """Delete `name` if its value is `token`, in one step."""

    @abstractmethod
    def close(self) -> None:
        """Let go of connections: see `Store.close`."""

    # What a pool asks.

    def key_of(self, *parts: str) -> bytes:
        """Return a key: see `Store.key_of`."""
        return self._seal.digest(*parts)

    def load(self, key: bytes, owner: bytes) -> Found:
        """Return what is known of a log-in: see `Store.load`."""
        name = _record(key)
        pulse, everybody, one, sealed, mark = self._read(
            [_PULSE, _ALL, _mark(owner), name, _SECRET]
        )
        self._compare_secret(mark)
        marks = _marks(everybody, one)
        return Found(_text(pulse), marks, self._open(sealed, name, marks))

    def claim(self, key: bytes, token: str) -> bool:
        """Take the lock: see `Store.claim`."""
        return self._claim(_lock(key), token, self.lease)

    def extend(self, key: bytes, token: str) -> bool:
        """Keep the lock: see `Store.extend`."""
        return self._extend(_lock(key), token, self.lease)

    def release(self, key: bytes, token: str) -> None:
        """Give back the lock: see `Store.release`."""
        self._release(_lock(key), token)

    def save(self, key: bytes, token: str, marks: str, record: Record, ttl: float) -> bool:
        """Keep a record: see `Store.save`."""
        name = _record(key)
        sealed = self._seal.close(write_record(record, marks), name)
        return self._write_if(_lock(key), token, name, sealed, min(ttl, _MARK_SECONDS))

    def forget(self, key: bytes, token: str) -> bool:
        """Forget a record: see `Store.forget`."""
        return self._delete_if(_lock(key), token, _record(key))

    def revoke(self, owner: bytes | None) -> None:
        """Forget all of an owner: see `Store.revoke`."""
        mark = secrets.token_hex(8).encode()
        name = _ALL if owner is None else _mark(owner)
        self._write({name: mark, _PULSE: mark}, _MARK_SECONDS)

    def pulse(self) -> str:
        """Return what changes: see `Store.pulse`."""
        return _text(self._read([_PULSE])[0])

    def marks(self, owners: Sequence[bytes]) -> list[str]:
        """Return the owners' marks: see `Store.marks`."""
        everybody, *each = self._read([_ALL, *map(_mark, owners)])
        return [_marks(everybody, one) for one in each]

    def __enter__(self) -> Self:
        """Return the store itself."""
        return self

    def __exit__(self, *exception: object) -> None:
        """Let go of connections."""
        self.close()

    def _open(self, sealed: bytes | None, name: str, marks: str) -> Record | None:
        """Return a record if it counts; what is damaged is as if it were not there."""
        text = None if sealed is None else self._seal.open(sealed, name)
        try:
            record, old = (None, "") if text is None else read_record(text)
        except ValueError:
            text = record = None
        if sealed is not None and text is None:
            self._say_once("a record is damaged and is passed over")
        return record if record is not None and old == marks else None

    def _compare_secret(self, mark: bytes | None) -> None:
        """Warn once if others use another secret, since then nothing is shared with them."""
        own = self._seal.fingerprint
        if mark == own:
            return
        if mark is not None:
            if "secret" in self._said:
                return
            self._said.add("secret")
            self._say_once(
                "another secret is in use in this store: processes with different secrets share "
                "no log-ins; give all of them the same"
            )
        self._write({_SECRET: own}, _MARK_SECONDS)

    def _say_once(self, problem: str) -> None:
        if problem not in self._said:
            self._said.add(problem)
            log.warn(problem, self)


def check_seconds(name: str, value: float) -> None:
    """Refuse a time that is none.

    Raises
    ------
    ValueError
        If it is no number above 0.
    """
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < 1e6:
        raise ValueError(f"{name} must be more than 0 seconds, not {value!r}")


def _record(key: bytes) -> str:
    return f"record:{key.hex()}"


def _lock(key: bytes) -> str:
    return f"lock:{key.hex()}"


def _mark(owner: bytes) -> str:
    return f"mark:{owner.hex()}"


def _text(value: bytes | None) -> str:
    return "" if value is None else value.decode("ascii", "replace")


def _marks(everybody: bytes | None, one: bytes | None) -> str:
    return f"{_text(everybody)}:{_text(one)}"

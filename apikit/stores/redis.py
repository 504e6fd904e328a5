"""`RedisStore`: the processes of many machines share a Redis or Valkey."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final, TypeVar

from apikit.stores.protocol import StoreError
from apikit.stores.sealed import SealedStore, check_seconds
from apikit.stores.sealing import require
from apikit.stores.urls import masked

__all__ = ["RedisStore"]

_T = TypeVar("_T")

_SCHEMES: Final = ("redis://", "rediss://", "unix://")

# Each is one step for the server (redis.io/docs/latest/commands/set, "Patterns").
_CLAIM: Final = """
if redis.call('SET', KEYS[1], ARGV[1], 'NX', 'PX', ARGV[2]) then return 1 end
return redis.call('GET', KEYS[1]) == ARGV[1] and 1 or 0
"""
_EXTEND: Final = """
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
return redis.call('PEXPIRE', KEYS[1], ARGV[2])
"""
_RELEASE: Final = """
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
return redis.call('DEL', KEYS[1])
"""
_DELETE_IF: Final = """
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
redis.call('DEL', KEYS[2])
return 1
"""
_SET_IF: Final = """
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[2], ARGV[2], 'PX', ARGV[3])
return 1
"""


class RedisStore(SealedStore):
    """A Redis or Valkey in which the processes of many machines share their log-ins.

    It need not be there when the store is made.

    Parameters
    ----------
    url
        ``redis://[user:password@]host[:port][/number]``, ``rediss://`` for TLS, or
        ``unix://path``, as redis-py takes it.
    secret
        Of the service: at least 32 bytes.
    lease
        Seconds for which the others wait for a process that died in a log-in.
    timeout
        Seconds to wait for the server, for a connection and for an answer.
    prefix
        What the names of all keys begin with.

    Raises
    ------
    TypeError, ValueError
        If an argument is wrong.
    ModuleNotFoundError
        If redis or cryptography is not installed.
    """

    def __init__(
        self,
        url: str,
        secret: str | bytes,
        *,
        lease: float = 5,
        timeout: float = 0.5,
        prefix: str = "apikit:",
    ) -> None:
        self._shown = masked(url)
        try:
            super().__init__(secret, lease)
            check_seconds("timeout", timeout)
            if not isinstance(prefix, str):
                raise TypeError(f"prefix must be a str, not {type(prefix).__name__}")
            self._prefix = prefix
            self._client = _connect(url, self._shown, timeout)
        finally:
            del url, secret  # tracebacks show the names of their frames

    def close(self) -> None:
        """Close the connections; the next call makes others."""
        self._client.close()

    def __repr__(self) -> str:
        """Show where it is, without user and password."""
        return f"<RedisStore {self._shown}>"

    def _read(self, names: Sequence[str]) -> list[bytes | None]:
        keys = [self._prefix + name for name in names]
        return list(self._ask(lambda: self._client.mget(keys)))

    def _write(self, values: dict[str, bytes], ttl: float) -> None:
        def write() -> None:
            with self._client.pipeline(transaction=True) as steps:
                for name, value in values.items():
                    steps.set(self._prefix + name, value, px=_milliseconds(ttl))
                steps.execute()

        self._ask(write)

    def _write_if(self, lock: str, token: str, name: str, value: bytes, ttl: float) -> bool:
        return self._eval(_SET_IF, [lock, name], token, value, _milliseconds(ttl))

    def _claim(self, name: str, token: str, ttl: float) -> bool:
        return self._eval(_CLAIM, [name], token, _milliseconds(ttl))

    def _extend(self, name: str, token: str, ttl: float) -> bool:
        return self._eval(_EXTEND, [name], token, _milliseconds(ttl))

    def _delete_if(self, lock: str, token: str, name: str) -> bool:
        return self._eval(_DELETE_IF, [lock, name], token)

    def _release(self, name: str, token: str) -> None:
        self._eval(_RELEASE, [name], token)

    def _eval(self, script: str, names: Sequence[str], *values: Any) -> bool:
        keys = [self._prefix + name for name in names]
        return bool(self._ask(lambda: self._client.eval(script, len(keys), *keys, *values)))

    def _ask(self, question: Callable[[], _T]) -> _T:
        from redis.exceptions import ReadOnlyError, RedisError

        try:
            return question()
        except (RedisError, OSError) as failure:
            # By the text where a script of ours failed, before Redis 7.
            if isinstance(failure, ReadOnlyError) or "READONLY" in str(failure):
                # It was the primary and is a replica now: its address may lead to the new one.
                self._client.connection_pool.disconnect(inuse_connections=False)
            # By its type alone, since a server's text may repeat what it was sent; and without
            # its frames, since redis-py has a password among their locals.
            raise StoreError(f"{self!r}: {type(failure).__name__}") from None


def _connect(url: str, shown: str, timeout: float) -> Any:
    """Return a client; it connects when it is first used, and anew after a fork."""
    with require("redis"):
        import redis
        from redis.backoff import NoBackoff
        from redis.retry import Retry
    # A connection that was kept may be dead since the server was started anew: once more.
    again = Retry(NoBackoff(), 1, supported_errors=(redis.exceptions.ConnectionError,))
    client = None
    try:
        if isinstance(url, str) and url.startswith(_SCHEMES):
            client = redis.Redis.from_url(
                url, socket_timeout=timeout, socket_connect_timeout=timeout, retry=again
            )
    except ValueError:
        pass  # its text may repeat a part of the password
    finally:
        del url  # tracebacks show the names of their frames
    if client is None:
        raise ValueError(
            f"url {shown!r} is not a URL of Redis: give redis://user:password@host:port/number, "
            "rediss:// or unix://path, with % and two digits for what a URL cannot hold"
        )
    client.connection_pool.connection_kwargs["decode_responses"] = False
    return client


def _milliseconds(seconds: float) -> int:
    return max(1, round(seconds * 1000))

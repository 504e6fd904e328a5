"""A store by its URL, as a service finds it in its environment."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import unquote

from apikit import errors

if TYPE_CHECKING:
    from apikit.stores.memory import MemoryStore
    from apikit.stores.redis import RedisStore
    from apikit.stores.sqlite import SQLiteStore

__all__ = ["MEMORY", "find_file", "find_server", "masked", "open_store"]

#: The URLs of a store that is none.
MEMORY: Final = ("memory:", "memory://")
#: How RedisStore calls what Valkey's own client calls otherwise.
_SERVERS: Final = {
    "redis": "redis",
    "rediss": "rediss",
    "unix": "unix",
    "valkey": "redis",
    "valkeys": "rediss",
}
_GIVE: Final = "give memory:, sqlite:///path, redis://host, rediss://host or unix://path"


def open_store(
    url: str,
    secret: str | bytes | None = None,
    *,
    lease: float = 5,
    timeout: float | None = None,
) -> MemoryStore | SQLiteStore | RedisStore:
    """Make the store that a URL stands for.

    Parameters
    ----------
    url
        ``memory:`` for a `MemoryStore`; ``sqlite:///path`` for a `SQLiteStore` in the file
        of that absolute path, with ``%`` and two digits for what a URL cannot hold;
        ``redis://``, ``rediss://`` or ``unix://``, or ``valkey://`` and ``valkeys://``, for a
        `RedisStore`.
    secret
        Of the service: at least 32 bytes.  ``memory:`` needs none.
    lease
        Seconds for which the others wait for a process that died in a log-in.
    timeout
        Seconds to wait for the store; that of its class if None.

    Raises
    ------
    TypeError, ValueError
        If an argument is wrong, or there is no secret where one is needed.
    ModuleNotFoundError
        If a library that the store needs is not installed.
    """
    try:
        make, place = _find_class(url)
        if place is None:
            return make()  # type: ignore[no-any-return]
        if not secret:
            raise ValueError(
                f"the store {masked(url)} needs the secret of the service: make one with python3 "
                "-c 'import secrets; print(secrets.token_urlsafe(32))' and give the same to all "
                "processes"
            )
        options = {"lease": lease} | ({} if timeout is None else {"timeout": timeout})
        return make(place, secret, **options)  # type: ignore[no-any-return]
    finally:
        url = secret = place = None  # type: ignore[assignment]  # tracebacks show locals


def find_file(url: str) -> str | None:
    """Return the path that a URL of SQLite has; None for any other URL.

    Raises
    ------
    ValueError
        If it has something else than an absolute path.
    """
    scheme, _, rest = url.partition(":")
    if scheme != "sqlite":
        return None
    shown = masked(url)
    has_more = not rest.startswith("///") or "?" in rest or "#" in rest
    path = unquote(rest).lstrip("/")  # SQLAlchemy's four slashes mean the same
    del url, rest  # tracebacks show the names of their frames
    if has_more or not path:
        del path
        raise ValueError(
            "a URL of SQLite is sqlite:// and the absolute path of the file, such as "
            f"sqlite:///var/lib/myservice/logins.sqlite, not {shown!r}"
        )
    return f"/{path}"


def find_server(url: str) -> str | None:
    """Return the URL of a Redis or Valkey as redis-py takes it; None for any other."""
    scheme = url.partition(":")[0]
    return _SERVERS[scheme] + url[len(scheme) :] if scheme in _SERVERS else None


def masked(url: object) -> str:
    """Return a URL as a message may show it: redis-py takes passwords in the query, too."""
    place, question, _ = errors.mask_url(url).partition("?")
    return f"{place}?***" if question else place


def _find_class(url: str) -> tuple[Any, str | None]:
    """Return the class that a URL stands for, and what to make it of; None for nothing."""
    try:
        if not isinstance(url, str):
            raise TypeError(f"url must be a str, not {type(url).__name__}: {_GIVE}")
        if url in MEMORY:
            return _import("memory", "MemoryStore"), None
        if path := find_file(url):
            return _import("sqlite", "SQLiteStore"), path
        if server := find_server(url):
            return _import("redis", "RedisStore"), server
        raise ValueError(f"url {masked(url)!r} is not one of a store: {_GIVE}")
    finally:
        del url


def _import(module: str, name: str) -> Any:
    return getattr(import_module(f"apikit.stores.{module}"), name)

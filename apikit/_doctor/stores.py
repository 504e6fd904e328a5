"""Whether the stores that log-ins are to be shared in can be used."""

from __future__ import annotations

import os
import secrets
import sqlite3
from collections.abc import Iterable, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

from apikit._doctor.report import Report, masked
from apikit.stores import StoreError, open_store
from apikit.stores.steady import try_writing
from apikit.stores.urls import MEMORY, find_file, find_server

__all__ = ["find_stores"]

_SECONDS: Final = 5.0
_INSTALL: Final = "install sqre-apikit-c[store]"
_GIVE: Final = "give redis://host, rediss://host, unix://path, sqlite:///path or a path"


def find_stores(named: Iterable[str], environment: Mapping[str, str], report: Report) -> None:
    """Reach for stores, and for that of ``STORE_URL`` in the environment.

    Parameters
    ----------
    named
        URLs as `open_store` takes them, or paths of SQLite files.
    environment
        Where ``STORE_URL`` and ``STORE_SECRET`` may be.
    report
        Gets a row in ``stores`` for each, and a problem if it cannot be used.
    """
    for where in named:
        _try_store(where, report)
    where = environment.get("STORE_URL", "")
    if not where:
        return
    _try_store(where, report)
    if where in MEMORY:
        return
    if "://" not in where:
        report.problems.append("STORE_URL is no URL: give sqlite:// and an absolute path")
    _try_secret(environment.get("STORE_SECRET", ""), report)


def _try_store(where: str, report: Report) -> None:
    name = masked(where)
    state, remedy = _look(where)
    report.stores.append({"store": name, "state": state})
    if remedy:
        report.problems.append(f"the store {name} cannot be used ({state}): {remedy}")


def _look(where: str) -> tuple[str, str]:
    """Return how a store is, and what to do about it; the latter is empty if it is well."""
    if where in MEMORY:
        return "shared by nobody", ""
    server = find_server(where)
    if server is not None:
        return _try_redis(server)
    try:
        path = find_file(where)
    except ValueError:
        return "no URL of SQLite", "give sqlite:// and the absolute path of the file"
    if path is None and "://" in where:
        return "unknown", _GIVE
    return _try_file(Path(path or where))


def _try_secret(secret: str, report: Report) -> None:
    try:
        # Nothing is sent: the server need not be there when a store is made.
        open_store("redis://127.0.0.1", secret).close()
    except ModuleNotFoundError:
        report.problems.append(f"log-ins cannot be sealed: {_INSTALL}")
    except ValueError as exception:
        report.problems.append(f"STORE_SECRET cannot be used: {exception}")


# Redis and Valkey.


def _try_redis(url: str) -> tuple[str, str]:
    try:
        import redis
    except ImportError:
        return "no client", _INSTALL
    try:
        client = redis.Redis.from_url(
            url, socket_connect_timeout=_SECONDS, socket_timeout=_SECONDS, retry=None
        )
        with client:
            found: Any = client.info()
    except redis.AuthenticationError:
        return "refused", "correct the user name and the password"
    except redis.RedisError as exception:
        # By its type alone: the text may repeat what the URL holds.
        return type(exception).__name__, "see that it runs, and can be reached from here"
    except (ValueError, OSError) as exception:
        return type(exception).__name__, "correct the URL: redis://user:password@host:port/number"
    kind = "valkey" if found.get("valkey_version") else "redis"
    return _judge_redis(found, url, f"{kind} {found.get(f'{kind}_version')}")


def _judge_redis(found: Mapping[str, Any], url: str, name: str) -> tuple[str, str]:
    if found.get("cluster_enabled"):
        return f"{name}, a cluster", "give a server that is none: scripts need all keys on one node"
    if found.get("role") == "slave":
        return f"{name}, a replica", "give the primary: a replica cannot be written to"
    try:
        with open_store(url, secrets.token_hex(32), timeout=_SECONDS) as store:
            try_writing(store)
    except StoreError:
        return f"{name}, not writable", "let the user write keys that begin with apikit:, and EVAL"
    except ModuleNotFoundError:
        return f"reached, {name}", _INSTALL
    return f"reached, {name}", ""


# SQLite.


def _try_file(path: Path) -> tuple[str, str]:
    if not path.exists():
        if path.parent.is_dir() and os.access(path.parent, os.W_OK | os.X_OK):
            return "not there yet, and can be made", ""
        return "cannot be made", f"make the folder {path.parent}, writable for the service"
    try:
        from apikit.stores.sqlite import is_ours

        name = f"file:{quote(str(path))}?mode=rw"
        with closing(
            sqlite3.connect(name, uri=True, timeout=_SECONDS, isolation_level=None)
        ) as file:
            ours = is_ours(file)
            file.execute("BEGIN IMMEDIATE")
            file.rollback()
    except StoreError as exception:
        return str(exception), "give a path where no file is yet"
    except sqlite3.Error as exception:
        return str(exception), "see that it is an SQLite file, and writable for the service"
    return "reached" if ours else "reached, and empty", ""

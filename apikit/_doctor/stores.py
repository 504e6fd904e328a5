"""Whether the stores that sessions are to be shared in can be reached."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

from apikit._doctor.report import Report, masked

__all__ = ["try_store"]

_REDIS: Final = ("redis://", "rediss://", "unix://", "valkey://", "valkeys://")
_SECONDS: Final = 5.0


def try_store(where: str, report: Report) -> None:
    """Reach for one store, and say what came of it.

    Parameters
    ----------
    where
        The URL of a Redis or Valkey, else the path of an SQLite file.
    report
        Gets a row in ``stores``, and a problem if it cannot be used.
    """
    name = masked(where)
    if "://" not in where:
        state, remedy = _try_file(Path(where))
    elif where.startswith(_REDIS):
        state, remedy = _try_redis(where)
    else:
        state, remedy = "unknown", f"give {', '.join(_REDIS)} or a path"
    report.stores.append({"store": name, "state": state})
    if remedy:
        report.problems.append(f"the store {name} cannot be used ({state}): {remedy}")


def _try_redis(url: str) -> tuple[str, str]:
    try:
        import redis
    except ImportError:
        return "no client", "install sqre-apikit-c[store]"
    url = url.replace("valkey", "redis", 1) if url.startswith("valkey") else url
    try:
        client = redis.Redis.from_url(
            url, socket_connect_timeout=_SECONDS, socket_timeout=_SECONDS, retry=None
        )
        with client:
            found: Any = client.info("server")
    except redis.AuthenticationError:
        return "refused", "correct the user name and the password"
    except redis.RedisError as exception:
        # By its type alone: the text may repeat what the URL holds.
        return type(exception).__name__, "see that it runs, and can be reached from here"
    except (ValueError, OSError) as exception:
        return type(exception).__name__, "correct the URL: redis://user:password@host:port/number"
    kind = "valkey" if found.get("valkey_version") else "redis"
    return f"reached, {kind} {found.get(f'{kind}_version')}", ""


def _try_file(path: Path) -> tuple[str, str]:
    if not path.exists():
        if path.parent.is_dir() and os.access(path.parent, os.W_OK | os.X_OK):
            return "not there yet, and can be made", ""
        return "cannot be made", f"make the folder {path.parent}, writable for the service"
    try:
        name = f"file:{quote(str(path))}?mode=rw"
        with closing(sqlite3.connect(name, uri=True, timeout=_SECONDS)) as file:
            file.execute("BEGIN IMMEDIATE")
            file.execute("SELECT count(*) FROM sqlite_master")
            file.rollback()
    except sqlite3.Error as exception:
        return str(exception), "see that it is an SQLite file, and writable for the service"
    return "reached", ""

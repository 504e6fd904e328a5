"""`SQLiteStore`: the processes of one machine share a file."""

from __future__ import annotations

import errno
import os
import sqlite3
import stat
import threading
import time
import weakref
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from apikit.stores.protocol import StoreError
from apikit.stores.sealed import SealedStore, check_seconds

__all__ = ["SQLiteStore", "is_ours"]

#: "apkt": tells our files from those of others.
_APPLICATION: Final = 0x61706B74
_SCHEMA_VERSION: Final = 1
_SCHEMA: Final = f"""
BEGIN IMMEDIATE;
CREATE TABLE IF NOT EXISTS records (
    name TEXT PRIMARY KEY,
    value BLOB NOT NULL,
    expires REAL NOT NULL
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS records_by_expires ON records (expires);
PRAGMA application_id = {_APPLICATION};
PRAGMA user_version = {_SCHEMA_VERSION};
COMMIT;
"""
#: The longest that the lease of another process may be: so many of one's own, or seconds.
_MOST_LEASES: Final = 10
_LONGEST_LEASE: Final = 120.0
#: Fewer than any build of SQLite lets a statement have parameters.
_MOST_NAMES: Final = 500

_SET: Final = """
INSERT INTO records VALUES (:name, :value, :expires)
ON CONFLICT (name) DO UPDATE SET value = excluded.value, expires = excluded.expires
"""
_HELD: Final = (
    "EXISTS (SELECT 1 FROM records WHERE name = :lock AND value = :token AND expires > :now)"
)
_IS_HELD: Final = f"SELECT {_HELD}"
_SET_IF: Final = f"""
INSERT INTO records SELECT :name, :value, :expires WHERE {_HELD}
ON CONFLICT (name) DO UPDATE SET value = excluded.value, expires = excluded.expires
"""
_DELETE_IF: Final = f"DELETE FROM records WHERE name = :name AND {_HELD}"  # noqa: S608 - all ours
#: A lock is free as well if it has more time than anybody gives one: the clock was set back.
_CLAIM: Final = f"""{_SET}
WHERE records.expires <= :now OR records.expires > :latest OR records.value = excluded.value
"""
_EXTEND: Final = """
UPDATE records SET expires = :expires WHERE name = :name AND value = :token AND expires > :now
"""

#: What a file may have for a while only, by the code of SQLite's error or of the system's.
#: On a full disk it is an I/O error that SQLite cannot make the third of its files.
_PASSING: Final = (
    sqlite3.SQLITE_BUSY,
    sqlite3.SQLITE_LOCKED,
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_IOERR,
)
_NO_SPACE: Final = (errno.ENOSPC, errno.EDQUOT)

#: One thread at a time is in SQLite, and none while the process forks: its own locks would be
#: held in the child for ever.  Reentrant, for a signal handler that forks.
_in_sqlite: Final = threading.RLock()

#: Connections of a parent process: SQLite forbids to use or to close them after a fork.
_abandoned: Final[list[sqlite3.Connection]] = []
_stores: Final[weakref.WeakSet[SQLiteStore]] = weakref.WeakSet()


class SQLiteStore(SealedStore):
    """A file in which the workers of one machine share their log-ins.

    Parameters
    ----------
    path
        Of the file, which is made if it is not there, in a folder that is; on a disk of
        this machine, since SQLite does not work over a network.
    secret
        Of the service: at least 32 bytes.
    lease
        Seconds for which the others wait for a process that died in a log-in.
    timeout
        Seconds to wait for the file while others write.

    Raises
    ------
    TypeError, ValueError
        If an argument is wrong, or the file is no database of this class.
    ModuleNotFoundError
        If cryptography is not installed.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        secret: str | bytes,
        *,
        lease: float = 5,
        timeout: float = 1,
    ) -> None:
        try:
            self._path = _check_path(path)
            super().__init__(secret, lease)
        finally:
            del secret  # tracebacks show the names of their frames
        check_seconds("timeout", timeout)
        self._timeout = timeout
        self._connection: sqlite3.Connection | None = None
        self._file: tuple[int, int] | None = None
        _stores.add(self)
        self._check()

    def close(self) -> None:
        """Close the connection; the next call makes another."""
        with _in_sqlite:
            self._disconnect()

    def __repr__(self) -> str:
        """Show where it is."""
        return f"<SQLiteStore {getattr(self, '_path', '')}>"

    def _check(self) -> None:
        """Refuse a file that can never be used; not one that others write, or on a full disk."""
        try:
            with _in_sqlite:
                self._connect()
        except (sqlite3.Error, OSError, StoreError) as failure:
            if _is_passing(failure):
                return
            raise ValueError(
                f"path {str(self._path)!r} cannot be used as a store ({failure}): give the path of "
                "a file that is not there yet, or of one that a SQLiteStore of this version made"
            ) from None

    def _read(self, names: Sequence[str]) -> list[bytes | None]:
        now = time.time()
        found: dict[str, bytes] = {}
        for start in range(0, len(names), _MOST_NAMES):
            some = names[start : start + _MOST_NAMES]
            places = ",".join("?" * len(some))
            query = f"SELECT name, value FROM records WHERE name IN ({places}) AND expires > ?"  # noqa: S608
            rows, _ = self._run([(query, (*some, now))])
            found |= {name: value for name, value in rows if isinstance(value, bytes)}
        return [found.get(name) for name in names]

    def _write(self, values: dict[str, bytes], ttl: float) -> None:
        expires = time.time() + ttl
        self._run(
            [
                (_SET, {"name": name, "value": value, "expires": expires})
                for name, value in values.items()
            ]
        )

    def _write_if(self, lock: str, token: str, name: str, value: bytes, ttl: float) -> bool:
        now = time.time()
        given = {"name": name, "value": value, "expires": now + ttl, "now": now}
        given |= {"lock": lock, "token": token.encode()}
        _, count = self._run(
            [("DELETE FROM records WHERE expires <= :now", {"now": now}), (_SET_IF, given)]
        )
        return count == 1

    def _claim(self, name: str, token: str, ttl: float) -> bool:
        now = time.time()
        given = {"name": name, "value": token.encode(), "expires": now + ttl, "now": now}
        given["latest"] = now + max(_MOST_LEASES * ttl, _LONGEST_LEASE)
        return self._run([(_CLAIM, given)])[1] == 1

    def _extend(self, name: str, token: str, ttl: float) -> bool:
        now = time.time()
        given = {"name": name, "token": token.encode(), "expires": now + ttl, "now": now}
        return self._run([(_EXTEND, given)])[1] == 1

    def _delete_if(self, lock: str, token: str, name: str) -> bool:
        given = {"name": name, "lock": lock, "token": token.encode(), "now": time.time()}
        # Not by the count: what is not there to be deleted is no reason to say no.
        rows, _ = self._run([(_DELETE_IF, given), (_IS_HELD, given)])
        return bool(rows[0][0])

    def _release(self, name: str, token: str) -> None:
        statement = "DELETE FROM records WHERE name = ? AND value = ?"
        self._run([(statement, (name, token.encode()))])

    def _run(self, statements: Sequence[tuple[str, Any]]) -> tuple[list[Any], int]:
        """Run statements as one transaction; return the last one's rows and how many it changed."""
        if not _in_sqlite.acquire(timeout=self._timeout):
            raise StoreError(f"{self!r}: other threads wait for the file")
        try:
            connection = self._connect()
            try:
                return _run_all(connection, statements)
            except sqlite3.DatabaseError as failure:
                if not isinstance(failure, sqlite3.OperationalError):
                    self._disconnect()  # the file is damaged: look at it anew next time
                raise
        except (sqlite3.Error, OSError) as failure:
            # Its text names what is wrong with the file, and no value: those are bound.
            raise StoreError(f"{self!r}: {failure}") from failure
        finally:
            _in_sqlite.release()

    def _connect(self) -> sqlite3.Connection:
        """Return the connection to the file that is there now."""
        # By its name: to close a descriptor of the file would give up SQLite's locks on it
        # (sqlite.org/howtocorrupt.html, 2.2).
        file = _identify(self._path)
        if self._connection is None or file is None or self._file != file:
            self._disconnect()
            _make_file(self._path)
            self._connection = _open_database(self._path, self._timeout)
            _make_private(self._path)
            self._file = _identify(self._path)
        return self._connection

    def _disconnect(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None


def _leave_parent() -> None:
    """In the child of a fork: what is open is the parent's."""
    for store in list(_stores):
        if store._connection is not None:
            _abandoned.append(store._connection)
            store._connection = None
    _in_sqlite.release()


os.register_at_fork(
    before=_in_sqlite.acquire,
    after_in_parent=_in_sqlite.release,
    after_in_child=_leave_parent,
)


def _check_path(path: str | os.PathLike[str]) -> Path:
    if not isinstance(path, str | os.PathLike) or not str(path) or str(path) == ":memory:":
        raise ValueError(f"path must be that of a file, not {path!r}")
    found = Path(path).absolute()
    if not found.parent.is_dir():
        raise ValueError(f"path {str(found)!r} is in a folder that is not there: make it first")
    return found


def _identify(path: Path) -> tuple[int, int] | None:
    try:
        facts = path.stat()
    except FileNotFoundError:
        return None
    return facts.st_dev, facts.st_ino


def _is_passing(failure: BaseException) -> bool:
    code = getattr(failure, "sqlite_errorcode", 0) & 0xFF
    return code in _PASSING or (isinstance(failure, OSError) and failure.errno in _NO_SPACE)


def _make_file(path: Path) -> None:
    """Make the file if it is not there, for its owner alone; SQLite's others follow it."""
    try:
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
    except FileExistsError:
        link = path.lstat()
        if stat.S_ISLNK(link.st_mode) and link.st_uid != os.geteuid():
            raise PermissionError("it is a link that another user made") from None
        path.stat()  # a link to nowhere is an error here: SQLite would make what it names


def _make_private(path: Path) -> None:
    """Let nobody else read a file that is known to be ours by now."""
    for suffix in ("", "-wal", "-shm"):
        one = path.with_name(path.name + suffix)
        if one.exists() and stat.S_IMODE(one.stat().st_mode) & 0o077:
            one.chmod(0o600)


def _open_database(path: Path, timeout: float) -> sqlite3.Connection:
    """Return a connection to a file with our tables, made if it is empty."""
    connection = sqlite3.connect(
        path, timeout=timeout, isolation_level=None, check_same_thread=False
    )
    try:
        if not is_ours(connection):
            connection.execute("PRAGMA journal_mode = WAL")
            connection.executescript(_SCHEMA)
        connection.execute("PRAGMA synchronous = NORMAL")
    except BaseException:
        connection.close()
        raise
    return connection


def is_ours(connection: sqlite3.Connection) -> bool:
    """Return whether a database is one of this class; False if it is empty.

    Raises
    ------
    StoreError
        If it is another program's, or another version's; the text says so.
    """
    application, version, tables = _read_marks(connection)
    if (application, version) == (_APPLICATION, _SCHEMA_VERSION):
        return True
    if application == _APPLICATION:
        raise StoreError(f"it is of version {version}, not {_SCHEMA_VERSION}")
    if tables:
        raise StoreError("it is the database of another program")
    return False


def _read_marks(connection: sqlite3.Connection) -> tuple[int, int, int]:
    """Return whose file it is, of which version, and how many tables it has.

    In one transaction: another process may be making the tables just now.
    """
    connection.execute("BEGIN")
    try:
        application, version, tables = (
            connection.execute(question).fetchone()[0]
            for question in (
                "SELECT application_id FROM pragma_application_id",
                "SELECT user_version FROM pragma_user_version",
                "SELECT count(*) FROM sqlite_master",
            )
        )
    finally:
        connection.rollback()
    return application, version, tables


def _run_all(
    connection: sqlite3.Connection, statements: Sequence[tuple[str, Any]]
) -> tuple[list[Any], int]:
    if len(statements) == 1:
        return _execute(connection, *statements[0])
    # At once for writing: a transaction that began by reading cannot wait for others.
    connection.execute("BEGIN IMMEDIATE")
    try:
        results = [_execute(connection, *statement) for statement in statements]
        connection.execute("COMMIT")
    except BaseException:
        connection.rollback()
        raise
    return results[-1]


def _execute(connection: sqlite3.Connection, statement: str, given: Any) -> tuple[list[Any], int]:
    cursor = connection.execute(statement, given)
    return cursor.fetchall(), cursor.rowcount

"""`SessionPool`: a session for each user, logged in once."""

from __future__ import annotations

import copy
import os
import threading
import time
import weakref
from concurrent.futures import Future
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Final, Self, Unpack, cast

from apikit import errors
from apikit._checks import check_count, check_seconds, check_text
from apikit._credentials import Credentials
from apikit._events import Hooked, with_hook
from apikit._kept import Kept, Refused, soonest
from apikit._pooled import (
    LoginError,
    LoginThreads,
    PooledSession,
    PoolOptions,
    ending_at,
    time_left,
)
from apikit._revocations import Revocations
from apikit._shared import SharedLogins
from apikit.login import find_way
from apikit.login.codes import UsedCodes
from apikit.session import SESSION_URL, Session
from apikit.stores.memory import MemoryStore
from apikit.stores.protocol import Store
from apikit.stores.steady import SteadyStore

__all__ = ["LoginError", "PoolOptions", "SessionPool"]

_COUNTERS: Final = ("hits", "misses", "logins", "failed_logins", "shared_logins")


@dataclass
class _Flight:
    """A first log-in that is going on, and how many callers wait for it."""

    session: PooledSession
    login: Future[None]
    waiting: int = 0


class SessionPool(Hooked):
    """Sessions that are logged in, one for each endpoint, user and password.

    However many threads ask for a session that is not there yet, one log-in is made.
    A session that somebody still holds is not lost when it makes room for others: asked
    for again, it is found.  After a fork the child's pool is empty.

    Parameters
    ----------
    max_size
        Sessions that are kept, besides those that are in use; the least recently asked
        for makes room.
    ttl
        Seconds after which a user is logged in anew: less than the life of the proxy's
        cookie.  So long a password that was changed or revoked goes on to work here,
        unless `discard` or `clear` is called.
    max_logins
        Log-ins at the same time, at most.
    negative_ttl
        Seconds for which a password that the provider refused is not tried again.
    login_timeout
        Seconds that a caller waits for a log-in, its turn included, and that one takes.
    store
        Where the log-ins are shared with other processes: see `apikit.stores`.  If None,
        a `MemoryStore`: they are not.
    **options
        Of the sessions, as `Session` takes them.

    Raises
    ------
    TypeError, ValueError
        If an argument is wrong.
    """

    def __init__(
        self,
        *,
        max_size: int = 1024,
        ttl: float = 3600,
        max_logins: int = 8,
        negative_ttl: float = 60,
        login_timeout: float = 30,
        store: Store | None = None,
        **options: Unpack[PoolOptions],
    ) -> None:
        check_count("max_size", max_size)
        check_count("max_logins", max_logins)
        check_seconds("ttl", ttl)
        check_seconds("negative_ttl", negative_ttl)
        check_seconds("login_timeout", login_timeout)
        Session(**options).close()  # wrong options are told now, and not at the first log-in
        self._max_size = max_size
        self._ttl = ttl
        self._negative_ttl = negative_ttl
        self._options = options
        self._way = find_way(options.get("login", "github"))
        self._default_url = SESSION_URL if self._way.name == "github" else None
        self._used_codes = UsedCodes()
        self._store = SteadyStore(_check_store(store))
        self._shared = SharedLogins(self._store, login_timeout, ttl, negative_ttl)
        self._revocations = Revocations(self._store)
        self._threads = LoginThreads(max_logins, login_timeout)
        self._closed = False
        self._empty()
        _pools.add(self)

    def get(
        self,
        endpoint: str,
        username: str,
        password: str,
        session_url: str | None = None,
        *,
        deadline: float | None = None,
    ) -> Session:
        """Return the session of a user, logged in.

        Parameters
        ----------
        endpoint
            Where the proxy begins a log-in (``https://host/oauth2/start``).
        username, password
            Who logs in.
        session_url
            Where the provider takes the log-in form; if None GitHub's, and with
            ``login="form"`` that of the endpoint's origin.
        deadline
            Seconds to wait for a log-in, if fewer than the pool's `login_timeout`.

        Returns
        -------
        Session
            To be shared with whoever asks with the same arguments.  It is in use for as
            long as it is referred to; do not close it.

        Raises
        ------
        LoginError
            If the log-in failed; of bad credentials also if it did so lately.
        PoolBusy
            If the log-in could not begin in time, since `max_logins` are going on.
        RequestException
            If the network failed, or the log-in took too long.
        TypeError, ValueError
            If an argument is wrong or empty.
        RuntimeError
            If the pool was closed.
        """
        credentials = Credentials(username, password)
        del password
        url = self._default_url if session_url is None else session_url
        key = self._key_of(endpoint, credentials, url)
        if self._store.is_shared:
            self._heed_others()
        session = self._find(key)
        if session is not None:
            return session
        if deadline is None:
            return self._join(key, credentials, endpoint, url)
        with ending_at(time.monotonic() + time_left(deadline)):
            return self._join(key, credentials, endpoint, url)

    def discard(self, endpoint: str, username: str) -> None:
        """Forget a user's sessions and refused passwords, as when the password was changed.

        Who uses such a session at the moment may go on with it.  Pools of other processes
        that share the store forget them within a second.

        Parameters
        ----------
        endpoint, username
            As for `get`.
        """
        owner = (endpoint, username)
        self._store.revoke(self._owner_key_of(endpoint, username))
        with self._lock:
            self._kept.forget_owner(owner)
            flights = self._flights.items()
            for key in [key for key, flight in flights if flight.session.owner == owner]:
                del self._flights[key]

    def clear(self) -> None:
        """Forget all sessions and refused passwords; what is in use goes on.

        So do the pools of other processes that share the store, within a second.
        """
        self._store.revoke(None)
        self._forget_all()

    def stats(self) -> dict[str, int]:
        """Return what happened so far.

        Returns
        -------
        dict
            ``hits`` (calls that found a session) and ``misses`` (all others), ``logins`` and
            ``failed_logins`` (first log-ins of this process, not renewals),
            ``shared_logins`` (those of others that were taken over, good or refused),
            ``evictions``, and ``size``, the sessions that are kept.
        """
        with self._lock:
            kept = {"evictions": self._kept.evictions, "size": len(self._kept)}
            return {**self._counts, **kept}

    def close(self) -> None:
        """Close all sessions; who uses one at the moment may get a RuntimeError.

        The store stays open: it is the caller's, and other processes go on with it.
        """
        with self._lock:
            self._closed = True
            sessions = self._kept.sessions()
        self._forget_all()
        self._threads.close()
        for session in sessions:
            session.close()

    def __len__(self) -> int:
        """Return how many sessions are kept."""
        return len(self._kept)

    def __bool__(self) -> bool:
        """Be true, also when empty."""
        return True

    def __enter__(self) -> Self:
        """Return the pool itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        exception: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Close the pool."""
        self.close()

    def __repr__(self) -> str:
        """Show no more than how full it is."""
        return f"<SessionPool of {len(self)} sessions>"

    def _hook(self, name: str) -> Any:
        return self._options.get(name)

    def _set_hook(self, name: str, hook: Any) -> None:
        """Set a hook of the sessions: of those that are there, and of those to come."""
        with_hook(None, name, hook)
        with self._lock:
            self._options = cast("PoolOptions", {**self._options, name: hook})
            flights = [flight.session for flight in self._flights.values()]
            sessions = [*self._kept.sessions(), *flights]
        for session in sessions:
            setattr(session, name, hook)

    # Without a log-in.

    def _empty(self) -> None:
        """Begin with nothing: in a forked child, what is there is the parent's."""
        self._lock = threading.Lock()
        self._counts = dict.fromkeys(_COUNTERS, 0)
        self._kept = Kept(self._max_size, self._negative_ttl)
        self._flights: dict[bytes, _Flight] = {}

    def _forget_all(self) -> None:
        with self._lock:
            self._kept.forget_all()
            self._flights.clear()

    def _start_anew(self) -> None:
        self._empty()
        self._store.start_anew()
        self._revocations.start_anew()
        self._threads.start_anew()
        self._used_codes.start_anew()

    def _key_of(self, endpoint: str, credentials: Credentials, session_url: str | None) -> bytes:
        """Return what no other arguments give, and nobody can compute without the secret."""
        check_text("endpoint", endpoint)
        if session_url is not None:
            check_text("session_url", session_url)
        credentials.check()
        return self._store.key_of(
            "login", endpoint, *credentials.pair(), session_url or "", self._way.label
        )

    def _owner_key_of(self, endpoint: str, username: str) -> bytes:
        return self._store.key_of("owner", endpoint, username)

    def _heed_others(self) -> None:
        """Forget what other processes revoked."""
        revoked = self._revocations.find(self._held)
        if revoked:
            with self._lock:
                for one in revoked:
                    self._kept.forget(one)

    def _held(self) -> list[PooledSession | Refused]:
        with self._lock:
            return self._kept.everything()

    def _find(self, key: bytes) -> PooledSession | None:
        """Return the session of `key`, counting the call; raise if its password was refused."""
        with self._lock:
            self._check_open()
            session = self._kept.find(key)
            self._counts["misses" if session is None else "hits"] += 1
            if session is None:
                self._kept.check_refused(key)
            return session

    def _check_open(self) -> None:
        if self._closed:
            raise RuntimeError("the SessionPool was closed: make a new one")

    # The log-in.

    def _join(
        self, key: bytes, credentials: Credentials, endpoint: str, session_url: str | None
    ) -> PooledSession:
        """Log in, or wait for the log-in that is going on; begin anew if that just vanished."""
        while True:
            with self._lock:
                self._check_open()
                found = self._kept.find(key)
                if found is not None:
                    return found
                self._kept.check_refused(key)
                flight = self._flights.get(key)
                leads = flight is None
                if flight is None:
                    flight = self._begin(key, credentials, endpoint, session_url)
                flight.waiting += 1
            self._await(flight)
            if flight.login.cancelled():
                continue
            failure = flight.login.exception()
            if failure is None:
                return flight.session
            if leads:
                raise failure
            if isinstance(failure, errors.RequestException | ValueError):
                raise copy.copy(failure) from failure

    def _begin(
        self, key: bytes, credentials: Credentials, endpoint: str, session_url: str | None
    ) -> _Flight:
        owner_key = self._owner_key_of(endpoint, credentials.username)
        session = PooledSession(
            self._threads,
            self._shared,
            key,
            owner_key,
            credentials,
            self._used_codes,
            endpoint,
            session_url,
            **self._options,
        )
        flight = self._flights[key] = _Flight(session, self._threads.submit(self._log_in, session))
        return flight

    def _await(self, flight: _Flight) -> None:
        """Wait for a log-in; if nobody does any longer and it did not begin, it never will."""
        try:
            self._threads.await_end(flight.login)
        finally:
            with self._lock:
                flight.waiting -= 1
                key = flight.session.key
                if (
                    not flight.waiting
                    and flight.login.cancel()
                    and self._flights.get(key) is flight
                ):
                    del self._flights[key]

    def _log_in(self, session: PooledSession) -> None:
        """Log in, and keep the session unless it was discarded meanwhile; on a thread of ours."""
        failure: BaseException | None = None
        try:
            session.log_in()
        except BaseException as exception:
            failure = exception
            raise
        finally:
            with self._lock:
                self._settle(session, failure)
                closed = self._closed
            if closed:
                session.close()

    def _settle(self, session: PooledSession, failure: BaseException | None) -> None:
        self._counts[_counter_of(session, failure)] += 1
        flight = self._flights.get(session.key)
        if flight is None or flight.session is not session:
            return
        del self._flights[session.key]
        self._kept.sweep()
        self._revocations.note(session.pulse)
        if failure is None:
            session.expires = time.monotonic() + soonest(self._ttl, session.lifetime)
            self._kept.keep(session)
        elif isinstance(failure, LoginError):
            self._kept.refuse(session, failure)


_pools: weakref.WeakSet[SessionPool] = weakref.WeakSet()


def _empty_pools() -> None:
    for pool in list(_pools):
        pool._start_anew()


os.register_at_fork(after_in_child=_empty_pools)


def _check_store(store: Store | None) -> Store:
    if store is None:
        return MemoryStore()
    if isinstance(store, type) or not hasattr(store, "claim"):
        raise TypeError(
            "store must be a MemoryStore, SQLiteStore or RedisStore of apikit.stores, not "
            f"{type(store).__name__}"
        )
    return store


def _counter_of(session: PooledSession, failure: BaseException | None) -> str:
    if session.lifetime is not None:
        return "shared_logins"
    return "logins" if failure is None else "failed_logins"

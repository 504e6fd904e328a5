"""The sessions of a pool: they log in on the pool's threads, and who waits has an end to it.

So a caller that gives up or is killed takes no log-in with it, and a log-in that hangs
keeps a thread of the pool, but no caller for longer than its deadline.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextvars import copy_context
from typing import Any, Final, TypedDict, TypeVar, Unpack

from apikit import errors
from apikit._credentials import Credentials
from apikit._deadline import end_of_call, ending_at, held, time_left
from apikit._events import EventOptions
from apikit._renewal import leave
from apikit._shared import SharedLogins, Turn
from apikit.cookies import CookieJar
from apikit.login import Login, Otp, Outcome
from apikit.login.codes import UsedCodes
from apikit.models import PreparedRequest
from apikit.session import Session, SessionOptions, SharedOptions
from apikit.stores.records import Entry, Found, Refusal

__all__ = [
    "BackendOptions",
    "LoginError",
    "LoginThreads",
    "PoolOptions",
    "PooledSession",
    "ending_at",
    "time_left",
]

_T = TypeVar("_T")

#: Seconds for which a log-in counts whose own time cannot be told.
_SHORT_LIFE: Final = 60.0


class WayOptions(TypedDict, total=False):
    """How sessions log in, and what answers them."""

    login: Login
    otp: Otp | None
    consent: bool
    transport: Callable[[PreparedRequest], bytes] | None


class PoolOptions(SessionOptions, EventOptions, WayOptions, total=False):
    """What the sessions of a pool take by name."""

    retries: Any


class BackendOptions(SharedOptions, EventOptions, WayOptions, total=False):
    """What the sessions of a back end take by name."""


class LoginError(errors.RequestException):
    """A log-in failed, and not for the network.

    Attributes
    ----------
    state : str
        How, in the words of `Session.login_state`.
    """

    def __init__(self, message: str, state: str = "error", **context: Any) -> None:
        super().__init__(message, **context)
        self.state = state


class LoginThreads:
    """The threads on which log-ins run.

    Parameters
    ----------
    most
        How many run at the same time.
    patience
        Seconds that a caller waits, and that a log-in takes, at most.
    """

    def __init__(self, most: int, patience: float) -> None:
        self.most: Final = most
        self.patience: Final = patience
        self.start_anew()

    def start_anew(self) -> None:
        """Begin without threads, as a forked child must."""
        self._executor = ThreadPoolExecutor(self.most, thread_name_prefix="apikit-login")

    def submit(self, function: Callable[..., _T], *args: Any) -> Future[_T]:
        """Let a log-in run when a thread is free, in the context of who asked for it.

        So what gives a one-time code may look at the request that is being served.  It ends
        when nobody would wait any longer, and not as soon as this caller would not.
        """
        return self._executor.submit(copy_context().run, self._run, function, *args)

    def _run(self, function: Callable[..., _T], *args: Any) -> _T:
        with ending_at(time.monotonic() + self.patience):
            return function(*args)

    def close(self) -> None:
        """Begin no other log-in."""
        self._executor.shutdown(wait=False, cancel_futures=True)

    def await_end(self, login: Future[_T]) -> None:
        """Wait until a log-in has ended.

        Raises
        ------
        PoolBusy
            If it had not even begun in time.
        DeadlineExceeded
            If it did not end in time.
        """
        seconds = time_left(self.patience)
        if wait([login], seconds).done:
            return
        if login.running():
            raise errors.build(
                "DeadlineExceeded", f"the log-in did not end within {seconds:.3g} seconds"
            )
        raise errors.build(
            "PoolBusy",
            f"the log-in did not begin within {seconds:.3g} seconds: {self.most} others are going "
            "on (max_logins)",
        )


class PooledSession(Session):
    """A session that a pool keeps.

    Parameters
    ----------
    threads
        Where it logs in.
    shared
        Where the log-ins are shared with other processes.
    key
        What the pool finds it by.
    owner_key
        What all of the user's sessions have, whatever the password.
    credentials
        Who logs in.
    used_codes
        The one-time codes that were sent by any session of the pool.
    endpoint, session_url, **options
        As `Session` takes them.
    """

    #: On a thread of the pool, when it is its turn.
    _logs_in_at_once = False

    def __init__(
        self,
        threads: LoginThreads,
        shared: SharedLogins,
        key: bytes,
        owner_key: bytes,
        credentials: Credentials,
        used_codes: UsedCodes,
        endpoint: str,
        session_url: str | None,
        **options: Unpack[PoolOptions],
    ) -> None:
        super().__init__(credentials.username, None, endpoint, session_url, **options)
        self.set_oauth2_password(credentials.password)
        self._used_codes = used_codes
        self.key = key
        self.owner = (endpoint, credentials.username)
        self.owner_key = owner_key
        self.expires = 0.0
        #: Of the last log-in, if it was another process's: the seconds for which it counts.
        self.lifetime: float | None = None
        #: What a refusal of the header is remembered by, where that is the way in.
        self._header_key = key
        #: What the store said when the last log-in began: see `Found`.
        self.pulse: str | None = None
        self.marks: str | None = None
        self._serial = 0
        self._threads = threads
        self._shared = shared
        self._renewal_lock = threading.Lock()
        self._renewal: tuple[int, Future[bool]] | None = None

    def log_in(self) -> None:
        """Log in for the first time.

        Raises
        ------
        LoginError
            If that failed.
        RequestException
            If the network did.
        """
        self.authenticate()
        failure = self.failure()
        if failure is not None:
            raise failure

    def failure(self) -> LoginError | None:
        """Return how the last log-in failed; None if it was good, or is being renewed."""
        if not self._login_lock.acquire(blocking=False):
            return None
        try:
            if self.login_state == "ok":
                return None
            return LoginError(self.login_message, self.login_state)
        finally:
            self._login_lock.release()

    def _log_in_again(self, logins: int) -> bool:
        """Renew the log-in, once for all the threads that need it."""
        with self._renewal_lock:
            renewal = self._running_renewal()
            if renewal is None:
                if self._logins != logins:
                    return self.login_state == "ok"
                renewal = self._threads.submit(super()._log_in_again, logins)
                self._renewal = (os.getpid(), renewal)
        self._threads.await_end(renewal)
        return renewal.result()

    def _log_in(self, *, anew: bool = True) -> None:
        """Take over the log-in of another process if it is newer, else log in for all."""
        if self._way.is_header or not self._shared.store.is_shared:
            self.lifetime = None
            super()._log_in(anew=anew)
            return
        turn = self._shared.await_turn(self.key, self.owner_key, self._is_news)
        found = turn if isinstance(turn, Found) else turn.found
        self.pulse, self.marks, self.lifetime = found.pulse, found.marks, None
        if isinstance(turn, Found):
            self._take_over(found)
            return
        with turn:
            super()._log_in(anew=anew)
            self._publish(turn)

    def _take_header(self) -> Outcome:
        """Get what each request will bear, unless the proxy refused that in another process."""
        outcome = super()._take_header()
        if outcome.state != "ok" or not self._shared.store.is_shared:
            return outcome
        found = self._shared.store.load(self._header_key, self.owner_key)
        self.pulse, self.marks = found.pulse, found.marks
        if not isinstance(found.record, Refusal) or not self._shared.is_refused(found.record):
            return outcome
        self.lifetime = found.record.until - time.time()
        return Outcome("bad-credentials", found.record.message)

    def _fetch_token(self, function: Callable[[Any, Any], str], /) -> str | None:
        """Have the key of what a function gives, too: the next that it gives may be good."""

        def give(username: Any, password: Any) -> str:
            try:
                given = function(username, password)
            finally:
                del password  # tracebacks show the names of their frames
            if isinstance(given, str) and given.isascii():  # else the C half refuses it
                self._header_key = self._shared.store.key_of("token", self.key.hex(), given)
            return given

        return super()._fetch_token(give)

    def _note_refusal(self, logins: int) -> None:
        """Remember for all processes that the proxy refused what the request bore."""
        with held(self._login_lock):
            super()._note_refusal(logins)
            if self._logins == logins and self.marks is not None:
                self._shared.refuse(self._header_key, self.marks, self.login_message)

    def _drop_identity(self) -> None:
        """Let go of cookies that the proxy takes for another user's, for all processes."""
        super()._drop_identity()
        if self._shared.store.is_shared and not self._way.is_header:
            self._shared.forget(self.key, self.owner_key, self._serial)

    def _is_news(self, entry: Entry) -> bool:
        """Whether a log-in is newer than the session's own; not if the proxy refuses that, too."""
        if entry.serial <= self._serial:
            return False
        if self._serial and not self._is_accepted(entry):
            self._serial = entry.serial
            return False
        return True

    def _is_accepted(self, entry: Entry) -> bool:
        """Ask the proxy about a log-in that may have been lost as well; believe it if in doubt."""
        url = self._places.auth_url
        cookies = _jar_of(entry)._header(url, int(time.time())).decode("latin-1")
        try:
            answer = self._ask_proxy(url, {"Cookie": cookies}, leave, CookieJar(), end_of_call())
        except errors.RequestException:
            return True
        return answer.status_code not in (401, 403)

    def _take_over(self, found: Found) -> None:
        """Be logged in, or refused, as another process was."""
        record = found.record
        if isinstance(record, Entry):
            self._serial = record.serial
            left = record.expires - time.time()
            # The store has it still: if its time is up, the clock here is not that of the others.
            self.lifetime = left if left > 0 else _SHORT_LIFE
            self.login_state, self.login_message = "ok", "another process logged in"
            self.cookies = _jar_of(record)
        elif record is not None:
            self.lifetime = record.until - time.time()
            self.login_state, self.login_message = "bad-credentials", record.message
            self.cookies = CookieJar()
        self._is_renewable = self.login_state == "ok"
        self._logins += 1

    def _publish(self, turn: Turn) -> None:
        """Tell the other processes what came of the log-in; take theirs if they were faster."""
        before = turn.found.record
        known = max(self._serial, before.serial if isinstance(before, Entry) else 0)
        if self._tell(turn, known + 1):
            return
        found = self._shared.store.load(self.key, self.owner_key)
        if isinstance(found.record, Entry) and found.record.serial > known:
            self._take_over(found)

    def _tell(self, turn: Turn, serial: int) -> bool:
        """Tell the other processes; return False if another took over in the meantime."""
        now, negative_ttl = time.time(), self._shared.negative_ttl
        if self.login_state == "bad-credentials" and negative_ttl > 0:
            return turn.publish(Refusal(now + negative_ttl, self.login_message), negative_ttl)
        if self.login_state != "ok":
            return turn.forget()
        cookies = tuple(self.cookies._rows())
        if not cookies:
            return True
        self._serial = serial
        return turn.publish(Entry(serial, now, now + self._shared.ttl, cookies), self._shared.ttl)

    def _running_renewal(self) -> Future[bool] | None:
        """Return the renewal that is going on, in this process."""
        if self._renewal is None:
            return None
        process, renewal = self._renewal
        return renewal if process == os.getpid() and not renewal.done() else None


def _jar_of(entry: Entry) -> CookieJar:
    jar = CookieJar()
    jar.__setstate__(list(entry.cookies))
    return jar

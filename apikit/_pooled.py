"""The sessions of a pool: they log in on the pool's threads, and who waits has an end to it.

So a caller that gives up or is killed takes no log-in with it, and a log-in that hangs
keeps a thread of the pool, but no caller for longer than its deadline.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextvars import copy_context
from typing import Any, Final, TypeVar, Unpack

from apikit import errors
from apikit._credentials import Credentials
from apikit._deadline import ending_at, time_left
from apikit._events import EventOptions
from apikit.login import Login, Otp
from apikit.login.codes import UsedCodes
from apikit.session import Session, SessionOptions

__all__ = ["LoginError", "LoginThreads", "PoolOptions", "PooledSession", "ending_at", "time_left"]

_T = TypeVar("_T")


class PoolOptions(SessionOptions, EventOptions, total=False):
    """What the sessions of a pool take by name."""

    login: Login
    otp: Otp | None
    consent: bool
    retries: Any
    transport: Any


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
        Seconds that a caller waits, at most.
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

        So what gives a one-time code may look at the request that is being served.
        """
        return self._executor.submit(copy_context().run, function, *args)

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
    key
        What the pool finds it by.
    credentials
        Who logs in.
    used_codes
        The one-time codes that were sent by any session of the pool.
    endpoint, session_url, **options
        As `Session` takes them.
    """

    def __init__(
        self,
        threads: LoginThreads,
        key: bytes,
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
        self.expires = 0.0
        self._threads = threads
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

    def _running_renewal(self) -> Future[bool] | None:
        """Return the renewal that is going on, in this process."""
        if self._renewal is None:
            return None
        process, renewal = self._renewal
        return renewal if process == os.getpid() and not renewal.done() else None

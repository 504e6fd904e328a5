"""The half of a session that logs in: who, where, and how it ended."""

from __future__ import annotations

import os
import threading
import weakref
from collections.abc import Callable, Mapping
from typing import Any, Final

from apikit import _core
from apikit._answers import page_of
from apikit._deadline import end_of_call
from apikit.cookies import CookieJar
from apikit.login import Form, Outcome, Page, Strategy

__all__ = ["SESSION_URL", "Authenticating", "split_password"]

SESSION_URL: Final = "https://github.com/session"

#: Those whose locks the child of a fork makes anew.
_sessions: Final[weakref.WeakSet[Authenticating]] = weakref.WeakSet()


class Authenticating(_core.Session):
    """What `Session` has of the log-in; its constructor calls `_prepare_login`."""

    login_state: str
    login_message: str

    def _prepare_login(
        self, strategy: Callable[[str, str], Strategy], postdata: dict[str, Any] | None
    ) -> None:
        """Take how to log in; nothing is sent."""
        self._strategy = strategy
        self._postdata = postdata
        self._posted: dict[str, Any] | None = None
        # Reentrant: a hook that sees the pages of the login may send requests.
        self._login_lock = threading.RLock()
        self._is_renewable = self._is_logging_in = False
        self._useless_login = -1
        self.login_state = "none"
        self.login_message = "no login was tried"
        _sessions.add(self)

    def authenticate(self) -> None:
        """Log in anew, with no cookies to begin with.

        Bad credentials and a page without a login form raise nothing, as in the
        original: the proxy refuses the calls that follow, and `login_state` says why.

        Raises
        ------
        RequestException
            If the network fails.
        """
        with self._login_lock:
            self._log_in()

    @property
    def authentication_postdata(self) -> dict[str, Any] | None:
        """A copy of the login's fields without the password; the last login's if none were given.

        Assigned, it takes the place of those of the constructor.
        """
        fields = self._posted if self._postdata is None else self._postdata
        return None if fields is None else dict(fields)

    @authentication_postdata.setter
    def authentication_postdata(self, postdata: Mapping[str, Any] | None) -> None:
        self._postdata, secret = split_password(postdata)
        if secret is not None:
            self.set_oauth2_password(secret)

    def set_oauth2_username(self, username: str | None) -> None:
        """Set who logs in."""
        self.oauth2_username = username

    def set_authentication_base_url(self, url: str | None) -> None:
        """Set where the proxy begins a login."""
        self.authentication_base_url = url

    def set_authentication_session_url(self, url: str | None) -> None:
        """Set where the provider takes the login form."""
        self.authentication_session_url = url

    def get_oauth2_username(self) -> str | None:
        """Return who logs in."""
        return self.oauth2_username

    def get_authentication_base_url(self) -> str | None:
        """Return where the proxy begins a login."""
        return self.authentication_base_url

    def get_authentication_session_url(self) -> str | None:
        """Return where the provider takes the login form."""
        return self.authentication_session_url

    def get_authentication_postdata(self) -> dict[str, Any] | None:
        """Return the fields of the login, without the password."""
        return self.authentication_postdata

    def _log_in(self) -> None:
        """Do what `authenticate` does; the caller holds the lock.

        The session gets the login's cookies when it has ended, so that what other
        threads are sending, and the answers to it, have nothing to do with them.
        """
        self.login_state, self.login_message = "error", "the login did not end"
        jar = CookieJar()
        # Not meanwhile: a hook that sees the login's pages may send requests.
        is_renewable, self._is_renewable = self._is_renewable, False
        self._is_logging_in = True
        try:
            page = page_of(self._fetch(self.authentication_base_url, jar, end_of_call()))
            if self.authentication_session_url is None:
                self.authentication_session_url = SESSION_URL
            strategy = self._make_strategy()
            found = strategy.read(page, self._postdata or {})
            if isinstance(found, Form):
                answer = self._submit(found, jar)
                found = answer if isinstance(answer, Outcome) else strategy.judge(answer)
            self.login_state, self.login_message = found.state, found.message
            is_renewable = found.state == "ok"
        finally:
            self._is_renewable = is_renewable
            self.cookies = jar
            self._logins += 1
            self._is_logging_in = False
            if self._observer is not None:
                self._observer.tell_login(self)

    def _make_strategy(self) -> Strategy:
        return self._strategy(
            self.authentication_base_url or "", self.authentication_session_url or SESSION_URL
        )

    def _submit(self, form: Form, jar: CookieJar) -> Page | Outcome:
        fields: list[tuple[str, str | None]] = list(form.fields)
        self._posted = {
            name: self.oauth2_username if place == form.username else value
            for place, (name, value) in enumerate(fields)
            if place != form.password
        }
        try:
            response = self._submit_login(
                form.action, form.page, fields, form.username, form.password, jar, end_of_call()
            )
        except ValueError as exception:
            if isinstance(exception, OSError):
                raise
            return Outcome("error", str(exception))
        return page_of(response)


def _free_locks() -> None:
    """In the child of a fork: whoever held a lock is not there."""
    for session in _sessions:
        session._login_lock = threading.RLock()


os.register_at_fork(after_in_child=_free_locks)


def split_password(postdata: Mapping[str, Any] | None) -> tuple[dict[str, Any] | None, Any]:
    """Return the fields without the password, and that.

    Parameters
    ----------
    postdata
        Fields, or None.
    """
    if postdata is None:
        return None, None
    fields = dict(postdata)
    secrets = [fields.pop(name) for name in postdata if "password" in str(name).lower()]
    return fields, secrets[0] if secrets else None

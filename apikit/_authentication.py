"""The half of a session that logs in: who, where, how, and how it ended."""

from __future__ import annotations

import os
import threading
import time
import weakref
from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING, Any, ClassVar, Final
from urllib.parse import urljoin

from apikit import _core
from apikit._answers import Places, page_of
from apikit._deadline import end_of_call, ending_at, held, time_left
from apikit.cookies import CookieJar
from apikit.errors import DeadlineExceeded, UnsafeRedirect, mask_url
from apikit.login import Form, Otp, Outcome, Page, Purpose, Strategy, Way, find_strategy
from apikit.login.codes import CodeSource, UsedCodes

if TYPE_CHECKING:
    from apikit.login.dialogue import Dialogue

__all__ = ["SESSION_URL", "Authenticating", "split_password"]

SESSION_URL: Final = "https://github.com/session"

_NO_LOGIN: Final = Outcome("ok", "no login is needed: each request bears the credentials")
_NO_COOKIE: Final = Outcome(
    "error", "the login ended at the proxy, which gave no cookie: see that the base URL is right"
)
_SENT_ON: Final = Outcome(
    "error", "the provider wants a form sent on to another page (307 or 308), which is not done"
)

#: How a log-in may end without a line in the log: well, or by what its user typed.
_QUIET: Final = ("ok", "bad-credentials")

#: Those whose locks the child of a fork makes anew.
_sessions: Final[weakref.WeakSet[Authenticating]] = weakref.WeakSet()


class Authenticating(_core.Session):
    """What `Session` has of the log-in; its constructor calls `_prepare_login`."""

    login_state: str
    login_message: str
    #: Whether the constructor logs in, as the original's does.
    _logs_in_at_once: ClassVar[bool] = True

    def _prepare_login(
        self, way: Way, postdata: dict[str, Any] | None, otp: Otp | None, *, consent: bool
    ) -> None:
        """Take how to log in; nothing is sent."""
        if otp is not None and not callable(otp):
            raise TypeError(
                "otp must be a callable(user) that returns a one-time code or None, not "
                f"{type(otp).__name__}"
            )
        if not isinstance(consent, bool):
            raise TypeError(f"consent must be True or False, not {type(consent).__name__}")
        self._way = way
        self._otp = otp
        self._consent = consent
        self._used_codes = UsedCodes()
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
        The session's `deadline` is over the whole log-in, and over the wait for one that
        another thread has begun.

        Raises
        ------
        RequestException
            If the network fails, or the deadline passes.
        """
        end: AbstractContextManager[None] = nullcontext()
        if self.deadline is not None:
            end = ending_at(time.monotonic() + time_left(self.deadline))
        with end, held(self._login_lock):
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

    def _log_in(self, *, anew: bool = True) -> None:
        """Do what `authenticate` does; the caller holds the lock.

        The session gets the login's cookies when it has ended, so that what other
        threads are sending, and the answers to it, have nothing to do with them.

        Parameters
        ----------
        anew
            Whether to begin without cookies; else the provider may know the user still,
            and wants no password then.
        """
        self.login_state = "error"
        self.login_message = "the login did not end: it raised an exception that says why"
        jar = CookieJar() if anew else self.cookies.copy()
        # Not meanwhile: a hook that sees the login's pages may send requests.
        is_renewable, self._is_renewable = self._is_renewable, False
        self._is_logging_in = True
        has_ended = True
        try:
            if self._way.is_header:
                found = self._take_header()
            else:
                found, jar = self._log_in_by_pages(jar, anew=anew)
            self.login_state, self.login_message = found.state, found.message
            is_renewable = found.state == "ok"
            if found.state not in _QUIET:
                self._log_failure(found)
        except (DeadlineExceeded, KeyboardInterrupt):
            # It was this caller who had no more time: others that wait log in themselves.
            has_ended = False
            raise
        finally:
            self._is_renewable = is_renewable
            self.cookies = jar
            if anew:
                self._forget_identity()
            self._logins += has_ended
            self._is_logging_in = False
            if self._observer is not None:
                self._observer.tell_login(self)

    def _log_failure(self, outcome: Outcome) -> None:
        """Tell who runs the service: the user may be right, and the original says nothing."""
        fields = {
            "login_state": outcome.state,
            "reason": outcome.message,
            "endpoint": mask_url(self.authentication_base_url or ""),
        }
        import logging  # most processes have no failure to tell

        from apikit._lines import write_line

        write_line(logging.getLogger("apikit.login"), logging.WARNING, "log-in failed", fields)

    def _take_header(self) -> Outcome:
        """Get what each request will bear."""
        if self._way.function is None:
            return _NO_LOGIN
        problem = self._fetch_token(self._way.function)
        return _NO_LOGIN if problem is None else Outcome("error", problem)

    def _log_in_by_pages(self, jar: CookieJar, *, anew: bool) -> tuple[Outcome, CookieJar]:
        """Return how it ended, and the cookies.

        Where the provider may know the user still, it is tried without the password first.
        Where it does not, what it gave for that log-in alone is of no use: it is dropped, as
        by a browser that is closed, and what marks the device is kept.
        """
        if not anew and self._is_known_at_provider(jar):
            found = self._converse(self._make_dialogue(jar, password=False), jar, is_kept=True)
            if found.state not in ("no-form", "error"):
                return found, jar
        jar.clear_session_cookies()
        return self._converse(self._make_dialogue(jar, password=True), jar, is_kept=False), jar

    def _is_known_at_provider(self, jar: CookieJar) -> bool:
        """Whether the provider gave a cookie, for whatever path of its own."""
        url = self._places.session_url
        origin, now = urljoin(url, "/").removesuffix("/"), int(time.time())
        return bool(url) and any(jar._header(origin + path, now) for path in jar.list_paths())

    def _make_dialogue(self, jar: CookieJar, *, password: bool) -> Dialogue:
        from apikit.login.dialogue import Dialogue  # most sessions never come to a page

        return Dialogue(
            self._make_strategy(),
            self._postdata or {},
            CodeSource(self._otp, self.oauth2_username, self._used_codes),
            self._consent,
            may_send_password=password,
            submit=lambda form: self._submit(form, jar),
            fetch=lambda url: page_of(self._fetch(url, jar, end_of_call())),
        )

    def _converse(self, dialogue: Dialogue, jar: CookieJar, *, is_kept: bool) -> Outcome:
        response = self._fetch(self.authentication_base_url, jar, end_of_call())
        if self.authentication_session_url is None and self._way.name == "github":
            self.authentication_session_url = SESSION_URL
        places = self._places
        may_know = is_kept and (
            places.came_by_callback(response)
            or (places.is_provider(response.url) and not places.is_proxy(response.url))
        )
        found = dialogue.run(page_of(response), may_know=may_know)
        has_cookie = jar._header(places.base_url, int(time.time()))
        if found.state == "ok" and self._way.name == "form" and not has_cookie:
            return _NO_COOKIE
        return found

    @property
    def _places(self) -> Places:
        session_url = self.authentication_session_url or ""
        if self._way.is_header:
            session_url = ""  # nothing is sent there
        elif not session_url and self._way.name == "github":
            session_url = SESSION_URL
        return Places(self.authentication_base_url or "", session_url)

    def _make_strategy(self) -> Strategy:
        make = find_strategy(self._way.name)
        return make(self.authentication_base_url or "", self.authentication_session_url)

    def _submit(self, form: Form, jar: CookieJar) -> Page | Outcome:
        fields: list[tuple[str, str | None]] = list(form.fields)
        if form.purpose is Purpose.PASSWORD:
            self._posted = {
                name: self.oauth2_username if place == form.username else value
                for place, (name, value) in enumerate(fields)
                if place != form.password
            }
        try:
            response = self._submit_login(
                form.action, form.page, fields, form.username, form.password, jar, end_of_call()
            )
        except UnsafeRedirect:
            return _SENT_ON
        except ValueError as exception:
            if isinstance(exception, OSError):
                raise
            return Outcome("error", str(exception))
        return page_of(response)


def _free_locks() -> None:
    """In the child of a fork: whoever held a lock is not there."""
    for session in _sessions:
        session._login_lock = threading.RLock()
        session._used_codes.start_anew()


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

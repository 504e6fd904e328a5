"""`Session`: requests' session, over C, that can log in through an OAuth2 proxy."""

from __future__ import annotations

import os
import threading
import weakref
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final, NoReturn, TypedDict, Unpack

from apikit import _core, _prepare
from apikit._answers import Places, find_sent, find_shown, is_from_elsewhere, last_at_proxy, page_of
from apikit.cookies import CookieJar
from apikit.errors import RequestException
from apikit.login import Form, Outcome, Page, Strategy, find_strategy
from apikit.models import PreparedRequest, Request
from apikit.response import Response
from apikit.structures import CaseInsensitiveDict

if TYPE_CHECKING:
    from apikit.retries import Retry

__all__ = ["CookieJar", "PreparedRequest", "Request", "Response", "Session", "SessionOptions"]

SESSION_URL: Final = "https://github.com/session"

_core.register(
    headers=CaseInsensitiveDict,
    cookies=CookieJar,
    response=Response,
    prepared_request=PreparedRequest,
)


#: Those whose locks the child of a fork makes anew.
_sessions: Final[weakref.WeakSet[Session]] = weakref.WeakSet()


class SessionOptions(TypedDict, total=False):
    """What `Session` takes by name, for those who pass it on."""

    timeout: float | tuple[float | None, float | None] | None
    deadline: float | None
    max_body: int | None
    verify: Any
    cert: Any
    proxies: Mapping[str, str] | None
    trust_env: bool
    max_redirects: int
    user_agent: str | None
    pool_maxsize: int
    pool_timeout: float | None
    cookies_per_call: bool


class Session(_core.Session):
    """A client that keeps connections, cookies and settings from call to call.

    It has what requests' class of this name has, and logs in as the class of
    bitly-oauth2-proxy-session does: at construction, if user name, password and
    base URL are given.  Threads may share one, as the one user's whose it is.

    Parameters
    ----------
    oauth2_username, oauth2_password
        Who logs in.
    authentication_base_url
        Where the proxy begins a login (``https://host/oauth2/start``).
    authentication_session_url
        Where the provider takes the login form; GitHub's if None.  The password
        goes to no other origin than this one's, and over https or to loopback only.
    authentication_postdata
        Fields that win over those of the login form, except over its token.
    login
        The strategy that reads the login pages: "github".
    retries
        How often a request is sent again: a number, an `apikit.Retry`, or None.
    transport
        For tests: a callable that takes the `PreparedRequest` of each hop and gives the
        bytes of an HTTP/1.1 answer, in place of any server: see `apikit.testing`.
    **options
        The rest, as in `SessionOptions`:
    timeout
        Seconds to wait for a connection and for an answer to go on: a pair, one
        number for both, or None for ever.
    deadline
        Seconds for a whole call, or None.
    max_body
        Bytes that a body may have once decoded, or None; with ``stream=True`` any.
    verify
        True; False to trust anybody; or a file or folder of CA certificates.
    cert
        A file with client certificate and key, or a pair of files.
    proxies
        URLs by ``scheme://host``, ``scheme``, ``all://host`` or ``all``.
    trust_env
        Whether the environment's proxies and CA files count.
    max_redirects
        How many a call follows.
    user_agent
        What the session calls itself.
    pool_maxsize
        Connections at the same time, at most.
    pool_timeout
        Seconds to wait for one of them, or None for ever.
    cookies_per_call
        Let each call begin without cookies, and forget those that it got.

    Attributes
    ----------
    headers, cookies, auth, params, proxies, hooks, verify, cert, stream, timeout, \
deadline, max_redirects, trust_env, transport
        What every call begins with, as in requests; may be assigned.
    login_state : str
        How the last login ended: "none" (there was none), "ok", "bad-credentials",
        "two-factor", "consent", "device", "rate-limited", "no-form" or "error".
    login_message : str
        The same in words.

    Raises
    ------
    RequestException
        By the calls, and by the login, if the network fails: see `apikit.errors`.
    TypeError, ValueError
        If an argument is wrong.
    """

    def __init__(
        self,
        oauth2_username: str | None = None,
        oauth2_password: str | None = None,
        authentication_base_url: str | None = None,
        authentication_session_url: str | None = None,
        authentication_postdata: Mapping[str, Any] | None = None,
        *,
        login: str = "github",
        retries: Any = None,
        transport: Callable[[PreparedRequest], bytes] | None = None,
        **options: Unpack[SessionOptions],
    ) -> None:
        own, secret = _split_password(authentication_postdata)
        wants_login = bool(oauth2_username and oauth2_password and authentication_base_url)
        try:
            super().__init__(
                oauth2_username,
                oauth2_password if secret is None else secret,
                authentication_base_url,
                authentication_session_url,
                own,
                **options,
            )
        finally:
            # Tracebacks show the names of their frames.
            del oauth2_password, authentication_postdata, secret
        self.retries = retries
        self.transport = transport
        self._strategy = find_strategy(login)
        self._postdata = own
        self._posted: dict[str, Any] | None = None
        # Reentrant: a hook that sees the pages of the login may send requests.
        self._login_lock = threading.RLock()
        self._is_renewable = self._is_logging_in = False
        self._useless_login = -1
        self.login_state = "none"
        self.login_message = "no login was tried"
        _sessions.add(self)
        if wants_login:
            self.authenticate()

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
    def retries(self) -> Retry | None:
        """When a request is sent again; assigned, it takes what the constructor does."""
        policy: Retry | None = self._retries
        return policy

    @retries.setter
    def retries(self, retries: Any) -> None:
        self._retries = None if retries is None else _policy(retries)

    @property
    def authentication_postdata(self) -> dict[str, Any] | None:
        """A copy of the login's fields without the password; the last login's if none were given.

        Assigned, it takes the place of those of the constructor.
        """
        fields = self._posted if self._postdata is None else self._postdata
        return None if fields is None else dict(fields)

    @authentication_postdata.setter
    def authentication_postdata(self, postdata: Mapping[str, Any] | None) -> None:
        self._postdata, secret = _split_password(postdata)
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

    def prepare_request(self, request: Request) -> PreparedRequest:
        """Return what a request would send, with the settings of this session.

        Parameters
        ----------
        request
            What is wanted; its attributes win over the session's.
        """
        hooks = _prepare.read_hooks(request.hooks)
        prepared = PreparedRequest()
        prepared.prepare(
            method=request.method,
            url=request.url,
            headers=_prepare.merge_headers(self.headers, request.headers),
            files=request.files,
            data=request.data,
            params=_prepare.merge_params(self.params, request.params),
            auth=self.auth if request.auth is None else request.auth,
            cookies=_prepare.merge_cookies(self.cookies, request.cookies),
            hooks=hooks if hooks.get("response") else self.hooks,
            json=request.json,
        )
        return prepared

    def send(self, request: PreparedRequest, **options: Any) -> Response:
        """Send a prepared request as it is, with the session's cookies.

        Parameters
        ----------
        request
            From `prepare_request`, or `Response.next`.
        **options
            ``stream``, ``timeout``, ``verify``, ``cert``, ``proxies``,
            ``allow_redirects`` and ``deadline``, as `request` takes them.

        Returns
        -------
        Response
            The answer.
        """
        if not isinstance(request, PreparedRequest):
            raise ValueError("send() takes a PreparedRequest: use prepare_request() first")
        unwanted = (name for name in self.headers if name not in request.headers)
        return self.request(
            request.method or "",
            request.url,
            params=_none_of(self.params),
            data=request.body,
            headers={**dict.fromkeys(unwanted), **request.headers},
            auth=_leave,
            hooks=request.hooks,
            **options,
        )

    def mount(self, prefix: str, adapter: object) -> NoReturn:
        """Refuse: there are no adapters here.

        Raises
        ------
        NotImplementedError
            Always; says what to use.
        """
        raise NotImplementedError(
            f"there are no transport adapters (mount({prefix!r}, {type(adapter).__name__})): use "
            "retries, timeout, pool_maxsize, verify, cert or proxies of Session; in tests, "
            "apikit.testing"
        )

    def get_adapter(self, url: str) -> NoReturn:
        """Refuse: there are no adapters here.

        Raises
        ------
        NotImplementedError
            Always; says what to use.
        """
        raise NotImplementedError(
            f"there are no transport adapters (get_adapter({url!r})): the settings are attributes "
            "of Session"
        )

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
            page = page_of(self._fetch(self.authentication_base_url, jar))
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

    def _make_strategy(self) -> Strategy:
        return self._strategy(
            self.authentication_base_url or "", self.authentication_session_url or SESSION_URL
        )

    def _renew(self, response: Response, logins: int, may_send_again: bool) -> bool:
        """Say whether to send a request again, since the login was lost and is there anew.

        The C half asks when an answer may be the proxy's refusal.  One that is a
        login page is the caller's 403 if the login cannot be renewed: it is no data.

        Parameters
        ----------
        response
            The answer.
        logins
            How many logins had ended when the request was sent: if there was one
            since, it serves.
        may_send_again
            Whether the request can be sent again.
        """
        if may_send_again and is_from_elsewhere(response, self._places):
            return True
        if not self._is_lost(response, logins, may_ask=may_send_again):
            return False
        if may_send_again and self._log_in_again(logins):
            return True
        _hide_login_page(response)
        return False

    def _judge_renewed(self, response: Response, logins: int) -> None:
        """Look at the answer to a request that was sent again.

        If the proxy refused it too, and the one after the login before, then the
        logins are of no use: there will be no more until `authenticate` is called.

        Parameters
        ----------
        response
            The answer.
        logins
            How many logins had ended when the request was sent again.
        """
        if not self._is_lost(response, logins, may_ask=True):
            return
        _hide_login_page(response)
        with self._login_lock:
            if self._logins != logins or self.login_state != "ok":
                return
            if self._useless_login == logins - 1:
                self._is_renewable, self.login_state = False, "error"
                self.login_message = "the proxy refuses the session that its own login gave"
            self._useless_login = logins

    def _is_lost(self, response: Response, logins: int, *, may_ask: bool) -> bool:
        """Say whether the proxy answered, who wants a login; ask it if the answer leaves that open.

        A login that was not good is not asked about: it will not be renewed.
        """
        places = self._places
        shown = find_shown(response, places, self._make_strategy().offers_login)
        verdict = _core.who_answered(response.status_code, **shown)
        if verdict == "ask":
            # In this order: a login that ends says first what came of it.
            may_ask = may_ask and (self._is_logging_in or self._is_renewable)
            status = self._ask_about(last_at_proxy(response, places), logins) if may_ask else -1
            verdict = _core.who_answered(response.status_code, **shown, auth=status)
        return verdict == "log-in"

    def _ask_about(self, response: Response, logins: int) -> int:
        """Return the status with which the proxy judges what a request was sent with; -1 if none.

        Where that is not known, a login since then is an answer too.
        """
        places = self._places
        if self._logins != logins and not places.is_proxy(response.url):
            return 401
        sent = find_sent(response, places, self.cookies)
        try:
            return self._ask_proxy(places.auth_url, sent, _leave, CookieJar()).status_code
        except RequestException:
            return -1

    @property
    def _places(self) -> Places:
        return Places(
            self.authentication_base_url or "", self.authentication_session_url or SESSION_URL
        )

    def _log_in_again(self, logins: int) -> bool:
        """Renew a login that was good once; the first of the threads that need it does it.

        One that was cut short, by the network or by Ctrl-C, may be tried again.
        """
        with self._login_lock:
            if self._logins == logins and self._is_renewable:
                self._log_in()
            return self._logins != logins and self.login_state == "ok"

    def _submit(self, form: Form, jar: CookieJar) -> Page | Outcome:
        fields: list[tuple[str, str | None]] = list(form.fields)
        self._posted = {
            name: self.oauth2_username if place == form.username else value
            for place, (name, value) in enumerate(fields)
            if place != form.password
        }
        try:
            response = self._submit_login(
                form.action, form.page, fields, form.username, form.password, jar
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


def _policy(retries: Any) -> Retry | None:
    from apikit.retries import Retry  # most sessions have none

    return Retry.from_any(retries)


def _hide_login_page(response: Response) -> None:
    """Let an answer that is a login page, and looks good or foreign, be a refusal."""
    if response.status_code < 300 or response.history:
        response.status_code, response.reason = 403, "Forbidden"


def _split_password(postdata: Mapping[str, Any] | None) -> tuple[dict[str, Any] | None, Any]:
    """Return the fields without the password, and that."""
    if postdata is None:
        return None, None
    fields = dict(postdata)
    secrets = [fields.pop(name) for name in postdata if "password" in str(name).lower()]
    return fields, secrets[0] if secrets else None


def _none_of(params: Any) -> Any:
    """Return parameters for a call that take out those of the session."""
    return dict.fromkeys(params) if isinstance(params, Mapping) else []


def _leave(request: PreparedRequest) -> PreparedRequest:
    """Be the `auth` that changes nothing."""
    return request

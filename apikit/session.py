"""`Session`: requests' session, over C, that can log in through an OAuth2 proxy."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, NoReturn, TypedDict, Unpack

from apikit import _core, _prepare
from apikit._authentication import SESSION_URL as SESSION_URL
from apikit._authentication import split_password
from apikit._events import (
    Events,
    Hooked,
    Observer,
    OnError,
    OnLogin,
    OnRequest,
    OnResponse,
    with_hook,
)
from apikit._renewal import Renewing, leave
from apikit.cookies import CookieJar
from apikit.login import Login, Otp, find_way
from apikit.models import PreparedRequest, Request
from apikit.response import Response
from apikit.structures import CaseInsensitiveDict

if TYPE_CHECKING:
    from apikit.retries import Retry

__all__ = [
    "CallOptions",
    "CookieJar",
    "PreparedRequest",
    "Request",
    "Response",
    "Session",
    "SessionOptions",
    "SharedOptions",
]

_core.register(
    headers=CaseInsensitiveDict,
    cookies=CookieJar,
    response=Response,
    prepared_request=PreparedRequest,
)


class CallOptions(TypedDict, total=False):
    """What each call takes by name, that of `Backend` too, for those who pass it on."""

    headers: Mapping[str, str | bytes | None] | Iterable[tuple[str, str | bytes | None]] | None
    cookies: Any
    files: Any
    timeout: float | tuple[float | None, float | None] | None
    allow_redirects: bool
    proxies: Mapping[str, str] | None
    hooks: Mapping[str, Any] | None
    stream: bool | None
    verify: bool | str | os.PathLike[str] | None
    cert: str | tuple[str, str] | None
    deadline: float | None


class SharedOptions(TypedDict, total=False):
    """What `Session` and `Backend` take by name, the latter for its sessions."""

    timeout: float | tuple[float | None, float | None] | None
    max_body: int | None
    verify: bool | str | os.PathLike[str] | None
    cert: str | tuple[str, str] | None
    proxies: Mapping[str, str] | None
    trust_env: bool
    max_redirects: int
    user_agent: str | None
    pool_maxsize: int
    pool_timeout: float | None
    cookies_per_call: bool


class SessionOptions(SharedOptions, total=False):
    """What `Session` takes by name besides the way to log in, for those who pass it on."""

    deadline: float | None


class Session(Hooked, Renewing):
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
        Where the provider takes the login form; if None GitHub's, or with ``login="form"``
        the base URL's origin.  The password goes to no other origin than this one's, and
        over https or to loopback only.
    authentication_postdata
        Fields that win over those of the login form, except over its token.
    login
        The way in: "github", the provider's form as GitHub has it; "form", any form of the
        session URL's origin, or of the base URL's without one; "basic" and "bearer", no
        login, but a header on each request to the base URL's origin, and no cookies; or a
        callable(user, password) that gives such a header when one is needed.
    otp
        Called with the user name when a one-time code is wanted; a code, or None.
    consent
        Whether to agree, once in a login, to what the proxy wants to see of the account.
    retries
        How often a request is sent again: a number, an `apikit.Retry`, or None.
    transport
        For tests: a callable that takes the `PreparedRequest` of each hop and gives the
        bytes of an HTTP/1.1 answer, in place of any server: see `apikit.testing`.
    on_request
        A callable that is shown the first `PreparedRequest` of each call before it is sent.
        What it returns, a mapping or None, are headers to add to what the call sends to
        that request's origin.  If this hook or another one raises, that is logged once,
        and the call goes on.
    on_response
        A callable that is shown the answer that a call returns, redirects in its ``history``.
    on_error
        A callable that is shown the exception that a call raises, and its first request.
    on_login
        A callable that is shown the session when a log-in has ended, well or not.
    observer
        What is told of each request on the wire, those of redirects, of tries and of
        log-ins too: an object with the methods of `apikit.session.Observer`.
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
    on_request, on_response, on_error, on_login, observer
        Who is told of what; may be assigned.
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
        login: Login = "github",
        otp: Otp | None = None,
        consent: bool = False,
        retries: Any = None,
        transport: Callable[[PreparedRequest], bytes] | None = None,
        on_request: OnRequest | None = None,
        on_response: OnResponse | None = None,
        on_error: OnError | None = None,
        on_login: OnLogin | None = None,
        observer: Observer | None = None,
        **options: Unpack[SessionOptions],
    ) -> None:
        events = Events(on_request, on_response, on_error, on_login, observer)
        way = find_way(login)
        own, secret = split_password(authentication_postdata)
        is_given = bool(oauth2_password or way.function)
        if not way.is_header:
            is_given = bool(oauth2_username and oauth2_password)
        wants_login = self._logs_in_at_once and bool(is_given and authentication_base_url)
        try:
            super().__init__(
                oauth2_username,
                oauth2_password if secret is None else secret,
                authentication_base_url,
                authentication_session_url,
                own,
                login=way.name,
                **options,
            )
        finally:
            # Tracebacks show the names of their frames.
            del oauth2_password, authentication_postdata, secret
        self.retries = retries
        self.transport = transport
        self._observer = events or None
        self._prepare_login(way, own, otp, consent=consent)
        if wants_login:
            self.authenticate()

    @property
    def retries(self) -> Retry | None:
        """When a request is sent again; assigned, it takes what the constructor does."""
        policy: Retry | None = self._retries
        return policy

    @retries.setter
    def retries(self, retries: Any) -> None:
        self._retries = None if retries is None else _policy(retries)

    def _hook(self, name: str) -> Any:
        return getattr(self._observer, name, None)

    def _set_hook(self, name: str, hook: Any) -> None:
        self._observer = with_hook(self._observer, name, hook)

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
            auth=leave,
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


def _policy(retries: Any) -> Retry | None:
    from apikit.retries import Retry  # most sessions have none

    return Retry.from_any(retries)


def _none_of(params: Any) -> Any:
    """Return parameters for a call that take out those of the session."""
    return dict.fromkeys(params) if isinstance(params, Mapping) else []

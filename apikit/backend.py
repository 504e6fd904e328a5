"""`Backend`: what a service calls on behalf of its caller, in one line."""

from __future__ import annotations

import time
from collections.abc import Mapping
from types import TracebackType
from typing import Any, Final, Self, Unpack, cast

from flask import Flask, current_app, has_app_context, has_request_context, jsonify
from flask import Response as FlaskResponse

from apikit import errors
from apikit._bearer import Bearer, BearerSessions, read_bearer
from apikit._caller import (
    BackendCall,
    RequestOptions,
    check_auth,
    hide,
    hide_auth,
    identify,
    settle_auth,
)
from apikit._core import BackendError
from apikit._credentials import Credentials
from apikit._events import Hooked
from apikit._failures import (
    failed_call,
    failed_login,
    refuse_answer,
    refused_token,
)
from apikit._flask_commands import register
from apikit._join import check_base, join
from apikit._pooled import BackendOptions, LoginError, PooledSession, ending_at
from apikit._trace import CallLog, pass_on
from apikit.pool import SessionPool
from apikit.response import Response
from apikit.session import Session
from apikit.stores.protocol import Store

__all__ = ["Backend"]

_EXTENSION: Final = "apikit"


class Backend(Hooked):
    """The server that a service wraps, called as the service's caller.

    What is sent depends on the application's type of authentication:

    bitly-proxy
        The caller's own session behind the OAuth2 proxy, from a pool: see `SessionPool`.
    basic
        The caller's Basic credentials.
    none
        No credentials.

    Parameters
    ----------
    base_url
        Where the back end is, or the proxy before it.
    app
        The application, as if given to `init_app`.
    auth
        How to authenticate, in place of the application's ``config["AUTH"]``: a dict as
        `APIFlask` takes it.  With it there need be no application.
    pool
        Where the sessions are, if several back ends share them; they have the pool's
        options, retries and store.
    store
        Where the log-ins are shared with other processes: see `open_store`; if None they
        are not.
    retries
        How often a request is sent again: a number, an `apikit.Retry`, or None.
    deadline
        Seconds for a whole call with its log-in, its retries and its body; None for ever.
        It should be less than the time after which the server kills a worker.
    session_url
        Where the provider takes the log-in form; ``AUTH["data"]["session_url"]`` if None,
        and GitHub's without either; with ``login="form"`` that of the endpoint's origin.
    bearer
        Whether a caller may send a token of its own, as ``Authorization: Bearer``: it goes
        with that one request to the origin of the base URL, and is kept nowhere.
    **options
        Of the sessions, as `Session` takes them.

    Raises
    ------
    TypeError, ValueError
        If an argument is wrong, or the application's authentication lacks its endpoint.
    """

    def __init__(
        self,
        base_url: str,
        *,
        app: Flask | None = None,
        auth: dict[str, Any] | str | None = None,
        pool: SessionPool | None = None,
        store: Store | None = None,
        retries: Any = 2,
        deadline: float | None = 25,
        session_url: str | None = None,
        bearer: bool = False,
        **options: Unpack[BackendOptions],
    ) -> None:
        self._base_url = check_base(base_url)
        self._session_url = None if session_url is None else check_base(session_url, "session_url")
        if deadline is not None and not deadline > 0:
            raise ValueError(f"deadline must be more than 0 seconds, or None, not {deadline!r}")
        self._deadline = deadline
        self._auth = None if auth is None else settle_auth(auth)
        if self._auth is not None:
            check_auth(self._auth, self._session_url)
        of_pool = [*options, *([] if store is None else ["store"])]
        if pool is not None and of_pool:
            raise TypeError(
                f"{', '.join(of_pool)}: the sessions of a pool have its options; give them to it"
            )
        self._app: Flask | None = None
        self._owns_pool = pool is None
        self._pool = pool or SessionPool(store=store, retries=retries, **options)
        options["cookies_per_call"] = True
        self._shared = Session(retries=retries, **options)
        if not isinstance(bearer, bool):
            raise TypeError(f"bearer must be True or False, not {type(bearer).__name__}")
        options["otp"], options["consent"] = None, False
        self._bearers = (
            BearerSessions(self._base_url, **{**options, "retries": retries}) if bearer else None
        )
        if app is not None:
            self.init_app(app)

    def init_app(self, app: Flask) -> None:
        """Serve an application.

        It is given a handler that answers `BackendError` in JSON, with its headers, if it has
        none; one that it registers later takes that one's place.

        Parameters
        ----------
        app
            One with metadata, such as an `APIFlask`.

        Raises
        ------
        TypeError
            If it is no application.
        ValueError
            If its authentication lacks what is needed.
        """
        if not isinstance(app, Flask):
            raise TypeError(
                f"app must be a flask.Flask, not {type(app).__name__}: give the application itself"
            )
        check_auth(self._auth_of(app), self._session_url)
        if BackendError not in app.error_handler_spec[None][None]:
            app.register_error_handler(BackendError, _answer)
        register(app)
        app.extensions[_EXTENSION].append(self)
        self._app = self._app or app

    def request(
        self,
        method: str,
        path: str,
        *,
        auth: tuple[str, str] | Credentials | None = None,
        **options: Unpack[RequestOptions],
    ) -> Response:
        """Send a request as the caller, and return the answer if it is a good one.

        Parameters
        ----------
        method
            GET and so on.
        path
            Below the base URL; see `Notes`.
        auth
            User name and password; those of the running Flask request if None.
        **options
            As `Session.request` takes them; ``deadline`` in place of the back end's.

        Returns
        -------
        Response
            With a status below 400.

        Raises
        ------
        BackendError
            With the back end's own status, reason and text if that is 400 or more, else: 400
            for a request that cannot be sent, 401 if nobody or the wrong one called, 502 and
            504 if the back end or the log-in failed, 503 if the caller should come again.
        RuntimeError
            If there is no application, or the pool was closed.

        Notes
        -----
        The path may hold what the service's caller sent: it must not have ``..``, ``//``,
        ``?`` or ``#``, and is refused with 400 if it has.
        """
        try:
            given = hide(auth)
        finally:
            del auth  # tracebacks show the names of their frames
        with CallLog(method, self._base_url) as log:
            return self._call(method, path, given, cast("dict[str, Any]", options), log)

    def get(self, path: str, **options: Unpack[BackendCall]) -> Response:
        """Send a GET; see `request`."""
        return self.request("GET", path, **hide_auth(options))

    def head(self, path: str, **options: Unpack[BackendCall]) -> Response:
        """Send a HEAD, whose redirects are not followed; see `request`."""
        options.setdefault("allow_redirects", False)
        return self.request("HEAD", path, **hide_auth(options))

    def post(self, path: str, **options: Unpack[BackendCall]) -> Response:
        """Send a POST; see `request`."""
        return self.request("POST", path, **hide_auth(options))

    def put(self, path: str, **options: Unpack[BackendCall]) -> Response:
        """Send a PUT; see `request`."""
        return self.request("PUT", path, **hide_auth(options))

    def patch(self, path: str, **options: Unpack[BackendCall]) -> Response:
        """Send a PATCH; see `request`."""
        return self.request("PATCH", path, **hide_auth(options))

    def delete(self, path: str, **options: Unpack[BackendCall]) -> Response:
        """Send a DELETE; see `request`."""
        return self.request("DELETE", path, **hide_auth(options))

    def caller(self) -> Credentials | None:
        """Return who calls in the running Flask request, for ``auth=`` of calls on other threads.

        Returns
        -------
        Credentials or None
            User name and password, of which neither a repr nor a traceback shows the latter;
            None where the application's type is "none".

        Raises
        ------
        BackendError
            401, if the request has no proper credentials.
        RuntimeError
            If there is no application or no request.
        """
        app = self._find_app()
        is_needed = self._find_auth(app)["type"] != "none"
        return identify(None, self._realm_of(app)) if is_needed else None

    @property
    def pool(self) -> SessionPool:
        """Where the users' sessions are."""
        return self._pool

    def close(self) -> None:
        """Close the sessions, except those of a pool that was given."""
        self._shared.close()
        if self._bearers is not None:
            self._bearers.close()
        if self._owns_pool:
            self._pool.close()

    def __enter__(self) -> Self:
        """Return the back end itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        exception: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Close the sessions."""
        self.close()

    def __repr__(self) -> str:
        """Show where it is."""
        return f"<Backend {self._base_url}>"

    def _hook(self, name: str) -> Any:
        return getattr(self._shared, name)

    def _set_hook(self, name: str, hook: Any) -> None:
        """Set a hook of all of the sessions, those of the pool and of callers' tokens too."""
        setattr(self._shared, name, hook)
        setattr(self._pool, name, hook)
        if self._bearers is not None:
            self._bearers.set_hook(name, hook)

    # Who calls, and how.

    def _find_app(self) -> Flask | None:
        """Return the running application if it is one of ours, else the first of ours."""
        if has_app_context():
            running: Flask = current_app._get_current_object()  # type: ignore[attr-defined]
            if self in running.extensions.get(_EXTENSION, ()):
                return running
        return self._app

    def _find_auth(self, app: Flask | None) -> Mapping[str, Any]:
        if app is not None:
            return self._auth_of(app)
        if self._auth is None:
            raise RuntimeError(
                "the Backend belongs to no application: call init_app(app), or give app= or auth="
            )
        return self._auth

    def _auth_of(self, app: Flask) -> Mapping[str, Any]:
        found: Mapping[str, Any] = self._auth or app.config.get("AUTH") or {"type": "none"}
        return found

    def _realm_of(self, app: Flask | None) -> str:
        return self._base_url if app is None else app.name

    def _call(
        self,
        method: str,
        path: str,
        given: Credentials | None,
        options: dict[str, Any],
        log: CallLog,
    ) -> Response:
        seconds = options.pop("deadline", self._deadline)
        end = None if seconds is None else time.monotonic() + seconds
        app = self._find_app()
        realm = self._realm_of(app)
        way = self._find_auth(app)
        token = self._find_token(way, given)
        try:
            options["headers"] = pass_on(options.get("headers"))
            known = way["type"] == "none" or token is not None
            caller = None if known else identify(given, realm)
            log.url = join(self._base_url, path)
            with ending_at(end):
                log.response = (
                    self._send(way, caller, end, method, log.url, options)
                    if token is None
                    else self._send_token(way, token, end, method, log.url, options)
                )
        except LoginError as exception:
            if token is not None:
                raise refused_token(exception) from exception
            raise failed_login(exception, realm) from exception
        except (errors.RequestException, ValueError) as exception:
            raise failed_call(exception) from exception
        refuse_answer(log.response, realm)
        return log.response

    def _find_token(self, way: Mapping[str, Any], given: Credentials | None) -> Bearer | None:
        """Return the caller's own token, if it may send one."""
        wanted = self._bearers is not None and given is None and way["type"] != "none"
        return read_bearer() if wanted and has_request_context() else None

    def _send_token(
        self,
        way: Mapping[str, Any],
        token: Bearer,
        end: float | None,
        method: str,
        url: str,
        options: dict[str, Any],
    ) -> Response:
        if self._bearers is None:
            raise RuntimeError("this Backend takes no tokens: give it bearer=True")
        session = self._bearers.find(way)
        return session.request(method, url, auth=token, deadline=_left(end), **options)

    def _send(
        self,
        way: Mapping[str, Any],
        caller: Credentials | None,
        end: float | None,
        method: str,
        url: str,
        options: dict[str, Any],
    ) -> Response:
        if caller is None:
            return self._shared.request(
                method, url, auth=_anonymous, deadline=_left(end), **options
            )
        if way["type"] == "basic":
            return self._shared.request(
                method, url, auth=caller.pair(), deadline=_left(end), **options
            )
        data = way["data"]
        session_url = self._session_url or data.get("session_url")
        session = self._pool.get(data["endpoint"], caller.username, caller.password, session_url)
        response = session.request(method, url, deadline=_left(end), **options)
        refused = response.status_code in (401, 403)
        failure = session.failure() if refused and isinstance(session, PooledSession) else None
        if failure is not None:
            raise failure  # the proxy's refusal, since the log-in was lost and not renewed
        return response


def _left(end: float | None) -> float | None:
    """Return the seconds that are left; too few to send anything if none are."""
    return None if end is None else max(0.001, end - time.monotonic())


def _anonymous(prepared: Any) -> Any:
    """Be the `auth` that adds nothing, not even what the URL or the session has."""
    return prepared


def _answer(error: BackendError) -> FlaskResponse:
    """Answer with a BackendError, in JSON."""
    response = jsonify(error.to_dict())
    response.status_code = error.status_code
    response.headers.update(error.headers or {})
    return response

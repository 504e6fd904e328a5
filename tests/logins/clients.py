"""Who asks for a page behind the proxy: a session, or a service that passes a caller's token on."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass
from types import TracebackType
from typing import Protocol, Self
from urllib.parse import parse_qsl, urlsplit

from flask import request

from apikit import APIFlask, Backend, Session
from tests.servers import LOOPBACK

from .worlds import World

__all__ = ["CallersToken", "Client", "Reply", "SessionClient"]


@dataclass(frozen=True)
class Reply:
    """What a client got: the status, whom the proxy took it for, and the state of the log-in."""

    status: int
    identity: str | None
    state: str


class Client(Protocol):
    """What asks; a context manager that closes it."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None: ...

    def ask(self, url: str) -> Reply:
        """Ask for a page."""

    def forget_provider(self) -> None:
        """Lose the provider's cookies, if there are any."""


class SessionClient:
    """A session.

    Parameters
    ----------
    session : `Session`
        What asks.
    """

    def __init__(self, session: Session) -> None:
        self.session = session

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.session.close()

    def ask(self, url: str) -> Reply:
        """Ask for a page."""
        answer = self.session.get(url)
        state = self.session.login_state
        return Reply(answer.status_code, answer.headers.get("GAP-Auth"), state)

    def forget_provider(self) -> None:
        """Lose the provider's cookies, if there are any."""
        cookies = self.session.cookies
        for domain in {cookie.domain for cookie in cookies} - {LOOPBACK}:
            cookies.clear(domain)


class CallersToken:
    """A service with ``Backend(bearer=True)``, and a caller of it who has a token.

    Parameters
    ----------
    world : `World`
        Whose proxy guards the back end.
    token : `str`
        The caller's.
    """

    def __init__(self, world: World, token: str) -> None:
        self._headers = {"Authorization": f"Bearer {token}"}
        self._running = ExitStack()
        auth = {"type": "bitly-proxy", "data": {"endpoint": world.base_url}}
        app = APIFlask("service", "1", "https://github.com/example/service", "a service", auth=auth)
        backend = self._running.enter_context(Backend(world.door.url, app=app, bearer=True))

        @app.route("/ask")
        def ask() -> dict[str, object]:
            where = urlsplit(request.args["url"])
            answer = backend.get(where.path, params=dict(parse_qsl(where.query)))
            return {"status": answer.status_code, "identity": answer.headers.get("GAP-Auth")}

        self._caller = app.test_client()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._running.close()

    def ask(self, url: str) -> Reply:
        """Call the service, which asks for a page."""
        answer = self._caller.get("/ask", query_string={"url": url}, headers=self._headers)
        if answer.status_code == 200:
            got = answer.get_json()
            return Reply(got["status"], got["identity"], "ok")
        challenge = answer.headers.get("WWW-Authenticate")
        refused = challenge == 'Bearer error="invalid_token"'
        return Reply(answer.status_code, None, "bad-credentials" if refused else "error")

    def forget_provider(self) -> None:
        """Do nothing: there are no cookies."""

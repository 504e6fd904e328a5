"""The service of the log-in proof: it answers with whom the proxy vouched for.

What it shares its log-ins in, and where it notes what happens, is in its environment.
"""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

from apikit import APIFlask, Backend, SessionPool, open_store
from apikit.models import PreparedRequest
from apikit.response import Response

__all__ = ["USER_HEADER", "server"]

USER_HEADER = "X-Answered-For"
#: Seconds that nothing here takes on a machine that is merely busy.
_PATIENCE = 240


def _note(name: str, line: str) -> None:
    """Add a line to a file, which one write does whole."""
    file = os.open(Path(os.environ["NOTES"]) / name, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    try:
        os.write(file, f"{line}\n".encode())
    finally:
        os.close(file)


class _LoginNotes:
    """Notes which process sends a request of a log-in to the provider, and when."""

    def announce(self, request: PreparedRequest) -> None:
        if request.url is not None and request.url.startswith(os.environ["PROVIDER_URL"]):
            _note("logins", f"{os.getpid()} {time.monotonic()}")

    def answer(self, response: Response) -> None:
        """Nothing to note."""

    def fail(self, exception: BaseException, request: PreparedRequest) -> None:
        """Nothing to note."""


def server() -> APIFlask:
    """Return the service."""
    app = APIFlask(
        name="logins",
        version="1",
        repository="https://example.org/logins",
        description="Says who is asked for",
        auth={
            "type": "bitly-proxy",
            "data": {"endpoint": f"{os.environ['BACKEND_URL']}/oauth2/start"},
        },
    )
    store = open_store(
        os.environ["STORE_URL"],
        "the-secret-of-the-service-that-is-proved",
        lease=float(os.environ["LEASE"]),
        **({} if os.environ["STORE_URL"] == "memory:" else {"timeout": _PATIENCE}),
    )
    backend = Backend(
        os.environ["BACKEND_URL"],
        app=app,
        pool=SessionPool(
            store=store,
            login_timeout=_PATIENCE,
            timeout=_PATIENCE,
            retries=2,
            observer=_LoginNotes(),
        ),
        session_url=f"{os.environ['PROVIDER_URL']}/session",
        deadline=_PATIENCE,
    )
    app.add_url_rule("/", view_func=lambda: "OK", endpoint="healthcheck")

    @app.route("/who")
    def who() -> dict[str, Any]:
        _note("calls", str(os.getpid()))
        response = backend.get("/")
        return {"user": response.headers[USER_HEADER], "worker": os.getpid()}

    return app

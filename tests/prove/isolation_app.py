"""The services of the isolation proof: each answers with whom the back end saw.

`kept_apart` is on `Backend`; `shared` keeps one session in ``app.config``, whoever calls, as
the technote's example does: the proof must find it out.
"""

from __future__ import annotations

import os
from typing import Any

from BitlyOAuth2ProxySession import Session
from flask import request

from apikit import APIFlask, Backend, BackendError, SessionPool

__all__ = ["SESSIONS", "kept_apart", "shared"]

#: Sessions that a worker keeps: fewer than there are users.
SESSIONS = 48


def _make_app() -> APIFlask:
    app = APIFlask(
        name="isolation",
        version="1",
        repository="https://example.org/isolation",
        description="Says who is asked for",
        auth={
            "type": "bitly-proxy",
            "data": {"endpoint": f"{os.environ['BACKEND_URL']}/oauth2/start"},
        },
    )
    app.add_url_rule("/", view_func=lambda: "OK", endpoint="healthcheck")
    return app


def kept_apart() -> APIFlask:
    """Return the service whose sessions are kept apart."""
    app = _make_app()
    backend = Backend(
        os.environ["BACKEND_URL"],
        app=app,
        session_url=os.environ["SESSION_URL"],
        pool=SessionPool(max_size=SESSIONS),
    )

    @app.route("/echo/<number>")
    def echo(number: str) -> dict[str, Any]:
        resp = backend.get("/echo", params={"number": number})
        stats = backend.pool.stats()
        return {
            "text": resp.text,
            "worker": os.getpid(),
            "logins": stats["logins"],
            "evictions": stats["evictions"],
        }

    return app


def shared() -> APIFlask:
    """Return the service that has one session for all."""
    app = _make_app()
    app.config["SESSION"] = None

    @app.errorhandler(BackendError)
    def refuse(error: BackendError) -> tuple[dict[str, Any], int]:
        return error.to_dict(), error.status_code

    @app.route("/echo/<number>")
    def echo(number: str) -> dict[str, Any]:
        caller = request.authorization
        assert caller is not None
        if app.config["SESSION"] is None:
            app.config["SESSION"] = Session.Session(
                caller.username,
                caller.password,
                app.config["AUTH"]["data"]["endpoint"],
                os.environ["SESSION_URL"],
            )
        session = app.config["SESSION"]
        resp = session.get(f"{os.environ['BACKEND_URL']}/echo", params={"number": number})
        if resp.status_code != 200:
            app.config["SESSION"] = None
            raise BackendError(resp.reason, resp.status_code, resp.text)
        return {"text": resp.text, "worker": os.getpid(), "logins": 0, "evictions": 0}

    return app

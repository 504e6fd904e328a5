"""Whole services under gunicorn: what their worker's CPU costs for a request."""

from __future__ import annotations

import sys
from collections.abc import Callable
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

from tests.bench.model import Maker, Place, Work
from tests.bench.peers.clients import CLIENTS
from tests.bench.peers.wsgi import constant_app, make_app

__all__ = ["under_gunicorn"]

NO_CLIENT = ""


def metadata_app(_url: str) -> Any:
    """Make a service that has its metadata only."""
    return make_app()


def bare_app(_url: str) -> Any:
    """Make the least WSGI application that answers the same."""
    return constant_app()


def technote_app(client: str) -> Callable[[str], Any]:
    """Return what makes the technote's service, with a client that asks its back end."""

    def make(url: str) -> Any:
        from flask import jsonify

        app = make_app()
        fetch = (
            CLIENTS[client](Place(url)) if client else lambda: b"thirty bytes, a small answer.\n"
        )
        assert callable(fetch)

        @app.route("/<jobname>/<metric>")
        def get_metric_for_job(jobname: str, metric: str) -> Any:
            value = bytes(fetch()).decode()
            return jsonify({"jobname": jobname, "metric": metric, "value": value})

        return app

    return make


APPS: dict[str, Callable[[str], Any]] = {
    "metadata": metadata_app,
    "bare": bare_app,
    "technote over apikit": technote_app("apikit"),
    "technote over requests": technote_app("requests"),
    "technote alone": technote_app(NO_CLIENT),
}


def make(name: str, url: str) -> Any:
    """Make the application that gunicorn serves."""
    return APPS[name](url)


def under_gunicorn(name: str, path: str) -> Maker:
    """Return a maker of requests to one of the applications above, by one worker of gunicorn."""

    def make_work(place: Place) -> Work:
        from tests.servers.process import start_server

        options = ["--workers=1", "--log-level=error", f"{__name__}:make({name!r}, {place.url!r})"]

        def command(port: int) -> list[str]:
            gunicorn = [sys.executable, "-P", "-m", "gunicorn"]
            return [*gunicorn, f"--bind=127.0.0.1:{port}", *options]

        server = start_server("gunicorn", command)

        def call() -> bytes:
            connection = HTTPConnection("127.0.0.1", server.port)
            connection.request("GET", path)
            answer = connection.getresponse()
            body = answer.read()
            connection.close()
            if answer.status != 200:
                raise RuntimeError(f"the service answered {answer.status}: {server.last_output()}")
            return body

        # The master forks its worker after it listens: a first answer says that it is there.
        call()
        (worker,) = Path(f"/proc/{server.pid}/task/{server.pid}/children").read_text().split()
        return Work(call, cpu=lambda: cpu_of(worker))

    return make_work


def cpu_of(process: str) -> float:
    """Return the seconds of CPU that a process has used, in finer steps than its ticks."""
    threads = Path(f"/proc/{process}/task").glob("*/schedstat")
    return sum(int(thread.read_text().split()[0]) for thread in threads) / 1e9

"""The WSGI application of the gevent worker: answers with what the back end said."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from typing import Any

from apikit import Session

session = Session(timeout=(60, 60), trust_env=False)


def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    """Ask the back end for the path of the request."""
    body = session.get(os.environ["GREEN_BACKEND"] + environ["PATH_INFO"]).content
    start_response("200 OK", [("Content-Length", str(len(body)))])
    return [body]


def post_worker_init(worker: Any) -> None:
    """Say that a worker has its signal handlers: gunicorn's setting of this name.

    A signal that comes earlier is lost, whatever is served (gunicorn's master has handlers of
    its own, which the worker inherits).
    """
    worker.log.info("the worker is ready")

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

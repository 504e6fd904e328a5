"""The WSGI application of the fork proof: its session is warm before gunicorn forks."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import parse_qs

from apikit import Session
from apikit.errors import RequestException

__all__ = ["application"]

BACKEND = os.environ["PROVE_BACKEND"]

CONNECTIONS = 8

session = Session(timeout=(30, 30), trust_env=False, pool_maxsize=CONNECTIONS)

with ThreadPoolExecutor(CONNECTIONS) as _pool:
    assert all(_pool.map(lambda _: session.get(f"{BACKEND}/warm").ok, range(CONNECTIONS)))


def _ask(start: int, count: int) -> dict[str, int]:
    wrong = errors = 0
    for number in range(start, start + count):
        name = f"{os.getpid()}-{number}"
        try:
            wrong += session.get(f"{BACKEND}/echo/{name}").text != name
        except RequestException:
            errors += 1
    return {"pid": os.getpid(), "wrong": wrong, "errors": errors}


def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    """Ask the back end for ?count=N names from ?start=N on; say how it went."""
    query = {key: int(values[0]) for key, values in parse_qs(environ["QUERY_STRING"]).items()}
    body = json.dumps(_ask(query["start"], query["count"])).encode()
    start_response("200 OK", [("Content-Length", str(len(body)))])
    return [body]

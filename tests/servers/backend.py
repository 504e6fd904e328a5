"""The back end that a service wraps: plain text for ``GET /api?metric=&job=``, and failures.

Some jobs fail, so that a service that only knows ``/api`` can be made to meet a failure;
``/status/CODE`` and ``/slow?seconds=`` do the same for any client, and ``/away/CODE?to=URL`` sends
it elsewhere.
"""

from __future__ import annotations

import hashlib
import threading
from collections import Counter
from http import HTTPStatus
from typing import ClassVar

from .process import Server
from .site import Answer, Request, Site, argument_parser, serve, start_site

__all__ = ["FAILING_JOBS", "USER_HEADER", "Backend", "metric_value", "start_backend"]

USER_HEADER = "X-Answered-For"
"""The header that names the user whom the proxy vouched for."""

FAILING_JOBS = {"broken": 500, "missing": 404, "secret": 403, "stranger": 401, "busy": 503}
"""The status of the answer for each job that the back end cannot or will not serve."""

_SLOW_SECONDS = 30.0


class Backend(Site):
    """The back end. Counter: ``requests`` to ``/api``."""

    name: ClassVar[str] = "backend"

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counter = Counter(requests=0)
        self._never = threading.Event()

    def counts(self) -> dict[str, int]:
        """Return the counters."""
        with self._lock:
            return dict(self._counter)

    def answer(self, request: Request) -> Answer:
        """Answer the proxy."""
        answer = self._route(request)
        user = request.headers.get("X-Forwarded-User", "")
        answer.headers.append((USER_HEADER, user))
        answer.note["user"] = user
        return answer

    def _route(self, request: Request) -> Answer:
        match request.path.split("/")[1:]:
            case [""]:
                return Answer(200, b"back end\n")
            case ["api"]:
                return self._answer_metric(request)
            case ["status", code] if code.isdecimal() and 200 <= int(code) <= 599:
                return _failure(int(code))
            case ["away", code] if code.isdecimal() and 300 <= int(code) <= 399:
                return Answer(int(code), headers=[("Location", request.query.get("to", "/"))])
            case ["slow"]:
                self._never.wait(float(request.query.get("seconds", _SLOW_SECONDS)))
                return Answer(200, b"slow\n")
            case _:
                return _failure(404)

    def _answer_metric(self, request: Request) -> Answer:
        with self._lock:
            self._counter["requests"] += 1
        metric, job = request.query.get("metric"), request.query.get("job")
        if not metric or not job:
            return _failure(400)
        if job in FAILING_JOBS:
            return _failure(FAILING_JOBS[job])
        return Answer(200, metric_value(job, metric).encode())


def metric_value(job: str, metric: str) -> str:
    """Return what the back end answers for a metric of a job: the same each time."""
    digest = hashlib.sha256(f"{job}/{metric}".encode()).digest()
    return f"{int.from_bytes(digest[:2]) / 100:.2f}"


def _failure(status: int) -> Answer:
    try:
        phrase = HTTPStatus(status).phrase
    except ValueError:
        phrase = "Unknown"
    return Answer(status, f"the back end says: {phrase}\n".encode())


def start_backend(*, port: int = 0) -> Server:
    """Start the back end as a child process."""
    return start_site("backend", port=port)


def main(arguments: list[str]) -> None:
    """Serve until ended."""
    serve(Backend(), argument_parser("a back end of plain text").parse_args(arguments).port)

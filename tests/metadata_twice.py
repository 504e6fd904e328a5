"""A request for the metadata sent twice: as a server does, and to Flask itself."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from flask import Flask
from werkzeug.test import create_environ

__all__ = ["Seen", "ask", "ask_twice"]


@dataclass(frozen=True)
class Seen:
    """All that a server and its middleware see of an answer."""

    status: str
    headers: tuple[tuple[str, str], ...]
    body: bytes
    environ: tuple[tuple[str, str], ...]
    """What is in the environ afterwards."""

    failure: str
    """The exception that left the application."""

    def as_view(self) -> tuple[int, str, bytes]:
        """Return the status, the type and the body."""
        return int(self.status[:3]), dict(self.headers).get("Content-Type", ""), self.body


def ask(call: Any, environ: dict[str, Any]) -> Seen:
    """Call a WSGI application with a copy of `environ`."""
    environ = dict(environ)
    started: list[tuple[str, list[tuple[str, str]]]] = []

    def start_response(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Any:
        started.append((status, headers))
        return lambda _data: None

    body, failure = b"", ""
    try:
        pieces: Iterable[bytes] = call(environ, start_response)
        body = b"".join(pieces)
        if hasattr(pieces, "close"):
            pieces.close()
    except Exception as error:
        failure = f"{type(error).__name__}: {error}"
    status, headers = started[-1] if started else ("000", [])
    after = tuple(sorted((key, repr(value)) for key, value in environ.items()))
    return Seen(status, tuple(headers), body, after, failure)


def ask_twice(app: Flask, path: str = "/metadata", **options: Any) -> Seen:
    """Send the request as a server does, some times, and once to Flask itself: all are alike."""
    environ = create_environ(path, "http://service.example/", **options)
    by_flask = ask(lambda *args: Flask.__call__(app, *args), environ)
    for _time in range(3):
        assert ask(app, environ) == by_flask
    return by_flask

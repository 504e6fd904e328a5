"""Metadata through the WSGI callable, without a server."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from tests.bench.model import Place

__all__ = [
    "METADATA",
    "build",
    "build_100",
    "constant",
    "constant_app",
    "make_app",
    "metadata",
    "metadata_beside_a_hook",
    "metadata_of_last",
    "metadata_of_last_of_100",
]

METADATA = {
    "name": "uservice-mymicroservice",
    "version": "0.0.1",
    "repository": "https://github.com/sqre-lsst/uservice-mymicroservice",
    "description": "My delightful microservice",
    "api_version": "1.0",
    "auth": "none",
}
PREFIXES = [f"/service-{number}" for number in range(1000)]


def environ(path: str) -> dict[str, Any]:
    from werkzeug.test import create_environ

    return create_environ(path, "http://service.example/")


def start_response(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Any:
    return None


def caller(app: Any, path: str) -> Callable[[], bytes]:
    asked = environ(path)

    def call() -> bytes:
        answer: Iterable[bytes] = app(asked, start_response)
        return b"".join(answer)

    return call


def make_app(route: list[str] | None = None) -> Any:
    from apikit import APIFlask

    fields = {key: value for key, value in METADATA.items() if key != "auth"}
    return APIFlask(route=route, **fields)


def metadata(_place: Place) -> Callable[[], bytes]:
    return caller(make_app(), "/metadata")


def metadata_beside_a_hook(_place: Place) -> Callable[[], bytes]:
    """Return a call that Flask answers, since a hook of the service must be called."""
    app = make_app()
    app.after_request(lambda response: response)
    return caller(app, "/metadata")


def metadata_of_last(_place: Place, prefixes: Sequence[str] = PREFIXES) -> Callable[[], bytes]:
    return caller(make_app(list(prefixes)), f"{prefixes[-1]}/metadata")


def metadata_of_last_of_100(place: Place) -> Callable[[], bytes]:
    return metadata_of_last(place, PREFIXES[:100])


def constant_app() -> Callable[[dict[str, Any], Any], list[bytes]]:
    """Make the least WSGI application that answers the same."""
    import json

    body = json.dumps(METADATA).encode()
    headers = [("Content-Type", "application/json"), ("Content-Length", str(len(body)))]

    def app(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        start_response("200 OK", headers)
        return [body]

    return app


def constant(_place: Place) -> Callable[[], bytes]:
    return caller(constant_app(), "/metadata")


def build(_place: Place, prefixes: Sequence[str] = PREFIXES) -> Callable[[], int]:
    """Return a call that makes an app with many prefixes, and counts its rules."""

    def call() -> int:
        app = make_app(list(prefixes))
        return sum(rule.endpoint == "_return_metadata" for rule in app.url_map.iter_rules())

    return call


def build_100(place: Place) -> Callable[[], int]:
    return build(place, PREFIXES[:100])

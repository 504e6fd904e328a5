"""The six fields of the metadata as JSON."""

from __future__ import annotations

from collections.abc import Callable

from tests.bench.model import Place
from tests.bench.peers.wsgi import METADATA

__all__ = ["apikit", "flask_jsonify", "json", "msgspec", "orjson"]


def apikit(_place: Place) -> Callable[[], bytes | None]:
    from apikit._core import dump_metadata

    names = ("auth", "name", "repository", "version", "description", "api_version")
    auth, name, repository, version, description, api_version = (METADATA[key] for key in names)
    fields = auth, name, repository, version, description, api_version
    return lambda: dump_metadata(fields)


def orjson(_place: Place) -> Callable[[], bytes]:
    from orjson import dumps

    return lambda: dumps(METADATA)


def msgspec(_place: Place) -> Callable[[], bytes]:
    from msgspec.json import Encoder

    encode = Encoder().encode
    return lambda: encode(METADATA)


def json(_place: Place) -> Callable[[], bytes]:
    from json import dumps

    return lambda: dumps(METADATA).encode()


def flask_jsonify(_place: Place) -> Callable[[], bytes]:
    from flask import Flask, jsonify

    app = Flask("service")
    app.app_context().push()
    return lambda: jsonify(METADATA).data

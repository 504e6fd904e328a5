"""How cases put what they see into values that JSON can hold."""

from __future__ import annotations

import contextlib
import io
import json
import logging
import urllib.request
from collections.abc import Callable, Iterator
from typing import Any

from flask import Flask

#: Arguments that every check of the metadata accepts.
GOOD = {"version": "1.2", "repository": "https://example.org/r", "description": "d"}


def outcome(call: Callable[[], Any]) -> Any:
    """Return {"returns": ...} or {"raises": the builtin or public class's name}."""
    try:
        return {"returns": call()}
    except Exception as error:
        return {"raises": type(error).__name__}


def outcomes(calls: dict[str, Callable[[], Any]]) -> dict[str, Any]:
    """Return the outcome of each named call."""
    return {name: outcome(call) for name, call in calls.items()}


def new_app(name: str = "bare") -> Flask:
    """Return a Flask application without metadata."""
    return Flask(name)


def rules(app: Flask) -> list[list[Any]]:
    """Return every rule but Flask's own for static files, in the order of adding."""
    return [
        [rule.rule, rule.endpoint, sorted(rule.methods or ())]
        for rule in app.url_map._rules
        if rule.endpoint != "static"
    ]


def answer(app: Flask, path: str, method: str = "GET") -> list[Any]:
    """Return status, Content-Type, Allow (sorted) and body of a request to APP."""
    app.testing = False
    app.config["PROPAGATE_EXCEPTIONS"] = False
    response = app.test_client().open(path, method=method)
    allow = sorted(part.strip() for part in response.headers.get("Allow", "").split(",") if part)
    return [
        response.status_code,
        response.headers.get("Content-Type"),
        allow,
        response.get_data().decode("utf-8", "backslashreplace"),
    ]


def body(app: Flask, path: str) -> str:
    """Return the body alone."""
    return answer(app, path)[3]


@contextlib.contextmanager
def standard_output() -> Iterator[io.StringIO]:
    """Replace standard output for the block."""
    with contextlib.redirect_stdout(io.StringIO()) as stream:
        yield stream


def lines(text: str) -> list[Any]:
    """Return each line as JSON without its time; one that is no JSON as it is."""
    found: list[Any] = []
    for line in text.splitlines():
        try:
            record = json.loads(line)
        except ValueError:
            found.append(line)
            continue
        if isinstance(record, dict):
            record.pop("timestamp", None)
        found.append(record)
    return found


def root_handlers() -> list[logging.Handler]:
    """Return the root logger's handlers."""
    return list(logging.getLogger().handlers)


def drop_root_handlers() -> None:
    """Leave the root logger without handlers."""
    logging.getLogger().handlers.clear()


def script(server: str, *answers: dict[str, Any]) -> str:
    """Prepare the recording server's next answers; return the URL that gets them."""
    request = urllib.request.Request(
        server + "/_script", data=json.dumps(answers).encode(), method="POST"
    )
    with urllib.request.urlopen(request, timeout=10) as response:
        return server + json.load(response)


def recorded(url: str) -> list[dict[str, Any]]:
    """Return the requests that came to what `script` returned."""
    server, _, key = url.rpartition("/")
    with urllib.request.urlopen(f"{server}/_requests/{key}", timeout=10) as response:
        found: list[dict[str, Any]] = json.load(response)
    return found

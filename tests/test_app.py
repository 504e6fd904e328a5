"""APIFlask, set_flask_metadata and add_metadata_route beyond what the originals do."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest
from flask import Blueprint, Flask, current_app

import apikit
from apikit import APIFlask, add_metadata_route, set_flask_metadata
from tests.metadata_twice import ask_twice

pytestmark = pytest.mark.flask

GOOD: dict[str, Any] = {"version": "1", "repository": "r", "description": "d"}
SECRET = "correct-horse-battery"  # a password that no message may show

WRONG = {
    "app": (TypeError, {"app": Blueprint("b", __name__)}),
    "version": (TypeError, {"version": 1}),
    "repository": (ValueError, {"repository": ""}),
    "description": (TypeError, {"description": None}),
    "api_version": (ValueError, {"api_version": ""}),
    "name": (TypeError, {"name": b"n"}),
    "auth": (TypeError, {"auth": "basic"}),
    "type": (ValueError, {"auth": {"type": "Basic", "data": {"password": SECRET}}}),
    "data": (ValueError, {"auth": {"type": "basic"}}),
    "route": (TypeError, {"route": ("/a",)}),
}


def _snapshot(app: Flask) -> tuple[dict[str, Any], str, list[str]]:
    return dict(app.config), app.name, [rule.rule for rule in app.url_map.iter_rules()]


@pytest.mark.parametrize("named", WRONG)
def test_error_names_the_argument_and_leaves_the_app_alone(named: str) -> None:
    error, change = WRONG[named]
    app = Flask("before")
    before = _snapshot(app)
    with pytest.raises(error, match=named) as caught:
        set_flask_metadata(**{"app": app, "name": "after", **GOOD, **change})
    assert len(str(caught.value)) <= 400
    assert SECRET not in str(caught.value)
    assert _snapshot(app) == before


@pytest.mark.parametrize("value", ["x" * 5000, {"type": "Basic", "data": SECRET}, [SECRET]])
def test_message_stays_short_and_secret_whatever_came(value: Any) -> None:
    for name in ("version", "auth", "route", "name"):
        for given in (value, {"type": value, "data": value}, [value, 1]):
            with pytest.raises((TypeError, ValueError)) as caught:
                set_flask_metadata(Flask("a"), **{**GOOD, "auth": 5, name: given})
            assert len(str(caught.value)) <= 400
            assert SECRET not in str(caught.value)


def test_refusal_of_flask_puts_changed_values_back() -> None:
    app = APIFlask("first", **GOOD)
    auth = app.config["AUTH"]
    before = _snapshot(app)
    app.test_client().get("/metadata")
    with pytest.raises(AssertionError):
        set_flask_metadata(app, "2", "r2", "d2", "2.0", "second", {"type": "none"}, "/late")
    assert _snapshot(app) == before
    assert app.config["AUTH"] is auth


def test_refusal_of_flask_removes_keys_that_were_not_there() -> None:
    app = Flask("bare")
    app.add_url_rule("/x", "_return_metadata", lambda: "x")
    before = _snapshot(app)
    with pytest.raises(AssertionError):
        set_flask_metadata(app, **GOOD, name="after")
    assert (dict(app.config), app.name) == before[:2]


@pytest.mark.parametrize("served", [True, False], ids=["after a request", "endpoint taken"])
def test_refusal_of_flask_says_what_to_do(served: bool) -> None:
    app = Flask("bare")
    app.config["API_VERSION"] = "1.0"
    app.add_url_rule("/x", "_return_metadata", lambda: "x")
    if served:
        app.test_client().get("/x")
    with pytest.raises(AssertionError) as caught:
        add_metadata_route(app, "/late")
    (note,) = caught.value.__notes__
    assert "/late/metadata" in note
    assert "before the first request" in note
    assert "_return_metadata" in note


def test_current_app_is_an_app() -> None:
    app = Flask("bare")
    with app.app_context():
        set_flask_metadata(current_app, **GOOD, route="/a")
        add_metadata_route(current_app, "/b")
    assert ask_twice(app, "/a/metadata").body == ask_twice(app, "/b/v1.0/metadata.json").body


@pytest.mark.parametrize(
    ("error", "change"),
    [
        (TypeError, {"name": None}),
        (ValueError, {"name": ""}),
        (TypeError, {"name": "", "description": 5}),
        (TypeError, {"route": {"/a"}}),
        (ValueError, {"auth": {"type": "basic"}}),
    ],
)
def test_bad_argument_is_found_before_flask_starts(
    error: type[Exception], change: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    def unreached(*_args: object, **_kwargs: object) -> None:
        raise AssertionError("Flask was reached")

    monkeypatch.setattr(Flask, "__init__", unreached)
    with pytest.raises(error):
        APIFlask(**{"name": "n", **GOOD, **change})


def test_subclass_of_apiflask_with_its_own_keywords() -> None:
    class Service(APIFlask):
        def __init__(self, **kwargs: Any) -> None:
            super().__init__("service", "1", "r", "d", route=["/", "/service"], **kwargs)

    app = Service(static_folder=None)
    assert app.static_folder is None
    assert json.loads(ask_twice(app, "/service/metadata").body)["name"] == "service"


def _loaded_by(statement: str) -> set[str]:
    """Return the modules that a statement loads in an interpreter that has just started."""
    script = f"import sys; before = set(sys.modules); {statement}; "
    script += "print(*set(sys.modules) - before)"
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    return set(done.stdout.split())


def test_import_loads_little_more_than_the_core() -> None:
    loaded = _loaded_by("import apikit")
    assert {name for name in loaded if name.startswith("apikit")} == {"apikit", "apikit._core"}
    assert not loaded & {"flask", "structlog", "typing", "re", "json", "logging"}


@pytest.mark.parametrize(
    "statement",
    ["from apikit import Session", "from apikit.session import Session", "import apikit.errors"],
)
def test_client_alone_loads_neither_flask_nor_what_a_log_in_needs(statement: str) -> None:
    loaded = {name.partition(".")[0] for name in _loaded_by(statement)}
    assert not loaded & {"flask", "werkzeug", "structlog", "requests", "idna", "ssl"}
    assert not loaded & {"dataclasses", "inspect", "html", "hmac", "logging"}


def test_application_loads_no_client() -> None:
    loaded = _loaded_by("import flask; before = set(sys.modules); from apikit import APIFlask")
    assert "apikit.app" in loaded
    assert not loaded & {"apikit.session", "structlog", "requests", "ssl", "html.parser"}


def test_star_imports_every_name() -> None:
    script = "from apikit import *; import apikit; print({*apikit.__all__} <= {*dir()})"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert (done.stdout, done.stderr) == ("True\n", "")


def test_threads_that_ask_for_a_name_first_get_the_same() -> None:
    script = """
import sys, threading
import apikit
sys.setswitchinterval(1e-6)
start, got = threading.Barrier(8), []
def ask(name):
    start.wait()
    got.append((name, getattr(apikit, name)))
names = ["APIFlask", "Session", "get_logger", "retry_request"] * 2
threads = [threading.Thread(target=ask, args=[name]) for name in names]
for thread in threads: thread.start()
for thread in threads: thread.join()
print(len(got), len({id(value) for _name, value in got}))
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert (done.stdout, done.stderr) == ("8 4\n", "")


def test_every_name_of_all_can_be_had_and_is_listed() -> None:
    assert set(apikit.__all__) <= set(dir(apikit))
    assert all(getattr(apikit, name) is not None for name in apikit.__all__)


def test_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'Sesion'"):
        apikit.Sesion  # noqa: B018

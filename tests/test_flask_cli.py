"""Flask's own conventions: commands, extensions, blueprints, factories."""

from __future__ import annotations

import gc
import json
import os
import subprocess
import sys
import weakref
from logging import getLogger
from pathlib import Path
from typing import Any

import pytest
from flask import Blueprint, Flask

from apikit import APIFlask, Backend, BackendError, SessionPool, set_flask_metadata
from apikit.testing import MockTransport

pytestmark = pytest.mark.flask

GOOD: dict[str, Any] = {"version": "1", "repository": "r", "description": "d"}
ROUTES = ["/metadata", "/metadata.json", "/v1.0/metadata", "/v1.0/metadata.json"]


def make_app(name: str = "s", **options: Any) -> APIFlask:
    return APIFlask(name, **GOOD, **options)


def test_runner_shows_the_metadata_as_the_route_does() -> None:
    app = make_app()
    shown = app.test_cli_runner().invoke(args=["apikit", "metadata"])
    assert shown.exit_code == 0
    assert shown.output == app.test_client().get("/metadata").text


def test_runner_shows_the_routes() -> None:
    app = make_app(route=["/", "/s"])
    app.add_url_rule("/other", view_func=lambda: "")
    shown = app.test_cli_runner().invoke(args=["apikit", "routes"])
    assert shown.output.splitlines() == ROUTES + [f"/s{path}" for path in ROUTES]


def test_plain_flask_has_the_commands_by_its_metadata_or_a_back_end() -> None:
    one, other = Flask("one"), Flask("other")
    set_flask_metadata(one, **GOOD)
    with Backend("https://back.end", auth="none") as backend:
        backend.init_app(other)
        runner = one.test_cli_runner()
        assert json.loads(runner.invoke(args=["apikit", "metadata"]).output)["name"] == "one"
        for command in ("metadata", "routes"):
            refused = other.test_cli_runner().invoke(args=["apikit", command])
            assert refused.exit_code == 1
            assert "make it an APIFlask, or call set_flask_metadata" in refused.output


def test_application_keeps_a_command_of_its_own() -> None:
    app = Flask("own")

    @app.cli.command("apikit")
    def own() -> None:
        print("own")

    set_flask_metadata(app, **GOOD)
    assert app.test_cli_runner().invoke(args=["apikit"]).output == "own\n"


@pytest.mark.no_asan  # another interpreter starts here
@pytest.mark.parametrize("command", ["metadata", "routes"])
def test_entry_point_serves_any_application(tmp_path: Path, command: str) -> None:
    (tmp_path / "service.py").write_text(
        "from flask import Flask\nfrom apikit.app import add_metadata_route\n"
        "app = Flask('plain')\n"
        "app.config.update(NAME='plain', VERSION='1', REPOSITORY='r', DESCRIPTION='d',\n"
        "                  API_VERSION='1.0', AUTH={'type': 'none'})\n"
        "add_metadata_route(app, None)\n"
    )
    done = subprocess.run(
        [sys.executable, "-m", "flask", "--app", "service", "apikit", command],
        cwd=tmp_path,
        env={**os.environ, "PYTHONSAFEPATH": ""},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    if command == "routes":
        assert done.stdout.split() == ROUTES
    else:
        assert json.loads(done.stdout)["name"] == "plain"


def test_extensions_are_there_from_the_start() -> None:
    app = make_app()
    assert app.extensions["apikit"] == []
    with Backend("https://back.end", app=app) as backend:
        assert app.extensions["apikit"] == [backend]


def test_refused_metadata_leave_no_extension() -> None:
    app = Flask("x")
    with pytest.raises(ValueError, match="description"):
        set_flask_metadata(app, "1", "r", "")
    assert "apikit" not in app.extensions
    assert "apikit" not in app.cli.commands


def test_one_back_end_serves_several_applications(backend_mock: MockTransport) -> None:
    backend_mock.get("https://back.end/api", status=404, text="nothing")
    backend = Backend("https://back.end")
    for name in ("one", "two"):
        app = make_app(name)
        backend.init_app(app)
        app.add_url_rule("/", view_func=lambda: backend.get("/api").text)
        answer = app.test_client().get("/")
        assert (answer.status_code, answer.get_json()["error_content"]) == (404, "nothing")
    backend.close()


class Metrics:
    """An extension as others write them: on init_app, the configuration and extensions."""

    def __init__(self, backend: Backend) -> None:
        self.backend = backend

    def init_app(self, app: Flask) -> None:
        self.backend.init_app(app)
        app.extensions["metrics"] = self
        app.add_url_rule("/metric", view_func=self.show)

    def show(self) -> dict[str, str]:
        return {"value": self.backend.get("/api").text}


def test_extension_that_is_built_on_a_back_end(backend_mock: MockTransport) -> None:
    backend_mock.get("https://back.end/api", text="5.5")
    with Backend("https://back.end") as backend:
        metrics = Metrics(backend)
        apps = [make_app("one"), make_app("two")]
        for app in apps:
            metrics.init_app(app)
        for app in apps:
            assert app.extensions["metrics"].backend is app.extensions["apikit"][0]
            assert app.test_client().get("/metric").get_json() == {"value": "5.5"}


def test_nested_blueprints(backend_mock: MockTransport) -> None:
    backend_mock.get("https://back.end/api", status=503, headers={"Retry-After": "7"})
    backend = Backend("https://back.end", retries=None)
    outer, inner = Blueprint("outer", __name__), Blueprint("inner", __name__)
    own = Blueprint("own", __name__)
    for blueprint in (inner, own):
        blueprint.add_url_rule("/call", "call", lambda: backend.get("/api").text)
    own.register_error_handler(BackendError, lambda error: (f"own {error.status_code}", 418))
    outer.register_blueprint(inner, url_prefix="/inner")
    outer.register_blueprint(own, url_prefix="/own")
    app = make_app(route="/outer")
    app.register_blueprint(outer, url_prefix="/outer")
    backend.init_app(app)
    client = app.test_client()
    answer = client.get("/outer/inner/call")
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "7")
    assert client.get("/outer/own/call").text == "own 503"
    assert client.get("/outer/metadata").get_json()["name"] == "s"
    backend.close()


def count_descriptors() -> int:
    return sum(1 for _ in Path("/proc/self/fd").iterdir())


def test_factories_called_many_times_leave_nothing(backend_mock: MockTransport) -> None:
    backend_mock.get("https://back.end/api", text="5.5")

    def make() -> weakref.ref[Flask]:
        app = make_app(route=["/", "/s"])
        backend = Backend("https://back.end", app=app, pool=SessionPool())
        app.add_url_rule("/call", view_func=lambda: backend.get("/api").text)
        client = app.test_client()
        assert client.get("/call").text == "5.5"
        assert client.get("/s/metadata").status_code == 200
        assert app.test_cli_runner().invoke(args=["apikit", "routes"]).exit_code == 0
        backend.close()
        return weakref.ref(app)

    make()
    handlers, descriptors = len(getLogger().handlers), count_descriptors()
    made = [make() for _ in range(30)]
    gc.collect()
    assert [app() for app in made] == [None] * 30
    assert len(getLogger().handlers) == handlers
    assert count_descriptors() == descriptors

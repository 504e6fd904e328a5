"""Services as they were written against the originals, each habit on its own.

What ten public services have in common, rebuilt small: it must go on working.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from wsgiref.util import setup_testing_defaults

import pytest
from BitlyOAuth2ProxySession import Session
from flask import Blueprint, Flask, jsonify, request

import apikit.convenience
from apikit import APIFlask, BackendError, raise_ise, retry_request, set_flask_metadata
from tests.differential.recording_server import RecordingServer

pytestmark = pytest.mark.flask

GOOD: dict[str, Any] = {"version": "1", "repository": "r", "description": "d"}


@pytest.fixture
def server() -> Iterator[str]:
    with RecordingServer() as url:
        yield url


def _proxy_auth(endpoint: str = "https://proxy.example.org/oauth2/start") -> dict[str, Any]:
    return {
        "type": "bitly-proxy",
        "data": {"username": "", "password": "", "endpoint": endpoint},
    }


def _handle(error: BackendError) -> Any:
    """Answer as every one of the services does."""
    response = jsonify(error.to_dict())
    response.status_code = error.status_code
    return response


def test_routes_and_auth_of_the_constructor() -> None:
    app = APIFlask("uservice-x", **GOOD, route=["/", "/x"], auth=_proxy_auth())
    client = app.test_client()
    answers = [client.get(prefix + "/metadata").get_json() for prefix in ("", "/x")]
    assert answers[0] == answers[1]
    assert answers[0]["auth"] == "bitly-proxy"
    assert b"endpoint" not in client.get("/metadata").data


def test_error_handler_of_the_app() -> None:
    app = APIFlask("s", **GOOD)
    app.register_error_handler(BackendError, _handle)

    @app.route("/fail")
    def fail() -> str:
        raise BackendError(reason="Bad Request", status_code=400, content="no metric")

    response = app.test_client().get("/fail")
    assert response.status_code == 400
    assert response.get_json() == {
        "reason": "Bad Request",
        "status_code": 400,
        "error_content": "no metric",
    }


def test_error_handler_of_a_blueprint() -> None:
    blueprint = Blueprint("part", __name__)
    blueprint.register_error_handler(BackendError, _handle)
    blueprint.add_url_rule("/ise", "ise", lambda: raise_ise(ValueError("why")))
    app = APIFlask("s", **GOOD)
    app.register_blueprint(blueprint, url_prefix="/part")
    response = app.test_client().get("/part/ise")
    assert response.status_code == 500
    assert response.get_json()["error_content"] == "why"


def test_subclass_of_backend_error_is_handled_by_its_base() -> None:
    class BadTarget(BackendError):
        status_code = 404

        def __init__(self, target: str) -> None:
            super().__init__(reason="No such target", content=target)
            self.target = target

    app = APIFlask("s", **GOOD)
    app.register_error_handler(BackendError, _handle)

    @app.route("/<target>")
    def find(target: str) -> str:
        raise BadTarget(target)

    response = app.test_client().get("/moon")
    assert (response.status_code, response.get_json()["error_content"]) == (404, "moon")


def test_logger_of_the_configuration_at_module_level(capsys: pytest.CaptureFixture[str]) -> None:
    app = APIFlask("s", **GOOD)
    log = app.config["LOGGER"]
    log.bind(service="s")

    @app.route("/")
    def root() -> str:
        log.bind(path=request.path)
        log.error({"reason": "r", "status_code": 500})
        return "OK"

    assert app.test_client().get("/").data == b"OK"
    line = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert line["event"] == {"reason": "r", "status_code": 500}
    assert (line["service"], line["path"]) == ("s", "/")


def test_credentials_in_the_configuration_are_read_and_written() -> None:
    app = APIFlask("s", **GOOD, auth=_proxy_auth())

    @app.route("/")
    def root() -> str:
        data = app.config["AUTH"]["data"]
        assert request.authorization is not None
        if data["username"] != request.authorization.username:
            data["username"] = request.authorization.username
            data["password"] = request.authorization.password
        return str(app.config["AUTH"]["data"]["username"])

    client = app.test_client()
    assert client.get("/", auth=("ann", "secret")).data == b"ann"
    assert client.get("/metadata").get_json()["auth"] == "bitly-proxy"


def test_configuration_from_an_object() -> None:
    class Settings:
        VERSION = "9"
        DEBUG = False
        COLOUR = "red"

    app = APIFlask("s", **GOOD)
    app.config.from_object(Settings)
    assert app.config["COLOUR"] == "red"
    assert app.test_client().get("/metadata").get_json()["version"] == "9"


def test_existing_flask_app_gets_its_metadata() -> None:
    app = Flask(__name__)
    app.add_url_rule("/", "root", lambda: "OK")
    set_flask_metadata(app, **GOOD, name="named", route="/named")
    answer = app.test_client().get("/named/v1.0/metadata.json").get_json()
    assert (answer["name"], app.name) == ("named", "named")


def _server(run_standalone: bool = False) -> APIFlask:
    """Make the app as the services' own server() does."""
    app = APIFlask("uservice-x", **GOOD, route=["/", "/x"])
    app.add_url_rule("/", "healthcheck", lambda: "OK")
    if run_standalone:
        app.run(host="127.0.0.1", threaded=True)
    return app


def test_server_is_a_wsgi_callable() -> None:
    environ: dict[str, Any] = {}
    setup_testing_defaults(environ)
    started: list[str] = []
    callable_ = _server()
    body = b"".join(callable_(environ, lambda status, _headers: started.append(status)))
    assert (started, body) == (["200 OK"], b"OK")


def test_server_run_standalone_is_threaded(monkeypatch: pytest.MonkeyPatch) -> None:
    run: dict[str, Any] = {}
    monkeypatch.setattr("werkzeug.serving.run_simple", lambda *args, **kwargs: run.update(kwargs))
    _server(run_standalone=True)
    assert run["threaded"]


def test_post_of_the_service_is_reached_beside_the_metadata() -> None:
    app = APIFlask("s", **GOOD, route=["/", "/svc"])

    @app.route("/svc/<project_type>", methods=["POST"])
    def create(project_type: str) -> Any:
        return jsonify(project_type=project_type)

    response = app.test_client().post("/svc/metadata")
    assert response.get_json() == {"project_type": "metadata"}


def test_session_is_made_and_authenticated(server: str) -> None:
    url = server
    session = Session.Session(
        oauth2_username="ann",
        oauth2_password="secret",
        authentication_session_url=url + _script(url, {"body": "no form here"}) + "/session",
        authentication_base_url=url + _script(url, {"body": "no form here"}) + "/oauth2/start",
    )
    session.authenticate()
    response = session.get(url + _script(url, {"body": "42"}) + "/api", params={"metric": "m"})
    assert (response.status_code, response.reason, response.text) == (200, "OK", "42")


def _script(server: str, *answers: dict[str, Any]) -> str:
    """Return a path of the recording server that gives these answers."""
    path: str = retry_request("post", server + "/_script", payload=list(answers)).json()
    return path


def test_retries_with_a_callback_from_several_threads(
    server: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    slept: list[float] = []
    monkeypatch.setattr(apikit.convenience.time, "sleep", slept.append)
    failures: list[int] = []
    lock = threading.Lock()

    def note(*, n: int, remaining: int, status: int, content: str) -> None:
        assert (status, content) == (503, "busy")
        with lock:
            failures.append(n + remaining)

    def ask(number: int) -> str:
        url = server + _script(
            server,
            {"status": 503, "body": "busy "},
            {"status": 503, "body": "busy"},
            {"body": str(number)},
        )
        return retry_request("get", url, tries=4, initial_interval=1, callback=note).text

    with ThreadPoolExecutor(8) as threads:
        texts = list(threads.map(ask, range(16)))
    assert texts == [str(number) for number in range(16)]
    assert failures == [4] * 32
    assert sorted(slept) == [1] * 16 + [2] * 16


def test_exhausted_retries_reach_the_caller_as_json(
    server: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(apikit.convenience.time, "sleep", lambda _seconds: None)
    path = _script(server, {"status": 404, "body": "gone"})
    app = APIFlask("s", **GOOD)
    app.register_error_handler(BackendError, _handle)
    app.add_url_rule("/", "root", lambda: retry_request("get", server + path, tries=3).text)
    response = app.test_client().get("/")
    assert response.status_code == 500
    assert (
        "after 3 attempts.  Last response was '404 Not Found' [gone]"
        in (response.get_json()["error_content"])
    )

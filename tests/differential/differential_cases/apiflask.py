"""APIFlask: its arguments and the environment that it reads."""

from __future__ import annotations

import logging
import logging.handlers
import os
import tempfile
from pathlib import Path
from typing import Any

import flask
from flask import Flask

from apikit import APIFlask, BackendError

from . import fix, keep
from .observe import GOOD, answer, body, lines, outcome, root_handlers, rules, standard_output


def _handlers() -> list[str]:
    kinds = (logging.FileHandler, logging.handlers.SysLogHandler, logging.StreamHandler)
    return [
        next(kind.__name__ for kind in kinds if isinstance(handler, kind))
        for handler in root_handlers()
    ]


def _under(environment: dict[str, str]) -> Any:
    """Return what an APIFlask made under ENVIRONMENT is like."""
    logging.getLogger().setLevel(logging.WARNING)
    for handler in root_handlers():
        logging.getLogger().removeHandler(handler)
    os.environ.update(environment)
    try:
        with standard_output():
            app = APIFlask("n", **GOOD)
    except Exception as error:
        return type(error).__name__
    finally:
        for name in environment:
            del os.environ[name]
    return [_handlers(), logging.getLogger().level, app.debug, app.config["DEBUG"]]


@keep("app.arguments")
def every_argument_by_position(_: str) -> Any:
    auth = {"type": "basic", "data": {}}
    app = APIFlask("n", "1", "r", "d", "2.0", auth, ["/", "/a"])
    return [app.name, app.config["AUTH"] is auth, rules(app), body(app, "/a/v2.0/metadata")]


@keep("app.arguments")
def every_argument_by_keyword(_: str) -> Any:
    app = APIFlask(name="n", **GOOD, api_version="2.0", auth="none", route="/a")
    return [isinstance(app, Flask), rules(app), body(app, "/a/metadata")]


@keep("app.arguments")
def missing_arguments(_: str) -> Any:
    return [outcome(lambda: APIFlask()), outcome(lambda: APIFlask("n", "1", "r"))]


@keep("app.name")
def name_that_is_no_str_is_a_type_error(_: str) -> Any:
    return [outcome(lambda name=name: APIFlask(name, **GOOD)) for name in (None, 1, b"n", ["n"])]


@keep("app.name")
def empty_name_is_a_value_error(_: str) -> Any:
    return outcome(lambda: APIFlask("", **GOOD))


@fix("app.name", original={"raises": "ValueError"}, ours={"raises": "TypeError"})
def type_beats_value_before_flask_sees_the_name(_: str) -> Any:
    class Strict(APIFlask):
        @property
        def import_name(self) -> str:
            return self._import_name

        @import_name.setter
        def import_name(self, name: str) -> None:
            if not name:
                raise ValueError("flask saw it")
            self._import_name = name

    return outcome(lambda: Strict("", 1, "r", "d"))


@keep("app.name")
def wrong_arguments_raise_as_set_flask_metadata(_: str) -> Any:
    return [
        outcome(lambda: APIFlask("n", "", "r", "d")),
        outcome(lambda: APIFlask("n", 1, "r", "d")),
        outcome(lambda: APIFlask("n", **GOOD, auth={})),
        outcome(lambda: APIFlask("n", **GOOD, auth=5)),
        outcome(lambda: APIFlask("n", **GOOD, route=5)),
        outcome(lambda: APIFlask("n", **GOOD, api_version="")),
    ]


@keep("app.kwargs")
def keywords_go_to_flask(_: str) -> Any:
    app = APIFlask("n", **GOOD, static_folder=None, template_folder="t", root_path="/tmp")
    return [
        app.static_folder,
        app.template_folder,
        app.root_path,
        app.import_name,
        outcome(lambda: APIFlask("n", **GOOD, colour="red")),
        outcome(lambda: APIFlask("n", **GOOD, import_name="x")),
    ]


@keep("app.kwargs")
def import_name_is_the_name(_: str) -> Any:
    app = APIFlask("flask.json", **GOOD)
    return [
        app.import_name,
        app.name,
        app.config["NAME"],
        app.root_path == str(Path(flask.__file__).parent / "json"),
    ]


@keep("app.kwargs")
def main_is_named_after_its_file(_: str) -> Any:
    app = APIFlask("__main__", **GOOD)
    return [app.import_name, app.config["NAME"] == app.name]


@keep("app.prefix")
def add_route_prefix(_: str) -> Any:
    app = APIFlask("n", **GOOD, route="/a")
    app.add_route_prefix("/b")
    app.add_route_prefix(["c", "d/"])
    app.add_route_prefix(None)
    return [rules(app), body(app, "/metadata"), outcome(lambda: app.add_route_prefix())]


@keep("app.prefix")
def add_route_prefix_refuses_other_types(_: str) -> Any:
    return outcome(lambda: APIFlask("n", **GOOD).add_route_prefix(("/a",)))


@keep("app.environment-destination")
def destination_of_the_log(_: str) -> Any:
    with tempfile.TemporaryDirectory() as folder:
        file = str(Path(folder, "log"))
        environments: list[dict[str, str]] = [
            {},
            {"LOGFILE": file},
            {"LOG_TO_SYSLOG": "1"},
            {"LOG_TO_SYSLOG": "0"},
            {"LOGFILE": file, "LOG_TO_SYSLOG": "1", "LOGHOST": "nowhere.invalid"},
            {"LOGHOST": "nowhere.invalid"},
            {"LOGFILE": "", "LOG_TO_SYSLOG": ""},
            {"LOGFILE": "", "LOG_TO_SYSLOG": "1", "LOGHOST": ""},
        ]
        return [_under(environment) for environment in environments]


@keep("app.environment-level")
def level_and_debugging(_: str) -> Any:
    environments: list[dict[str, str]] = [
        {"LOGLEVEL": "info"},
        {"LOGLEVEL": "bogus"},
        {"LOGLEVEL": ""},
        {"DEBUG": "1"},
        {"DEBUG": "0"},
        {"DEBUG": "false"},
        {"DEBUG": ""},
        {"DEBUG": "1", "LOGLEVEL": "error"},
        {"DEBUG": "", "LOGLEVEL": "error"},
    ]
    return [_under(environment) for environment in environments]


@keep("app.environment-level")
def environment_is_read_at_construction(_: str) -> Any:
    app = APIFlask("n", **GOOD)
    os.environ["DEBUG"] = "1"
    return [app.debug, APIFlask("n", **GOOD).debug]


@keep("app.logger")
def config_logger_is_the_logger(_: str) -> Any:
    with standard_output() as stream:
        app = APIFlask("n", **GOOD)
        log = app.config["LOGGER"]
        log.error({"a": 1})
        log.bind(b=2).error("e")
    return lines(stream.getvalue())


@keep("app.logger")
def unwritable_logfile_raises(_: str) -> Any:
    return _under({"LOGFILE": "/nowhere/at/all/log"})


@keep("app.logger")
def error_handler_as_services_write_it(_: str) -> Any:
    app = APIFlask("n", **GOOD)

    @app.errorhandler(BackendError)
    def handle(error: BackendError) -> Any:
        response = flask.jsonify(error.to_dict())
        response.status_code = error.status_code
        return response

    @app.route("/fail")
    def fail() -> str:
        raise BackendError(reason="Bad Request", status_code=418, content="why")

    return answer(app, "/fail")

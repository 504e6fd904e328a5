"""get_logger: destinations, levels, lines, and what is bound for how long."""

from __future__ import annotations

import contextlib
import io
import json
import logging
import logging.handlers
import os
import re
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import structlog
from flask import Flask

from apikit import APIFlask, get_logger

from . import fix, keep
from .observe import GOOD, lines, outcome, root_handlers, standard_output


@contextlib.contextmanager
def _log_file() -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as folder:
        yield Path(folder, "log")


def _written(call: Any, **options: Any) -> list[Any]:
    """Return the lines that CALL writes with a new logger on standard output."""
    with standard_output() as stream:
        call(get_logger(**options))
    return lines(stream.getvalue())


@keep("logger.arguments")
def defaults_and_positions(_: str) -> Any:
    with standard_output() as stream:
        get_logger(None, False, None, "info").info("event")
    return [
        lines(stream.getvalue()),
        [isinstance(h, logging.StreamHandler) for h in root_handlers()],
    ]


@keep("logger.arguments")
def keyword_names(_: str) -> Any:
    return [
        outcome(
            lambda: type(get_logger(file=None, syslog=False, loghost=None, level=None)).__name__
        ),
        outcome(lambda: get_logger(path="x")),
    ]


@keep("logger.destinations")
def log_file(_: str) -> Any:
    with _log_file() as path:
        log = get_logger(file=str(path))
        log.error("first", a=1)
        log.error("second")
        found = lines(path.read_text())
    return [found, [isinstance(handler, logging.FileHandler) for handler in root_handlers()]]


@keep("logger.destinations")
def log_file_is_appended_to(_: str) -> Any:
    with _log_file() as path:
        path.write_text("before\n")
        get_logger(file=str(path)).error("after")
        return lines(path.read_text())


@keep("logger.destinations")
def log_file_that_cannot_be_opened_raises(_: str) -> Any:
    return outcome(lambda: get_logger(file="/nowhere/at/all/log"))


@keep("logger.destinations")
def syslog_of_this_host(_: str) -> Any:
    get_logger(syslog=True)
    return [
        [isinstance(handler, logging.handlers.SysLogHandler), list(handler.address)]
        for handler in root_handlers()
    ]


@keep("logger.destinations")
def loghost_without_syslog_does_not_count(_: str) -> Any:
    return _written(lambda log: log.error("e"), loghost="log.example.org")


@fix("logger.file-beats-syslog", original=["SysLogHandler"], ours=["file"])
def file_beats_syslog(_: str) -> Any:
    with _log_file() as path:
        get_logger(file=str(path), syslog=True)
        return [
            "file" if isinstance(handler, logging.FileHandler) else type(handler).__name__
            for handler in root_handlers()
        ]


@fix("logger.loghost", original="127.0.0.1", ours=["127.0.0.1", 514])
def loghost_is_a_udp_address(_: str) -> Any:
    get_logger(syslog=True, loghost="127.0.0.1")
    return root_handlers()[0].address


@keep("logger.level")
def valid_levels_set_the_root_level(_: str) -> Any:
    found = {}
    with standard_output():
        for level in ("debug", "INFO", "Warning", "eRRor", "CRITICAL"):
            get_logger(level=level)
            found[level] = logging.getLogger().level
    return found


@keep("logger.level")
def other_levels_are_ignored(_: str) -> Any:
    found = {}
    with standard_output():
        for level in ("WARN", "FATAL", "NOTSET", "10", "bogus", " info", "", None):
            logging.getLogger().setLevel(35)
            get_logger(level=level)
            found[str(level)] = logging.getLogger().level
    return found


@fix("logger.level", original={"raises": "AttributeError"}, ours={"returns": 30})
def level_that_is_a_number_is_ignored(_: str) -> Any:
    def root_level() -> int:
        with standard_output():
            get_logger(level=10)
        return logging.getLogger().level

    return outcome(root_level)


@keep("logger.level")
def lines_below_the_level_are_dropped(_: str) -> Any:
    def write(log: Any) -> None:
        for name in ("debug", "info", "warning", "warn", "error", "critical"):
            getattr(log, name)(name)

    return [_written(write), _written(write, level="error")[-2:]]


@keep("logger.line")
def keys_in_order(_: str) -> Any:
    with standard_output() as stream:
        get_logger().bind(bound=1).error("event", keyword=2)
    return [list(json.loads(stream.getvalue())), lines(stream.getvalue())]


@keep("logger.line")
def time_is_iso_in_utc(_: str) -> Any:
    with standard_output() as stream:
        get_logger().error("event")
    stamp = json.loads(stream.getvalue())["timestamp"]
    return re.sub(r"\d", "9", stamp)


@keep("logger.line")
def dict_events_stay_objects(_: str) -> Any:
    return _written(lambda log: log.error({"reason": "r", "n": [1, None]}, extra=1))


@keep("logger.line")
def percent_arguments_work(_: str) -> Any:
    def write(log: Any) -> None:
        log.error("%s and %d", "a", 3)
        log.error("%(name)s", {"name": "b"})
        log.error("100%")
        log.error("plain %s")

    return _written(write)


@keep("logger.line")
def event_none_drops_the_key(_: str) -> Any:
    def write(log: Any) -> None:
        log.error(None, a=1)
        log.error(event=None)
        log.error("")

    return _written(write)


@keep("logger.line")
def exceptions_and_stacks(_: str) -> Any:
    def write(log: Any) -> None:
        try:
            raise ValueError("why")
        except ValueError:
            log.exception("failed")
            log.error("failed", exc_info=True)
        log.error("here", stack_info=True)

    written = _written(write)
    found = [line for line in written if isinstance(line, dict)]
    raw = [line for line in written if isinstance(line, str)]
    return [
        [raw[0], raw[-1]],
        [list(found[0]), found[0]["exception"].splitlines()[-1], found[0]["level"]],
        [list(found[1]), found[1]["exception"].splitlines()[-1]],
        [list(found[2]), found[2]["stack"].splitlines()[0]],
    ]


@keep("logger.line")
def values_that_json_does_not_know(_: str) -> Any:
    def write(log: Any) -> None:
        log.error("e", value={1, 2}, text="\u00e9\n", path=Path("/a"))
        log.error(b"bytes")

    return _written(write)


def _module(name: str, log: Any) -> Any:
    """Return a function of a module of that name that writes one line."""
    namespace: dict[str, Any] = {"__name__": name, "log": log}
    exec("def write():\n    log.error('event')\n", namespace)
    return namespace["write"]


@keep("logger.name")
def line_names_the_module_that_logs(_: str) -> Any:
    with standard_output() as stream:
        _module("service.first", get_logger())()
        _module("service.second", get_logger())()
    names = [line["logger"] for line in lines(stream.getvalue())]
    return [names[0], names[-1]]


@keep("logger.name")
def logger_object_keeps_or_follows_the_name(_: str) -> Any:
    with standard_output() as stream:
        log = get_logger()
        _module("service.first", log)()
        _module("service.second", log)()
    first, second = (line["logger"] for line in lines(stream.getvalue()))
    return [first, second in ("service.first", "service.second")]


@keep("logger.global")
def structlogs_own_loggers_write_the_same_lines(_: str) -> Any:
    def write(log: Any) -> None:
        structlog.get_logger().error("own", a=1)
        structlog.get_logger().bind(b=2).error("bound")

    return [structlog.is_configured(), _written(write), structlog.is_configured()]


@keep("logger.global")
def structlogs_logger_made_before_is_configured_too(_: str) -> Any:
    early = structlog.get_logger()
    return _written(lambda log: early.error("early"))


@keep("logger.global")
def initial_values_of_structlogs_loggers_show(_: str) -> Any:
    return _written(lambda log: structlog.get_logger(component="c").error("e"))


@fix("logger.one-handler", original=4, ours=1)
def a_second_call_does_not_double_lines(_: str) -> Any:
    with standard_output() as stream:
        for _time in range(4):
            log = get_logger()
        log.error("once")
    return len(lines(stream.getvalue()))


@fix("logger.one-handler", original=2, ours=1)
def one_handler_per_log_file(_: str) -> Any:
    with _log_file() as path:
        for name in (str(path), os.path.relpath(path)):
            log = get_logger(file=name)
        log.error("once")
        return len(lines(path.read_text()))


@keep("logger.one-handler")
def different_destinations_each_get_the_line(_: str) -> Any:
    with _log_file() as path, standard_output() as stream:
        get_logger()
        get_logger(file=str(path)).error("twice")
        return [lines(stream.getvalue()), lines(path.read_text())]


@fix("logger.stdout-follows", original=["first", "second"], ours=["first"])
def replaced_standard_output_is_followed(_: str) -> Any:
    with standard_output() as stream:
        log = get_logger()
        log.error("first")
        with contextlib.redirect_stdout(io.StringIO()):
            log.error("second")
    return [line["event"] for line in lines(stream.getvalue())]


@fix("logger.rotation", original=[], ours=["after"])
def rotated_log_file_is_opened_again(_: str) -> Any:
    with _log_file() as path:
        log = get_logger(file=str(path))
        log.error("before")
        path.rename(path.with_suffix(".1"))
        log.error("after")
        return [line["event"] for line in lines(path.read_text())] if path.exists() else []


@fix("logger.rotation", original=[], ours=["after"])
def removed_log_file_is_opened_again(_: str) -> Any:
    with _log_file() as path:
        log = get_logger(file=str(path))
        log.error("before")
        path.unlink()
        log.error("after")
        return [line["event"] for line in lines(path.read_text())] if path.exists() else []


def _service() -> Flask:
    """Return an application whose view throws the result of bind away."""
    app = APIFlask("s", **GOOD)

    @app.route("/bind/<user>")
    def bind(user: str) -> str:
        structlog.get_logger().bind(user=user)
        structlog.get_logger().error("in view")
        return ""

    @app.route("/plain")
    def plain() -> str:
        app.config["LOGGER"].error("plain")
        return ""

    @app.after_request
    def after(response: Any) -> Any:
        structlog.get_logger().error("after")
        return response

    @app.teardown_request
    def teardown(_error: Any) -> None:
        structlog.get_logger().error("teardown")

    @app.teardown_appcontext
    def last(_error: Any) -> None:
        app.config["LOGGER"].error("last")

    return app


def _events(text: str) -> list[Any]:
    return [[line["event"], line.get("user")] for line in lines(text)]


@keep("logger.bind-in-request")
def bound_and_thrown_away_shows_until_the_last_teardown(_: str) -> Any:
    with standard_output() as stream:
        _service().test_client().get("/bind/ann")
    return _events(stream.getvalue())


@fix("logger.bind-in-request", original=None, ours="ann")
def bound_and_thrown_away_shows_in_a_later_get_logger(_: str) -> Any:
    with standard_output() as stream:
        app = APIFlask("s", **GOOD)

        @app.route("/")
        def bind() -> str:
            structlog.get_logger().bind(user="ann")
            get_logger().error("in view")
            return ""

        app.test_client().get("/")
    return lines(stream.getvalue())[-1].get("user")


@keep("logger.bind-in-request")
def bind_unbind_and_new(_: str) -> Any:
    def write(log: Any) -> None:
        log.bind(a=1)
        log.error("a")
        other = log.bind(b=2)
        log.error("a b")
        other.unbind("a")
        log.error("b")
        log.try_unbind("nothing")
        log.new(c=3)
        log.error("c")

    return [_written(write), outcome(lambda: get_logger().unbind("nothing"))]


@keep("logger.bind-in-request")
def a_keyword_beats_what_is_bound(_: str) -> Any:
    def write(log: Any) -> None:
        log.bind(a=1).error("e", a=2)
        log.error("e")

    return _written(write)


@fix(
    "logger.bind-between-requests",
    original=[["plain", "ann"], ["after", "ann"], ["teardown", "ann"], ["last", "ann"]],
    ours=[["plain", None], ["after", None], ["teardown", None], ["last", None]],
)
def next_request_starts_clean(_: str) -> Any:
    with standard_output() as stream:
        client = _service().test_client()
        client.get("/bind/ann")
        client.get("/plain")
    return _events(stream.getvalue())[-4:]


@keep("logger.threads")
def shared_logger_keeps_each_threads_name_apart(_: str) -> Any:
    found: dict[str, Any] = {}
    with standard_output() as stream:
        log = get_logger()
        barrier = threading.Barrier(4)

        def work(user: str) -> None:
            nonlocal log
            log = log.bind(user=user)
            barrier.wait()
            log.error(f"by {user}")

        threads = [threading.Thread(target=work, args=(f"u{n}",)) for n in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    for line in lines(stream.getvalue()):
        found[line["event"]] = line["user"]
    return found


@keep("logger.import-time")
def bound_outside_of_any_request_stays(_: str) -> Any:
    with standard_output() as stream:
        app = APIFlask("s", **GOOD)
        log = app.config["LOGGER"]
        log = log.bind(service="s")
        app.add_url_rule("/", "root", lambda: str(log.error("in view")))
        app.test_client().get("/")
        app.test_client().get("/")
        structlog.get_logger().error("outside")
    return [[line["event"], line.get("service")] for line in lines(stream.getvalue())]


@keep("logger.standard-library")
def standard_library_records_are_raw_text(_: str) -> Any:
    def write(log: Any) -> None:
        logging.getLogger("celery.task").error("task %s failed", 5)
        logging.warning("root \u00e9")
        logging.getLogger("quiet").info("not shown")

    return _written(write)


@keep("logger.standard-library")
def flasks_traceback_is_raw_text(_: str) -> Any:
    app = Flask("s")
    app.add_url_rule("/", "root", lambda: 1 / 0)
    with standard_output() as stream:
        get_logger()
        app.test_client().get("/")
    text = stream.getvalue().splitlines()
    return [text[0], text[-1]]


@fix("logger.threadlocal", original=True, ours=False)
def structlogs_threadlocal_module_is_not_used(_: str) -> Any:
    import warnings

    with warnings.catch_warnings(record=True) as caught, standard_output():
        warnings.simplefilter("always")
        get_logger().bind(a=1).error("e")
    return any("threadlocal" in str(warning.message) for warning in caught)

"""Log lines: where they go, and what is bound for how long."""

from __future__ import annotations

import contextvars
import io
import json
import logging
import socket
import sys
import threading
import types
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import flask
import pytest
import structlog
from flask import Flask

import apikit.log
from apikit import APIFlask, _log_context, add_metadata_route, get_logger

pytestmark = pytest.mark.flask


@pytest.fixture(autouse=True)
def _process_wide_logging() -> Iterator[None]:
    """Put back the root logger and structlog as they were."""
    level = logging.getLogger().level
    _remove_handlers()
    logging.getLogger().setLevel(logging.WARNING)
    yield
    _remove_handlers()
    logging.getLogger().setLevel(level)
    structlog.reset_defaults()
    _log_context._process_layer.clear()


class Output:
    """What was written to standard output so far."""

    def __init__(self, capture: pytest.CaptureFixture[str]) -> None:
        self._capture = capture
        self._text = ""

    def lines(self) -> list[dict[str, Any]]:
        self._text += self._capture.readouterr().out
        return [json.loads(line) for line in self._text.splitlines()]

    def users(self) -> list[tuple[str, Any]]:
        return [(line["event"], line.get("user")) for line in self.lines()]


@pytest.fixture
def out(capsys: pytest.CaptureFixture[str]) -> Output:
    return Output(capsys)


def _handlers() -> list[Any]:
    """Return apikit's handlers: pytest has its own on the root logger."""
    handlers = logging.getLogger().handlers
    return [handler for handler in handlers if (handler.name or "").startswith("apikit ")]


def _remove_handlers() -> None:
    for handler in _handlers():
        logging.getLogger().removeHandler(handler)
        handler.close()


def _in_thread(work: Callable[[], object]) -> None:
    thread = threading.Thread(target=work)
    thread.start()
    thread.join()


def _plain_service() -> Flask:
    """Return a Flask that uses get_logger and add_metadata_route, and hooks of its own first."""
    app = Flask("plain")

    def write(event: str) -> None:
        structlog.get_logger().error(event)

    app.before_request(lambda: write("before"))
    app.after_request(lambda response: write("after") or response)  # type: ignore[func-returns-value]
    app.teardown_request(lambda _error: write("teardown request"))
    app.teardown_appcontext(lambda _error: write("teardown appcontext"))
    log = get_logger()
    app.config.update(NAME="plain", VERSION="1", REPOSITORY="r", DESCRIPTION="d")
    app.config.update(API_VERSION="1.0", AUTH={"type": "none"})
    add_metadata_route(app, None)

    @app.route("/<user>")
    def bind(user: str) -> str:
        log.bind(user=user)
        get_logger().error("view")
        return ""

    return app


def test_bound_name_lasts_from_the_view_to_the_last_teardown(out: Output) -> None:
    client = _plain_service().test_client()
    for user in ("ann", "bob"):
        client.get(f"/{user}")
    events = ("view", "after", "teardown request", "teardown appcontext")
    assert out.users() == [
        ("before", None),
        *((event, "ann") for event in events),
        ("before", None),
        *((event, "bob") for event in events),
    ]


def test_failing_request_leaves_nothing_to_the_next(
    out: Output, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = _plain_service()

    @app.route("/fail/<user>")
    def fail(user: str) -> str:
        structlog.get_logger().bind(user=user)
        raise LookupError(user)

    app.config["PROPAGATE_EXCEPTIONS"] = False
    monkeypatch.setattr(app.logger, "disabled", True)
    client = app.test_client()
    assert client.get("/fail/ann").status_code == 500
    client.get("/metadata")
    assert out.users()[-4:] == [
        ("before", None),
        ("after", None),
        ("teardown request", None),
        ("teardown appcontext", None),
    ]


def test_requests_within_one_pushed_app_context_are_kept_apart(out: Output) -> None:
    app = _plain_service()
    with app.app_context():
        client = app.test_client()
        client.get("/ann")
        client.get("/metadata")
    assert ("before", "ann") not in out.users()
    assert ("after", "ann") in out.users()
    assert ("teardown request", None) in out.users()


def test_request_within_a_request_is_kept_apart(out: Output) -> None:
    app = APIFlask("s", "1", "r", "d")
    log = app.config["LOGGER"]

    @app.route("/inner")
    def inner() -> str:
        log.error("inner")
        log.bind(user="inner")
        return ""

    @app.route("/outer")
    def outer() -> str:
        log.bind(user="outer")
        app.test_client().get("/inner")
        log.error("outer")
        return ""

    app.test_client().get("/outer")
    assert out.users() == [("inner", None), ("outer", "outer")]


def test_bound_first_in_the_last_teardown_does_not_stay(out: Output) -> None:
    app = Flask("s")
    log = get_logger()
    app.teardown_appcontext(lambda _error: log.bind(user="ann"))
    app.add_url_rule("/", "root", lambda: "")
    app.test_client().get("/")
    log.error("outside")
    assert out.users() == [("outside", None)]


def test_shared_logger_rebound_by_threads_carries_no_name_across(out: Output) -> None:
    app = APIFlask("s", "1", "r", "d")
    shared = types.SimpleNamespace(log=app.config["LOGGER"])
    everyone_bound = threading.Barrier(4)

    @app.route("/<user>")
    def bind(user: str) -> str:
        shared.log = shared.log.bind(user=user)
        everyone_bound.wait(30)
        shared.log.error(user)
        return ""

    threads = [
        threading.Thread(target=app.test_client().get, args=(f"/u{number}",)) for number in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(out.users()) == [(f"u{number}", f"u{number}") for number in range(4)]


def test_streamed_answer_with_its_context_keeps_the_name(out: Output) -> None:
    app = APIFlask("s", "1", "r", "d")
    log = app.config["LOGGER"]

    @app.route("/")
    def stream() -> flask.Response:
        log.bind(user="ann")

        def parts() -> Iterator[str]:
            log.error("streaming")
            yield "x"

        return flask.Response(flask.stream_with_context(parts()))

    assert app.test_client().get("/").data == b"x"
    log.error("later")
    assert out.users() == [("streaming", "ann"), ("later", None)]


def test_thread_with_the_requests_context_sees_the_name(out: Output) -> None:
    app = APIFlask("s", "1", "r", "d")
    log = app.config["LOGGER"]

    @app.route("/")
    def root() -> str:
        log.bind(user="ann")
        _in_thread(flask.copy_current_request_context(lambda: log.error("with")))
        _in_thread(lambda: log.error("without"))
        return ""

    app.test_client().get("/")
    assert out.users() == [("with", "ann"), ("without", None)]


def test_bound_at_import_is_in_every_line(out: Output) -> None:
    app = APIFlask("s", "1", "r", "d")
    log = app.config["LOGGER"].bind(user="service")
    app.add_url_rule("/", "root", lambda: log.error("view") or "")
    for _time in range(2):
        app.test_client().get("/")
    _in_thread(lambda: structlog.get_logger().error("thread"))
    assert out.users() == [("view", "service"), ("view", "service"), ("thread", "service")]


def test_module_imported_on_a_servers_thread_binds_for_every_line(out: Output) -> None:
    module = compile("log = get_logger().bind(user='service')", "service.py", "exec")
    _in_thread(lambda: exec(module, {"get_logger": get_logger}))
    structlog.get_logger().error("elsewhere")
    assert out.users() == [("elsewhere", "service")]


def test_bound_on_a_background_thread_stays_there(out: Output) -> None:
    log = get_logger()

    def work() -> None:
        log.bind(user="job")
        log.error("there")
        contextvars.copy_context().run(log.bind, user="copied")
        log.error("there still")

    _in_thread(work)
    log.error("here")
    assert out.users() == [("there", "job"), ("there still", "job"), ("here", None)]


@pytest.mark.parametrize("hide", ["unbind", "try_unbind", "new"])
def test_name_of_the_import_can_be_hidden_for_one_request(out: Output, hide: str) -> None:
    app = APIFlask("s", "1", "r", "d")
    log = app.config["LOGGER"]
    log.bind(user="service")

    @app.route("/hide")
    def hidden() -> str:
        log.new() if hide == "new" else getattr(log, hide)("user")
        log.error("hidden")
        return ""

    app.add_url_rule("/", "root", lambda: log.error("view") or "")
    client = app.test_client()
    client.get("/hide")
    client.get("/")
    assert out.users() == [("hidden", None), ("view", "service")]


def test_unbound_outside_of_a_request_is_gone(out: Output) -> None:
    log = get_logger()
    log.bind(user="a").unbind("user")
    log.error("e")
    assert out.users() == [("e", None)]
    with pytest.raises(KeyError):
        log.unbind("user")


def test_values_given_to_one_logger_stay_with_it(out: Output) -> None:
    app = APIFlask("s", "1", "r", "d")
    own = structlog.get_logger(user="own")
    app.add_url_rule("/", "root", lambda: own.bind(a=1).error("own") or "")
    app.add_url_rule("/other", "other", lambda: app.config["LOGGER"].error("other") or "")
    client = app.test_client()
    for path in ("/", "/other", "/"):
        client.get(path)
    assert out.users() == [("own", "own"), ("other", None), ("own", "own")]


def test_bound_again_or_unbound_beats_the_loggers_own_value(out: Output) -> None:
    own = structlog.get_logger(user="own")
    get_logger()
    own.bind(user="new").error("bound")
    own.unbind("user").error("unbound")
    assert out.users() == [("bound", "new"), ("unbound", None)]


def test_context_is_a_mapping() -> None:
    get_logger()
    context = structlog.get_context(structlog.get_logger(a=1).bind(b=2))
    assert dict(context) == {"a": 1, "b": 2} == context
    assert len(context) == 2
    context["a"] = 3
    assert context.pop("a") == 3
    assert repr(context) == "LogContext({'b': 2})"
    with pytest.raises(KeyError):
        context["a"]


def test_each_destination_has_one_handler(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "link").symlink_to(tmp_path / "log")
    for _time in range(3):
        get_logger()
        get_logger(file=str(tmp_path / "log"))
        get_logger(file="log")
        get_logger(file=tmp_path / "link")
        get_logger(syslog=True)
        get_logger(syslog=True, loghost="127.0.0.1")
        APIFlask("s", "1", "r", "d")
    assert len(_handlers()) == 4


def test_handler_that_was_taken_away_is_added_again(out: Output) -> None:
    log = get_logger()
    logging.getLogger().removeHandler(_handlers()[0])
    get_logger()
    log.error("once")
    assert [line["event"] for line in out.lines()] == ["once"]


def test_threads_that_begin_at_once_add_one_handler() -> None:
    together = threading.Barrier(8)
    threads = [
        threading.Thread(target=lambda: (together.wait(30), get_logger())) for _number in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(_handlers()) == 1


def test_lines_follow_standard_output(monkeypatch: pytest.MonkeyPatch) -> None:
    log = get_logger()
    streams = [io.StringIO(), io.StringIO()]
    for stream in streams:
        monkeypatch.setattr(sys, "stdout", stream)
        log.error("line")
    assert [len(stream.getvalue().splitlines()) for stream in streams] == [1, 1]


def test_process_without_standard_output_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    log = get_logger()
    monkeypatch.setattr(sys, "stdout", None)
    monkeypatch.setattr(logging, "raiseExceptions", True)
    log.error("lost")
    stream = io.StringIO()
    _handlers()[0].setStream(stream)
    log.error("found")
    assert json.loads(stream.getvalue())["event"] == "found"


def test_rotated_and_removed_files_are_opened_again(tmp_path: Path) -> None:
    path = tmp_path / "log"
    log = get_logger(file=path)
    log.error("one")
    path.rename(tmp_path / "log.1")
    log.error("two")
    path.unlink()
    log.error("three")
    assert json.loads((tmp_path / "log.1").read_text())["event"] == "one"
    assert json.loads(path.read_text())["event"] == "three"


def test_lost_log_folder_is_no_error_of_the_request(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "logs"
    folder.mkdir()
    log = get_logger(file=folder / "log")
    monkeypatch.setattr(logging, "raiseExceptions", False)
    (folder / "log").unlink()
    folder.rmdir()
    log.error("lost")
    log.error("lost, too")
    folder.mkdir()
    log.error("found")
    assert json.loads((folder / "log").read_text())["event"] == "found"


def test_any_text_can_be_written_to_a_file(tmp_path: Path) -> None:
    log = get_logger(file=tmp_path / "log")
    log.error("\ud800\u20ac")
    logging.getLogger("plain").error("\ud800\u20ac")
    first, second = (tmp_path / "log").read_text("utf-8").splitlines()
    assert json.loads(first)["event"] == "\ud800\u20ac"
    assert second == "\\ud800\u20ac"


def test_syslog_lines_arrive_at_loghost(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as receiver:
        receiver.bind(("127.0.0.1", 0))
        receiver.settimeout(30)
        monkeypatch.setattr(apikit.log, "_SYSLOG_PORT", receiver.getsockname()[1])
        get_logger(syslog=True, loghost="127.0.0.1").error("sent", a=1)
        packet = receiver.recv(4096).decode()
    priority, _, line = packet.rstrip("\0").partition(">")
    assert priority == "<11"  # facility user, severity error
    assert json.loads(line)["a"] == 1


@pytest.mark.parametrize(
    ("options", "address"),
    [
        ({"syslog": True}, ("localhost", 514)),
        ({"syslog": True, "loghost": "127.0.0.2"}, ("127.0.0.2", 514)),
    ],
)
def test_syslog_is_port_514_over_udp(options: dict[str, Any], address: tuple[str, int]) -> None:
    get_logger(**options)
    (handler,) = _handlers()
    assert handler.address == address
    assert handler.socktype == socket.SOCK_DGRAM


def test_file_beats_syslog(tmp_path: Path) -> None:
    get_logger(file=tmp_path / "log", syslog=True, loghost="127.0.0.1").error("here")
    assert json.loads((tmp_path / "log").read_text())["event"] == "here"
    assert len(_handlers()) == 1


@pytest.mark.parametrize("level", ["WARN", "fatal", "NOTSET", "10", 10, b"debug", True, "", None])
def test_other_levels_leave_the_root_level(level: Any) -> None:
    logging.getLogger().setLevel(35)
    get_logger(level=level)
    assert logging.getLogger().level == 35


def test_dict_event_is_an_object_in_the_line(out: Output) -> None:
    get_logger().error({"reason": "r", "n": None})
    (line,) = out.lines()
    assert line["event"] == {"reason": "r", "n": None}
    assert list(line) == ["event", "logger", "level", "timestamp"]
    assert line["logger"] == __name__

"""The log lines of a call of the back end say whose it is and how it ended, and no secret."""

from __future__ import annotations

import base64
import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
import structlog
from flask import Flask

from apikit import APIFlask, Backend, BackendError, errors, get_logger
from apikit.pool import LoginError
from apikit.testing import MockTransport

BASE = "https://back.end/base"
TRACE_ID = "0af7651916cd43dd8448eb211c80319c"
TRACE = f"00-{TRACE_ID}-b7ad6b7169203331-01"
SECRET = "hunter2-and-more"


@pytest.fixture(autouse=True)
def root_logger() -> Iterator[None]:
    """Give the root logger back as it was."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()


@pytest.fixture
def mock() -> MockTransport:
    return MockTransport()


def make_app() -> APIFlask:
    return APIFlask("logged", "1", "https://example.org/logged", "Writes lines")


def lines_of(captured: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in captured.splitlines()]


@pytest.mark.flask
def test_a_call_is_one_line_with_the_ids_of_its_request(
    mock: MockTransport, capsys: pytest.CaptureFixture[str]
) -> None:
    mock.get(f"{BASE}/x", json=1)
    app = make_app()
    log = get_logger(level="debug")

    def view() -> str:
        log.info("before")
        backend.get("/x", params={"q": SECRET}, headers={"X-Key": SECRET})
        log.info("after")
        return "done"

    app.add_url_rule("/view", view_func=view)
    with Backend(BASE, auth="none", app=app, transport=mock) as backend:
        app.test_client().get("/view", headers={"traceparent": TRACE, "X-Request-ID": "r-1"})
        app.test_client().get("/view")
    captured = capsys.readouterr().out
    before, call, after, *second = lines_of(captured)
    assert (before["event"], after["event"]) == ("before", "after")
    assert call.pop("elapsed") >= 0
    assert call.pop("timestamp")
    assert call == {
        "event": "back end called",
        "logger": "apikit.backend",
        "level": "debug",
        "method": "GET",
        "url": f"{BASE}/x",
        "status": 200,
        "request_id": "r-1",
        "trace_id": TRACE_ID,
    }
    assert (after["request_id"], after["trace_id"]) == ("r-1", TRACE_ID)
    assert [line["event"] for line in second] == ["before", "back end called", "after"]
    assert not [line for line in second if "request_id" in line or "trace_id" in line]
    assert SECRET not in captured


BAD_IDS = {
    "spaces": {"X-Request-ID": "a b"},
    "a control character": {"X-Request-ID": "a\x07b"},
    "too long": {"X-Request-ID": "x" * 129},
    "empty": {"X-Request-ID": ""},
    "nonsense": {"traceparent": "nonsense"},
    "zero trace": {"traceparent": f"00-{'0' * 32}-b7ad6b7169203331-01"},
    "zero parent": {"traceparent": f"00-{TRACE_ID}-{'0' * 16}-01"},
    "version ff": {"traceparent": f"ff-{TRACE_ID}-b7ad6b7169203331-01"},
    "large letters": {"traceparent": TRACE.upper()},
    "a line more": {"traceparent": f"{TRACE}-x y"},
}


@pytest.mark.parametrize("name", BAD_IDS)
def test_an_id_that_is_none_is_neither_passed_on_nor_logged(
    mock: MockTransport, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    mock.get(f"{BASE}/x", json=1)
    app = make_app()
    get_logger(level="debug")
    with (
        Backend(BASE, auth="none", app=app, transport=mock) as backend,
        app.test_request_context(headers=BAD_IDS[name]),
    ):
        backend.get("/x")
    assert not {"traceparent", "X-Request-ID"} & set(mock.calls[-1].headers)
    (line,) = lines_of(capsys.readouterr().out)
    assert not {"request_id", "trace_id"} & set(line)


def test_an_id_that_the_service_bound_is_kept(
    mock: MockTransport, capsys: pytest.CaptureFixture[str]
) -> None:
    mock.get(f"{BASE}/x", json=1)
    app = make_app()
    log = get_logger(level="debug")
    with (
        Backend(BASE, auth="none", app=app, transport=mock) as backend,
        app.test_request_context(headers={"X-Request-ID": "theirs"}),
    ):
        log.bind(request_id="own")
        backend.get("/x")
    assert lines_of(capsys.readouterr().out)[0]["request_id"] == "own"


def test_failures_are_lines_too(mock: MockTransport, capsys: pytest.CaptureFixture[str]) -> None:
    mock.get(f"{BASE}/404", status=404, text=SECRET)
    mock.get(f"{BASE}/lost", raises=errors.ConnectError(SECRET))
    app = make_app()
    get_logger(level="debug")
    pair = base64.b64encode(f"a:b:{SECRET}".encode()).decode()
    basic = {"type": "basic", "data": {}}
    with Backend(BASE, auth=basic, app=app, transport=mock, retries=None) as backend:
        for path, headers in (
            ("/404", {"Authorization": f"Basic {pair}"}),
            ("/lost", {"Authorization": f"Basic {pair}"}),
            ("/..", {"Authorization": f"Basic {pair}"}),
            ("/x", {"X-Request-ID": "r-2"}),
        ):
            with app.test_request_context(headers=headers), pytest.raises(BackendError):
                backend.get(path)
    captured = capsys.readouterr().out
    keys = ("url", "status", "failure", "request_id")
    assert [{key: line[key] for key in keys if key in line} for line in lines_of(captured)] == [
        {"url": f"{BASE}/404", "status": 404},
        {"url": f"{BASE}/lost", "failure": "ConnectError"},
        {"url": BASE, "failure": "ValueError"},
        {"url": BASE, "failure": "BackendError", "request_id": "r-2"},
    ]
    assert SECRET not in captured
    assert pair not in captured


def test_what_fails_the_service_is_a_warning(
    mock: MockTransport, capsys: pytest.CaptureFixture[str]
) -> None:
    mock.get(f"{BASE}/404", status=404)
    mock.get(f"{BASE}/broken", status=500, text=SECRET)
    mock.get(f"{BASE}/lost", raises=errors.ConnectError(SECRET))
    mock.get(f"{BASE}/page", raises=LoginError(SECRET, "no-form"))
    mock.get(f"{BASE}/refused", raises=LoginError(SECRET, "bad-credentials"))
    app = make_app()
    with (
        Backend(BASE, auth="none", app=app, transport=mock, retries=None) as backend,
        app.test_request_context(headers={"X-Request-ID": "r-3"}),
    ):
        for path in ("/404", "/broken", "/lost", "/page", "/refused"):
            with pytest.raises(BackendError):
                backend.get(path)
    captured = capsys.readouterr().out
    lines = lines_of(captured)
    assert {line["level"] for line in lines} == {"warning"}
    assert {line["event"] for line in lines} == {"back end failed"}
    assert {line["request_id"] for line in lines} == {"r-3"}
    keys = ("url", "status", "failure", "login_state")
    assert [{key: line[key] for key in keys if key in line} for line in lines] == [
        {"url": f"{BASE}/broken", "status": 500},
        {"url": f"{BASE}/lost", "failure": "ConnectError"},
        {"url": f"{BASE}/page", "failure": "LoginError", "login_state": "no-form"},
    ]
    assert SECRET not in captured


def test_without_structlog_set_up_it_is_a_plain_line(
    mock: MockTransport, caplog: pytest.LogCaptureFixture
) -> None:
    mock.get(f"{BASE}/x", json=1)
    app = Flask("plain")
    with Backend(BASE, auth="none", app=app, transport=mock) as backend, app.app_context():
        backend.get("/x")
        assert caplog.records == []
        with caplog.at_level(logging.DEBUG, logger="apikit.backend"):
            backend.get("/x")
    (record,) = caplog.records
    assert record.name == "apikit.backend"
    assert f"'method': 'GET', 'url': '{BASE}/x', 'status': 200" in record.getMessage()

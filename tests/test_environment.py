"""The environment variables of APIFlask."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

from apikit import APIFlask
from apikit.environment import Environment, read_environment

pytestmark = pytest.mark.flask

NOTHING = {"file": None, "syslog": False, "loghost": None, "level": None, "debug": False}


@pytest.fixture(autouse=True)
def _root_logger() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    for handler in root.handlers:
        if handler not in handlers:
            handler.close()
    root.handlers[:] = handlers
    root.setLevel(level)


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        ({}, {}),
        (dict.fromkeys(["LOGFILE", "LOG_TO_SYSLOG", "LOGHOST", "LOGLEVEL", "DEBUG"], ""), {}),
        ({"LOGFILE": "/f"}, {"file": "/f"}),
        ({"LOGFILE": "/f", "LOG_TO_SYSLOG": "1", "LOGHOST": "h"}, {"file": "/f"}),
        ({"LOG_TO_SYSLOG": "0"}, {"syslog": True}),
        ({"LOG_TO_SYSLOG": "1", "LOGHOST": "h"}, {"syslog": True, "loghost": "h"}),
        ({"LOGHOST": "h"}, {}),
        ({"LOGLEVEL": "info"}, {"level": "info"}),
        ({"DEBUG": "0", "LOGLEVEL": "error"}, {"debug": True, "level": "DEBUG"}),
    ],
)
def test_what_the_variables_say(environ: dict[str, str], expected: dict[str, object]) -> None:
    assert read_environment(environ) == Environment(**{**NOTHING, **expected})  # type: ignore[arg-type]


def test_app_reads_them_when_it_is_made(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("LOGFILE", str(tmp_path / "log"))
    monkeypatch.setenv("DEBUG", "0")
    app = APIFlask("n", "1", "r", "d")
    app.config["LOGGER"].debug("written")
    assert app.debug
    assert app.config["DEBUG"]
    assert "written" in (tmp_path / "log").read_text()


def test_unwritable_logfile_raises(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("LOGFILE", str(tmp_path / "no" / "log"))
    with pytest.raises(FileNotFoundError):
        APIFlask("n", "1", "r", "d")

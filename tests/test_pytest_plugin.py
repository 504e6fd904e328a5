"""The fixture `backend_mock` in a pytest of its own, as the tests of a service have it."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

pytestmark = pytest.mark.no_asan  # each runs a pytest of its own, without a byte on the wire

USES = """
    import pytest
    from apikit import retry_request

    API = "https://back.end/api"

    def test_answered(backend_mock):
        backend_mock.get(API, json=[1])
        assert retry_request("get", API).json() == [1]
"""
FORGETS = """
    def test_forgotten(backend_mock):
        backend_mock.get("https://back.end/api")
"""
HIDES = """
    from apikit import Session, errors

    def test_hidden(backend_mock):
        try:
            Session().get("https://back.end/api")
        except errors.ConnectionError:
            pass
"""
ALLOWED = """
    import pytest
    from apikit import Session, errors

    @pytest.mark.backend_mock(assert_all_called=False, assert_all_expected=False)
    def test_allowed(backend_mock):
        backend_mock.get("https://back.end/api")
        with pytest.raises(errors.ConnectionError):
            Session().get("https://back.end/other")
"""
STAYS_AWAY = """
    import sys

    def test_plugin_is_there_and_apikit_is_not(pytestconfig):
        assert pytestconfig.pluginmanager.hasplugin("apikit")
        assert "apikit_pytest" in sys.modules
        assert not [name for name in sys.modules if name.partition(".")[0] == "apikit"]
"""


def _run(folder: Path, source: str) -> subprocess.CompletedProcess[str]:
    (folder / "test_service.py").write_text(textwrap.dedent(source))
    command = [sys.executable, "-P", "-m", "pytest", "-p", "no:cacheprovider", "--strict-markers"]
    return subprocess.run(
        [*command, "-W", "error", "test_service.py"], cwd=folder, capture_output=True, text=True
    )


@pytest.mark.parametrize("source", [USES, ALLOWED, STAYS_AWAY])
def test_passes(tmp_path: Path, source: str) -> None:
    done = _run(tmp_path, source)
    assert done.returncode == 0, done.stdout + done.stderr
    assert " 1 passed" in done.stdout


@pytest.mark.parametrize(
    ("source", "says"),
    [
        (FORGETS, "GET https://back.end/api: 0 of 1 answers given"),
        (HIDES, "requests that no route was there for:"),
    ],
)
def test_fails_at_the_end(tmp_path: Path, source: str, says: str) -> None:
    done = _run(tmp_path, source)
    assert done.returncode == 1, done.stdout + done.stderr
    assert " 1 passed, 1 error" in done.stdout
    assert says in done.stdout


def test_plugin_is_described(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-P", "-m", "pytest", "--fixtures", "--markers", "-p", "no:cacheprovider"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert "backend_mock(assert_all_called=True" in done.stdout

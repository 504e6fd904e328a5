"""The originals and apikit run the same cases, each in its own environment.

``./dev test`` provides the originals' interpreters.  By hand, name them in
APIKIT_ORACLE_PYTHON (newest Flask) and APIKIT_ORACLE_PYTHON_FLASK22.
"""

from __future__ import annotations

import importlib.metadata
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

from contract_lines import LINES  # noqa: E402
from differential_cases import Case  # noqa: E402
from recording_server import RecordingServer  # noqa: E402
from run_cases import load_cases  # noqa: E402

pytestmark = [pytest.mark.flask, pytest.mark.differential]

CASES = load_cases()


def _oracle() -> str:
    """Return the interpreter that has the originals and the same Flask as this one."""
    old = importlib.metadata.version("flask").startswith("2.2.")
    variable = "APIKIT_ORACLE_PYTHON_FLASK22" if old else "APIKIT_ORACLE_PYTHON"
    python = os.environ.get(variable)
    if not python:
        pytest.fail(f"set {variable} to a Python with the originals, or run ./dev test")
    return python


def _run(python: str, server: str) -> dict[str, Any]:
    command = [python, str(HERE / "run_cases.py"), server]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    observations: dict[str, Any] = json.loads(done.stdout)
    return observations


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with RecordingServer() as url:
        yield url


@pytest.fixture(scope="module")
def original(server: str) -> dict[str, Any]:
    return _run(_oracle(), server)


@pytest.fixture(scope="module")
def ours(server: str) -> dict[str, Any]:
    return _run(sys.executable, server)


@pytest.mark.parametrize("line", LINES)
def test_line_of_the_contract_has_a_case(line: str) -> None:
    assert any(case.line == line for case in CASES.values())


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_case_names_a_line_of_the_contract(case: Case) -> None:
    assert case.line in LINES


@pytest.mark.parametrize(
    "case", [pytest.param(case, id=name) for name, case in CASES.items() if not case.differs]
)
def test_same_as_the_original(case: Case, original: dict[str, Any], ours: dict[str, Any]) -> None:
    observed = original[case.name]
    assert not (isinstance(observed, dict) and observed.keys() & {"case failed", "case died"}), (
        observed
    )
    assert ours[case.name] == observed


@pytest.mark.parametrize(
    "case", [pytest.param(case, id=name) for name, case in CASES.items() if case.differs]
)
def test_differs_from_the_original_as_described(
    case: Case, original: dict[str, Any], ours: dict[str, Any]
) -> None:
    assert case.ours != case.original
    assert original[case.name] == case.original
    assert ours[case.name] == case.ours

"""The originals and apikit run the same cases, each in its own environment.

``./dev test differential`` provides the interpreters.  By hand, name them:
APIKIT_ORACLE_PYTHON has the originals and the newest Flask, as this interpreter has
apikit; APIKIT_ORACLE_PYTHON_FLASK22 and APIKIT_PYTHON_FLASK22 have the oldest.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

from contract_lines import LINES  # noqa: E402
from differential_cases import Case  # noqa: E402
from recording_server import RecordingServer  # noqa: E402
from run_cases import FAILURES, load_cases  # noqa: E402

pytestmark = pytest.mark.differential

CASES = load_cases()


@dataclass(frozen=True)
class Observations:
    """What each case observed, by name."""

    original: dict[str, Any]
    ours: dict[str, Any]


def _interpreter(variable: str) -> str:
    python = os.environ.get(variable)
    if not python:
        pytest.fail(f"{variable} names no interpreter: run ./dev test differential")
    return python


def _run(python: str, server: str) -> dict[str, Any]:
    command = [python, str(HERE / "run_cases.py"), server]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    observations: dict[str, Any] = json.loads(done.stdout)
    return observations


@pytest.fixture(scope="module", params=["newest Flask", "oldest Flask"])
def observed(request: pytest.FixtureRequest) -> Iterator[Observations]:
    if request.param == "newest Flask":
        original, ours = _interpreter("APIKIT_ORACLE_PYTHON"), sys.executable
    else:
        original = _interpreter("APIKIT_ORACLE_PYTHON_FLASK22")
        ours = _interpreter("APIKIT_PYTHON_FLASK22")
    with RecordingServer() as server, ThreadPoolExecutor() as threads:
        yield Observations(*threads.map(_run, (original, ours), (server, server)))


@pytest.mark.parametrize("line", LINES)
def test_line_of_the_contract_has_a_case(line: str) -> None:
    assert any(case.line == line for case in CASES.values())


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_case_names_a_line_of_the_contract(case: Case) -> None:
    assert case.line in LINES


@pytest.mark.parametrize(
    "case", [pytest.param(case, id=name) for name, case in CASES.items() if not case.differs]
)
def test_same_as_the_original(case: Case, observed: Observations) -> None:
    original = observed.original[case.name]
    assert not _failed(original), original
    assert observed.ours[case.name] == original


@pytest.mark.parametrize(
    "case", [pytest.param(case, id=name) for name, case in CASES.items() if case.differs]
)
def test_differs_from_the_original_as_described(case: Case, observed: Observations) -> None:
    assert case.ours != case.original
    assert observed.original[case.name] == case.original
    assert observed.ours[case.name] == case.ours


def _failed(observation: Any) -> bool:
    return isinstance(observation, dict) and not observation.keys().isdisjoint(FAILURES)

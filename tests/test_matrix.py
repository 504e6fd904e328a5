"""What `./dev matrix` makes of a run, and what it refuses."""

from __future__ import annotations

import pytest

from tests.matrix.__main__ import main
from tests.matrix.systems import SYSTEMS, Outcome, read_log
from tests.tools.project import Refusal
from tests.tools.results import Result, format_table

pytestmark = pytest.mark.no_asan  # nothing of the extension runs here


def test_a_run_is_one_line() -> None:
    outcome = Outcome("forky", facts=["3.14.8", "3.1.3", "16.2.0", "8.22.0"])
    table = format_table([Result("c", 30, passed=192), Result("py", 240, passed=8351, failed=2)])
    read_log(f"== py ==\n... [ 47%]\n\n{table}\n", outcome)
    assert not outcome.is_good
    outcome.seconds = 790.4
    assert outcome.line() == (
        "forky     Python 3.14.8    gcc 16.2.0  libcurl 8.22.0  Flask 3.1.3  c py: "
        "8543 passed, 2 failed, 0 skipped, 790 s"
    )


def test_a_run_that_gave_no_table_says_why() -> None:
    outcome = Outcome("sid")
    read_log("dev: apt-get install gcc\ndev: the build failed: see above\n", outcome)
    assert not outcome.is_good
    assert outcome.line().endswith("; dev: the build failed: see above")


def test_a_run_without_tests_is_no_success() -> None:
    outcome = Outcome("sid")
    read_log(format_table([Result("py", 240)]), outcome)
    assert not outcome.problem
    assert not outcome.is_good


def test_unknown_system_is_refused_with_those_that_there_are() -> None:
    with pytest.raises(Refusal, match="unknown system: etch; known: bookworm, trixie, "):
        main(["trixie", "etch"])


def test_systems_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--list"]) == 0
    listed = capsys.readouterr().out.split()
    assert listed[::2] == [system.name for system in SYSTEMS]

"""The promises of `python -m tests.prove`, in a short form."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.prove import isolation, leaks, logins, mixing
from tests.prove.__main__ import PROMISES
from tests.prove.harness import Tally
from tests.prove.secrets_cases import FAILURES, SECRET

SHORT = {
    "truncation": 1200,
    "fork": 1000,
    "kill": 1500,
    "longlife": 8000,
    "valgrind": 2,
    "isolation": 3000,
    "mixing": 2000,
    "logins": len(logins.SCENES),
    "canaries": PROMISES["canaries"].full,
    "secrets": 1,
}


def test_every_promise_has_a_short_form() -> None:
    assert SHORT.keys() == PROMISES.keys()


#: The sanitizer's quarantine grows by what was given back: no memory can be judged; nor can
#: valgrind run what is instrumented; and the services of the last two are other programs.
NO_ASAN = {
    name: [pytest.mark.no_asan]
    for name in ("longlife", "secrets", "valgrind", "isolation", "logins")
}


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=NO_ASAN.get(name, [])) for name in SHORT]
)
def test_promise_is_kept(name: str, tmp_path: Path) -> None:
    tally = Tally.open(tmp_path / "state.json", SHORT[name], quiet=True)
    verdict = PROMISES[name].prove(tally)
    assert verdict.kept, verdict.figure


@pytest.mark.no_asan  # as above
def test_isolation_finds_out_a_session_that_all_share(tmp_path: Path) -> None:
    tally = Tally.open(tmp_path / "state.json", 400, quiet=True)
    verdict = isolation.prove(tally, "shared")
    assert not verdict.kept
    assert tally["for another user"] > tally["right"]
    assert tally["let in by a wrong password"] > 0


@pytest.mark.no_asan  # as above
def test_logins_finds_out_workers_that_share_nothing(tmp_path: Path) -> None:
    tally = Tally.open(tmp_path / "state.json", 1, quiet=True)
    verdict = logins.prove(tally, [logins.Scene("gunicorn", "memory")])
    assert not verdict.kept
    workers = tally["gunicorn on memory: workers"]
    assert workers > 1
    assert tally["gunicorn on memory: log-ins"] == workers
    assert tally["gunicorn on memory: tries"] > 1


@pytest.mark.no_asan  # as above
def test_secrets_finds_out_an_error_that_shows_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail() -> None:
        raise ValueError(f"no user with {SECRET}")

    monkeypatch.setitem(FAILURES, "an error that shows it", fail)
    tally = Tally.open(tmp_path / "state.json", 1, quiet=True)
    assert not leaks.prove(tally).kept
    assert tally["found in texts"] > 0
    assert tally["found in memory"] == 0


def test_mixing_finds_out_a_header_beside_a_cookie(tmp_path: Path) -> None:
    tally = Tally.open(tmp_path / "state.json", 200, quiet=True)
    verdict = mixing.prove(tally, "Bearer carols.token")
    assert not verdict.kept
    assert tally["cookie beside a header"] > 0
    assert tally["for another user"] > 0


def test_unfinished_run_is_resumed_and_a_finished_one_is_not(tmp_path: Path) -> None:
    path = tmp_path / "state.json"
    tally = Tally.open(path, 30, quiet=True)
    for chunk in tally.chunks(10):
        tally.add("steps", len(chunk))
        if chunk.start == 10:
            break
    resumed = Tally.open(path, 30, quiet=True)
    assert (resumed.done, resumed["steps"]) == (10, 10)
    for chunk in resumed.chunks(10):
        resumed.add("steps", len(chunk))
    assert (resumed.done, resumed["steps"]) == (30, 30)
    assert Tally.open(path, 30, quiet=True).done == 0
    assert Tally.open(path, 40, quiet=True).done == 0

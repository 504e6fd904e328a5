"""The instructions of the hot paths: that more of them fail, and who is told what."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.bench.model import Place
from tests.bench.peers.dumps import apikit as dump
from tests.count import measure
from tests.count.__main__ import main
from tests.count.gate import COUNTS, judge, read, report, write
from tests.count.paths import PATHS
from tests.count.toolchain import toolchain
from tests.tools.project import Refusal

pytestmark = pytest.mark.no_asan  # what is counted runs in processes of its own, under valgrind

NAME = "json_six_fields"


def dump_and_a_little_more(place: Place) -> Callable[[], object]:
    """The work of a hot path, after a change that nobody would see by the clock."""
    call = dump(place)

    def slower() -> bytes | None:
        len("a")
        return call()

    return slower


SLOWER = dataclasses.replace(PATHS[NAME], maker="tests.test_count:dump_and_a_little_more")


@pytest.fixture
def counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The gate's file, empty."""
    file = tmp_path / "counts.json"
    for function in (read, write):
        monkeypatch.setattr(function, "__defaults__", (file,))
    return file


@pytest.mark.timeout(300)  # valgrind, seven times
def test_slowdown_fails_and_says_what_to_do(
    counts: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    assert main(["--write", NAME]) == 0
    (line,) = json.loads(counts.read_text()).values()
    assert main([NAME]) == 0, "the same sources take the same"
    capfd.readouterr()

    monkeypatch.setitem(PATHS, NAME, SLOWER)
    assert main([NAME]) == 1
    last = capfd.readouterr().out.splitlines()[-1]
    assert last.startswith(f"{NAME}: was {line[NAME]} instructions, is ")
    assert last.endswith(f"; if it has to be, ./dev count --write {NAME}")


def test_two_per_cent_are_the_most() -> None:
    known = {"a": 1000, "b": 1000, "c": 1000}
    (line,) = judge({"a": 1020, "b": 1021, "c": 500, "new": 1}, known)
    assert line.startswith("b: was 1000 instructions, is 1021 (+2.1%);")


def test_unknown_toolchain_and_unknown_path_are_told_and_pass(tmp_path: Path) -> None:
    file = tmp_path / "counts.json"
    assert read("other", file) == {}
    write("one", {"a": 10}, file)
    write("other", {"a": 20}, file)
    write("one", {"b": 30}, file)
    assert (read("one", file), read("other", file)) == ({"a": 10, "b": 30}, {"a": 20})
    text = report("one", {"a": 10, "new": 5}, read("one", file))
    assert text.endswith("no count of new for one: ./dev count --write writes it")
    assert judge({"a": 100}, read("unknown", file)) == []
    assert len(file.read_text().splitlines()) == 4, "a line for each toolchain"


def test_fewer_instructions_pass_and_are_to_be_kept() -> None:
    counted, known = {"a": 900, "b": 1000}, {"a": 1000, "b": 1000}
    assert judge(counted, known) == []
    last = report("one", counted, known).splitlines()[-1]
    assert last == "less than before: ./dev count --write a keeps it so"


def test_path_that_does_not_run_is_refused() -> None:
    lost = dataclasses.replace(PATHS[NAME], maker="tests.bench.peers.dumps:lost")
    with pytest.raises(Refusal, match=r"dumps:lost does not run:\n(.*\n)*.*AttributeError"):
        measure.count(lost, "")


def test_kept_counts_are_of_the_paths_that_there_are() -> None:
    kept = json.loads(COUNTS.read_text())
    for line, counted in kept.items():
        assert counted.keys() == PATHS.keys(), line
    assert any("CPython 3.11.2 " in line and "libcurl 7.88.1" in line for line in kept)
    (machine, python, *_) = toolchain().split(", ")
    assert machine.isidentifier()
    assert python.startswith("CPython 3.")

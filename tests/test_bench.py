"""The table of times: a quick run, its figures, and its verdicts.  No test asserts a time."""

from __future__ import annotations

import dataclasses
import json
import os
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest

from tests.bench.__main__ import write
from tests.bench.chart import draw
from tests.bench.measure import (
    Effort,
    PeerError,
    Result,
    Taken,
    Worker,
    measure_row,
    summarise,
    take_rounds,
)
from tests.bench.model import OURS, AtMost, Faster, Peer, Place, Row, Within, Work
from tests.bench.publish import PAGE_MARKS, README_MARKS, publish
from tests.bench.rows import ROWS
from tests.bench.server import SMALL_BODY, is_large, is_small
from tests.bench.table import format_result, format_summary
from tests.bench.verdict import judge, spell_seconds
from tests.bench.worker import Loop
from tests.tools.project import ROOT, Refusal, neutral_environment

pytestmark = pytest.mark.no_asan  # what is measured runs in processes of its own


def bench(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-P", "-m", "tests.bench", *arguments],
        cwd=ROOT,
        env=neutral_environment(),
        capture_output=True,
        text=True,
    )


def row(*goals: Faster | Within | AtMost, shows_memory: bool = False) -> Row:
    peers = tuple(Peer(name, lambda _place: int) for name in (OURS, "slow", "slower", "lost"))
    limits = (Peer("floor", lambda _place: int),)
    return Row("a_row", "work", peers, bool, goals, limits, shows_memory=shows_memory)


def result(*goals: Faster | Within | AtMost) -> Result:
    ours = [{"wall": 2e-6, "cpu": 1e-6}] * 3
    walls = {OURS: 2e-6, "slow": 6e-6, "slower": 20e-6, "floor": 1e-6}
    taken = []
    for name, wall in walls.items():
        one = Taken(name, name == "floor", memory=1e6)
        summarise(one, [{"wall": wall, "cpu": wall / 2}] * 3, ours, Taken(OURS, memory=1e6))
        taken.append(one)
    taken.append(Taken("lost", reason="No module named 'lost'"))
    return Result(row(*goals, shows_memory=True), 3, taken)


def words(*goals: Faster | Within | AtMost) -> list[str]:
    return [verdict.word() for verdict in judge(result(*goals))]


def test_quick_run_prints_a_table_and_writes_its_figures(tmp_path: Path) -> None:
    peers = ["--peer", "json", "--peer", "flask.jsonify", "--peer", "ValueError"]
    names = ["json_six_fields", "backend_error"]
    done = bench(*names, "--quick", *peers, "--output", tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    lines = done.stdout.splitlines()
    assert lines[0].split() == ["time", "CPU", "x", "ours", "memory"]
    titles = [line.partition(":")[0] for line in lines if line.endswith("rounds)")]
    assert titles == names
    figures = json.loads((tmp_path / "bench.json").read_text())
    assert [one["name"] for one in figures["rows"]] == names
    for measured in figures["rows"]:
        for peer in measured["peers"]:
            assert peer["reason"] == ""
            assert peer["ratio"].keys() == {"wall", "cpu", "memory"}
            shown = f"  limit: {peer['peer']}" if peer["is_limit"] else f"  {peer['peer']}"
            assert any(line.startswith(f"{shown} ") for line in lines), peer
    ElementTree.parse(tmp_path / "bench.svg")


def figures_of(folder: Path, *results: Result) -> None:
    """Leave the figures as a run of `./dev bench` does."""
    write(folder, results, "./dev bench --write", load=0.1)


def texts_of(root: Path, page: str, readme: str) -> None:
    (root / "docs").mkdir()
    (root / "docs" / "performance.rst").write_text(page)
    (root / "README.md").write_text(readme)


def test_figures_are_put_between_the_marks_of_the_texts(tmp_path: Path) -> None:
    figures_of(tmp_path / "run", result(Faster("slow", 2), Faster("slow", 7)))
    old = "begins\n{}\nold\n{}\nends\n"
    texts_of(tmp_path, old.format(*PAGE_MARKS), old.format(*README_MARKS))
    for _ in range(2):  # a second time changes nothing
        publish(tmp_path / "run", tmp_path)
    page = (tmp_path / "docs" / "performance.rst").read_text()
    readme = (tmp_path / "README.md").read_text()
    for text, marks in ((page, PAGE_MARKS), (readme, README_MARKS)):
        lines = text.splitlines()
        assert (lines[0], lines[1], lines[-2:]) == ("begins", marks[0], [marks[1], "ends"])
        assert "old" not in lines
    assert "     - slow 3.00x, slower 10.0x, lost not available; limits: floor 0.50x" in page
    assert "slow >= 7x: 3.00x, NOT MET (out of reach: floor reaches 6.00x)" in page
    assert "| work | 2.00 us | slow 3.00x | 1 of 2 |" in readme.splitlines()
    static = tmp_path / "docs" / "_static"
    assert json.loads((static / "bench.json").read_text())["rows"][0]["name"] == "a_row"
    for name in ("bench.svg", "bench-summary.svg"):
        ElementTree.parse(static / name)


def test_text_without_its_marks_is_left_alone(tmp_path: Path) -> None:
    figures_of(tmp_path / "run", result())
    texts_of(tmp_path, "no marks\n", "none\n")
    with pytest.raises(Refusal, match=r"performance\.rst must have one line"):
        publish(tmp_path / "run", tmp_path)
    assert (tmp_path / "README.md").read_text() == "none\n"
    with pytest.raises(Refusal, match=r"run \./dev bench first"):
        publish(tmp_path / "no-run", tmp_path)


def test_part_of_the_rows_is_never_written_into_the_texts() -> None:
    done = bench("backend_error", "--write")
    assert done.returncode == 2
    assert "--write wants every row and peer" in done.stderr


def test_list_names_every_row() -> None:
    done = bench("--list")
    assert [line.split()[0] for line in done.stdout.splitlines()] == [row.name for row in ROWS]


def test_unknown_row_is_refused() -> None:
    done = bench("get_31b")
    assert done.returncode == 2
    assert "no row get_31b; there are: get_30b" in done.stderr


def test_rows_are_well_formed() -> None:
    assert len({row.name for row in ROWS}) == len(ROWS)
    for one in ROWS:
        names = [member.name for member in one.members()]
        assert OURS in names
        assert len(set(names)) == len(names), one.name
        for goal in one.goals:
            wanted = OURS if isinstance(goal, AtMost) else goal.peer
            assert wanted in (*names, "every peer"), (one.name, wanted)


def test_wrong_result_is_an_error() -> None:
    peer = Peer(OURS, lambda _place: lambda: "wrong")
    one = Row("a_row", "work", (peer,), lambda result: bool(result == "right"), ())
    loop = Loop(one, peer, Place())
    with pytest.raises(RuntimeError, match="a wrong result: wrong"):
        loop.once()
    with pytest.raises(RuntimeError, match="a wrong result: wrong"):
        loop.measure(2)


def test_empty_loop_and_threads_are_counted() -> None:
    calls: list[str] = []
    work = Work(lambda: calls.append("call"), lambda: calls.append("empty"))
    peer = Peer(OURS, lambda _place: work)
    row = Row("a_row", "work", (peer,), lambda result: result is None, ())
    Loop(row, peer, Place(threads=4)).measure(8)
    assert calls == ["empty"] * 8 + ["call"] * 8


def test_workers_need_nothing_that_the_originals_environment_lacks() -> None:
    absent = "import sys; sys.modules.update(dict.fromkeys(['jwt', 'cryptography', 'trustme']))"
    code = f"{absent}; import tests.bench.worker, tests.servers.process"
    done = subprocess.run(
        [sys.executable, "-P", "-c", code],
        cwd=ROOT,
        env={**neutral_environment(), "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr


def test_run_of_ours_that_fails_is_an_error() -> None:
    unknown = Row("no_such_row", "work", (Peer(OURS, lambda _place: int),), bool, ())
    with pytest.raises(PeerError, match="no_such_row: ValueError"):
        measure_row(unknown, Effort(1), tell=lambda _: None)


def test_peer_that_does_not_run_is_told_with_its_reason() -> None:
    lost = Peer("a peer that no row has", lambda _place: int)
    (known,) = (one for one in ROWS if one.name == "backend_error")
    ours = next(peer for peer in known.peers if peer.name == OURS)
    found = measure_row(
        Row(known.name, "work", (ours, lost), known.check, ()), Effort(1, 0.01), tell=lambda _: None
    )
    assert found.of(OURS).wall > 0
    assert "not enough values to unpack" in found.of(lost.name).reason


def answering(times: int) -> Worker:
    """Return a process that answers so often, and then fails."""
    answer = '{"total": 1, "wall": 1, "cpu": 1}'
    code = f"for _ in range({times}): input(); print({answer!r}, flush=True)\nexit('lost')"
    return Worker([sys.executable, "-c", code], {}, os.sched_getaffinity(0))


def test_peer_that_fails_in_a_round_is_told_and_the_others_go_on() -> None:
    with answering(3) as ours, answering(1) as other:
        costs, lost = take_rounds({OURS: ours, "other": other}, Effort(3))
        assert len(costs.pop(OURS)) == 3
        assert (costs, lost) == ({}, {"other": "lost"})
        with pytest.raises(PeerError, match="lost"):
            take_rounds({OURS: ours}, Effort(1))


def test_goals_are_judged_by_the_medians_of_ratios() -> None:
    assert words(Faster("slow", 3), Faster("slow", 3.1)) == ["met", "NOT MET"]
    assert words(Faster("every peer", 3), Faster("every peer", 4)) == ["met", "NOT MET"]
    assert words(Within("floor", 2), Within("floor", 1.9)) == ["met", "NOT MET"]
    assert words(AtMost(2e-6), AtMost(1e-6), AtMost(1e6, "memory")) == ["met", "NOT MET", "met"]
    assert words(Faster("lost", 2), Faster("slow", 2, "cpu")) == ["not measured", "met"]


def test_goal_that_no_client_could_reach_says_so() -> None:
    assert words(Faster("slow", 7)) == ["NOT MET (out of reach: floor reaches 6.00x)"]
    assert words(Faster("slow", 5)) == ["NOT MET"]


def test_our_own_other_work_is_no_ceiling() -> None:
    one = result(Faster("slow", 7))
    floor = Peer("floor", lambda _place: int, is_ours=True)
    one.row = dataclasses.replace(one.row, limits=(floor,))
    assert [verdict.word() for verdict in judge(one)] == ["NOT MET"]


def test_table_has_ours_first_and_the_missing_last() -> None:
    text = format_result(result(Faster("slow", 3)))
    names = [line.split()[0] for line in text.splitlines()]
    assert names == ["a_row:", OURS, "slow", "slower", "lost", "limit:", "goal"]
    cells = {line.split()[0]: line.split()[1:] for line in text.splitlines()}
    assert " ".join(cells["lost"]) == "not available: No module named 'lost'"
    assert " ".join(cells["slow"]) == "6.00 us 3.00 us 3.00x 1.0 MB"
    assert format_summary([result(Faster("slow", 3))]) == "1 of 1 goals met"


def test_chart_has_a_bar_for_each_who_was_measured() -> None:
    drawn = ElementTree.fromstring(draw([result()], "who & when"))
    kinds = [bar.get("class") for bar in drawn.iter("{http://www.w3.org/2000/svg}rect")]
    assert sorted(kind or "" for kind in kinds) == ["limit", "ours", "peer", "peer"]


def test_seconds_are_spelled_in_a_handy_unit() -> None:
    spelled = [spell_seconds(one) for one in (2.5, 0.0123, 4.56e-4, 7e-7, float("nan"))]
    assert spelled == ["2.50 s", "12.3 ms", "456 us", "700 ns", "-"]


def test_bodies_are_told_apart() -> None:
    assert is_small(SMALL_BODY)
    assert is_small(memoryview(SMALL_BODY))
    assert not is_small(SMALL_BODY[1:])
    assert not is_large(SMALL_BODY)

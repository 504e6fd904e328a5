"""What was measured, written into the documentation and the README."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

from tests.bench.chart import draw_summary, reference_of
from tests.bench.model import OURS
from tests.bench.verdict import Verdict, digits, spell_seconds
from tests.tools.project import ROOT, Refusal

__all__ = ["PAGE_MARKS", "README_MARKS", "publish"]

Told = Mapping[str, Any]

SUMMARY: Final = "bench-summary.svg"
CAPTION: Final = "How many times less time apikit takes than another, on a logarithmic scale"
PAGE_MARKS: Final = (".. table of ./dev bench --write", ".. end of the table")
README_MARKS: Final = ("<!-- table of ./dev bench --write -->", "<!-- end of the table -->")


def publish(folder: Path, root: Path = ROOT) -> list[Path]:
    """Write the figures of a run into the project's texts.

    Parameters
    ----------
    folder
        Where the run has left ``bench.json`` and ``bench.svg``.
    root
        The project's folder.

    Returns
    -------
    list of pathlib.Path
        What was written.

    Raises
    ------
    Refusal
        If there are no figures, or a text has lost the marks around its table.
    """
    try:
        told = json.loads((folder / "bench.json").read_text())
    except FileNotFoundError as error:
        raise Refusal(f"no figures in {folder}: run ./dev bench first") from error
    page, readme = root / "docs" / "performance.rst", root / "README.md"
    texts = {
        page: fill_between(page, PAGE_MARKS, page_table(told)),
        readme: fill_between(readme, README_MARKS, readme_table(told)),
    }
    for file, text in texts.items():
        file.write_text(text)
    static = root / "docs" / "_static"
    static.mkdir(exist_ok=True)
    for name in ("bench.json", "bench.svg"):
        shutil.copyfile(folder / name, static / name)
    summary = static / SUMMARY
    summary.write_text(draw_summary(told["rows"], CAPTION))
    return [page, readme, static / "bench.json", static / "bench.svg", summary]


def fill_between(file: Path, marks: tuple[str, str], text: str) -> str:
    """Return what a file holds, with a text between two of its lines instead of the present one."""
    lines = file.read_text().splitlines()
    if [lines.count(mark) for mark in marks] != [1, 1]:
        raise Refusal(f"{file.name} must have one line {marks[0]!r} and one {marks[1]!r}")
    first, last = (lines.index(mark) for mark in marks)
    lines[first + 1 : last] = ["", *text.splitlines(), ""]
    return "\n".join(lines) + "\n"


def circumstances(told: Told) -> str:
    """Return when, where and how it was measured."""
    busy = "" if told["load"] < 1 else f", load {told['load']:.1f} from other work"
    place = f"{told['machine']}, Python {told['python']}{busy}"
    return f"Measured {told['date']} on {place}"


def verdicts_of(row: Told) -> Iterable[str]:
    for goal in row["goals"]:
        found = Verdict(**{**goal, "ceiling": goal["ceiling"] or ""})
        yield f"{found.peer} {found.goal}: {found.got}, {found.word()}"


def ours_of(row: Told) -> Told:
    found: Told = next(one for one in row["peers"] if one["peer"] == OURS)
    return found


def ratios_of(row: Told, *, limits: bool) -> Iterable[str]:
    """Return each other's name and how many times ours it takes, the fastest first."""
    others = [one for one in row["peers"] if one["peer"] != OURS and one["is_limit"] is limits]
    measured = [one for one in others if not one["reason"]]
    for one in sorted(measured, key=lambda one: float(one["ratio"]["wall"])):
        yield f"{one['peer']} {digits(one['ratio']['wall'])}x"
    for one in others:
        if one["reason"]:
            yield f"{one['peer']} not available"


def page_table(told: Told) -> str:
    """Return everything, as reStructuredText."""
    lines = [f"{circumstances(told)}, by ``{told['command']}``.", ""]
    lines += [".. list-table::", "   :header-rows: 1", "   :widths: 24 14 32 30", ""]
    cells = [["Work", "apikit: time, CPU", "The others, as multiples of its time", "Goals"]]
    for row in told["rows"]:
        ours = ours_of(row)
        others = ", ".join(ratios_of(row, limits=False))
        limits = ", ".join(ratios_of(row, limits=True))
        cells.append(
            [
                f"{row['work']} (``{row['name']}``)",
                f"{spell_seconds(ours['wall'])}, {spell_seconds(ours['cpu'])}",
                others + (f"; limits: {limits}" if limits else ""),
                "; ".join(verdicts_of(row)),
            ]
        )
    for one in cells:
        lines += [f"   {'*' if not at else ' '} - {cell}" for at, cell in enumerate(one)]
    lines += ["", f".. image:: _static/{SUMMARY}", f"   :alt: {CAPTION}", ""]
    lines += ["Every bar: :download:`bench.svg <_static/bench.svg>`; the figures:"]
    lines += [":download:`bench.json <_static/bench.json>`."]
    return "\n".join(lines)


def readme_table(told: Told) -> str:
    """Return a line for each row, as Markdown."""
    lines = [f"{circumstances(told)}, by `{told['command']}`:", ""]
    lines += ["| Work | apikit | beside | goals met |", "|---|---|---|---|"]
    for row in told["rows"]:
        other = reference_of(row)
        beside = "" if other is None else f"{other['peer']} {digits(other['ratio']['wall'])}x"
        met = sum(goal["met"] is True for goal in row["goals"])
        ours = spell_seconds(ours_of(row)["wall"])
        lines.append(f"| {row['work']} | {ours} | {beside} | {met} of {len(row['goals'])} |")
    lines += ["", f"![{CAPTION}](docs/_static/{SUMMARY})"]
    return "\n".join(lines)

"""The picture: bars of each row's peers, as SVG without any library."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from html import escape
from typing import Any, Final

from tests.bench.measure import Result, Taken
from tests.bench.model import OURS
from tests.bench.verdict import digits, spell_seconds

__all__ = ["draw", "draw_summary", "reference_of"]

WIDTH: Final = 760
LABEL_WIDTH: Final = 210
BAR_WIDTH: Final = 400
LINE: Final = 18
TITLE: Final = 30
GAP: Final = 14
STYLE: Final = (
    "text{font:12px sans-serif;fill:#222}.title{font-weight:bold}"
    ".ours{fill:#2a6fb0}.peer{fill:#b8bec6}.limit{fill:#8fbf8f}"
    "@media(prefers-color-scheme:dark){text{fill:#ddd}.peer{fill:#6b7280}}"
)


def draw(results: Sequence[Result], caption: str) -> str:
    """Return an SVG document; each row's bars are to the scale of its longest one."""
    parts: list[str] = []
    top = TITLE
    for result in results:
        panel, height = _draw_row(result, top)
        parts += panel
        top += height + GAP
    return _document(parts, top, caption)


def draw_summary(rows: Sequence[Mapping[str, Any]], caption: str) -> str:
    """Return an SVG document with one bar for each row of the JSON.

    A bar is the logarithm of how many times less time ours takes than the first of the others.
    """
    found = [(row["work"], reference_of(row)) for row in rows]
    bars = [(work, one["peer"], one["ratio"]["wall"]) for work, one in found if one]
    longest = max([math.log10(ratio) for *_, ratio in bars], default=1.0) or 1.0
    parts: list[str] = []
    top = TITLE
    for work, peer, ratio in bars:
        length = max(1.0, BAR_WIDTH * math.log10(max(ratio, 1.0)) / longest)
        box = f'x="0" y="{top + 5}" width="{length:.1f}" height="{LINE - 4}"'
        parts += [
            _text(0, top, work),
            f'<rect class="ours" {box}/>',
            _text(length + 5, top + LINE - 2, f"{digits(ratio)}x {peer}"),
        ]
        top += 2 * LINE + 6
    return _document(parts, top, caption)


def reference_of(row: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """Return the first of a row's others, in the JSON, that was measured; None if none was."""
    others = [one for one in row["peers"] if one["peer"] != OURS and not one["is_limit"]]
    return next((one for one in others if not one["reason"]), None)


def _document(parts: Sequence[str], top: int, caption: str) -> str:
    height = top + LINE
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img">',
            f"<title>{escape(caption)}</title>",
            f"<style>{STYLE}</style>",
            *parts,
            _text(0, top + 4, caption),
            "</svg>\n",
        ]
    )


def _draw_row(result: Result, top: int) -> tuple[list[str], int]:
    shown = [one for one in result.taken if not one.reason]
    shown.sort(key=lambda one: one.wall)
    longest = max(one.wall for one in shown) or 1.0
    parts = [_text(0, top, result.row.work, "title")]
    for number, one in enumerate(shown):
        parts += _draw_bar(one, top + 8 + number * LINE, one.wall / longest)
    return parts, TITLE + len(shown) * LINE


def _draw_bar(one: Taken, top: int, part: float) -> list[str]:
    kind = "ours" if one.peer == OURS else "limit" if one.is_limit else "peer"
    length = max(1.0, BAR_WIDTH * part)
    ratio = "" if one.peer == OURS else f" ({digits(one.ratio['wall'])}x)"
    box = f'x="{LABEL_WIDTH}" y="{top}" width="{length:.1f}" height="{LINE - 4}"'
    return [
        _text(LABEL_WIDTH - 6, top + LINE - 7, one.peer, end=True),
        f'<rect class="{kind}" {box}/>',
        _text(LABEL_WIDTH + length + 5, top + LINE - 7, spell_seconds(one.wall) + ratio),
    ]


def _text(x: float, y: float, text: str, kind: str = "", *, end: bool = False) -> str:
    attributes = f' class="{kind}"' if kind else ""
    attributes += ' text-anchor="end"' if end else ""
    return f'<text x="{x:.1f}" y="{y:.1f}"{attributes}>{escape(text)}</text>'

"""What each path took when its count was written, and whether it takes no more now."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from tests.tools.project import ROOT

__all__ = ["COUNTS", "judge", "read", "report", "write"]

COUNTS: Final = ROOT / "tests" / "count" / "counts.json"
TOLERANCE: Final = 0.02
COMMAND: Final = "./dev count --write"

Counts = Mapping[str, int]


def read(toolchain: str, file: Path = COUNTS) -> dict[str, int]:
    """Return the counts of a toolchain; none if it is unknown."""
    counts: dict[str, dict[str, int]] = json.loads(file.read_text()) if file.exists() else {}
    return counts.get(toolchain, {})


def write(toolchain: str, counted: Counts, file: Path = COUNTS) -> None:
    """Put counts into a toolchain's line, beside those of other paths."""
    lines = json.loads(file.read_text()) if file.exists() else {}
    lines[toolchain] = {**lines.get(toolchain, {}), **counted}
    text = ",\n".join(
        f"{json.dumps(name)}: {json.dumps(lines[name], sort_keys=True)}" for name in sorted(lines)
    )
    file.write_text(f"{{\n{text}\n}}\n")


def judge(counted: Counts, known: Counts) -> list[str]:
    """Return a line for each path that takes more instructions than its count allows."""
    return [
        f"{name}: was {known[name]} instructions, is {now} ({now / known[name] - 1:+.1%});"
        f" if it has to be, {COMMAND} {name}"
        for name, now in counted.items()
        if name in known and now > known[name] * (1 + TOLERANCE)
    ]


def report(toolchain: str, counted: Counts, known: Counts) -> str:
    """Return a line for each path, and what there is to say of the others."""
    lines = [
        f"{name:<24}{now:>12}" + (f"{now / known[name] - 1:>+8.1%}" if name in known else "")
        for name, now in counted.items()
    ]
    missing = [name for name in counted if name not in known]
    if missing:
        lines.append(f"no count of {', '.join(missing)} for {toolchain}: {COMMAND} writes it")
    faster = [name for name, now in counted.items() if now < known.get(name, now) * (1 - TOLERANCE)]
    if faster:
        lines.append(f"less than before: {COMMAND} {' '.join(faster)} keeps it so")
    return "\n".join(lines)

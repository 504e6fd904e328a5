"""What a suite found: counts, the reasons of its skips, and the table at the end."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

__all__ = ["Result", "format_table", "read_cmocka", "read_junit"]


@dataclass
class Result:
    """The outcome of one suite; `problem` is what ended it, if it was not a test."""

    suite: str
    budget: int
    seconds: float = 0.0
    passed: int = 0
    failed: int = 0
    skips: list[str] = field(default_factory=list)
    problem: str = ""

    def is_good(self, *, skips_allowed: bool) -> bool:
        """Whether nothing failed and no skip counts as a failure."""
        return not (self.failed or self.problem or (self.skips and not skips_allowed))


def read_junit(path: Path, result: Result) -> None:
    """Add what pytest wrote to its JUnit file."""
    for case in ET.parse(path).iter("testcase"):
        name = f"{case.get('classname')}::{case.get('name')}"
        skipped = case.find("skipped")
        if case.find("failure") is not None or case.find("error") is not None:
            result.failed += 1
        elif skipped is not None and skipped.get("type") != "pytest.xfail":
            result.skips.append(f"{name}: {skipped.get('message')}")
        else:
            result.passed += 1


def read_cmocka(name: str, output: str, result: Result) -> None:
    """Add what one cmocka program printed."""
    result.passed += sum(map(int, re.findall(r"^\[  PASSED  \] (\d+) test", output, re.M)))
    result.skips += [
        f"{name}::{test}: skip()"
        for test in re.findall(r"^\[  SKIPPED \] (?!\d+ test)(\w+)", output, re.M)
    ]


def format_table(results: Sequence[Result]) -> str:
    """Return the table of all suites, the list of skips and the closing line."""
    lines = [f"{'suite':<14}{'seconds':>9}{'budget':>8}{'passed':>8}{'failed':>8}{'skipped':>9}"]
    for result in results:
        over = "  over its budget" if result.seconds > result.budget else ""
        lines.append(
            f"{result.suite:<14}{result.seconds:>9.1f}{result.budget:>8}{result.passed:>8}"
            f"{result.failed:>8}{len(result.skips):>9}{over}"
        )
    lines += [f"problem: {result.suite}: {result.problem}" for result in results if result.problem]
    lines += [f"skipped: {result.suite}: {skip}" for result in results for skip in result.skips]
    passed, failed, skipped = (
        sum(result.passed for result in results),
        sum(result.failed + bool(result.problem) for result in results),
        sum(len(result.skips) for result in results),
    )
    return "\n".join([*lines, f"{passed} passed, {failed} failed, {skipped} skipped"])

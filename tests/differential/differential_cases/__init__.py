"""Named cases that run under the originals and under apikit alike.

A case is a function that does something with the package and returns what a
service could observe, as values that JSON can hold.  `keep` says that both must
observe the same; `fix` names what each of them observes.

The modules are imported by the runner under both interpreters and by pytest, so
what they import at the top is only what both environments have.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

#: What a case gets: the address of the recording HTTP server.
CaseFunction = Callable[[str], Any]


@dataclass(frozen=True)
class Case:
    """One row: which line of the contract it shows, and what each side observes."""

    name: str
    line: str
    function: CaseFunction
    differs: bool = False
    original: Any = None
    ours: Any = None


CASES: dict[str, Case] = {}


def keep(line: str) -> Callable[[CaseFunction], CaseFunction]:
    """Register a case that both sides must observe alike."""

    def register(function: CaseFunction) -> CaseFunction:
        _add(Case(_name(function), line, function))
        return function

    return register


def fix(line: str, *, original: Any, ours: Any) -> Callable[[CaseFunction], CaseFunction]:
    """Register a case where the original errs: what it gives, and what ours gives."""

    def register(function: CaseFunction) -> CaseFunction:
        _add(Case(_name(function), line, function, differs=True, original=original, ours=ours))
        return function

    return register


def _name(function: CaseFunction) -> str:
    return f"{function.__module__.rpartition('.')[2]}.{function.__name__}"


def _add(case: Case) -> None:
    if case.name in CASES:
        raise ValueError(f"two cases are named {case.name}")
    CASES[case.name] = case

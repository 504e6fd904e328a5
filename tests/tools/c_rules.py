"""The rules of csrc that no ready-made linter knows: layers point down, files and functions end."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

__all__ = ["broken_rules"]

LONGEST_FILE = 450
LONGEST_FUNCTION = 60

# What a layer may include besides the system's headers, and which of those it may not.
LAYERS = {
    "core": (("core/",), ("Python.h", "curl/", "zlib.h", "pthread.h")),
    "net": (("core/", "net/"), ("Python.h",)),
    "python": (("core/", "net/", "python/"), ("curl/", "zlib.h")),
}
INCLUDE = re.compile(r'^\s*#\s*include\s+([<"])([^>"]+)[>"]')


def broken_rules(csrc: Path) -> Iterator[str]:
    """Yield a line for each broken rule: file, line, rule."""
    for path in sorted(csrc.rglob("*.[ch]")):
        lines = path.read_text().splitlines()
        where = path.relative_to(csrc.parent)
        if len(lines) > LONGEST_FILE:
            yield f"{where}: {len(lines)} lines, at most {LONGEST_FILE}"
        for number, length in long_functions(lines):
            yield f"{where}:{number}: function of {length} lines, at most {LONGEST_FUNCTION}"
        for number, included in forbidden_includes(path.relative_to(csrc).parts[0], lines):
            yield f"{where}:{number}: this layer must not include {included}"


def long_functions(lines: list[str]) -> Iterator[tuple[int, int]]:
    """Yield the line and the length of each too long function, by PEP 7's layout."""
    start = None
    for number, line in enumerate(lines, 1):
        if line == "{":
            start = number
        elif line == "}" and start is not None:
            length = number - start - 1
            if length > LONGEST_FUNCTION:
                yield start, length
            start = None


def forbidden_includes(layer: str, lines: list[str]) -> Iterator[tuple[int, str]]:
    own, forbidden = LAYERS[layer]
    for number, line in enumerate(lines, 1):
        found = INCLUDE.match(line)
        if found is None:
            continue
        quote, name = found.groups()
        if name.startswith(forbidden) or (quote == '"' and not name.startswith(own)):
            yield number, name

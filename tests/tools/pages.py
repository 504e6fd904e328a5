"""The pages of docs/ as tests read them: the tables and their rows."""

from __future__ import annotations

import csv
import re
import textwrap
from dataclasses import dataclass

from tests.tools.project import ROOT

__all__ = ["DOCS", "Block", "blocks_of", "rows_of", "tables_of"]

DOCS = ROOT / "docs"
DIRECTIVE = ".. csv-table::"
_BLOCK = re.compile(r"^( *)\.\. code-block:: (\w+)\n\n((?:\1   .*\n|\n)+)", re.MULTILINE)


@dataclass(frozen=True)
class Block:
    """A code block of a page: its language and its text, without the indentation."""

    language: str
    text: str

    @property
    def begins(self) -> str:
        """The first line, without what stands before a command and a remark behind it."""
        return self.text.partition("\n")[0].removeprefix("$ ").partition("  #")[0].rstrip()

    @property
    def commands(self) -> list[str]:
        """The command lines of a console block, those that go on in the next line as one."""
        whole = self.text.replace("\\\n", " ")
        return [" ".join(one.split()) for one in re.findall(r"^\$ (.+)$", whole, re.MULTILINE)]


def blocks_of(page: str) -> list[Block]:
    """Return the code blocks of a page, in its order."""
    found = _BLOCK.finditer((DOCS / page).read_text(encoding="utf-8"))
    return [Block(one[2], textwrap.dedent(one[3]).strip("\n")) for one in found]


def tables_of(page: str) -> list[tuple[str, list[list[str]]]]:
    """Return the title and the rows of each table of a page, in its order."""
    tables: list[tuple[str, list[list[str]]]] = []
    for part in (DOCS / page).read_text(encoding="utf-8").split(DIRECTIVE)[1:]:
        title, _, rest = part.partition("\n")
        lines = []
        for line in rest.splitlines():
            if line and not line.startswith("   "):
                break
            if line.strip() and not line.lstrip().startswith(":"):
                lines.append(line)
        rows = csv.reader(textwrap.dedent("\n".join(lines)).splitlines(), skipinitialspace=True)
        tables.append((title.strip(), [[cell.strip() for cell in row] for row in rows]))
    return tables


def rows_of(page: str, title: str) -> list[list[str]]:
    """Return the rows of the one table of a page that has this title."""
    (rows,) = (rows for name, rows in tables_of(page) if name == title)
    return rows

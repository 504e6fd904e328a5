"""The pages of docs/ as tests read them: the tables and their rows."""

from __future__ import annotations

import csv
import textwrap

from tests.tools.project import ROOT

__all__ = ["DOCS", "rows_of", "tables_of"]

DOCS = ROOT / "docs"
DIRECTIVE = ".. csv-table::"


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

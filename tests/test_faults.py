"""The transport rows of the fault table at the level of Session, row number first in each id."""

from __future__ import annotations

from operator import attrgetter
from pathlib import Path

import pytest

from tests.faults import connect_rows, content_rows, process_rows, wire_rows
from tests.faults.certs import Certificates
from tests.faults.children import Shim
from tests.faults.handle import FaultServer
from tests.faults.table import ROWS, Bench, Row

pytest_plugins = ("tests.faults.fixtures",)

#: Where the rows are written; importing them fills ROWS.
ROW_FILES = (connect_rows, content_rows, process_rows, wire_rows)

TRANSPORT_ROWS = {*range(1, 44), 56, 57, 58}


@pytest.mark.parametrize("row", sorted(ROWS, key=attrgetter("number")), ids=attrgetter("test_id"))
def test_fault(
    row: Row, server: FaultServer, certificates: Certificates, shim: Shim, tmp_path: Path
) -> None:
    row.run(Bench(server, certificates, shim, tmp_path))


def test_no_row_is_missing_and_no_id_comes_twice() -> None:
    assert {row.number for row in ROWS} == TRANSPORT_ROWS
    assert len({row.test_id for row in ROWS}) == len(ROWS)

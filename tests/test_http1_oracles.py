"""The HTTP/1.1 reader beside h11, http.client and libcurl, on valid and on damaged answers.

Each of the four reads the same bytes. A valid answer is the same to all. A damaged one that ours
takes must be the same to all, and one that ours refuses must be refused by h11, the strictest of
the others. All that may differ stands in tests/http1/differences.py with its reason and an example.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.http1.answers import damaged_cases, valid_cases
from tests.http1.differences import DIFFERENT, REFUSED, TAKEN, Different, Refused, Taken
from tests.http1.readers import (
    Answer,
    Case,
    Driver,
    build_curl_driver,
    build_reader_driver,
    read_with_curl,
    read_with_h11,
    read_with_http_client,
    read_with_ours,
)

pytestmark = pytest.mark.no_asan  # programs of the C core run here, not the extension

SETTINGS = settings(suppress_health_check=list(HealthCheck))
EXAMPLES = settings.default.max_examples

Oracles = dict[str, Callable[[Case], Answer | None]]


@pytest.fixture(scope="session")
def reader(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Driver]:
    driver = build_reader_driver(tmp_path_factory.mktemp("http1"))
    yield driver
    driver.close()


@pytest.fixture(scope="session")
def curl(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Driver]:
    driver = build_curl_driver(tmp_path_factory.mktemp("http1"))
    yield driver
    driver.close()


@pytest.fixture(scope="session")
def oracles(curl: Driver) -> Oracles:
    return {
        "h11": read_with_h11,
        "http.client": read_with_http_client,
        "libcurl": lambda case: read_with_curl(curl, case),
    }


def may_differ(oracle: str, thing: str, case: Case) -> bool:
    return any(
        row.oracle == oracle and thing in row.things and re.search(row.pattern, case.message)
        for row in DIFFERENT
    )


def compare(reader: Driver, oracles: Oracles, case: Case) -> Answer | None:
    """Return what ours makes of the case: it must be what the others make of it."""
    ours, says = read_with_ours(reader, case)
    whole = Case(case.message, case.is_head)
    assert (ours, says) == read_with_ours(reader, whole) or "begins with" in says
    if ours is None:
        taken = oracles["h11"](case) is not None
        assert not taken or any(row.says in says for row in REFUSED), f"h11 takes it, ours: {says}"
        return None
    for name, read in oracles.items():
        theirs = read(case)
        if theirs is None:
            rows = [row for row in TAKEN if name in row.oracles]
            assert any(re.search(row.pattern, case.message) for row in rows), f"{name} refuses"
        else:
            differences = [d for d in ours.differences(theirs) if not may_differ(name, d, case)]
            assert not differences, f"{name}: {differences} of {theirs}"
    return ours


@settings(SETTINGS, max_examples=2 * EXAMPLES)
@given(case=valid_cases())
def test_valid_answers_are_the_same_to_all(reader: Driver, oracles: Oracles, case: Case) -> None:
    ours = compare(reader, oracles, case)
    assert ours is not None
    assert ours.rest == b""
    for name, read in oracles.items():
        assert read(case) is not None, f"{name} refuses a valid answer"


@settings(SETTINGS, max_examples=4 * EXAMPLES)
@given(case=damaged_cases())
def test_damaged_answers_are_refused_or_the_same(
    reader: Driver, oracles: Oracles, case: Case
) -> None:
    compare(reader, oracles, case)


@settings(SETTINGS)
@given(case=valid_cases(), data=st.data())
def test_cut_answers_are_never_whole(reader: Driver, case: Case, data: st.DataObject) -> None:
    said = reader.ask(case)
    head_end = len(case.message) - len(bytes.fromhex(said["body"]))
    ends_itself = len(case.message) if said["framing"] != "eof" else head_end
    length = data.draw(st.integers(0, ends_itself - 1))
    ours, says = read_with_ours(reader, Case(case.message[:length], case.is_head))
    assert ours is None
    assert "closed the connection" in says


@pytest.mark.parametrize("row", REFUSED, ids=lambda row: row.says)
def test_refusals_beyond_those_of_h11_are_needed(reader: Driver, row: Refused) -> None:
    case = Case(row.example)
    ours, says = read_with_ours(reader, case)
    assert ours is None
    assert row.says in says
    assert read_with_h11(case) is not None


@pytest.mark.parametrize("row", TAKEN, ids=lambda row: row.why)
def test_what_others_refuse_is_taken(reader: Driver, oracles: Oracles, row: Taken) -> None:
    case = Case(row.example)
    assert re.search(row.pattern, case.message)
    assert read_with_ours(reader, case)[0] is not None
    assert {name for name, read in oracles.items() if read(case) is None} == set(row.oracles)


@pytest.mark.parametrize("row", DIFFERENT, ids=lambda row: row.why)
def test_what_differs_does_differ(reader: Driver, oracles: Oracles, row: Different) -> None:
    case = Case(row.example)
    assert re.search(row.pattern, case.message)
    ours, theirs = read_with_ours(reader, case)[0], oracles[row.oracle](case)
    assert ours is not None
    assert theirs is not None
    assert set(row.things) <= set(ours.differences(theirs))

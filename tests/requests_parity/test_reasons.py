"""The table of reasons holds what rows need, and nothing else."""

from pathlib import Path

import pytest

from tests.requests_parity.reasons import REASONS
from tests.requests_parity.sides import check, servers

__all__ = ["servers"]


def test_each_reason_is_named_by_a_row():
    rows = "".join(path.read_text() for path in Path(__file__).parent.glob("test_parity_*.py"))
    assert not [name for name in REASONS if f'"{name}"' not in rows]


def test_a_row_that_differs_without_a_reason_fails(servers):
    with pytest.raises(AssertionError, match="result: 'Session' here, 'Other' there"):
        check(servers, lambda s: "Session" if "apikit" in type(s).__module__ else "Other")


def test_a_reason_for_rows_that_agree_fails(servers):
    with pytest.raises(AssertionError, match="they agree, although: a TypeError"):
        check(servers, lambda s: 5, "wrong-type")


def test_a_difference_elsewhere_than_the_reason_says_fails(servers):
    def call(session):
        session.headers["X-A"] = type(session).__module__
        return {"accept-encoding": type(session).__module__}

    with pytest.raises(AssertionError, match=r"session\.headers\.x-a: "):
        check(servers, call, "removed-headers")


def test_a_request_that_only_one_side_sends_is_a_difference(servers):
    def call(session):
        if "apikit" in type(session).__module__:
            session.get(f"{servers.here}/x")

    with pytest.raises(AssertionError, match=r"wire\.0: "):
        check(servers, call)

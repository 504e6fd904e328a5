"""The counter of leaks sees each kind of leak, and none where there is none."""

from __future__ import annotations

import pytest

from tests.core_leaks import count_leaks


@pytest.mark.parametrize(
    "body",
    [
        "kept.append(object())",
        "kept.append({})",
        "kept.append('%d of twenty bytes' % len(kept))",
        "kept.append(shared)",
    ],
)
def test_leak_is_seen(body: str) -> None:
    assert count_leaks("kept, shared = [], object()", body, "[shared]") >= 1


def test_no_leak_is_seen_where_there_is_none() -> None:
    body = "kept.append({'a': shared})\nkept.clear()"
    assert count_leaks("kept, shared = [], object()", body, "[shared]") == 0

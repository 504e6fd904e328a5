"""pytest's plugin: the fixture `backend_mock`.

Every run of pytest imports this module where apikit is installed; apikit itself
is imported by the tests that use the fixture.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from apikit.testing import MockTransport

__all__ = ["backend_mock"]


def pytest_configure(config: pytest.Config) -> None:
    """Make the marker known."""
    config.addinivalue_line(
        "markers",
        "backend_mock(assert_all_called=True, assert_all_expected=True): "
        "what the fixture of this name asserts at its end.",
    )


@pytest.fixture
def backend_mock(request: pytest.FixtureRequest) -> Iterator[MockTransport]:
    """Answer the requests of all sessions in a test; see `apikit.testing`."""
    from apikit.testing import mock_backends

    marker = request.node.get_closest_marker("backend_mock")
    with mock_backends(**(marker.kwargs if marker else {})) as mock:
        yield mock

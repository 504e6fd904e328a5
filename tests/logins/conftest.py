"""What the tests of log-ins share: one Keycloak, and which parts this machine can run."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.servers import Server, keycloak_obstacle

from .worlds import keycloak_door

_FOLDER = Path(__file__).parent
_SECONDS = 900  # a first run installs what it needs


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests of this folder."""
    for item in items:
        if _FOLDER in item.path.parents:
            item.add_marker(pytest.mark.logins)
            item.add_marker(pytest.mark.no_asan)  # programs of others run here for the most part
            item.add_marker(pytest.mark.timeout(_SECONDS))


@pytest.fixture(scope="session")
def keycloak() -> Iterator[Server]:
    """The door of a Keycloak."""
    obstacle = keycloak_obstacle()
    if obstacle is not None:
        pytest.skip(obstacle)
    with keycloak_door() as door:
        yield door

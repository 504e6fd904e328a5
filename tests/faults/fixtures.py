"""Fixtures of the fault tests: `pytest_plugins = ("tests.faults.fixtures",)`."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.faults.certs import Certificates, make_certificates
from tests.faults.children import Shim, build_shim
from tests.faults.handle import FaultServer

__all__ = ["certificates", "fault_server", "server", "shim"]


@pytest.fixture(scope="session")
def fault_server() -> Iterator[FaultServer]:
    """One scripted server for the whole run; `server` is what a test takes."""
    with FaultServer() as running:
        yield running


@pytest.fixture
def server(fault_server: FaultServer) -> Iterator[FaultServer]:
    """The scripted server without scripts or records; what still waits there is let go."""
    fault_server.forget()
    yield fault_server
    fault_server.forget()


@pytest.fixture(scope="session")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    """Certificates made for this run."""
    return make_certificates(tmp_path_factory.mktemp("certificates"))


@pytest.fixture(scope="session")
def shim(tmp_path_factory: pytest.TempPathFactory) -> Shim:
    """A library to preload: names that resolve as told, and a wall clock that jumps."""
    return build_shim(tmp_path_factory.mktemp("shim"))

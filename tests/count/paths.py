"""The hot paths: the same works as of the table of times, apikit's alone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from tests.bench.model import Place

__all__ = ["PATHS", "Path"]


@dataclass(frozen=True)
class Path:
    """A work of apikit's that is counted."""

    maker: str
    """The module and the function that makes the call; no other path's module is loaded."""

    calls: int
    """How many calls more the second of the two processes makes."""

    warm: int = 50
    """How many both make."""

    def make(self, url: str) -> Callable[[], Any]:
        """Return what is called."""
        module, _, name = self.maker.partition(":")
        call: Callable[[], Any] = getattr(import_module(module), name)(Place(url))
        return call


PATHS = {
    "metadata_wsgi": Path("tests.bench.peers.wsgi:metadata", 5000),
    "metadata_by_flask": Path("tests.bench.peers.wsgi:metadata_beside_a_hook", 100),
    "metadata_last_of_100": Path("tests.bench.peers.wsgi:metadata_of_last_of_100", 5000),
    "build_100_prefixes": Path("tests.bench.peers.wsgi:build_100", 1, warm=1),
    "json_six_fields": Path("tests.bench.peers.dumps:apikit", 10000),
    "backend_error": Path("tests.bench.peers.errors:backend_error", 5000),
    "get_30b": Path("tests.bench.peers.clients:apikit", 500),
    "retry_request": Path("tests.bench.peers.fresh:retry_request", 300),
}

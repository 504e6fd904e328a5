"""An exception made, raised and caught."""

from __future__ import annotations

from collections.abc import Callable

from tests.bench.model import Place

__all__ = ["backend_error", "value_error"]


def backend_error(_place: Place) -> Callable[[], str | None]:
    """Return the call for whichever apikit is installed: ours, or the original."""
    from apikit import BackendError

    def call() -> str | None:
        try:
            raise BackendError("Not Found", 404, "no such job")
        except BackendError as error:
            return error.reason

    return call


def value_error(_place: Place) -> Callable[[], str]:
    def call() -> str:
        try:
            raise ValueError("Not Found", 404, "no such job")
        except ValueError as error:
            return str(error.args[0])

    return call

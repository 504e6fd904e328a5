"""The one logger of the stores, ``apikit.stores``; no line of it shows a secret."""

from __future__ import annotations

from typing import Any, Final

__all__ = ["LOGGER", "tell", "warn"]

LOGGER: Final = "apikit.stores"


def warn(problem: str, store: object) -> None:
    """Write a warning about a store."""
    _logger().warning(problem, store=repr(store))


def tell(event: str, store: object) -> None:
    """Write a line about a store that is well."""
    _logger().info(event, store=repr(store))


def _logger() -> Any:
    import structlog  # as dear as in `apikit.log`

    return structlog.get_logger(LOGGER)

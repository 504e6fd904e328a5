"""Lines of the log with fields: JSON where services write JSON, else text."""

from __future__ import annotations

import logging
import sys
from collections.abc import Mapping
from typing import Any

__all__ = ["write_line"]


def write_line(logger: logging.Logger, level: int, event: str, fields: Mapping[str, Any]) -> None:
    """Write a line, if the level is one that the logger lets through.

    structlog is asked only where it was set up, and not loaded for this.

    Parameters
    ----------
    logger, level
        Whose, and how grave.
    event
        What happened.
    fields
        Its details; no secret among them.
    """
    if not logger.isEnabledFor(level):
        return
    structlog = sys.modules.get("structlog")
    if structlog is not None and structlog.is_configured():
        structlog.wrap_logger(logger).log(level, event, **fields)
    else:
        logger.log(level, "%s: %s", event, dict(fields))

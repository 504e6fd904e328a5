"""The handler of services that log to a file; the others do not load it."""

from __future__ import annotations

import logging
import logging.handlers
import os

__all__ = ["LogFileHandler"]


class LogFileHandler(logging.handlers.WatchedFileHandler):
    """Opens its file again when it was moved or removed.

    When that fails the line is lost, as with any other trouble of a handler: the
    request that wrote it goes on.

    Parameters
    ----------
    file
        Its path.
    """

    def __init__(self, file: str | os.PathLike[str]) -> None:
        super().__init__(file, encoding="utf-8", errors="backslashreplace")

    def emit(self, record: logging.LogRecord) -> None:
        """Write a line."""
        try:
            super().emit(record)
        except OSError:
            self.handleError(record)

"""JSON log lines through structlog and the root logger.

structlog is configured for the whole process, because services call
``structlog.get_logger()`` themselves.  It is imported with the first logger, so
that ``import apikit`` costs no more than it must.
"""

from __future__ import annotations

import logging
import os
import sys
import threading
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any, Final, TextIO, cast

from apikit._log_context import LogContext

if TYPE_CHECKING:
    from structlog.stdlib import BoundLogger

__all__ = ["get_logger"]

_SYSLOG_PORT: Final = 514

_LEVELS: Final = {
    "DEBUG": logging.DEBUG,
    "INFO": logging.INFO,
    "WARNING": logging.WARNING,
    "ERROR": logging.ERROR,
    "CRITICAL": logging.CRITICAL,
}

_handlers_lock = threading.Lock()


def get_logger(
    file: str | os.PathLike[str] | None = None,
    syslog: bool = False,
    loghost: str | None = None,
    level: str | None = None,
) -> BoundLogger:
    """Return a logger that writes each event as one line of JSON.

    The lines leave through a handler on the root logger: standard output, unless
    `file` or `syslog` says otherwise.  Calling this again with the same
    destination adds no second handler.  Records of the standard library's
    loggers pass through the same handler as they are.

    What ``bind`` binds within a Flask request is in all of that request's lines,
    whether or not the result of ``bind`` is kept, and in no other request's.
    What is bound outside of any request, as a module is imported, is in every
    line.

    Parameters
    ----------
    file
        The log file's path.  A file that was moved or removed is opened again.
    syslog
        Whether to write to syslog: UDP, port 514.  `file` beats it.
    loghost
        The host whose syslog takes the lines; this one if None.
    level
        The level that the root logger gets: debug, info, warning, error or
        critical, in any case.  None, or any other value, leaves it as it is.

    Returns
    -------
    structlog.stdlib.BoundLogger
        The logger.  Its lines name the module that first used it.

    Raises
    ------
    OSError
        If the log file cannot be opened, or the syslog host has no address.
    """
    _add_handler(*_handler_for(file, syslog, loghost))
    if isinstance(level, str) and level.upper() in _LEVELS:
        logging.getLogger().setLevel(_LEVELS[level.upper()])
    return _configure_structlog()


def _configure_structlog() -> BoundLogger:
    import structlog

    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            structlog.stdlib.add_logger_name,
            structlog.stdlib.add_log_level,
            structlog.stdlib.PositionalArgumentsFormatter(),
            structlog.processors.TimeStamper(fmt="iso"),
            structlog.processors.StackInfoRenderer(),
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(),
        ],
        context_class=cast("type[dict[str, Any]]", LogContext),  # a dict's methods are enough
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    logger: BoundLogger = structlog.get_logger()
    return logger


class _StandardOutputHandler(logging.StreamHandler[TextIO]):
    """Writes to whatever ``sys.stdout`` is when a line is written."""

    def __init__(self) -> None:
        # Not StreamHandler's own, which would keep the stream of this moment.
        logging.Handler.__init__(self)
        self._other_stream: TextIO | None = None

    @property
    def stream(self) -> TextIO:
        return self._other_stream or sys.stdout

    @stream.setter
    def stream(self, stream: TextIO) -> None:
        self._other_stream = stream

    def emit(self, record: logging.LogRecord) -> None:
        # A process may have no standard output: it is None then.
        if self.stream is not None:
            super().emit(record)


def _handler_for(
    file: str | os.PathLike[str] | None, syslog: bool, loghost: str | None
) -> tuple[str, Callable[[], logging.Handler]]:
    """Return the name of the destination's handler and what makes one."""
    if file:
        from apikit._log_handlers import LogFileHandler

        return f"apikit file {os.path.realpath(file)}", partial(LogFileHandler, file)
    if syslog:
        from logging.handlers import SysLogHandler

        host = loghost or "localhost"
        return f"apikit syslog {host}", partial(SysLogHandler, (host, _SYSLOG_PORT))
    return "apikit stdout", _StandardOutputHandler


def _add_handler(name: str, make: Callable[[], logging.Handler]) -> None:
    """Give the root logger the handler of that name unless it has it already."""
    root = logging.getLogger()
    with _handlers_lock:
        if all(handler.name != name for handler in root.handlers):
            handler = make()
            handler.name = name
            root.addHandler(handler)

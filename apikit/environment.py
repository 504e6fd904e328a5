"""The environment variables that an `~apikit.APIFlask` reads when it is made."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import NamedTuple

__all__ = ["Environment", "read_environment"]


class Environment(NamedTuple):
    """What the environment says about logging and debugging.

    Parameters
    ----------
    file
        The log file (``LOGFILE``), or None.
    syslog
        Whether to log to syslog (``LOG_TO_SYSLOG``); never beside a log file.
    loghost
        The syslog's host (``LOGHOST``), or None; only with syslog.
    level
        The log level as written (``LOGLEVEL``), ``"DEBUG"`` when debugging, or None.
    debug
        Whether ``DEBUG`` holds anything: ``"0"`` turns it on, too.
    """

    file: str | None
    syslog: bool
    loghost: str | None
    level: str | None
    debug: bool


def read_environment(environ: Mapping[str, str] = os.environ) -> Environment:
    """Read the variables; an empty one counts as unset.

    Parameters
    ----------
    environ
        Where to read them.

    Returns
    -------
    Environment
        What they say.
    """
    file = environ.get("LOGFILE") or None
    syslog = not file and bool(environ.get("LOG_TO_SYSLOG"))
    debug = bool(environ.get("DEBUG"))
    return Environment(
        file=file,
        syslog=syslog,
        loghost=(environ.get("LOGHOST") or None) if syslog else None,
        level="DEBUG" if debug else environ.get("LOGLEVEL") or None,
        debug=debug,
    )

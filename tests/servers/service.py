"""A WSGI service under gunicorn, in whichever Python is asked for."""

from __future__ import annotations

import http.client
import os
import sys
from collections.abc import Mapping
from pathlib import Path

from .process import LOOPBACK, Server, ServerError, start_server

__all__ = ["start_service"]

# A service reads these, and a demo must not depend on the shell that it is started from.
_SERVICE_VARIABLES = ("DEBUG", "LOGFILE", "LOGHOST", "LOGLEVEL", "LOG_TO_SYSLOG")


_ANSWER_SECONDS = 30.0


def start_service(
    application: str,
    folder: Path,
    *options: str,
    env: Mapping[str, str],
    python: str | os.PathLike[str] = sys.executable,
    port: int = 0,
) -> Server:
    """Start a service under gunicorn.

    Parameters
    ----------
    application : `str`
        What gunicorn serves, as ``module:callable()``.
    folder : `pathlib.Path`
        Where the module lies.
    *options : `str`
        More of gunicorn's options, such as ``--threads=8``.
    env : mapping
        Variables to add to the environment.
    python : `str` or `os.PathLike`, optional
        The interpreter, which must have gunicorn and what the service imports.
    port : `int`, optional
        The port to use; 0 takes a free one.

    Raises
    ------
    ServerError
        The port is taken, or gunicorn or the service does not start.
    """
    server = start_server(
        "gunicorn",
        lambda number: [
            python,
            "-m",
            "gunicorn",
            f"--bind={LOOPBACK}:{number}",
            "--no-control-socket",
            *options,
            application,
        ],
        port=port,
        env=dict.fromkeys(_SERVICE_VARIABLES, "") | dict(env),
        cwd=folder,
    )
    try:
        _await_answer(server)
    except BaseException:
        server.stop()
        raise
    return server


def _await_answer(server: Server) -> None:
    """Wait for a first answer: gunicorn listens before it has loaded what it serves."""
    connection = http.client.HTTPConnection(LOOPBACK, server.port, timeout=_ANSWER_SECONDS)
    try:
        connection.request("GET", "/")
        connection.getresponse()
    except (OSError, http.client.HTTPException) as error:
        raise ServerError(
            f"{server.name}: the service does not answer\n{server.last_output()}"
        ) from error
    finally:
        connection.close()

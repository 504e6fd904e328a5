"""The technote's own service, made to run against servers on loopback."""

from __future__ import annotations

import json
from typing import Any

from flask import Flask

from .stack import SERVICE_FOLDER

__all__ = ["TECHNOTE_SERVICE", "make_technote_service"]

TECHNOTE_SERVICE = SERVICE_FOLDER / "technote_service.py"

#: The two addresses in its text: the back end's, and GitHub's log-in form by its default.
_BACKEND = 'backenduri = "https://myservice.lsst.codes"'
_SESSION = "authentication_session_url=None"


def make_technote_service(backend_url: str, session_url: str) -> Flask:
    """Return the technote's service as it is printed, but for the addresses.

    Parameters
    ----------
    backend_url, session_url : `str`
        The addresses in their place.
    """
    source = TECHNOTE_SERVICE.read_text(encoding="utf-8")
    for printed, url in ((_BACKEND, backend_url), (_SESSION, session_url)):
        if source.count(printed) != 1:
            raise ValueError(f"{TECHNOTE_SERVICE.name} has not one line with {printed!r}")
        name = printed.partition("=")[0]
        source = source.replace(printed, f"{name}={json.dumps(url)}")
    names: dict[str, Any] = {"__name__": "technote_service"}
    exec(compile(source, TECHNOTE_SERVICE, "exec"), names)
    service: Flask = names["server"]()
    return service

"""The Flask application of the catalog."""

from __future__ import annotations

import os
import time
from importlib.metadata import version
from typing import Any, Final

from flask import Blueprint, Response, current_app, jsonify, render_template, request, url_for

from apikit.app import APIFlask
from apikit.catalog.documents import linkset_of, services_of
from apikit.catalog.pages import rows_of
from apikit.catalog.poller import Poller
from apikit.catalog.settings import Settings, read_settings

__all__ = ["create_app"]

_EXTENSION: Final = "apikit.catalog"
_LINKSET_TYPE: Final = 'application/linkset+json; profile="https://www.rfc-editor.org/info/rfc9727"'
_HEADERS: Final = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; script-src 'self'; "
    "connect-src 'self'; img-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}


def create_app(settings: Settings | str | os.PathLike[str]) -> APIFlask:
    """Make the application: a page at ``/``, JSON at ``/services.json``, RFC 9727's catalog.

    The first request of each process starts the threads that ask the services, so that
    a server may fork after the application was made; ask for ``/`` once to begin early.

    Parameters
    ----------
    settings
        Those, or the path of a file for `read_settings`.

    Returns
    -------
    APIFlask
        With the `Poller` in ``extensions["apikit.catalog"]``.

    Raises
    ------
    OSError, ValueError
        If the file cannot be read, or is wrong.
    """
    if not isinstance(settings, Settings):
        settings = read_settings(settings)
    app = APIFlask(
        "apikit-catalog",
        version("sqre-apikit-c"),
        settings.repository,
        settings.description,
        static_folder=None,
    )
    app.extensions[_EXTENSION] = Poller(settings)
    app.register_blueprint(_make_blueprint())
    return app


def _make_blueprint() -> Blueprint:
    blueprint = Blueprint(
        "catalog",
        __name__,
        template_folder="templates",
        static_folder="static",
        static_url_path="/static",
    )
    blueprint.before_request(lambda: _poller().start())
    blueprint.after_request(_add_headers)
    blueprint.add_url_rule("/", "page", _show_page)
    blueprint.add_url_rule("/services.json", "services", _send_services)
    blueprint.add_url_rule("/.well-known/api-catalog", "linkset", _send_linkset)
    return blueprint


def _poller() -> Poller:
    poller: Poller = current_app.extensions[_EXTENSION]
    return poller


def _show_page() -> str:
    poller = _poller()
    rows = rows_of(poller.records(), time.time())
    return render_template("catalog.html", settings=poller.settings, rows=rows)


def _send_services() -> Response:
    poller = _poller()
    return _answer(jsonify(services_of(poller.settings, poller.records())))


def _send_linkset() -> Response:
    here = url_for("catalog.linkset", _external=True)
    response = jsonify(linkset_of(here, _poller().records()))
    response.headers["Content-Type"] = _LINKSET_TYPE
    return _answer(response)


def _answer(response: Response) -> Response:
    """Let who has the same already keep it (RFC 9110, 13)."""
    response.add_etag()
    response.make_conditional(request)
    return response


def _add_headers(response: Response) -> Any:
    response.headers.update(_HEADERS)
    response.headers.setdefault("Cache-Control", "no-cache")
    response.headers["Link"] = f'<{url_for("catalog.linkset")}>; rel="api-catalog"'
    return response

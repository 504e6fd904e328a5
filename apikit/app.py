"""Flask applications that say what they are: `APIFlask` and its parts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext
from typing import Any, Final

from flask import Flask

from apikit import _core
from apikit._flask_commands import register
from apikit._metadata_view import view
from apikit._rules import fixed_rules
from apikit.environment import read_environment
from apikit.log import get_logger

__all__ = ["APIFlask", "add_metadata_route", "set_flask_metadata"]

_ENDPOINT: Final = "_return_metadata"


def set_flask_metadata(
    app: Flask,
    version: str,
    repository: str,
    description: str,
    api_version: str = "1.0",
    name: str | None = None,
    auth: dict[str, Any] | str | None = None,
    route: str | list[str] | None = None,
) -> None:
    """Give a Flask application its metadata and the routes that serve it.

    All arguments are checked first: when one is wrong, or Flask refuses a route,
    the application's configuration and name are as they were.

    Parameters
    ----------
    app
        The application, `flask.current_app` included.
    version
        The service's version.
    repository
        The URL of its source.
    description
        What it does.
    api_version
        The version of its interface; part of two of the four routes.
    name
        Its name, which becomes the application's; None for the application's own.
    auth
        How callers must authenticate: a dict with "type" ("none", "basic" or
        "bitly-proxy") and, unless that is "none", "data".  The dict itself goes
        into the configuration.  None, "" and "none" stand for no authentication.
    route
        As for `add_metadata_route`.

    Raises
    ------
    TypeError
        If an argument has the wrong type.
    ValueError
        If one is empty, or `auth` is no such dict.
    AssertionError
        If Flask refuses the routes: after its first request, or when another
        view has their endpoint's name.
    """
    _check_app(app)
    if name is None:
        name = app.name
    auth = _core.check_metadata(version, repository, description, api_version, name, auth)
    _core.check_route(route)
    metadata = {
        "NAME": name,
        "VERSION": version,
        "REPOSITORY": repository,
        "DESCRIPTION": description,
        "API_VERSION": api_version,
        "AUTH": auth,
    }
    with _put_back_on_error(app, metadata):
        app.config.update(metadata)
        if app.name != name:
            app.name = name
        add_metadata_route(app, route)
    register(app)


def add_metadata_route(app: Flask, route: str | list[str] | None) -> None:
    """Serve the application's metadata below one or more prefixes.

    Each prefix P gets ``P/metadata`` and ``P/v{api_version}/metadata``, both
    with ``.json`` appended as well.

    Parameters
    ----------
    app
        An application that has its metadata.
    route
        The prefix or list of prefixes; None and "/" for the root.

    Raises
    ------
    TypeError
        If `app`, `route` or the configuration's API_VERSION has the wrong type.
    KeyError
        If the application has no metadata yet.
    AssertionError
        If Flask refuses: after its first request, or when another view has the
        endpoint's name.
    """
    _check_app(app)
    _core.check_route(route)
    rules = _core.expand_routes(route, app.config["API_VERSION"])
    fixed = not any("<" in rule for rule in rules)
    with fixed_rules(app) if fixed else nullcontext():
        for rule in rules:
            _add_rule(app, rule)


class APIFlask(_core.MetadataCall, Flask):
    """A Flask application with metadata, its routes and a logger.

    The logger is ``config["LOGGER"]``.  The environment says where it writes
    (``LOGFILE``, else ``LOG_TO_SYSLOG`` with ``LOGHOST``, else standard output)
    and from which level on (``LOGLEVEL``); any ``DEBUG`` turns on debugging.

    Parameters
    ----------
    name
        The service's name, and Flask's ``import_name``.
    version, repository, description, api_version, auth, route
        As for `set_flask_metadata`.
    **kwargs
        Passed on to `flask.Flask`.

    Raises
    ------
    TypeError
        If an argument has the wrong type.
    ValueError
        If one is empty, or `auth` is no such dict.
    OSError
        If the environment names a log that cannot be opened.
    """

    def __init__(
        self,
        name: str,
        version: str,
        repository: str,
        description: str,
        api_version: str = "1.0",
        auth: dict[str, Any] | str | None = None,
        route: str | list[str] | None = None,
        **kwargs: Any,
    ) -> None:
        _core.check_metadata(version, repository, description, api_version, name, auth)
        _core.check_route(route)
        super().__init__(name, **kwargs)
        set_flask_metadata(
            self, version, repository, description, api_version, auth=auth, route=route
        )
        environment = read_environment()
        if environment.debug:
            self.debug = True
        self.config["LOGGER"] = get_logger(
            environment.file, environment.syslog, environment.loghost, environment.level
        )

    def add_route_prefix(self, route: str | list[str] | None) -> None:
        """Serve the metadata below another prefix too.

        Parameters
        ----------
        route
            As for `add_metadata_route`.
        """
        add_metadata_route(self, route)


def _add_rule(app: Flask, rule: str) -> None:
    try:
        app.add_url_rule(rule, _ENDPOINT, view, strict_slashes=False)
    except AssertionError as refusal:
        refusal.add_note(
            f"The metadata route {rule!r} was not added. Add metadata routes before the "
            f"first request, and leave the endpoint name {_ENDPOINT!r} to apikit."
        )
        raise


def _check_app(app: object) -> None:
    if not isinstance(app, Flask):
        raise TypeError(
            f"app must be a flask.Flask, not {type(app).__name__}: "
            "give the application itself, not a blueprint or its WSGI callable"
        )


@contextmanager
def _put_back_on_error(app: Flask, keys: Mapping[str, object]) -> Iterator[None]:
    """Undo changes of these configuration keys, and of the name, if the block fails."""
    before = {key: app.config[key] for key in keys if key in app.config}
    name = app.name
    try:
        yield
    except BaseException:
        for key in keys:
            app.config.pop(key, None)
        app.config.update(before)
        if app.name != name:
            app.name = name
        raise

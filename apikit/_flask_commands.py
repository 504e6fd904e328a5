"""``flask apikit``: what the command line of an application says of its metadata."""

from __future__ import annotations

from typing import Final

import click
from flask import Flask, current_app
from flask.cli import AppGroup, with_appcontext

__all__ = ["group", "register"]

#: Where `Flask.extensions` has what belongs to an application: a list of its back ends.
_EXTENSION: Final = "apikit"
_ENDPOINT: Final = "_return_metadata"

group = AppGroup("apikit", help="The metadata of the service.")


def register(app: Flask) -> None:
    """Make an application known to the extension, and the commands to it; once is enough.

    Parameters
    ----------
    app
        Gets ``extensions["apikit"]`` and the group ``apikit`` in ``cli``.
    """
    app.extensions.setdefault(_EXTENSION, [])
    if group.name not in app.cli.commands:
        app.cli.add_command(group)


@group.command("metadata")
@with_appcontext
def show_metadata() -> None:
    """Print the metadata, as its routes answer it."""
    _find_routes()
    view = current_app.ensure_sync(current_app.view_functions[_ENDPOINT])
    with current_app.test_request_context():
        click.echo(current_app.make_response(view()).get_data(as_text=True), nl=False)


@group.command("routes")
@with_appcontext
def show_routes() -> None:
    """Print the paths of the metadata, one a line."""
    click.echo("\n".join(_find_routes()))


def _find_routes() -> list[str]:
    rules = current_app.url_map.iter_rules()
    found = [rule.rule for rule in rules if rule.endpoint == _ENDPOINT]
    if not found:
        raise click.ClickException(
            "the application has no metadata: make it an APIFlask, or call set_flask_metadata"
        )
    return found

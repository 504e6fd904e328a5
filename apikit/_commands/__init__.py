"""The command line ``python -m apikit``: one row of a table for each command.

A command is a module with two functions: ``add_arguments(parser)``, and ``run(options)`` which
returns the exit status.  Only the module of the command that was asked for is imported.
"""

from __future__ import annotations

import argparse
import importlib
import sys
from collections.abc import Sequence
from typing import Final, NamedTuple, Protocol, cast

__all__ = ["COMMANDS", "CommandError", "main"]


class CommandError(Exception):
    """What stands in the way of a command: one line that says what to do."""


class Row(NamedTuple):
    """A command: the module that carries it out, and what it is for, in one line."""

    module: str
    help: str


#: What there is; a new command is a row here and a module.
COMMANDS: Final = {
    "new": Row("apikit._commands.new", "write a complete service: code, tests, image, manifests"),
    "catalog": Row("apikit._commands.catalog", "serve a page of your services, up or down"),
    "doctor": Row("apikit._commands.doctor", "say what is installed, what is wrong and what to do"),
}


class _Command(Protocol):
    def add_arguments(self, parser: argparse.ArgumentParser) -> None: ...

    def run(self, options: argparse.Namespace) -> int: ...


def main(arguments: Sequence[str] | None = None) -> int:
    """Carry out a command line.

    Parameters
    ----------
    arguments
        Those after ``python -m apikit``; the process's own if None.

    Returns
    -------
    int
        The exit status: 0, 1 if something is wrong, 130 after Ctrl-C.  Wrong arguments end the
        process with 2, as argparse does.
    """
    given = sys.argv[1:] if arguments is None else list(arguments)
    parser, command = _make_parser(given)
    options = parser.parse_args(given)
    if command is None:
        parser.print_help()
        return 0
    try:
        return command.run(options)
    except CommandError as refusal:
        print(f"apikit: {refusal}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print(file=sys.stderr)
        return 130


def _make_parser(given: Sequence[str]) -> tuple[argparse.ArgumentParser, _Command | None]:
    """Return the parser, and the command that is asked for: it alone has its arguments there."""
    parser = argparse.ArgumentParser(
        prog="python -m apikit",
        description="What belongs to a Flask microservice besides its code.",
        epilog="python -m apikit COMMAND --help tells the options of one.",
    )
    parser.add_argument("--version", action="version", version=_version())
    rows = parser.add_subparsers(title="commands", metavar="COMMAND")
    asked = next((word for word in given if not word.startswith("-")), None)
    command = None
    for name, row in COMMANDS.items():
        own = rows.add_parser(name, help=row.help, description=f"{name}: {row.help}.")
        if name == asked:
            command = cast("_Command", importlib.import_module(row.module))
            command.add_arguments(own)
    return parser, command


def _version() -> str:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return f"sqre-apikit-c {version('sqre-apikit-c')}"
    except PackageNotFoundError:
        return "sqre-apikit-c (not installed as a distribution)"

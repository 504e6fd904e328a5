"""``python -m apikit new NAME``: asks for what is missing, and writes the service."""

from __future__ import annotations

import argparse
import shlex
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Final, NamedTuple

from apikit._commands import CommandError
from apikit._scaffold import AUTH_TYPES, Plan, check, write_service

__all__ = ["add_arguments", "run"]


class _Question(NamedTuple):
    """An option that has a default, and how it is asked for."""

    option: str
    text: str
    default: Callable[[str], str]
    metavar: str | None = None


_NAME: Final = "a lower-case word of letters, digits and single hyphens"
_QUESTIONS: Final = (
    _Question(
        "auth", f"how callers authenticate: {', '.join(AUTH_TYPES)}", lambda _: "none", "TYPE"
    ),
    _Question("backend", "URL of the back end", lambda name: f"https://{name}.example.org", "URL"),
    _Question("prefix", "path that its routes are under", lambda name: f"/{name}"),
    _Question("description", "what it does, in one line", lambda name: f"The microservice {name}"),
    _Question(
        "repository",
        "URL of its source",
        lambda name: f"https://github.com/example/uservice-{name}",
        "URL",
    ),
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of the command."""
    parser.epilog = "What is not given is asked for on a terminal, and else takes its default."
    parser.add_argument("name", nargs="?", metavar="NAME", help=_NAME)
    for question in _QUESTIONS:
        default = question.default("NAME")
        parser.add_argument(
            f"--{question.option}",
            metavar=question.metavar or question.option.upper(),
            help=f"{question.text} (default: {default})",
        )
    parser.add_argument(
        "--output", metavar="DIR", type=Path, help="folder to write (default: uservice-NAME)"
    )


def run(options: argparse.Namespace) -> int:
    """Write the service, and say what to do with it."""
    given: dict[str, str | None] = {one.option: getattr(options, one.option) for one in _QUESTIONS}
    is_terminal = sys.stdin.isatty() and sys.stdout.isatty()
    name = options.name
    if name is None and is_terminal:
        name = _ask("name", _NAME, "")
    if name is None:
        raise CommandError("give the service a name: python -m apikit new NAME")
    _check("name", name)
    for option, value in given.items():
        if value is not None:
            _check(option, value)
    settled = _settle(name, given, ask=is_terminal)
    folder = options.output or Path(f"uservice-{name}")
    try:
        written = write_service(Plan(name=name, **settled), folder)
    except (ValueError, OSError) as exception:
        raise CommandError(str(exception)) from exception
    print(f"{folder}: {len(written)} files")
    install = "pip install --find-links wheels -e '.[dev]'"
    print(f"next: cd {shlex.quote(str(folder))} && {install} && pytest")
    return 0


def _settle(name: str, given: dict[str, str | None], *, ask: bool) -> dict[str, str]:
    """Return a value for every option: as given, asked for, or the default, which is said."""
    settled, assumed = {}, []
    for question in _QUESTIONS:
        value = given[question.option]
        if value is None:
            value = question.default(name)
            if ask:
                value = _ask(question.option, question.text, value)
            else:
                assumed.append(f"--{question.option} {shlex.quote(value)}")
        settled[question.option] = value
    if assumed:
        print(f"not given, so: {' '.join(assumed)}")
    return settled


def _ask(option: str, text: str, default: str) -> str:
    """Ask until the answer is a good one; an empty one is the default."""
    while True:
        try:
            answer = input(f"{text} [{default}]: " if default else f"{text}: ").strip() or default
        except EOFError:
            raise CommandError("nothing was written: the answers ended") from None
        try:
            check(option, answer)
        except ValueError as refusal:
            print(refusal)
        else:
            return answer


def _check(option: str, value: str) -> None:
    try:
        check(option, value)
    except ValueError as refusal:
        raise CommandError(str(refusal)) from None

"""Werkzeug's rules for fixed paths, many of which are added in little time.

Werkzeug compiles two functions for each rule, for building URLs: most of what a
thousand prefixes cost, and hardly anyone builds the URL of a metadata route.  Here
they are compiled when they are first called.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final

from flask import Flask
from werkzeug.routing import Rule

__all__ = ["FixedRule", "fixed_rules"]


class FixedRule(Rule):
    """A rule without converters and defaults."""

    #: False for any rule: what gives no defaults gives none for it.  Werkzeug asks this
    #: of each rule of an endpoint with each request, and a built-in answers soonest.
    provides_defaults_for = ().__contains__  # type: ignore[assignment]

    def _compile_builder(self, *args: Any, **kwargs: Any) -> Callable[..., tuple[str, str]]:
        compile_now = super()._compile_builder
        compiled: list[Callable[..., tuple[str, str]]] = []

        def build(*values: Any, **named: Any) -> tuple[str, str]:
            if not compiled:
                compiled.append(compile_now(*args, **kwargs))
            return compiled[0](*values, **named)

        return build

    def __eq__(self, other: object) -> bool:
        # Rule's own wants an instance of this class, and equality to work both ways.
        return isinstance(other, Rule) and self._trace == other._trace

    __hash__ = None  # as Rule


FixedRule.__name__ = FixedRule.__qualname__ = Rule.__name__  # its repr shows the name

#: Whether Werkzeug's rules are still made in the way that FixedRule goes by.
_KNOWS_WERKZEUG: Final = (
    inspect.isfunction(vars(Rule).get("_compile_builder"))
    and inspect.isfunction(vars(Rule).get("provides_defaults_for"))
    and [*inspect.signature(Rule._compile_builder).parameters] == ["self", "append_unknown"]
)


@contextmanager
def fixed_rules(app: Flask) -> Iterator[None]:
    """Let the rules that are added within the block be quick to make.

    Parameters
    ----------
    app
        Where they are added; one that has a rule class of its own keeps it.
    """
    if not _KNOWS_WERKZEUG or app.url_rule_class is not Rule or "url_rule_class" in vars(app):
        yield
        return
    app.url_rule_class = FixedRule
    try:
        yield
    finally:
        del app.url_rule_class

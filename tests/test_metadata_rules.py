"""The rules of many prefixes: as Werkzeug would have made them, and fewer steps to make."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask, url_for
from werkzeug.routing import Rule

from apikit import APIFlask, _rules, add_metadata_route
from tests.metadata_twice import ask_twice

pytestmark = pytest.mark.flask

GOOD: dict[str, Any] = {"version": "1", "repository": "r", "description": "d"}
ROUTES = ["/", "/a", "/a/b//c", "/with space", "/\u00e9", "/a", "x%20y", "/a|b"]


def _describe(app: Flask) -> list[Any]:
    rules = [rule for rule in app.url_map.iter_rules() if rule.endpoint == "_return_metadata"]
    return [
        (
            repr(rule),
            rule.get_empty_kwargs(),
            rule.arguments,
            rule._trace,
            rule._parts,
            rule.build({}),
            rule.build({"more": ["1", "2"]}),
            rule.build({"more": 1}, append_unknown=False),
            rule.build_compare_key(),
        )
        for rule in rules
    ]


def test_rules_are_those_that_werkzeug_makes(monkeypatch: pytest.MonkeyPatch) -> None:
    app = APIFlask("n", **GOOD, route=ROUTES)
    assert {type(rule) for rule in app.url_map.iter_rules("_return_metadata")} == {_rules.FixedRule}
    monkeypatch.setattr(_rules, "_KNOWS_WERKZEUG", False)
    plain = APIFlask("n", **GOOD, route=ROUTES)
    assert {type(rule) for rule in plain.url_map.iter_rules("_return_metadata")} == {Rule}
    assert _describe(app) == _describe(plain)
    pairs = zip(app.url_map.iter_rules(), plain.url_map.iter_rules(), strict=True)
    assert all(ours == theirs and theirs == ours for ours, theirs in pairs)
    with app.test_request_context(), plain.test_request_context():
        assert url_for("_return_metadata") == url_for("_return_metadata")
    for path in (
        "/metadata",
        "/a/b/c/metadata.json",
        "/with space/v1.0/metadata",
        "/\u00e9/metadata",
    ):
        assert ask_twice(app, path).as_view() == ask_twice(plain, path).as_view()


def test_no_builder_is_compiled_until_a_url_is_built(monkeypatch: pytest.MonkeyPatch) -> None:
    compiled: list[str] = []
    compile_now = Rule._compile_builder

    def counted(self: Rule, append_unknown: bool = True) -> Any:
        compiled.append(self.rule)
        return compile_now(self, append_unknown)

    monkeypatch.setattr(Rule, "_compile_builder", counted)
    app = Flask("n", static_folder=None)
    app.config["API_VERSION"] = "1.0"
    add_metadata_route(app, [f"/{number}" for number in range(50)])
    assert compiled == []
    rule = next(app.url_map.iter_rules())
    assert [rule.build({}), rule.build({})] == [("", "/0/metadata")] * 2
    assert compiled == ["/0/metadata"]


def test_rule_class_of_an_application_is_kept() -> None:
    class Own(Rule):
        pass

    class Service(APIFlask):
        url_rule_class = Own

    app = Service("n", **GOOD)
    assert {type(rule) for rule in app.url_map.iter_rules()} == {Own}
    plain = APIFlask("n", **GOOD)
    assert plain.url_rule_class is Rule
    assert "url_rule_class" not in vars(plain)


def test_prefix_with_a_converter_gets_werkzeugs_rules() -> None:
    app = APIFlask("n", **GOOD, route="/<user>")
    assert {type(rule) for rule in app.url_map.iter_rules("_return_metadata")} == {Rule}

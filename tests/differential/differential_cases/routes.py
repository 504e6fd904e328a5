"""add_metadata_route: prefixes, rules and what Flask refuses."""

from __future__ import annotations

from typing import Any

from apikit import add_metadata_route, set_flask_metadata

from . import fix, keep
from .observe import GOOD, answer, new_app, outcome, outcomes, rules


def _bare(api_version: Any = "1.0") -> Any:
    app = new_app()
    app.config["API_VERSION"] = api_version
    return app


def _rules(route: Any, api_version: str = "1.0") -> list[Any]:
    app = _bare(api_version)
    add_metadata_route(app, route)
    return rules(app)


def _served_app(route: Any = None) -> Any:
    app = new_app()
    set_flask_metadata(app, **GOOD, route=route)
    return app


def _after_first_request() -> Any:
    app = _served_app()
    app.test_client().get("/metadata")
    return app


@keep("route.argument")
def route_is_required(_: str) -> Any:
    return outcome(lambda: add_metadata_route(_bare()))


@keep("route.argument")
def route_by_keyword(_: str) -> Any:
    app = _bare()
    add_metadata_route(app=app, route="/a")
    return rules(app)


@keep("route.argument")
def none_str_and_list(_: str) -> Any:
    return [_rules(None), _rules("/a"), _rules(["/a"]), _rules([""])]


@keep("route.argument")
def other_types_are_type_errors(_: str) -> Any:
    wrong = [("/a",), {"/a"}, b"/a", 1, {"a": 1}, ["/a", None], [["/a"]], [b"/a"], iter(["/a"])]
    return [outcome(lambda route=route: add_metadata_route(_bare(), route)) for route in wrong]


@keep("route.argument")
def subclass_of_list_passes(_: str) -> Any:
    class Routes(list[str]):
        pass

    return _rules(Routes(["/a", "/b"]))


@keep("route.api-version")
def api_version_is_read_at_set_up(_: str) -> Any:
    app = _bare("3.7")
    add_metadata_route(app, None)
    app.config["API_VERSION"] = "9"
    return rules(app)


@keep("route.api-version")
def bare_flask_is_a_key_error(_: str) -> Any:
    return [
        outcome(lambda: add_metadata_route(new_app(), None)),
        outcome(lambda: add_metadata_route(new_app(), [])),
    ]


@keep("route.prefix")
def slashes_go_at_both_ends_only(_: str) -> Any:
    prefixes = ["a", "/a", "a/", "//a//", "/a/b/", "a//b", " a ", "/ a b /", "\u00e9", "a.b"]
    return {prefix: _rules(prefix) for prefix in prefixes}


@keep("route.prefix")
def root_in_all_its_spellings(_: str) -> Any:
    return {prefix: _rules(prefix) for prefix in ("", "/", "///")}


@keep("route.prefix")
def empty_list_adds_nothing(_: str) -> Any:
    return _rules([])


@keep("route.rules")
def four_rules_in_order(_: str) -> Any:
    return _rules(["/", "/a", "/b/c"], api_version="2.1")


@keep("route.rules")
def endpoint_and_view_have_the_known_name(_: str) -> Any:
    app = _served_app()
    return [name for name in app.view_functions if name != "static"] + [
        app.view_functions["_return_metadata"].__name__
    ]


@keep("route.rules")
def odd_api_versions(_: str) -> Any:
    return {version: _rules(None, version) for version in ("/1", "1/2", " ", "v1", "\u00e9")}


@keep("route.duplicates")
def duplicate_prefixes_duplicate_rules(_: str) -> Any:
    return [_rules(["/a", "a/"]), _rules(["", "/"])]


@keep("route.duplicates")
def prefix_does_not_add_the_bare_path(_: str) -> Any:
    app = _served_app("/bob")
    client = app.test_client()
    return [client.get(path).status_code for path in ("/metadata", "/bob/metadata")]


@keep("route.refused")
def after_the_first_request(_: str) -> Any:
    return outcome(lambda: add_metadata_route(_after_first_request(), "/late"))


@fix("route.refused", original=[], ours=["Add metadata routes before the first request"])
def refusal_carries_a_hint(_: str) -> Any:
    try:
        add_metadata_route(_after_first_request(), "/late")
    except AssertionError as error:
        notes = getattr(error, "__notes__", [])
        return ["Add metadata routes before the first request" for note in notes if "Add" in note]
    return None


@keep("route.refused")
def endpoint_taken_by_another_function(_: str) -> Any:
    app = _bare()
    app.add_url_rule("/x", "_return_metadata", lambda: "x")
    return outcome(lambda: add_metadata_route(app, None))


@keep("route.order")
def route_is_checked_before_api_version(_: str) -> Any:
    return outcome(lambda: add_metadata_route(new_app(), 5))


@keep("route.order")
def api_version_that_is_no_str(_: str) -> Any:
    return [
        outcome(lambda value=value: add_metadata_route(_bare(value), None))
        for value in (None, 1, b"1.0", ["1"])
    ]


@keep("route.order")
def app_that_is_no_flask_is_refused(_: str) -> Any:
    found = outcomes({"none": lambda: add_metadata_route(None, None)})
    return found["none"]["raises"] in ("TypeError", "AttributeError")


@keep("route.order")
def empty_list_after_the_first_request_is_no_error(_: str) -> Any:
    return outcome(lambda: add_metadata_route(_after_first_request(), []))


@keep("route.order")
def several_calls_add_up(_: str) -> Any:
    app = _served_app("/a")
    add_metadata_route(app, "/b")
    return [rules(app), answer(app, "/b/v1.0/metadata.json")]

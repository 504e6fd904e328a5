"""set_flask_metadata: its checks, their order, and what it leaves in the application."""

from __future__ import annotations

from collections import OrderedDict, UserDict
from typing import Any

from flask import Blueprint, current_app
from werkzeug.datastructures import MultiDict

from apikit import set_flask_metadata

from . import fix, keep
from .observe import GOOD, body, new_app, outcome, outcomes, rules

BASIC = {"type": "basic", "data": {"username": "u", "password": "not-for-messages"}}


def _set(**changes: Any) -> Any:
    """Return what set_flask_metadata does with good arguments and these changes."""
    app = changes.pop("app", None) or new_app()
    return outcome(lambda: set_flask_metadata(app, **{**GOOD, **changes}))


def _message(**changes: Any) -> str:
    try:
        set_flask_metadata(changes.pop("app", None) or new_app(), **{**GOOD, **changes})
    except (TypeError, ValueError) as error:
        return str(error)
    return ""


def _metadata(app: Any) -> dict[str, Any]:
    keys = ("NAME", "VERSION", "REPOSITORY", "DESCRIPTION", "API_VERSION", "AUTH")
    return {key: app.config.get(key) for key in keys}


@keep("metadata.arguments")
def every_argument_by_position(_: str) -> Any:
    app = new_app()
    set_flask_metadata(app, "1", "r", "d", "2.0", "n", dict(BASIC), "/p")
    return [_metadata(app), rules(app), app.name]


@keep("metadata.arguments")
def every_argument_by_keyword(_: str) -> Any:
    app = new_app()
    given = {"api_version": "2.0", "name": "n", "auth": dict(BASIC), "route": ["/", "p"]}
    returned = set_flask_metadata(app=app, **GOOD, **given)
    return [returned, _metadata(app), rules(app)]


@keep("metadata.arguments")
def defaults(_: str) -> Any:
    app = new_app()
    set_flask_metadata(app, **GOOD)
    return [_metadata(app), rules(app), app.name]


@keep("metadata.arguments")
def missing_and_unknown_arguments(_: str) -> Any:
    return outcomes(
        {
            "nothing": lambda: set_flask_metadata(),
            "no description": lambda: set_flask_metadata(new_app(), "1", "r"),
            "unknown": lambda: set_flask_metadata(new_app(), **GOOD, colour="red"),
        }
    )


@keep("metadata.app")
def app_that_is_no_flask_is_a_type_error(_: str) -> Any:
    apps = {
        "None": None,
        "str": "app",
        "blueprint": Blueprint("b", __name__),
        "class": type(new_app()),
        "wsgi": new_app().wsgi_app,
    }
    return {
        name: outcome(lambda app=app: set_flask_metadata(app, **GOOD)) for name, app in apps.items()
    }


@keep("metadata.app")
def bad_app_beats_other_bad_arguments(_: str) -> Any:
    return outcome(lambda: set_flask_metadata(None, "", "", ""))


@keep("metadata.name")
def name_none_is_the_apps(_: str) -> Any:
    app = new_app("given-by-flask")
    set_flask_metadata(app, **GOOD, name=None)
    return [app.config["NAME"], app.name]


@keep("metadata.texts")
def text_of_a_wrong_type_is_a_type_error(_: str) -> Any:
    wrong: dict[str, Any] = {"none": None, "int": 1, "bytes": b"1", "float": 1.0, "list": ["1"]}
    return {
        f"{field} {kind}": _set(**{field: value})
        for field in (*GOOD, "api_version", "name")
        for kind, value in wrong.items()
    }


@keep("metadata.texts")
def empty_text_is_a_value_error(_: str) -> Any:
    return {field: _set(**{field: ""}) for field in (*GOOD, "api_version", "name")}


@keep("metadata.texts")
def blank_and_strange_texts_pass(_: str) -> Any:
    return [_set(version=text) for text in (" ", "\n", "\ud800", "\0", "x" * 100000)]


@keep("metadata.texts")
def wrong_type_beats_empty(_: str) -> Any:
    return [
        _set(version="", repository=1),
        _set(version=1, repository=""),
        _set(name="", api_version=b""),
        _set(name="", auth=7),
        _set(name=3, auth={}),
    ]


@keep("metadata.texts")
def subclass_of_str_passes(_: str) -> Any:
    class Text(str):
        pass

    return [_set(version=Text("1")), _set(version=Text(""))]


@keep("metadata.auth-none")
def ways_to_say_no_auth(_: str) -> Any:
    found = []
    for auth in (None, "", "none"):
        app = new_app()
        set_flask_metadata(app, **GOOD, auth=auth)
        found.append(app.config["AUTH"])
    return found


@keep("metadata.auth-none")
def auth_of_a_wrong_type(_: str) -> Any:
    wrong = ("NONE", "None", " none", "basic", False, True, 0, 1, 1.5, b"", b"none", (), [], {1})
    return [_set(auth=auth) for auth in wrong] + [_set(auth=UserDict(type="none"))]


@keep("metadata.auth-none")
def subclasses_of_dict_pass(_: str) -> Any:
    class Auth(dict[str, Any]):
        pass

    return [_set(auth=kind(type="basic", data=1)) for kind in (Auth, OrderedDict)]


@keep("metadata.auth-dict")
def type_key_missing_or_unknown(_: str) -> Any:
    types: list[Any] = ["Basic", "NONE", "", "bitly", None, 0, False, [], {}, b"basic", ["basic"]]
    found = [_set(auth={"type": kind, "data": {}}) for kind in types]
    return [_set(auth={}), _set(auth={"data": {}}), *found]


@keep("metadata.auth-dict")
def data_key_missing(_: str) -> Any:
    return [_set(auth={"type": kind}) for kind in ("none", "basic", "bitly-proxy")]


@keep("metadata.auth-dict")
def data_is_not_inspected(_: str) -> Any:
    return [
        _set(auth={"type": kind, "data": data})
        for kind in ("none", "basic", "bitly-proxy")
        for data in ({}, None, 5, "x", {"username": "u"})
    ]


@keep("metadata.auth-identity")
def the_callers_dict_is_kept(_: str) -> Any:
    auth = {"type": "bitly-proxy", "data": {"username": "a"}}
    app = new_app()
    set_flask_metadata(app, **GOOD, auth=auth)
    app.config["AUTH"]["data"]["username"] = "b"
    return [app.config["AUTH"] is auth, auth["data"]]


@keep("metadata.auth-identity")
def type_none_stays_without_data(_: str) -> Any:
    auth = {"type": "none"}
    app = new_app()
    set_flask_metadata(app, **GOOD, auth=auth)
    return [app.config["AUTH"] is auth, app.config["AUTH"]]


@keep("metadata.route")
def bad_route_is_a_type_error(_: str) -> Any:
    return [_set(route=route) for route in ((), ("/a",), {"/a"}, b"/a", 1, ["/a", 1], [None])]


@keep("metadata.route")
def bad_route_comes_last(_: str) -> Any:
    return [_set(route=1, version=""), _set(route=1, auth={}), _set(route=1, auth=5)]


@keep("metadata.config")
def config_keys_are_set(_: str) -> Any:
    app = new_app()
    before = set(app.config)
    set_flask_metadata(app, **GOOD, name="n", auth=dict(BASIC))
    return [sorted(set(app.config) - before), _metadata(app)]


@keep("metadata.config")
def app_name_follows(_: str) -> Any:
    app = new_app("before")
    set_flask_metadata(app, **GOOD, name="after")
    return [app.name, app.import_name]


@keep("metadata.config")
def set_twice(_: str) -> Any:
    app = new_app()
    set_flask_metadata(app, **GOOD)
    set_flask_metadata(app, **{**GOOD, "version": "9"}, api_version="2.0")
    return [_metadata(app), rules(app), body(app, "/metadata")]


def _left_behind(app: Any, **changes: Any) -> list[str]:
    before, name = dict(app.config), app.name
    outcome(lambda: set_flask_metadata(app, **{**GOOD, **changes}))
    after = dict(app.config)
    changed = {key for key in before.keys() | after.keys() if before.get(key) != after.get(key)}
    return sorted(changed | ({"app.name"} if app.name != name else set()))


@fix(
    "metadata.untouched-on-error",
    original={
        "empty description": [
            *("API_VERSION", "DESCRIPTION", "NAME", "REPOSITORY", "VERSION", "app.name")
        ],
        "bad auth": [*("API_VERSION", "DESCRIPTION", "NAME", "REPOSITORY", "VERSION", "app.name")],
        "bad route": [
            *("API_VERSION", "AUTH", "DESCRIPTION", "NAME", "REPOSITORY", "VERSION", "app.name")
        ],
    },
    ours={"empty description": [], "bad auth": [], "bad route": []},
)
def error_leaves_the_app_untouched(_: str) -> Any:
    changes: dict[str, dict[str, Any]] = {
        "empty description": {"description": ""},
        "bad auth": {"auth": {"type": "other"}},
        "bad route": {"route": 5},
    }
    return {
        name: _left_behind(new_app("before"), name="after", **change)
        for name, change in changes.items()
    }


def _app_with_the_endpoint_taken() -> Any:
    app = new_app("before")
    app.add_url_rule("/x", "_return_metadata", lambda: "x")
    return app


@fix(
    "metadata.put-back",
    original=["API_VERSION", "AUTH", "DESCRIPTION", "NAME", "REPOSITORY", "VERSION", "app.name"],
    ours=[],
)
def endpoint_taken_puts_config_and_name_back(_: str) -> Any:
    return _left_behind(_app_with_the_endpoint_taken(), name="after")


@fix(
    "metadata.put-back",
    original={"NAME": "second", "VERSION": "1.2"},
    ours={"NAME": "first", "VERSION": "1"},
)
def after_the_first_request_the_old_values_stay(_: str) -> Any:
    app = new_app()
    set_flask_metadata(app, "1", "r", "d", name="first")
    app.test_client().get("/metadata")
    outcome(lambda: set_flask_metadata(app, **GOOD, name="second"))
    return {key: app.config[key] for key in ("NAME", "VERSION")}


@keep("metadata.put-back")
def rules_already_taken_stay(_: str) -> Any:
    app = new_app()
    set_flask_metadata(app, **GOOD)
    outcome(lambda: set_flask_metadata(app, **GOOD, route=["/good", "bad<"]))
    return [rules(app), app.test_client().get("/good/metadata").status_code]


@keep("metadata.proxies")
def current_app_passes(_: str) -> Any:
    app = new_app()
    with app.app_context():
        set_flask_metadata(current_app, **GOOD, name="n")
    return [_metadata(app), app.name]


@keep("metadata.proxies")
def multidict_is_read_by_its_own_methods(_: str) -> Any:
    auth = MultiDict([("type", "basic"), ("data", "x")])
    app = new_app()
    set_flask_metadata(app, **GOOD, auth=auth)
    return [app.config["AUTH"] is auth, body(app, "/metadata")]


@keep("metadata.proxies")
def dict_with_default_type_is_asked_for_the_key(_: str) -> Any:
    class Asked(dict[str, Any]):
        def __contains__(self, key: object) -> bool:
            return True

        def __getitem__(self, key: str) -> Any:
            return "basic"

    return _set(auth=Asked())


@fix(
    "metadata.messages",
    original={"version": True, "auth": True, "secret": True, "long": True, "same": True},
    ours={"version": True, "auth": True, "secret": True, "long": False, "same": False},
)
def message_names_the_argument_briefly(_: str) -> Any:
    messages = {
        "version": _message(version=5),
        "name": _message(name=""),
        "auth": _message(auth=5),
        "secret": _message(auth={"type": "other", "data": BASIC["data"]}),
        "route": _message(route=5),
    }
    return {
        "version": "version" in messages["version"],
        "auth": "auth" in messages["auth"],
        "secret": "not-for-messages" not in messages["secret"],
        "long": any(len(text) > 400 for text in messages.values()),
        "same": messages["version"] == messages["name"],
    }

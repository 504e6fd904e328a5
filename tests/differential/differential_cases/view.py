"""The metadata view: its bytes, its methods, and who wins a path."""

from __future__ import annotations

import json
import warnings
from typing import Any

import flask
from flask import Flask
from flask.json.provider import DefaultJSONProvider

from apikit import APIFlask, add_metadata_route, set_flask_metadata

from . import fix, keep
from .observe import GOOD, answer, body, new_app

OLD_FLASK = hasattr(Flask, "json_encoder")

TEXTS = {
    "quotes": "\"'\\/",
    "controls": "".join(map(chr, range(32))) + "\x7f\x80\x9f",
    "latin": "\u00e9\u00ff",
    "bmp": "\u20ac\u2028\u2029\ufeff\uffff",
    "astral": "\U0001f600\U0010ffff",
    "html": "<script>&amp;</script>",
    "surrogate": "\ud800x\udfff",
    "pair": "\ud83d\ude00",
}


def _app(**changes: Any) -> Flask:
    app = new_app()
    set_flask_metadata(app, **{**GOOD, **changes})
    return app


def _jsonified(app: Flask, path: str) -> bool:
    """Return whether the view's answer is flask.jsonify's, headers included."""
    view = answer(app, path)
    keys = ("name", "repository", "version", "description", "api_version")

    def expected() -> Any:
        fields = {"auth": app.config["AUTH"]["type"]}
        return flask.jsonify({**fields, **{key: app.config[key.upper()] for key in keys}})

    app.view_functions["_return_metadata"] = expected
    return answer(app, path) == view


@keep("view.request-time")
def config_is_read_at_request_time(_: str) -> Any:
    app = _app()
    first = body(app, "/metadata")
    app.config["VERSION"] = "9"
    app.config["AUTH"] = {"type": "basic"}
    app.config["API_VERSION"] = "2.0"
    return [
        first,
        body(app, "/metadata"),
        body(app, "/v1.0/metadata"),
        answer(app, "/v2.0/metadata")[0],
    ]


@keep("view.request-time")
def a_missing_key_is_a_server_error(_: str) -> Any:
    found = []
    for key in ("NAME", "VERSION", "AUTH"):
        app = _app()
        del app.config[key]
        found.append(answer(app, "/metadata")[0])
    return found


@keep("view.keys")
def keys_and_values(_: str) -> Any:
    app = _app(name="n", auth={"type": "bitly-proxy", "data": {"username": "u"}})
    return json.loads(body(app, "/metadata"))


@keep("view.keys")
def every_path_gives_the_same(_: str) -> Any:
    app = _app(route=["/", "/a"])
    paths = ("/metadata", "/metadata.json", "/v1.0/metadata", "/v1.0/metadata.json")
    return [answer(app, prefix + path) for prefix in ("", "/a") for path in paths]


@keep("view.bytes")
def bytes_under_every_setting(_: str) -> Any:
    found = {}
    for sort_keys in (True, False):
        for compact in (None, True, False):
            for ensure_ascii in (True, False):
                for debug in (True, False):
                    app = _app(description='\u00e9\U0001f600"')
                    app.debug = debug
                    app.json.sort_keys = sort_keys
                    app.json.compact = compact
                    app.json.ensure_ascii = ensure_ascii
                    name = f"{sort_keys} {compact} {ensure_ascii} {debug}"
                    found[name] = answer(app, "/metadata")
    return found


@keep("view.bytes")
def bytes_of_every_kind_of_text(_: str) -> Any:
    found = {}
    for name, text in TEXTS.items():
        for ensure_ascii in (True, False):
            app = _app(description=text)
            app.json.ensure_ascii = ensure_ascii
            found[f"{name} {ensure_ascii}"] = answer(app, "/metadata")
    return found


@keep("view.bytes")
def mimetype_is_the_providers(_: str) -> Any:
    found = []
    for mimetype in ("application/vnd.api+json", "text/plain", "application/json; x=1"):
        app = _app()
        app.json.mimetype = mimetype
        found.append(answer(app, "/metadata"))
    return found


@keep("view.bytes")
def bytes_are_jsonifys(_: str) -> Any:
    return [_jsonified(_app(description=text), "/metadata") for text in TEXTS.values()]


@keep("view.bytes")
def settings_changed_between_requests_show(_: str) -> Any:
    app = _app()
    found = [body(app, "/metadata")]
    app.json.sort_keys = False
    found.append(body(app, "/metadata"))
    app.debug = True
    found.append(body(app, "/metadata"))
    return found


@keep("view.bytes")
def head_and_length(_: str) -> Any:
    response = _app().test_client().head("/metadata")
    return [response.status_code, response.headers["Content-Length"], response.get_data(True)]


@keep("view.provider")
def custom_provider_is_asked(_: str) -> Any:
    class Upper(DefaultJSONProvider):
        def dumps(self, obj: Any, **kwargs: Any) -> str:
            return super().dumps(obj, **kwargs).upper()

    class Service(Flask):
        json_provider_class = Upper

    on_class = Service("s")
    set_flask_metadata(on_class, **GOOD)
    on_instance = _app()
    on_instance.json = Upper(on_instance)
    patched = _app()
    patched.json.dumps = lambda obj, **_: repr(sorted(obj))
    return [answer(app, "/metadata") for app in (on_class, on_instance, patched)]


@keep("view.provider")
def custom_response_class_is_used(_: str) -> Any:
    class Marked(flask.Response):
        default_mimetype = "text/marked"

        def __init__(self, *args: Any, **kwargs: Any) -> None:
            super().__init__(*args, **kwargs)
            self.headers["Content-Type"] += "; marked"

    class Service(Flask):
        response_class = Marked

    app = Service("s")
    set_flask_metadata(app, **GOOD)
    return answer(app, "/metadata")


@keep("view.provider")
def values_that_only_the_provider_knows(_: str) -> Any:
    class Markup:
        def __html__(self) -> str:
            return "<b>"

    values = [None, 1, 1.5, True, [1, "\u00e9"], {"b": 1, "a": 2}, Markup(), object()]
    found = []
    for value in values:
        app = _app()
        app.config["VERSION"] = value
        found.append(answer(app, "/metadata"))
    return found


@keep("view.methods")
def other_methods_are_refused(_: str) -> Any:
    methods = ("POST", "PUT", "DELETE", "PATCH", "OPTIONS", "HEAD", "GET")
    return {method: answer(_app(), "/metadata", method) for method in methods}


@keep("view.methods")
def post_reaches_the_services_own_rule(_: str) -> Any:
    app = _app(route="/svc")
    app.add_url_rule(
        "/svc/<project_type>", "make", lambda project_type: project_type, methods=["POST"]
    )
    return [answer(app, "/svc/metadata", method) for method in ("POST", "GET", "PUT")]


@keep("view.precedence")
def static_rule_beats_the_catch_all(_: str) -> Any:
    app = APIFlask("n", **GOOD, route=["/", "/x"])
    app.add_url_rule("/<a>/<b>", "all", lambda a, b: "caught")
    app.add_url_rule("/<a>", "one", lambda a: "caught")
    paths = ("/metadata", "/x/metadata", "/v1.0/metadata", "/x/other", "/y/metadata")
    return [body(app, path) for path in paths]


@keep("view.precedence")
def first_rule_added_wins_a_path(_: str) -> Any:
    before = new_app()
    before.add_url_rule("/metadata", "own", lambda: "own")
    set_flask_metadata(before, **GOOD)
    after = APIFlask("n", **GOOD)
    after.add_url_rule("/metadata", "own", lambda: "own")
    return [body(before, "/metadata"), body(after, "/metadata"), body(before, "/metadata.json")]


@keep("view.precedence")
def services_own_path_with_a_slash_wins(_: str) -> Any:
    before = new_app()
    before.add_url_rule("/metadata/", "own", lambda: "own")
    set_flask_metadata(before, **GOOD)
    after = APIFlask("n", **GOOD)
    after.add_url_rule("/metadata/", "own", lambda: "own")
    return [body(app, path) for app in (before, after) for path in ("/metadata/", "/metadata")]


@keep("view.mutable")
def mutable_value_changed_in_place_shows(_: str) -> Any:
    app = _app()
    app.config["VERSION"] = version = ["1"]
    found = [body(app, "/metadata")]
    version.append("2")
    found.append(body(app, "/metadata"))
    app.config["AUTH"]["type"] = "changed"
    found.append(body(app, "/metadata"))
    return found


@keep("view.mutable")
def subclass_of_str_that_changes_shows(_: str) -> Any:
    class Text(str):
        pass

    app = _app(version=Text("1"))
    found = [body(app, "/metadata")]
    app.config["VERSION"] = Text("2")
    return [*found, body(app, "/metadata")]


@keep("view.mutable")
def circular_and_deep_values_are_server_errors(_: str) -> Any:
    circular: list[Any] = []
    circular.append(circular)
    deep: list[Any] = []
    for _level in range(100_000):
        deep = [deep]
    found = []
    for value in (circular, deep):
        for debug in (False, True):
            app = _app()
            app.debug = debug
            app.config["VERSION"] = value
            found.append(answer(app, "/metadata")[0])
    return found


@keep("view.old-config-keys")
def old_config_keys_shape_the_bytes_as_they_do_for_jsonify(_: str) -> Any:
    settings: dict[str, list[Any]] = {
        "JSON_SORT_KEYS": [True, False],
        "JSON_AS_ASCII": [True, False],
        "JSONIFY_PRETTYPRINT_REGULAR": [True, False],
        "JSONIFY_MIMETYPE": ["text/x-json"],
    }
    found = {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for key, values in settings.items():
            for value in values:
                app = _app(description="\u00e9")
                first = body(app, "/metadata")
                app.config[key] = value
                found[f"{key} {value}"] = [first, *answer(app, "/metadata")]
    return found


@keep("view.old-config-keys")
def old_json_encoder_shapes_the_bytes(_: str) -> Any:
    class Encoder(json.JSONEncoder):
        def encode(self, o: Any) -> str:
            return super().encode(o).upper()

    app = _app()
    if OLD_FLASK:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            app.json_encoder = Encoder
            return answer(app, "/metadata")
    return answer(app, "/metadata")


@fix("view.trailing-slash", original=[404, 404, 404, 404], ours=[200, 200, 200, 200])
def trailing_slash_is_answered(_: str) -> Any:
    app = _app(route=["/", "/a"])
    paths = ("/metadata/", "/v1.0/metadata/", "/a/metadata/", "/a/v1.0/metadata.json/")
    return [answer(app, path)[0] for path in paths]


@fix("view.trailing-slash", original=404, ours=308)
def two_trailing_slashes_are_merged_as_flask_does(_: str) -> Any:
    return answer(_app(), "/metadata//")[0]


@keep("view.trailing-slash")
def version_without_its_v_is_not_answered(_: str) -> Any:
    return [
        answer(_app(), path)[0] for path in ("/1.0/metadata", "/1.0/metadata/", "/V1.0/metadata")
    ]


@fix("view.trailing-slash", original="caught", ours="metadata")
def trailing_slash_takes_the_services_catch_all(_: str) -> Any:
    app = _app(route="/svc")
    app.add_url_rule("/svc/<x>/", "all", lambda x: "caught")
    found = body(app, "/svc/metadata/")
    return found if found == "caught" else "metadata"


@keep("view.trailing-slash")
def paths_beside_are_not_answered(_: str) -> Any:
    add_metadata_route(app := _app(), "/a")
    paths = ("//metadata", "/Metadata", "/metadata.xml", "/a/metadata/x", "/a")
    return [answer(app, path)[0] for path in paths]

"""The metadata view's bytes, and when they are made anew."""

from __future__ import annotations

import itertools
import json
import warnings
from typing import Any

import flask
import pytest
from flask import Flask
from flask.json.provider import DefaultJSONProvider, JSONProvider

from apikit import APIFlask, _core, set_flask_metadata
from tests.metadata_twice import ask_twice

pytestmark = pytest.mark.flask

GOOD: dict[str, Any] = {"version": "1", "repository": "r", "description": "d"}
NAMES = ("name", "repository", "version", "description", "api_version")

TEXTS = [
    "plain",
    "".join(map(chr, range(0x100))),
    "\u2028\u2029\ufeff\uffff",
    "\U0001f600\U0010ffff",
    "\ud800 alone \udfff",
    "\ud83d\ude00",
    "\\u0041\\n\"'",
    "x" * 10_000,
]


def _answer(app: Flask, path: str = "/metadata") -> tuple[int, str, bytes]:
    return ask_twice(app, path).as_view()


def _jsonified(app: Flask) -> tuple[int, str, bytes]:
    """Return the answer of a view that calls flask.jsonify, on the same app."""
    metadata = app.view_functions["_return_metadata"]

    def view() -> flask.Response:
        fields = {name: app.config[name.upper()] for name in NAMES}
        return flask.jsonify(auth=app.config["AUTH"]["type"], **fields)

    app.view_functions["_return_metadata"] = view
    try:
        return _answer(app)
    finally:
        app.view_functions["_return_metadata"] = metadata


@pytest.mark.parametrize("text", TEXTS, ids=ascii)
@pytest.mark.parametrize(
    "settings",
    list(itertools.product((True, False), (None, True, False), (True, False), (True, False))),
)
def test_bytes_are_jsonifys(text: str, settings: tuple[Any, ...]) -> None:
    app = APIFlask("n", "1", text, text)
    app.json.sort_keys, app.json.compact, app.json.ensure_ascii, debug = settings  # type: ignore[attr-defined]
    app.debug = debug
    app.config["PROPAGATE_EXCEPTIONS"] = False
    assert _answer(app) == _jsonified(app)


@pytest.mark.parametrize("mimetype", ["application/vnd.x+json", "text/plain", "image/png"])
def test_mimetype_is_jsonifys(mimetype: str) -> None:
    app = APIFlask("n", **GOOD)
    app.json.mimetype = mimetype  # type: ignore[attr-defined]
    assert _answer(app) == _jsonified(app)


def test_same_answer_is_not_written_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[tuple[Any, ...]] = []

    def counted(fields: tuple[Any, ...], **options: bool) -> bytes | None:
        calls.append(fields)
        return dump(fields, **options)

    dump = _core.dump_metadata
    monkeypatch.setattr(_core, "dump_metadata", counted)
    app = APIFlask("n", **GOOD)
    first = _answer(app)
    assert _answer(app, "/v1.0/metadata.json") == first
    assert len(calls) == 1
    app.config["VERSION"] = "2"
    assert b'"2"' in _answer(app)[2]
    assert len(calls) == 2


@pytest.mark.parametrize("setting", ["sort_keys", "ensure_ascii", "compact"])
def test_changed_setting_shows_in_the_next_answer(setting: str) -> None:
    app = APIFlask("n", "1", "r", "\u00e9")
    before = _answer(app)
    setattr(app.json, setting, False)
    assert _answer(app) == _jsonified(app) != before


def test_debug_shows_in_the_next_answer() -> None:
    app = APIFlask("n", **GOOD)
    before = _answer(app)
    app.debug = True
    assert _answer(app) == _jsonified(app) != before


def test_two_apps_do_not_share_answers() -> None:
    apps = [APIFlask(name, **GOOD) for name in ("a", "b")]
    names = [json.loads(_answer(app)[2])["name"] for app in (*apps, *apps)]
    assert names == ["a", "b", "a", "b"]


def test_value_changed_in_place_shows_in_the_next_answer() -> None:
    app = APIFlask("n", **GOOD)
    app.config["DESCRIPTION"] = words = ["a"]
    first = json.loads(_answer(app)[2])["description"]
    words.append("b")
    assert (first, json.loads(_answer(app)[2])["description"]) == (["a"], ["a", "b"])


def test_str_subclass_is_written_by_the_provider() -> None:
    class Text(str):
        def __html__(self) -> str:
            return "html"

    app = APIFlask("n", **GOOD)
    app.config["VERSION"] = Text("1")
    assert _answer(app) == _jsonified(app)


def _circular() -> list[Any]:
    value: list[Any] = []
    value.append(value)
    return value


def _deep() -> list[Any]:
    value: list[Any] = []
    for _level in range(100_000):
        value = [value]
    return value


@pytest.mark.parametrize("make", [_circular, _deep])
@pytest.mark.parametrize("debug", [False, True])
def test_value_without_an_end_is_a_server_error(make: Any, debug: bool) -> None:
    app = APIFlask("n", **GOOD)
    app.debug = debug
    app.config.update(PROPAGATE_EXCEPTIONS=False, VERSION=make())
    assert _answer(app)[0] == 500
    app.config["VERSION"] = "1"
    assert _answer(app)[0] == 200


class _Upper(DefaultJSONProvider):
    def dumps(self, obj: Any, **kwargs: Any) -> str:
        return super().dumps(obj, **kwargs).upper()


class _Own(JSONProvider):
    def dumps(self, obj: Any, **kwargs: Any) -> str:
        return "own"

    def loads(self, s: str | bytes, **kwargs: Any) -> Any:
        return s


@pytest.mark.parametrize("provider", [_Upper, _Own])
def test_other_provider_writes_the_answer(provider: type[JSONProvider]) -> None:
    app = APIFlask("n", **GOOD)
    plain = _answer(app)
    app.json = provider(app)
    assert _answer(app) == _jsonified(app) != plain


@pytest.mark.parametrize("method", ["dumps", "response"])
def test_method_replaced_on_the_provider_writes_the_answer(method: str) -> None:
    app = APIFlask("n", **GOOD)
    replacements = {
        "dumps": lambda *_args, **_kwargs: "replaced",
        "response": lambda *_args, **_kwargs: flask.Response("replaced"),
    }
    setattr(app.json, method, replacements[method])
    assert _answer(app)[2].strip() == b"replaced"


def test_other_response_class_is_used() -> None:
    class Marked(flask.Response):
        def __init__(self, *args: Any, **kwargs: Any) -> None:
            super().__init__(*args, **kwargs)
            self.headers["X-Marked"] = "yes"

    class Service(APIFlask):
        response_class = Marked

    assert ("X-Marked", "yes") in ask_twice(Service("n", **GOOD)).headers


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("JSON_SORT_KEYS", False),
        ("JSON_AS_ASCII", False),
        ("JSONIFY_PRETTYPRINT_REGULAR", True),
        ("JSONIFY_MIMETYPE", "text/x-json"),
    ],
)
def test_old_configuration_key_does_what_it_does_for_jsonify(key: str, value: Any) -> None:
    app = APIFlask("n", "1", "r", "\u00e9")
    _answer(app)
    app.config[key] = value
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # Flask 2.2's own, about the key
        assert _answer(app) == _jsonified(app)


@pytest.mark.parametrize("path", ["/metadata", "/a/v1.0/metadata.json"])
def test_trailing_slash_is_answered_without_a_redirect(path: str) -> None:
    app = APIFlask("n", **GOOD, route=["/", "/a"])
    assert _answer(app, path + "/") == _answer(app, path)


def test_services_own_path_wins_when_added_first() -> None:
    app = Flask("n")
    app.add_url_rule("/metadata", "own", lambda: "own")
    set_flask_metadata(app, **GOOD)
    assert _answer(app)[2] == b"own"


def test_service_takes_another_method_on_the_path() -> None:
    app = APIFlask("n", **GOOD, route="/svc")
    app.add_url_rule("/svc/<kind>", "make", lambda kind: kind, methods=["POST"])
    client = app.test_client()
    assert client.post("/svc/metadata").data == b"metadata"
    assert client.put("/svc/metadata").status_code == 405
    assert json.loads(_answer(app, "/svc/metadata")[2])["name"] == "n"

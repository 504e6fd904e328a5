"""dump_metadata writes what flask.jsonify writes, byte for byte."""

from __future__ import annotations

import itertools
import sys
from typing import Any

import flask
import pytest
from flask import Flask
from flask.json.provider import DefaultJSONProvider
from hypothesis import example, given, settings
from hypothesis import strategies as st

from apikit import _core

pytestmark = pytest.mark.flask

KEYS = ("auth", "name", "repository", "version", "description", "api_version")
PLAIN = ("none", "uservice-x", "https://github.com/o/r", "0.0.1", "What it does", "1.0")

# Surrogates are code points of their own here; text() leaves them out unless asked.
CHARACTERS = st.one_of(
    st.characters(),
    st.characters(codec="ascii"),
    st.sampled_from('"\\/\b\f\n\r\t\x00\x1f\x7f\x80\xff\u2028\ud800\udfff\uffff\U0001f600'),
)
TEXTS = st.one_of(st.text(CHARACTERS), st.text(st.characters(max_codepoint=0xFF), max_size=80))
FIELDS = st.tuples(*[TEXTS] * 6)
COMBINATIONS = list(
    itertools.product(
        (False, True),
        (True, False),
        (None, True, False),
        (True, False),
        ("application/json", "application/vnd.api+json"),
    )
)


def dump_as_view(
    app: Flask, provider: DefaultJSONProvider, fields: tuple[Any, ...]
) -> bytes | None:
    compact = not app.debug if provider.compact is None else provider.compact
    return _core.dump_metadata(
        fields,
        sort_keys=provider.sort_keys,
        compact=compact,
        ensure_ascii=provider.ensure_ascii,
    )


def outcome(write: Any) -> tuple[str, Any]:
    try:
        return "bytes", write()
    except UnicodeEncodeError as exc:
        return "UnicodeEncodeError", exc.reason


@pytest.fixture(scope="module", params=COMBINATIONS, ids=repr)
def app(request: pytest.FixtureRequest) -> Flask:
    app = Flask("bytes")
    provider = app.json
    assert isinstance(provider, DefaultJSONProvider)
    debug, provider.sort_keys, provider.compact, provider.ensure_ascii, mimetype = request.param
    app.debug = debug
    provider.mimetype = mimetype
    return app


@settings(max_examples=settings.default.max_examples // 4)
@given(fields=FIELDS)
@example(fields=PLAIN)
@example(fields=("",) * 6)
@example(fields=(*PLAIN[:5], "\ud83d\ude00"))
@example(fields=tuple(character * 17 for character in '"\\\x7fé€\ud800'))
@example(fields=("".join(map(chr, range(256))), *("x" * n for n in (15, 16, 17, 31, 1000))))
def test_bytes_are_jsonifys(app: Flask, fields: tuple[str, ...]) -> None:
    def jsonify() -> bytes:
        response = flask.jsonify(dict(zip(KEYS, fields, strict=True)))
        assert response.mimetype == app.json.mimetype
        return response.get_data()

    with app.app_context():
        expected = outcome(jsonify)
    assert outcome(lambda: dump_as_view(app, app.json, fields)) == expected


@pytest.mark.parametrize("width", ["narrow", "é", "€", "😀"])
@pytest.mark.parametrize("length", [*range(70), 1000, 100_000])
def test_every_length(width: str, length: int) -> None:
    fields = ("x" * length + width,) * 6
    app = Flask("lengths")
    with app.app_context():
        expected = flask.jsonify(dict(zip(KEYS, fields, strict=True))).get_data()
    assert _core.dump_metadata(fields) == expected


def test_the_defaults_are_flasks() -> None:
    assert _core.dump_metadata(PLAIN) == _core.dump_metadata(
        PLAIN, sort_keys=True, compact=True, ensure_ascii=True
    )


@pytest.mark.parametrize("place", range(6))
@pytest.mark.parametrize("value", [1, None, b"x", ["x"], type("Text", (str,), {})("x")], ids=repr)
def test_what_is_not_exactly_str_is_left_to_the_provider(place: int, value: Any) -> None:
    fields = list(PLAIN)
    fields[place] = value
    assert _core.dump_metadata(tuple(fields)) is None


@pytest.mark.parametrize("place", range(6))
def test_lone_surrogate_in_utf8_is_refused_in_every_field(place: int) -> None:
    fields = list(PLAIN)
    fields[place] = "a\udc00"
    with pytest.raises(UnicodeEncodeError, match="surrogates not allowed"):
        _core.dump_metadata(tuple(fields), ensure_ascii=False)


@pytest.mark.parametrize("name", ["sort_keys", "compact", "ensure_ascii"])
def test_options_go_by_truth(name: str) -> None:
    fields = (*PLAIN[:5], "é")
    for true in (1, "x", [0]):
        assert _core.dump_metadata(fields, **{name: true}) == _core.dump_metadata(fields)
    assert _core.dump_metadata(fields, **{name: []}) == _core.dump_metadata(fields, **{name: False})
    assert _core.dump_metadata(fields, **{name: 0}) != _core.dump_metadata(fields)


def test_option_whose_truth_cannot_be_told() -> None:
    class Undecided:
        def __bool__(self) -> bool:
            raise LookupError("neither")

    with pytest.raises(LookupError, match="neither"):
        _core.dump_metadata(PLAIN, compact=Undecided())


def test_option_name_made_at_run_time_counts() -> None:
    name = "".join(["com", "pact"])
    assert name is not sys.intern("compact")
    assert _core.dump_metadata(PLAIN, **{name: False}) == _core.dump_metadata(PLAIN, compact=False)


@pytest.mark.parametrize(
    ("args", "kwargs"),
    [
        ((), {}),
        ((PLAIN, True), {}),
        ((list(PLAIN),), {}),
        ((PLAIN[:5],), {}),
        (((*PLAIN, "x"),), {}),
        ((PLAIN,), {"indent": 2}),
        ((), {"fields": PLAIN}),
    ],
)
def test_wrong_call_is_a_type_error(args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    with pytest.raises(TypeError, match="dump_metadata"):
        _core.dump_metadata(*args, **kwargs)

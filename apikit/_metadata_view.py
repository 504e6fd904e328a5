"""The answer to ``GET /metadata``, byte for byte what `flask.jsonify` would give.

It is written in C where Flask's own JSON provider would write it.  Whatever a
service may have put in that provider's place is asked instead.
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple

from flask import Flask, Response, current_app, jsonify
from flask.json.provider import DefaultJSONProvider

from apikit import _core
from apikit._metadata_call import keep_answer

__all__ = ["view"]

_EXTENSION: Final = "apikit.metadata"

#: The configuration's values in the order of the answer's keys, "auth" apart.
_KEYS: Final = ("NAME", "REPOSITORY", "VERSION", "DESCRIPTION", "API_VERSION")

#: Flask 2.2 shapes JSON by these as well; later versions do not know them.
_LEGACY_KEYS: Final = (
    "JSON_AS_ASCII",
    "JSON_SORT_KEYS",
    "JSONIFY_PRETTYPRINT_REGULAR",
    "JSONIFY_MIMETYPE",
)

#: Replacing one of these on the provider itself replaces the provider.
_METHODS: Final = frozenset({"response", "dumps", "_prepare_response_obj"})


class _Answer(NamedTuple):
    """A body and what it was made of."""

    fields: tuple[Any, ...]
    layout: tuple[bool, bool, bool]
    body: bytes

    def is_of(self, fields: tuple[Any, ...], layout: tuple[bool, bool, bool]) -> bool:
        """Return whether it is still right: the same objects, and these never change."""
        return layout == self.layout and all(
            ours is theirs for ours, theirs in zip(self.fields, fields, strict=True)
        )


def _return_metadata() -> Response:
    """Answer with the service's metadata, read from its configuration now."""
    app: Flask = current_app._get_current_object()  # type: ignore[attr-defined]
    config = app.config
    fields = (config["AUTH"]["type"], *(config[key] for key in _KEYS))
    body = _body(app, fields) if _writes_plain_json(app) else None
    if body is not None:
        response = Response(body, mimetype=app.json.mimetype)  # type: ignore[attr-defined]
        if isinstance(app, _core.MetadataCall):
            keep_answer(app, view, response, body)
        return response
    names = ("auth", *(key.lower() for key in _KEYS))
    return jsonify(dict(zip(names, fields, strict=True)))


view: Final = _return_metadata


def _writes_plain_json(app: Flask) -> bool:
    """Return whether nothing but Flask itself shapes the app's JSON answers."""
    provider = app.json
    return (
        type(provider) is DefaultJSONProvider
        and app.response_class is Response
        and _METHODS.isdisjoint(vars(provider))
        and all(app.config.get(key) is None for key in _LEGACY_KEYS)
        and getattr(app, "_json_encoder", None) is None
    )


def _body(app: Flask, fields: tuple[Any, ...]) -> bytes | None:
    """Return the answer's body; None if it takes more than six strings to write it."""
    provider: Any = app.json
    compact = not app.debug if provider.compact is None else bool(provider.compact)
    layout = (bool(provider.sort_keys), compact, bool(provider.ensure_ascii))
    kept: _Answer | None = app.extensions.get(_EXTENSION)
    if kept is not None and kept.is_of(fields, layout):
        return kept.body
    sort_keys, compact, ensure_ascii = layout
    body = _core.dump_metadata(
        fields, sort_keys=sort_keys, compact=compact, ensure_ascii=ensure_ascii
    )
    if body is not None:
        app.extensions[_EXTENSION] = _Answer(fields, layout, body)
    return body

"""Which request a route of `apikit.testing` is for."""

from __future__ import annotations

import json as json_module
import re
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from apikit import _core, _prepare, errors
from apikit.models import PreparedRequest

__all__ = ["Conditions", "Expectation", "describe", "to_bytes"]


class Conditions:
    """What else a request must have, beside method and URL."""

    def __init__(
        self,
        headers: Mapping[str, str | re.Pattern[str] | None] | None,
        body: str | bytes | None,
        json: Any,
        predicate: Callable[[PreparedRequest], object] | None,
    ) -> None:
        self._headers = dict(headers or {})
        self._body = body
        self._json = json
        self._predicate = predicate
        self.count = (
            len(self._headers) + (body is not None) + (json is not ...) + (predicate is not None)
        )

    def differs(self, request: PreparedRequest) -> str | None:
        """Return which is not met, or None."""
        for name, wanted in self._headers.items():
            if not _is_value(request.headers.get(name), wanted):
                return f"the header {name} differs"
        if self._body is not None and to_bytes(request.body) != to_bytes(self._body):
            return "the body differs"
        if self._json is not ... and not _holds_json(request.body, self._json):
            return "the JSON differs"
        if self._predicate is not None and not self._predicate(request):
            return "match says no"
        return None


class Expectation:
    """The request of a route."""

    def __init__(
        self,
        method: str | None,
        url: str | re.Pattern[str],
        params: Any,
        conditions: Conditions,
    ) -> None:
        self._method = None if method is None else method.upper()
        self._pattern: re.Pattern[str] | None = None
        self._conditions = conditions
        query = "" if params is None else _prepare.encode_params(params)
        if isinstance(url, re.Pattern):
            self._pattern, self._shown = url, url.pattern
        else:
            self._shown = _core.normalize_url(url, query)
            self._place, query = _split_url(self._shown)
        asks_query = bool(query) or params is not None
        self._query = _pairs_of(query) if asks_query else None
        self.strictness = conditions.count + asks_query

    def __str__(self) -> str:
        """Return it as messages name it."""
        return f"{self._method or 'any method'} {errors.mask_url(self._shown)}"

    def differs(self, request: PreparedRequest) -> str | None:
        """Return in what a request is another one, or None."""
        url = request.url or ""
        place, query = _split_url(url)
        if self._method not in (None, request.method):
            return "the method differs"
        if self._pattern.match(url) is None if self._pattern else place != self._place:
            return "the URL differs"
        if self._query is not None and _pairs_of(query) != self._query:
            return "the query differs"
        return self._conditions.differs(request)


def _split_url(url: str) -> tuple[str, str]:
    """Return a URL up to its query, without credentials, and the query."""
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2]
    return f"{parts.scheme}://{host}{parts.path or '/'}", parts.query


def _pairs_of(query: str) -> Counter[tuple[str, str]]:
    return Counter(parse_qsl(query, keep_blank_values=True))


def _is_value(value: str | None, wanted: str | re.Pattern[str] | None) -> bool:
    if value is None or not isinstance(wanted, re.Pattern):
        return value == wanted
    return wanted.fullmatch(value) is not None


def _holds_json(body: str | bytes | None, wanted: Any) -> bool:
    try:
        return bool(json_module.loads(body or "") == wanted)
    except ValueError:
        return False


def describe(request: PreparedRequest) -> str:
    """Return a request as messages name it."""
    return f"{request.method} {errors.mask_url(request.url)}"


def to_bytes(body: str | bytes | None) -> bytes:
    """Return a body as it is sent."""
    return body.encode() if isinstance(body, str) else body or b""

"""Answers without a server, for the tests of services.

`mock_backends` lets a `MockTransport` answer whatever the sessions of this
process send; the pytest fixture ``backend_mock`` does so for one test.  Nothing is
taken away but the connection: redirects, cookies, retries and log-ins go on as ever.
"""

from __future__ import annotations

import copy
import json as json_module
import re
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from http import HTTPStatus
from typing import Any, Final, NoReturn, Self, TypedDict, Unpack

from apikit import _core, errors
from apikit._expectation import Conditions, Expectation, describe, to_bytes
from apikit.models import PreparedRequest

__all__ = ["MockTransport", "Route", "answer", "mock_backends"]

_FINAL_STATUSES: Final = range(200, 1000)
_LINE_BREAKS: Final = re.compile(r"[\r\n\0]")

_Reply = Callable[[PreparedRequest], bytes]
_Headers = Mapping[str, str] | Iterable[tuple[str, str]]


class _AnswerOptions(TypedDict, total=False):
    """What `answer` takes."""

    status: int
    reason: str | None
    headers: _Headers | None
    json: Any
    text: str | None
    body: bytes | None


class _ReplyOptions(_AnswerOptions, total=False):
    """What a route does when it is asked: answer, call or raise."""

    callback: Callable[[PreparedRequest], bytes]
    raises: BaseException | type[BaseException]


class _RouteOptions(_ReplyOptions, total=False):
    """What `MockTransport.add` takes by name."""

    params: Any
    match_headers: Mapping[str, str | re.Pattern[str] | None]
    match_body: str | bytes
    match_json: Any
    match: Callable[[PreparedRequest], object]


def answer(
    status: int = 200,
    *,
    reason: str | None = None,
    headers: _Headers | None = None,
    json: Any = ...,
    text: str | None = None,
    body: bytes | None = None,
) -> bytes:
    """Return an HTTP/1.1 answer, as a transport has to give it.

    Parameters
    ----------
    status
        200 to 999.
    reason
        The phrase; the status's own if None.
    headers
        A mapping, or pairs where a name comes twice.  Content-Type and
        Content-Length are added.  A Content-Length beyond the body is an answer that
        was cut off.
    json
        What the body is to hold as JSON; None is ``null``.
    text
        A body of plain text, in UTF-8.
    body
        The body as it is.  It is what the caller gets, whatever Content-Encoding says.

    Raises
    ------
    ValueError
        If there is more than one body, or something that no server can send.
    """
    if status not in _FINAL_STATUSES:
        raise ValueError(f"status must be 200 to 999, not {status!r}")
    content, content_type = _encode_body(json, text, body)
    pairs = list(headers.items() if isinstance(headers, Mapping) else headers or ())
    given = {name.lower() for name, _ in pairs}
    if content_type and "content-type" not in given:
        pairs.append(("Content-Type", content_type))
    if "transfer-encoding" in given:
        content = _chunk(content)
    elif "content-length" not in given:
        pairs.append(("Content-Length", str(len(content))))
    lines = [f"HTTP/1.1 {status} {_phrase(status) if reason is None else reason}"]
    lines += [f"{name}: {value}" for name, value in pairs]
    if any(_LINE_BREAKS.search(line) for line in lines):
        raise ValueError("neither reason nor headers may hold a line break")
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + content


class Route:
    """A request that is expected, and the answers to it; made by `MockTransport.add`.

    Attributes
    ----------
    calls : list of PreparedRequest
        The requests that it answered.
    """

    def __init__(self, request: Expectation, reply: _Reply) -> None:
        self.calls: list[PreparedRequest] = []
        self._request = request
        self._replies = [reply]

    def then(self, **reply: Unpack[_ReplyOptions]) -> Self:
        """Add the answer to the next request; the last answer serves all that follow.

        Parameters
        ----------
        **reply
            ``status``, ``reason``, ``headers``, ``json``, ``text`` and ``body`` as `answer`
            takes them; or ``callback``; or ``raises``: see `MockTransport.add`.
        """
        self._replies.append(_make_reply(reply))
        return self

    @property
    def is_used_up(self) -> bool:
        """Whether each of its answers was given."""
        return len(self.calls) >= len(self._replies)

    def __repr__(self) -> str:
        """Name the request and how many of the answers were given."""
        given = min(len(self.calls), len(self._replies))
        return f"<Route {self._request}: {given} of {len(self._replies)} answers given>"

    def _take(self, request: PreparedRequest) -> _Reply:
        reply = self._replies[min(len(self.calls), len(self._replies) - 1)]
        self.calls.append(request)
        return reply


class MockTransport:
    """A transport that answers what it was told to: for `mock_backends`, or one session.

    ``Session(transport=mock)`` lets it answer the requests of that session alone.

    Attributes
    ----------
    calls : list of PreparedRequest
        Every request, redirects and log-ins among them, in their order.  The
        password of a log-in is not in them.
    unexpected : list of PreparedRequest
        Those that no route was there for.
    """

    def __init__(self) -> None:
        self.calls: list[PreparedRequest] = []
        self.unexpected: list[PreparedRequest] = []
        self._routes: list[Route] = []
        self._lock = threading.RLock()

    def add(
        self,
        method: str | None,
        url: str | re.Pattern[str],
        *,
        params: Any = None,
        match_headers: Mapping[str, str | re.Pattern[str] | None] | None = None,
        match_body: str | bytes | None = None,
        match_json: Any = ...,
        match: Callable[[PreparedRequest], object] | None = None,
        **reply: Unpack[_ReplyOptions],
    ) -> Route:
        """Say what a request is answered.

        Of several routes that a request fits, the one with the most conditions
        answers; of those, the first that still has an answer to give, else the last.

        Parameters
        ----------
        method
            In any case; None for every one.
        url
            The whole URL, or a pattern that matches it from its start.  One without a
            query fits any query, unless there are `params`.
        params
            The query, beside that of the URL, as `Session.request` takes it; it fits in
            any order.
        match_headers
            Headers that the request must have: their value, a pattern that matches
            all of it, or None for one that must not be there.
        match_body
            The whole body.
        match_json
            What the body must hold as JSON.
        match
            Called with the request; says whether it fits.
        **reply
            ``status``, ``reason``, ``headers``, ``json``, ``text`` and ``body`` as `answer`
            takes them.  Or ``callback``, which gets the request and returns what
            `answer` makes.  Or ``raises``: what happens in place of an answer, as a class
            or an exception.

        Returns
        -------
        Route
            For its `~Route.then` and its `~Route.calls`.

        Raises
        ------
        ValueError
            If the URL is none, or `reply` says two things.
        """
        conditions = Conditions(match_headers, match_body, match_json, match)
        route = Route(Expectation(method, url, params, conditions), _make_reply(reply))
        with self._lock:
            self._routes.append(route)
        return route

    def get(self, url: str | re.Pattern[str], **options: Unpack[_RouteOptions]) -> Route:
        """Add a route for GET; see `add`."""
        return self.add("GET", url, **options)

    def head(self, url: str | re.Pattern[str], **options: Unpack[_RouteOptions]) -> Route:
        """Add a route for HEAD; see `add`."""
        return self.add("HEAD", url, **options)

    def options(self, url: str | re.Pattern[str], **options: Unpack[_RouteOptions]) -> Route:
        """Add a route for OPTIONS; see `add`."""
        return self.add("OPTIONS", url, **options)

    def post(self, url: str | re.Pattern[str], **options: Unpack[_RouteOptions]) -> Route:
        """Add a route for POST; see `add`."""
        return self.add("POST", url, **options)

    def put(self, url: str | re.Pattern[str], **options: Unpack[_RouteOptions]) -> Route:
        """Add a route for PUT; see `add`."""
        return self.add("PUT", url, **options)

    def patch(self, url: str | re.Pattern[str], **options: Unpack[_RouteOptions]) -> Route:
        """Add a route for PATCH; see `add`."""
        return self.add("PATCH", url, **options)

    def delete(self, url: str | re.Pattern[str], **options: Unpack[_RouteOptions]) -> Route:
        """Add a route for DELETE; see `add`."""
        return self.add("DELETE", url, **options)

    def reset(self) -> None:
        """Forget all routes and requests."""
        with self._lock:
            for forgotten in (self.calls, self.unexpected, self._routes):
                forgotten.clear()

    def assert_all_called(self) -> None:
        """Fail unless each answer of each route was given."""
        left = [repr(route) for route in self._routes if not route.is_used_up]
        if left:
            raise AssertionError("\n  ".join(["answers that nobody asked for:", *left]))

    def assert_all_expected(self) -> None:
        """Fail if there was a request that no route was there for."""
        if self.unexpected:
            asked = map(describe, self.unexpected)
            raise AssertionError("\n  ".join(["requests that no route was there for:", *asked]))

    def __call__(self, request: PreparedRequest) -> bytes:
        """Answer a request; a session calls it."""
        request.body = _read_body(request.body)
        with self._lock:
            self.calls.append(request)
            route = self._choose(request)
            if route is None:
                self.unexpected.append(request)
                self._refuse(request)
            reply = route._take(request)
        return reply(request)

    def _choose(self, request: PreparedRequest) -> Route | None:
        fitting = [route for route in self._routes if not route._request.differs(request)]
        most = max((route._request.strictness for route in fitting), default=0)
        fitting = [route for route in fitting if route._request.strictness == most]
        fresh = [route for route in fitting if not route.is_used_up]
        return next(iter(fresh + fitting[-1:]), None)

    def _refuse(self, request: PreparedRequest) -> NoReturn:
        routes = [f"{route._request} ({route._request.differs(request)})" for route in self._routes]
        message = f"no answer is registered for {describe(request)}; there are:"
        raise errors.build(
            "ConnectionError", "\n  ".join([message, *(routes or ["none"])]), request=request
        )


@contextmanager
def mock_backends(
    *, assert_all_called: bool = True, assert_all_expected: bool = True
) -> Iterator[MockTransport]:
    """Let a mock answer every session of the process that has no transport of its own.

    Sessions made before count, too, and that of `apikit.retry_request`.

    Parameters
    ----------
    assert_all_called
        Whether an answer that was not given fails at the end.
    assert_all_expected
        Whether a request that no route was there for fails at the end, although the
        service may have caught its exception.

    Yields
    ------
    MockTransport
        To be told what to answer.

    Raises
    ------
    AssertionError
        At the end, unless something else was raised.
    """
    mock = MockTransport()
    before = _core.set_transport(mock)
    try:
        yield mock
    finally:
        _core.set_transport(before)
    if assert_all_expected:
        mock.assert_all_expected()
    if assert_all_called:
        mock.assert_all_called()


def _read_body(body: Any) -> str | bytes | None:
    """Return what a server would have got, from a file or iterator too."""
    if body is None or isinstance(body, (str, bytes)):
        return body
    pieces = [body.read()] if hasattr(body, "read") else body
    return b"".join(map(to_bytes, pieces))


def _make_reply(options: _ReplyOptions) -> _Reply:
    rest: dict[str, Any] = {**options}
    callback = rest.pop("callback", None)
    error = rest.pop("raises", None)
    if bool(rest) + (callback is not None) + (error is not None) > 1:
        raise ValueError("a route answers, calls back or raises: say one of them")
    if callback is not None:
        return callback  # type: ignore[no-any-return]
    if error is not None:
        return lambda request: _raise(error, request)
    ready = answer(**rest)
    return lambda _: ready


def _raise(error: BaseException | type[BaseException], request: PreparedRequest) -> NoReturn:
    """Raise an exception as a session does: about this request, and as requests' too."""
    if isinstance(error, type):
        if not issubclass(error, errors.RequestException):
            raise error
        message = f"{error.__name__} was registered for {describe(request)}"
        raise errors.joined(error)(message, request=request)
    if not isinstance(error, errors.RequestException):
        raise error
    fresh = copy.copy(error)
    fresh.request = request
    raise fresh


def _encode_body(json: Any, text: str | None, body: bytes | None) -> tuple[bytes, str | None]:
    given = [
        name
        for name, is_there in (
            ("json", json is not ...),
            ("text", text is not None),
            ("body", body is not None),
        )
        if is_there
    ]
    if len(given) > 1:
        raise ValueError(f"an answer has one body, not {' and '.join(given)}")
    if json is not ...:
        return json_module.dumps(json).encode(), "application/json"
    if text is not None:
        return text.encode(), "text/plain; charset=utf-8"
    return body or b"", None


def _chunk(content: bytes) -> bytes:
    """Return a body in the one chunk that Transfer-Encoding promises."""
    return (b"%x\r\n%b\r\n" % (len(content), content) if content else b"") + b"0\r\n\r\n"


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return ""

"""A call as each side sees it, in a form that can be compared.

A side is one of the two packages.  What is compared is not only what a call gives, but also
what came to the servers while it ran, hop by hop, and what the session is like behind it.
"""

from __future__ import annotations

import http.client
import json
import pickle
import re
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pytest
import requests

import apikit.models
import apikit.response
from tests.requests_parity.reasons import REASONS
from tests.servers import Server, start_server

__all__ = ["OURS", "THEIRS", "Servers", "Side", "check", "echo_of", "outcome", "raw", "servers",
           "shown", "side_of"]  # fmt: skip

#: Defaults that name the program and what it can decode.
_OWN_DEFAULTS = re.compile(r"python-requests/[\d.]+|sqre-apikit-c\S*|gzip, deflate.*")
_BOUNDARY = re.compile(r"--([0-9a-f]{32})(?:--)?\r\n")
_RESPONSES = (requests.Response, apikit.response.Response)


@dataclass(frozen=True)
class Side:
    """One package, and what of it the rows need by name."""

    session: type
    request: type
    prepared: type


OURS = Side(apikit.Session, apikit.models.Request, apikit.models.PreparedRequest)
THEIRS = Side(requests.Session, requests.Request, requests.PreparedRequest)


@dataclass(frozen=True)
class Servers:
    """The two origins that calls go to, and the names that both have."""

    here: str
    there: str
    logs: tuple[http.client.HTTPConnection, ...] = ()

    def take_log(self) -> list[Any]:
        """Return what came since the last time, by origin."""
        return [_take_log(connection) for connection in self.logs]


def _take_log(connection: http.client.HTTPConnection) -> Any:
    connection.request("GET", "/log")
    return [_seen(*request) for request in json.load(connection.getresponse())]


@contextmanager
def _started() -> Iterator[Server]:
    with start_server(
        "parity", lambda port: [sys.executable, "-m", "tests.requests_parity.server", str(port)]
    ) as server:
        yield server


@pytest.fixture(scope="module")
def servers() -> Iterator[Servers]:
    with _started() as one, _started() as other:
        logs = tuple(
            http.client.HTTPConnection("127.0.0.1", server.port) for server in (one, other)
        )
        yield Servers(one.url, other.url, logs)
        for log in logs:
            log.close()


def raw(answer: bytes | str) -> str:
    """Return the path that is answered so; line ends may be plain."""
    if isinstance(answer, str):
        head, _, body = answer.partition("\n\n")
        answer = (head.replace("\n", "\r\n") + "\r\n\r\n" + body).encode("latin-1")
    return f"/raw/{answer.hex()}"


# What is seen, without what differs by design.


def _masked(headers: Any) -> dict[str, Any]:
    """Return headers by their names in small letters."""
    masked: dict[str, Any] = {}
    for name, value in headers:
        shown = "default" if _OWN_DEFAULTS.fullmatch(str(value)) else value
        masked[name.lower()] = f"{masked[name.lower()]} | {shown}" if name in masked else shown
    return masked


def _seen(method: str, target: str, fields: Any, body: Any) -> dict[str, Any]:
    headers = _masked(fields)
    text = body.decode("latin-1") if isinstance(body, bytes) else body
    found = _BOUNDARY.match(text) if isinstance(text, str) else None
    if found is not None:
        boundary = found.group(1)
        headers["content-type"] = str(headers.get("content-type")).replace(boundary, "B")
        text = text.replace(boundary, "B")
        body = text.encode("latin-1") if isinstance(body, bytes) else text
    return {"method": method, "target": target, "headers": headers, "body": body}


def echo_of(response: Any) -> Any:
    """Return what the server saw."""
    return _seen(*response.json())


def outcome(call: Callable[[], Any]) -> Any:
    """Return what a call gives, or the name of the exception that it raises."""
    try:
        return call()
    except Exception as exception:
        return f"{type(exception).__name__}"


def _failure(exception: Exception) -> dict[str, Any]:
    """Return by which names of requests and Python an exception is caught, and what it is about."""
    caught = {
        cls.__name__
        for cls in type(exception).__mro__
        if cls.__module__ in ("requests.exceptions", "builtins", "requests.cookies")
    }
    request = getattr(exception, "request", None)
    response = getattr(exception, "response", None)
    # To be compared only where requests says what it is about.
    return {
        "caught by": caught,
        "request": None if request is None else (request.method, request.url),
        "response": None if response is None else (response.status_code, response.url),
    }


def request_of(request: Any) -> dict[str, Any]:
    body = request.body if isinstance(request.body, (str, bytes)) else bool(request.body)
    return {
        "path_url": request.path_url,
        "repr": repr(request),
        **_seen(request.method, request.url, request.headers.items(), body),
    }


def shown(response: Any) -> dict[str, Any]:
    """Return all that a response shows, read as a whole."""
    return {
        "status_code": response.status_code,
        "reason": response.reason,
        "url": response.url,
        "headers": _masked(response.headers.items()),
        "content": response.content,
        "encoding": response.encoding,
        "apparent_encoding": response.apparent_encoding,
        "text": response.text,
        "json": outcome(response.json),
        "links": response.links,
        "truth": (response.ok, bool(response)),
        "redirect": (response.is_redirect, response.is_permanent_redirect),
        "cookies": response.cookies.get_dict(),
        "elapsed": type(response.elapsed),
        "history": [
            (one.status_code, one.url, one.reason, one.content, len(one.history))
            for one in response.history
        ],
        "next of history": [one.next is None for one in response.history],
        "requests of history": [request_of(one.request) for one in response.history],
        "pieces": list(response.iter_content(7)),
        "iteration": b"".join(response),
        "text pieces": outcome(
            lambda: "".join(map(str, response.iter_content(7, decode_unicode=True)))
        ),
        "lines": list(response.iter_lines(5)),
        "text lines": outcome(
            lambda: [str(line) for line in response.iter_lines(5, decode_unicode=True)]
        ),
        "comma lines": list(response.iter_lines(delimiter=b",")),
        "error": outcome(response.raise_for_status),
        "repr": repr(response),
        "request": request_of(response.request),
        "pickled": outcome(lambda: pickle.loads(pickle.dumps(response)).text),
        "next": None if response.next is None else request_of(response.next),
        "raw": response.raw.read(),
    }


def _cookies(jar: Any) -> list[Any]:
    return sorted(
        (
            cookie.name,
            cookie.value,
            cookie.domain,
            cookie.path,
            cookie.secure,
            None if cookie.expires is None else round((cookie.expires - time.time()) / 60),
            cookie.discard,
        )
        for cookie in jar
    )


def _result(call: Callable[[], Any]) -> Any:
    try:
        result = call()
    except Exception as exception:
        return {"raised": _failure(exception)}
    return shown(result) if isinstance(result, _RESPONSES) else result


def _observe(side: Side, servers: Servers, call: Callable[..., Any]) -> dict[str, Any]:
    with side.session() as session:
        session.trust_env = False
        seen = {"result": _result(lambda: call(session))}
        seen["wire"] = servers.take_log()
        seen["session"] = {
            "headers": outcome(lambda: _masked(session.headers.items())),
            "cookies": outcome(lambda: _cookies(session.cookies)),
        }
    return seen


def side_of(session: Any) -> Side:
    """Return whose session it is."""
    return OURS if isinstance(session, OURS.session) else THEIRS


def _differences(ours: Any, theirs: Any, place: str = "") -> dict[str, tuple[Any, Any]]:
    """Return where two trees of dicts and lists differ, and the two values there."""
    if (
        isinstance(ours, dict)
        and isinstance(theirs, dict)
        and ("raised" in ours) == ("raised" in theirs)
    ):
        keys = {**ours, **theirs}
        pairs = [(key, ours.get(key, "nothing"), theirs.get(key, "nothing")) for key in keys]
    elif isinstance(ours, list) and isinstance(theirs, list) and len(ours) == len(theirs):
        pairs = [(number, *pair) for number, pair in enumerate(zip(ours, theirs, strict=True))]
    else:
        says_less = theirs is None and place.endswith((".raised.request", ".raised.response"))
        return {} if ours == theirs or says_less else {place: (ours, theirs)}
    found = {}
    for key, one, other in pairs:
        found.update(_differences(one, other, f"{place}.{key}" if place else str(key)))
    return found


def _both_refuse(ours: Any, theirs: Any) -> bool:
    """Tell whether neither side sends anything, for arguments that are none.

    Which of Python's own exceptions says so is an accident of requests; here it is
    TypeError or ValueError.
    """
    failures = [seen["result"] for seen in (ours, theirs)]
    if not all(isinstance(result, dict) and "raised" in result for result in failures):
        return False
    here, there = (result["raised"]["caught by"] for result in failures)
    nothing_sent = not any(ours["wire"]) and not any(theirs["wire"])
    return (
        nothing_sent
        and bool(here & {"TypeError", "ValueError"})
        and "RequestException" not in there
        and ours["session"] == theirs["session"]
    )


def check(servers: Servers, call: Callable[[Any], Any], reason: str | None = None) -> None:
    """Assert that both sides agree, or that they differ where there is a reason to.

    Parameters
    ----------
    servers
        Those that the call goes to.
    call
        Is given the session.
    reason
        A name of `REASONS`, or None.
    """
    ours = _observe(OURS, servers, call)
    theirs = _observe(THEIRS, servers, call)
    found = {} if _both_refuse(ours, theirs) else _differences(ours, theirs)
    places = () if reason is None else REASONS[reason].places
    covered = {place for place in found if place.startswith(places)} if places else set()
    assert covered or reason is None, f"they agree, although: {REASONS[reason].text}"
    assert not found.keys() - covered, "".join(
        f"\n{place}: {one!r} here, {other!r} there"
        for place, (one, other) in found.items()
        if place not in covered
    )

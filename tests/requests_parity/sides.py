"""A call as each side sees it, in a form that can be compared."""

from __future__ import annotations

import json
import pickle
import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pytest
import requests

from apikit import Session
from tests.servers import Server, start_server

__all__ = ["Servers", "both", "check", "echo_of", "outcome", "raw", "servers", "shown"]

#: Headers that name the program, and those that come with a multipart form's boundary.
OWN_HEADERS = frozenset({"user-agent", "accept-encoding"})


@dataclass(frozen=True)
class Servers:
    """The two origins that calls go to."""

    here: str
    there: str


@contextmanager
def _started() -> Iterator[Server]:
    with start_server(
        "parity", lambda port: [sys.executable, "-m", "tests.requests_parity.server", str(port)]
    ) as server:
        yield server


@pytest.fixture(scope="module")
def servers() -> Iterator[Servers]:
    with _started() as one, _started() as other:
        yield Servers(one.url, other.url)


def raw(answer: bytes | str) -> str:
    """Return the path that is answered so; line ends may be plain."""
    if isinstance(answer, str):
        head, _, body = answer.partition("\n\n")
        answer = (head.replace("\n", "\r\n") + "\r\n\r\n" + body).encode("latin-1")
    return f"/raw/{answer.hex()}"


def echo_of(response: Any) -> Any:
    """Return what the server saw, without what differs by design."""
    method, target, fields, body = response.json()
    headers = sorted(
        (name.lower(), value) for name, value in fields if name.lower() not in OWN_HEADERS
    )
    boundary = re.search(r"boundary=(\w+)", str(headers))
    seen = [method, target, headers, body]
    return json.loads(
        json.dumps(seen).replace(boundary.group(1), "B") if boundary else json.dumps(seen)
    )


def outcome(call: Callable[[], Any]) -> Any:
    """Return what a call gives, or the name of the exception that it raises."""
    try:
        return call()
    except Exception as exception:
        return f"{type(exception).__name__}"


def both(call: Callable[[Any], Any]) -> tuple[Any, Any]:
    """Return the outcomes of a call with our session and with requests'."""
    results = []
    for make in (Session, requests.Session):
        with make() as session:
            session.trust_env = False
            results.append(outcome(lambda session=session: call(session)))
    return results[0], results[1]


def check(call: Callable[[Any], Any], reason: str | None = None) -> None:
    """Assert that both sides agree, or that they differ if there is a reason to."""
    ours, theirs = both(call)
    if reason is None:
        assert ours == theirs
    else:
        assert ours != theirs, f"they agree, although: {reason}"


def shown(response: Any) -> dict[str, Any]:
    """Return all that a response shows, read as a whole."""
    return {
        "status_code": response.status_code,
        "reason": response.reason,
        "url": response.url,
        "headers": {name.lower(): value for name, value in response.headers.items()},
        "content": response.content,
        "encoding": response.encoding,
        "text": response.text,
        "json": outcome(response.json),
        "links": response.links,
        "truth": (response.ok, bool(response)),
        "redirect": (response.is_redirect, response.is_permanent_redirect),
        "cookies": response.cookies.get_dict(),
        "history": [one.status_code for one in response.history],
        "pieces": list(response.iter_content(7)),
        "iteration": b"".join(response),
        "text pieces": "".join(map(str, response.iter_content(7, decode_unicode=True))),
        "lines": list(response.iter_lines(5)),
        "text lines": [str(line) for line in response.iter_lines(5, decode_unicode=True)],
        "comma lines": list(response.iter_lines(delimiter=b",")),
        "error": outcome(response.raise_for_status),
        "repr": repr(response),
        "request": (response.request.method, response.request.url, response.request.path_url),
        "pickled": pickle.loads(pickle.dumps(response)).text,
        "next": None if response.next is None else (response.next.method, response.next.url),
    }

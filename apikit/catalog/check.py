"""Asks one service for its metadata, once."""

from __future__ import annotations

import time
from http import HTTPStatus
from typing import Final

from apikit.catalog.records import Answer, Metadata, State
from apikit.catalog.settings import Service, Settings
from apikit.errors import BodyTooLarge, RequestException, Timeout, TooManyRedirects
from apikit.response import Response
from apikit.session import Session

__all__ = ["ask", "make_session"]

#: Six short texts fit in; a page that somebody put there by mistake may not.
_MOST_BYTES: Final = 64 * 1024
_MOST_REDIRECTS: Final = 3
_LONGEST_REASON: Final = 300


def make_session(settings: Settings) -> Session:
    """Return the session that asks them all.

    Parameters
    ----------
    settings
        Its timeout and how many are asked at once.
    """
    session = Session(
        deadline=settings.timeout,
        timeout=settings.timeout,
        max_body=_MOST_BYTES,
        max_redirects=_MOST_REDIRECTS,
        pool_maxsize=settings.concurrency,
        cookies_per_call=True,
        user_agent="apikit-catalog",
    )
    session.headers["Accept"] = "application/json"
    return session


def ask(session: Session, service: Service) -> Answer:
    """Return what a service says; a failure of any kind is an answer too.

    Parameters
    ----------
    session
        From `make_session`.
    service
        Whom to ask.
    """
    started = time.monotonic()
    state, metadata, reason = State.DOWN, None, ""
    try:
        response = session.get(service.metadata)
        if response.status_code == HTTPStatus.OK:
            state = State.INVALID
        metadata = _read(response, service.metadata)
        state = State.UP
    except (RequestException, ValueError) as failure:
        if isinstance(failure, BodyTooLarge):
            state = State.INVALID
        reason = _printable(_explain(failure, session))
    return Answer(state, metadata, reason, time.monotonic() - started)


def _read(response: Response, asked: str) -> Metadata:
    if response.status_code != HTTPStatus.OK:
        raise ValueError(f"it answers {response.status_code} {response.reason}".rstrip())
    kind = response.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    if kind != "application/json" and not kind.endswith("+json"):
        moved = f", after a redirect to {response.url}" if response.url != asked else ""
        raise ValueError(f"it sends {kind or 'an unknown type'} in place of JSON{moved}")
    try:
        document = response.json()
    except (ValueError, RecursionError):
        raise ValueError("what it sends is no JSON") from None
    return Metadata.of(document)


def _explain(failure: Exception, session: Session) -> str:
    match failure:
        case Timeout():
            return f"it did not answer within {session.deadline:g} s"
        case BodyTooLarge():
            return f"its answer has more than {_MOST_BYTES} bytes"
        case TooManyRedirects():
            return f"it redirects more than {_MOST_REDIRECTS} times"
        case RequestException():
            return f"{type(failure).__name__}: {failure}"
        case _:
            return str(failure)


def _printable(text: str) -> str:
    """Return a text for a page or a terminal: a server may have put anything into it."""
    cut = text[:_LONGEST_REASON]
    return "".join(character if character.isprintable() else "?" for character in cut)

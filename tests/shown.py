"""What Python shows of a secret: texts, frames, pickles and log lines, and where it is in them."""

from __future__ import annotations

import base64
import copy
import json
import logging
import pickle
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Protocol
from urllib.parse import quote, quote_plus

import structlog

from apikit import get_logger

__all__ = ["Captured", "leaks_in", "logging_all", "spellings", "texts_of"]


class Captured(Protocol):
    """What was written to standard output and error, as pytest's ``capsys`` has it."""

    def readouterr(self) -> Sequence[str]:
        """Return both since the last time."""
        ...


def spellings(secret: str) -> set[str]:
    """Return a secret as texts may have it."""
    pair = base64.b64encode(f"ann:{secret}".encode()).decode()
    return {
        secret,
        repr(secret)[1:-1],
        repr(secret.encode())[2:-1],
        json.dumps(secret)[1:-1],
        quote(secret),
        quote_plus(secret),
        pair,
        pair[-20:],
    }


def leaks_in(text: str, secret: str) -> list[str]:
    """Return where a text has the secret."""
    return [
        text[max(0, place - 80) : place + 80]
        for spelling in spellings(secret)
        if (place := text.find(spelling)) >= 0
    ]


def texts_of(exception: BaseException) -> Iterator[str]:
    """Yield all that an exception and its causes show, locals and pickles included."""
    seen: list[BaseException | None] = []
    current: BaseException | None = exception
    while current is not None and current not in seen:
        seen.append(current)
        yield f"{current} {current!r} {current.args!r} {vars(current)!r}"
        yield from _frames_of(current)
        if not isinstance(current, UnicodeError):
            yield repr(pickle.dumps(current)) + pickle.dumps(current, 0).decode("latin-1")
            yield repr(copy.copy(current))
        current = current.__cause__ or current.__context__


def _frames_of(exception: BaseException) -> Iterator[str]:
    """Yield the frames with their locals, but for those of the tests, who know the password."""
    shown = traceback.TracebackException.from_exception(exception, capture_locals=True)
    for frame in shown.stack:
        if "/tests/" not in frame.filename:
            yield f"{frame.filename}:{frame.lineno} {frame.locals}"


@contextmanager
def logging_all(captured: Captured) -> Iterator[Callable[[], str]]:
    """Let everything be logged, by structlog's lines too; yield what returns what was."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    get_logger(level="debug")
    try:
        yield lambda: "".join(captured.readouterr())
    finally:
        root.handlers[:] = handlers
        root.setLevel(level)
        structlog.reset_defaults()

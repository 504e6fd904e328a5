"""Joining a base URL and a path that may hold what a caller sent."""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import unquote, urlsplit

from apikit import _core

__all__ = ["check_base", "join"]

#: Beyond printable text, and what other programs take for a slash.
_NEVER: Final = re.compile(r"[\x00-\x1f\x7f\\]")
#: "." and "..", also with the parameters (";x") that some servers cut off.
_DOTS: Final = re.compile(r"\.{1,2}(?:;.*)?", re.DOTALL)
#: How often the encoding of a path is undone: one with more layers nobody needs, and each
#: costs a walk over it.
_MOST_LAYERS: Final = 8


def check_base(url: str, what: str = "base_url") -> str:
    """Return the URL of a server, to which paths can be joined.

    Parameters
    ----------
    url
        Of http or https, with a path or without.
    what
        What it is called in messages.

    Raises
    ------
    TypeError
        If it is no string.
    ValueError
        If it is no such URL, or has a user, a query or a fragment.
    """
    if not isinstance(url, str):
        raise TypeError(f"{what} must be a URL, not {type(url).__name__}")
    normal = _core.normalize_url(url)  # raises what is a ValueError
    parts = urlsplit(normal)
    if "@" in parts.netloc or "?" in normal or "#" in normal:
        raise ValueError(
            f"{what} must be scheme, host and path, with neither user nor query nor fragment"
        )
    return normal.rstrip("/")


def join(base: str, path: str) -> str:
    """Return the URL of a path below a base.

    Parameters
    ----------
    base
        From `check_base`.
    path
        With a slash in front or without.  It stays below the base, whatever it holds.

    Raises
    ------
    TypeError
        If it is no string.
    ValueError
        If it has ``..``, ``.``, ``//``, a backslash or a control character, percent-encoded
        or not, or a query or fragment, or is encoded again and again.
    """
    if not isinstance(path, str):
        raise TypeError(f"path must be a str, not {type(path).__name__}")
    if "?" in path or "#" in path:
        raise ValueError(
            "the path has a '?' or '#': give a query as params=, and quote what callers sent"
        )
    below = path.removeprefix("/")
    plain = _decode(below)
    segments = plain.split("/")
    if _NEVER.search(plain) or "" in segments[:-1] or any(map(_DOTS.fullmatch, segments)):
        raise ValueError(
            "the path has a segment that is empty or of dots, a backslash or a control character: "
            "it must lead to below the base URL"
        )
    return f"{base}/{below}" if below or path else base


def _decode(path: str) -> str:
    """Undo percent-encoding, as often as somebody could."""
    for _ in range(_MOST_LAYERS):
        before, path = path, unquote(path)
        if path == before:
            return path
    raise ValueError("the path is percent-encoded again and again: encode what callers sent once")

"""What headers and bodies say in words: charsets, JSON's encodings, links."""

from __future__ import annotations

import codecs
import functools
import re
from collections.abc import Callable, Mapping
from typing import Any, Final, cast

__all__ = ["charset_of", "guess_charset", "guess_json_charset", "is_charset", "parse_links"]

_QUOTES: Final = "\"' "

#: RFC 2978, 2.3.  Python keeps each name that it has ever looked for, also in vain.
_NAME: Final = re.compile(r"[!-~]{1,40}")
#: Python's codecs that are no charsets; to decode by "punycode" takes the square of the size.
_NO_CHARSETS: Final = frozenset(
    {"idna", "punycode", "raw-unicode-escape", "undefined", "unicode-escape"}
)

#: Byte order marks by which JSON shows its encoding, the longer before the shorter.
_MARKS: Final = (
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
#: Where the zeros are among the first four bytes of JSON, which are of two ASCII
#: characters or more (RFC 4627, section 3).
_ZEROS: Final = {
    (): "utf-8",
    (0, 2): "utf-16-be",
    (1, 3): "utf-16-le",
    (0, 1, 2): "utf-32-be",
    (1, 2, 3): "utf-32-le",
}


def charset_of(content_type: str | None) -> str | None:
    """Return the charset that a Content-Type header names or implies.

    Parameters
    ----------
    content_type
        The header's value, or None.

    Returns
    -------
    str or None
        As written, known to Python or not; ISO-8859-1 for text and utf-8 for JSON
        without one, as requests has it; else None.
    """
    if not content_type:
        return None
    kind, *parameters = content_type.split(";")
    charset = None
    for parameter in parameters:
        name, equals, value = parameter.strip().partition("=")
        if equals and name.strip(_QUOTES).lower() == "charset":
            charset = value.strip(_QUOTES)
    if charset is not None:
        return charset
    if "text" in kind:
        return "ISO-8859-1"
    return "utf-8" if "application/json" in kind else None


def is_charset(name: str) -> bool:
    """Whether a server may name this charset: Python has it, and it is one of texts.

    Parameters
    ----------
    name
        From `charset_of`.
    """
    try:
        return bool(_NAME.fullmatch(name)) and codecs.lookup(name).name not in _NO_CHARSETS
    except LookupError:
        return False


def guess_charset(content: bytes) -> str | None:
    """Guess the charset of bytes that nobody named one for.

    Parameters
    ----------
    content
        A body.

    Returns
    -------
    str or None
        By chardet or charset_normalizer, if one is installed, as in requests; else
        utf-8 if the bytes are that, and windows-1252 if not.
    """
    detect = _detector()
    if detect is None:
        return _guess_alone(content)
    encoding: str | None = detect(content)["encoding"]
    return encoding


@functools.cache
def _detector() -> Callable[[bytes], Mapping[str, Any]] | None:
    """Return the guesser that is installed; looked for once, since to look in vain is dear."""
    try:
        from chardet import detect  # type: ignore[import-not-found, unused-ignore]
    except ImportError:
        try:
            from charset_normalizer import detect
        except ImportError:
            return None
    return cast("Callable[[bytes], Mapping[str, Any]]", detect)


def _guess_alone(content: bytes) -> str:
    try:
        content.decode()
    except UnicodeDecodeError:
        return "windows-1252"
    return "utf-8"


def guess_json_charset(content: bytes) -> str | None:
    """Return the encoding of JSON, by its first four bytes.

    Parameters
    ----------
    content
        A body of four bytes or more.

    Returns
    -------
    str or None
        One of the UTF family, or None for what is none.
    """
    for mark, charset in _MARKS:
        if content.startswith(mark):
            return charset
    zeros = tuple(place for place, byte in enumerate(content[:4]) if byte == 0)
    return _ZEROS.get(zeros)


def parse_links(value: str) -> list[dict[str, str]]:
    """Return the links of a Link header (RFC 8288), as requests does.

    Parameters
    ----------
    value
        The header's value.

    Returns
    -------
    list of dict
        Each with ``url`` and its parameters.
    """
    links = []
    value = value.strip(_QUOTES)
    for part in re.split(", *<", value) if value else ():
        url, _, parameters = part.partition(";")
        link = {"url": url.strip(f"<>{_QUOTES}")}
        for parameter in parameters.split(";"):
            pieces = parameter.split("=")
            if len(pieces) != 2:
                break
            link[pieces[0].strip(_QUOTES)] = pieces[1].strip(_QUOTES)
        links.append(link)
    return links

"""What a store holds of a log-in, and the JSON that it is written in."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any, Final

__all__ = ["Cookie", "Entry", "Found", "Record", "Refusal", "read_record", "write_record"]

#: A cookie as a `CookieJar` pickles it: name, value, domain, path, expires, secure, whether it
#: is for HTTP only and whether for its host only.
Cookie = tuple[str, str, str, str, int | None, bool, bool, bool]

_FORMAT: Final = 1
#: The last second that a date may be.
_LATEST: Final = 2**62
_COOKIE: Final = (str, str, str, str, int | None, bool, bool, bool)


@dataclass(frozen=True)
class Entry:
    """A log-in that was good.

    Attributes
    ----------
    serial
        Which log-in of this user it is: the next one's is higher, whoever makes it.
    got
        When it was made, in seconds since the epoch.
    expires
        When it is to be made anew.
    cookies
        Those of the proxy and those of the provider; not in the repr.
    """

    serial: int
    got: float
    expires: float
    cookies: tuple[Cookie, ...] = field(repr=False)


@dataclass(frozen=True)
class Refusal:
    """That the provider refused a password.

    Attributes
    ----------
    until
        When it may be tried again, in seconds since the epoch.
    message
        Why, in words.
    """

    until: float
    message: str


Record = Entry | Refusal


@dataclass(frozen=True)
class Found:
    """What a store says of a key, all of the same moment.

    Attributes
    ----------
    pulse
        What `Store.pulse` returns; None if the store could not be asked.
    marks
        What `Store.marks` returns of the owner; None if the store could not be asked.
    record
        The last log-in, or that the password was refused; None if there is nothing, or
        nothing that counts.
    """

    pulse: str | None = None
    marks: str | None = None
    record: Record | None = None


def write_record(record: Record, marks: str) -> bytes:
    """Return a record as JSON.

    Parameters
    ----------
    record
        What is to be kept.
    marks
        Those of the owner when the log-in began.
    """
    fields: dict[str, Any] = {"format": _FORMAT, "marks": marks}
    if isinstance(record, Entry):
        fields |= {"serial": record.serial, "got": record.got, "expires": record.expires}
        fields["cookies"] = record.cookies
    else:
        fields |= {"until": record.until, "message": record.message}
    return json.dumps(fields, allow_nan=False).encode()


def read_record(text: bytes) -> tuple[Record, str]:
    """Return a record and its marks.

    Parameters
    ----------
    text
        What `write_record` returned, or anything else.

    Raises
    ------
    ValueError
        If it is anything else; the error does not show it.
    """
    try:
        fields = json.loads(text)
    except (ValueError, RecursionError):
        fields = None
    if not isinstance(fields, dict) or fields.get("format") != _FORMAT:
        raise ValueError("the record is not one of this version") from None
    marks = _field(fields, "marks", str)
    if "until" in fields:
        return Refusal(_seconds(fields, "until"), _field(fields, "message", str)), marks
    entry = Entry(
        serial=_field(fields, "serial", int),
        got=_seconds(fields, "got"),
        expires=_seconds(fields, "expires"),
        cookies=tuple(map(_read_cookie, _field(fields, "cookies", list))),
    )
    return entry, marks


def _field(fields: dict[str, Any], name: str, kind: type) -> Any:
    value = fields.get(name)
    if type(value) is not kind:  # JSON's true is no number
        raise ValueError(f"the record has no proper {name}")
    return value


def _seconds(fields: dict[str, Any], name: str) -> float:
    value: Any = fields.get(name)
    if type(value) in (int, float) and abs(value) < _LATEST:
        return float(value)
    raise ValueError(f"the record has no proper {name}")


def _read_cookie(row: Any) -> Cookie:
    if not isinstance(row, list) or len(row) != len(_COOKIE):
        raise ValueError("the record has a cookie that is none")
    for value, kind in zip(row, _COOKIE, strict=True):
        if isinstance(value, bool) is not (kind is bool) or not isinstance(value, kind):
            raise ValueError("the record has a cookie that is none")
    if row[4] is not None and abs(row[4]) > _LATEST:
        raise ValueError("the record has a cookie with a date that is none")
    cookie: Any = tuple(row)
    return cookie  # type: ignore[no-any-return]

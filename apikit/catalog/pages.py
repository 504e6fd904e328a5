"""What people read of the catalog: a record in the words of the page."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import urlsplit

from apikit.catalog.records import Record

__all__ = ["Row", "is_web_address", "rows_of"]

_UNITS = ((86400, "d"), (3600, "h"), (60, "min"))


@dataclass(frozen=True, slots=True)
class Row:
    """A line of the table.

    Attributes
    ----------
    record
        Where it is from.
    name
        The service's: see `Record.name`.
    repository
        To be a link; "" if what the service calls so is no web address.
    latency, age
        With their units; "" if there is none.
    seen
        When the service answered last, for ``<time>``.
    """

    record: Record
    name: str
    repository: str
    latency: str
    age: str
    seen: str


def rows_of(records: Iterable[Record], now: float) -> list[Row]:
    """Return the lines of the table.

    Parameters
    ----------
    records
        What is known.
    now
        Seconds since 1970.
    """
    return [_row_of(record, now) for record in records]


def is_web_address(text: str) -> bool:
    """Say whether a link may lead there: ``javascript:`` and the like are no addresses.

    Parameters
    ----------
    text
        What a service said.
    """
    try:
        parts = urlsplit(text)
        return parts.scheme in ("http", "https") and bool(parts.hostname)
    except ValueError:
        return False


def _row_of(record: Record, now: float) -> Row:
    metadata = record.metadata
    repository = "" if metadata is None else metadata.repository
    return Row(
        record,
        record.name,
        repository if is_web_address(repository) else "",
        "" if record.latency is None else f"{record.latency * 1000:.0f} ms",
        "" if record.seen is None else _age(now - record.seen),
        "" if record.seen is None else datetime.fromtimestamp(record.seen, UTC).isoformat(),
    )


def _age(seconds: float) -> str:
    for size, unit in _UNITS:
        if seconds >= size:
            return f"{seconds // size:.0f} {unit}"
    return f"{max(0, seconds):.0f} s"

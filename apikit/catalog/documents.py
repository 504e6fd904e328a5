"""What programs read of the catalog."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from apikit.catalog.pages import is_web_address
from apikit.catalog.records import Record
from apikit.catalog.settings import Settings

__all__ = ["linkset_of", "services_of"]


def services_of(settings: Settings, records: Iterable[Record]) -> dict[str, Any]:
    """Return all that is known, with times and not ages, so that it changes only with them.

    Parameters
    ----------
    settings
        For the title.
    records
        What is known.

    Returns
    -------
    dict
        ``title``, ``description`` and the list ``services``; each has ``url``,
        ``metadata_url``, ``name``, ``state`` ("up", "down", "invalid" or "unknown"),
        ``reason`` (why it is not up),
        ``latency`` (seconds), ``checked`` and ``seen`` (when it was asked, and when it
        answered; RFC 3339) and ``metadata``, its six fields or None.
    """
    return {
        "title": settings.title,
        "description": settings.description,
        "services": [
            {
                "url": record.service.url,
                "metadata_url": record.service.metadata,
                "name": record.name,
                "state": record.state,
                "reason": record.reason,
                "latency": None if record.latency is None else round(record.latency, 6),
                "checked": _moment(record.checked),
                "seen": _moment(record.seen),
                "metadata": None if record.metadata is None else asdict(record.metadata),
            }
            for record in records
        ],
    }


def linkset_of(here: str, records: Iterable[Record]) -> dict[str, Any]:
    """Return the catalog as a set of links (RFC 9727, RFC 9264).

    Parameters
    ----------
    here
        The catalog's own URL.
    records
        What is known; services that never answered are in it too.

    Returns
    -------
    dict
        For each service its metadata (``service-meta``, RFC 8631) and, if it said it, its
        repository (``service-doc``).
    """
    records = list(records)
    items = [
        {
            "href": record.service.url,
            **({"title": record.name} if record.name != record.service.url else {}),
        }
        for record in records
    ]
    return {"linkset": [{"anchor": here, "item": items}, *map(_links_of, records)]}


def _links_of(record: Record) -> dict[str, Any]:
    links: dict[str, Any] = {
        "anchor": record.service.url,
        "service-meta": [{"href": record.service.metadata, "type": "application/json"}],
    }
    if record.metadata is not None and is_web_address(record.metadata.repository):
        links["service-doc"] = [{"href": record.metadata.repository}]
    return links


def _moment(seconds: float | None) -> str | None:
    if seconds is None:
        return None
    return datetime.fromtimestamp(round(seconds), UTC).isoformat().replace("+00:00", "Z")

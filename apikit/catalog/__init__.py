"""The front page of a family of services: who they are, and which of them answer.

`create_app` makes a Flask application that asks each service for its metadata in the
background and shows what it knows: a page for people, JSON, and the API catalog of
RFC 9727 for programs.  ``python -m apikit catalog services.toml`` serves it.
"""

from __future__ import annotations

from apikit.catalog.app import create_app
from apikit.catalog.poller import Poller
from apikit.catalog.records import Metadata, Record, State
from apikit.catalog.settings import Service, Settings, read_settings

__all__ = [
    "Metadata",
    "Poller",
    "Record",
    "Service",
    "Settings",
    "State",
    "create_app",
    "read_settings",
]

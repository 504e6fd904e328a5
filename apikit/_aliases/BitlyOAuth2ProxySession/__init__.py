# ruff: noqa: N999 (the name is the original's)
"""The import name of bitly-oauth2-proxy-session: ``Session.Session`` is the class."""

from __future__ import annotations

from . import Session

__all__ = ["Session"]

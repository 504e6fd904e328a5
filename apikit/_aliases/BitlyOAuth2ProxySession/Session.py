# ruff: noqa: N999 (the name is the original's)
"""The module that services import `apikit.Session` from by its old name."""

from __future__ import annotations

from apikit.session import Session

__all__ = ["Session"]

"""What ``python -m apikit doctor`` finds out, a module for each kind of thing.

Each part returns what it found, and adds to the problems what is wrong and what to do.  Nothing
here shows a secret: URLs are masked, and no text of another library is passed on that could hold
one.
"""

from __future__ import annotations

from apikit._doctor.report import Report

__all__ = ["Report"]

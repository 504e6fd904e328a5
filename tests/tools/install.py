"""Builds apikit and installs it into the checkout's environment, if anything changed."""

from __future__ import annotations

import sys

from tests.tools.builds import install_into, own_python, wheel
from tests.tools.project import Refusal

__all__ = ["install"]


def install() -> None:
    """Bring the installed apikit up to date with the checkout."""
    install_into(own_python(), wheel())


if __name__ == "__main__":
    try:
        install()
    except Refusal as refusal:
        sys.exit(f"dev: {refusal}")

"""A user name and a password that no traceback shows."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Final

__all__ = ["Credentials"]

_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f]")
_MOST_BYTES: Final = {"username": 1024, "password": 16 * 1024}


@dataclass(frozen=True, slots=True)
class Credentials:
    """Whose they are, and the secret; a frame holds this rather than the password itself.

    Attributes
    ----------
    username
        Who logs in.
    password
        Not in the repr.
    """

    username: str
    password: str = field(repr=False)

    def check(self) -> None:
        """Refuse what no log-in form and no Basic credentials can carry (RFC 7617, section 2).

        Raises
        ------
        TypeError
            If either is no string.
        ValueError
            If one is empty, too long, not UTF-8 or has a control character, or there is a
            colon in the user name.
        """
        for name, most in _MOST_BYTES.items():
            if not isinstance(getattr(self, name), str):
                raise TypeError(f"{name} must be a str, not {type(getattr(self, name)).__name__}")
            if not getattr(self, name):
                raise ValueError(f"{name} must not be empty")
            if _size(getattr(self, name)) > most:
                raise ValueError(f"{name} must have at most {most} bytes, all of them UTF-8")
            if _CONTROL.search(getattr(self, name)):
                raise ValueError(f"{name} must not have a control character")
        if ":" in self.username:
            raise ValueError("username must not have a colon")

    def pair(self) -> tuple[str, str]:
        """Return both, as ``auth=`` of a session takes them."""
        return self.username, self.password


def _size(text: str) -> float:
    """Return the bytes that it takes; more than any bound for what cannot be encoded."""
    try:
        return len(text.encode())
    except UnicodeEncodeError:
        return float("inf")

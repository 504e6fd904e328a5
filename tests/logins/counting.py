"""What came to the doors, in numbers: passwords, codes, log-ins and grants."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import parse_qs

from tests.servers import Event

__all__ = ["Count", "count"]

_CODES = frozenset({"otp", "app_otp"})
_HALF_WAY = ("two-factor", "verified-device", "UPDATE_PASSWORD")


@dataclass(frozen=True)
class Count:
    """Numbers of requests.

    Attributes
    ----------
    passwords, codes
        Forms that held one.
    logins
        Those after which the provider let the client go on.
    grants
        Tokens that were given for a password, without a form.
    """

    passwords: int = 0
    codes: int = 0
    logins: int = 0
    grants: int = 0

    def __sub__(self, other: Count) -> Count:
        return Count(
            self.passwords - other.passwords,
            self.codes - other.codes,
            self.logins - other.logins,
            self.grants - other.grants,
        )

    def __str__(self) -> str:
        words = {
            "log-in": self.logins,
            "grant": self.grants,
            "password": self.passwords,
            "code": self.codes,
        }
        return ", ".join(
            f"{number} {word}{'s' if number != 1 else ''}"
            for word, number in words.items()
            if number or word == "log-in"
        )


def count(requests: Iterable[tuple[Event, str]]) -> Count:
    """Count the forms among requests, each given with its whole text."""
    passwords = codes = logins = grants = 0
    for event, text in requests:
        if event.method != "POST":
            continue
        fields = parse_qs(text.rpartition("\n\n")[2], keep_blank_values=True)
        if event.path.endswith("/token"):
            grants += fields.get("grant_type") == ["password"] and event.status == 200
            continue
        has_code = bool(_CODES & fields.keys())
        passwords += "password" in fields
        codes += has_code
        if "password" in fields or has_code:
            onward = 300 <= event.status < 400
            logins += onward and not any(word in str(event.location) for word in _HALF_WAY)
    return Count(passwords, codes, logins, grants)

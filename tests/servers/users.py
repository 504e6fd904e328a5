"""The accounts that the scripted provider knows."""

from __future__ import annotations

import enum
from dataclasses import dataclass

__all__ = [
    "ANN",
    "BOB",
    "CORA",
    "CROWD",
    "DORA",
    "RITA",
    "TESS",
    "USERS",
    "ZOE",
    "Hurdle",
    "User",
]


class Hurdle(enum.Enum):
    """What stands between the right password and the proxy."""

    NONE = "none"
    TWO_FACTOR = "two-factor"
    DEVICE = "device"
    CONSENT = "consent"
    RATE_LIMIT = "rate limit"


@dataclass(frozen=True)
class User:
    """An account of the provider."""

    name: str
    password: str
    hurdle: Hurdle = Hurdle.NONE
    code: str = ""

    @property
    def email(self) -> str:
        """The account's one e-mail address."""
        return f"{self.name}@example.org"


ANN = User("ann", "tiger-lily")
BOB = User("bob", "with:two:colons")
ZOE = User("zoe", "pässwörd ✓ 100% & a+b=c")
TESS = User("tess", "two-steps", Hurdle.TWO_FACTOR, code="314159")
DORA = User("dora", "new-laptop", Hurdle.DEVICE, code="271828")
CORA = User("cora", "ask-me-first", Hurdle.CONSENT)
RITA = User("rita", "too-often", Hurdle.RATE_LIMIT)

#: Two hundred without a hurdle, for proofs that need many.
CROWD = tuple(User(f"user{number:03}", f"pass-{number:03}-word") for number in range(200))

USERS = {user.name: user for user in (ANN, BOB, ZOE, TESS, DORA, CORA, RITA, *CROWD)}

"""Secrets that came to an origin which they are not for."""

from __future__ import annotations

import enum
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from tests.prove.canary_net import Received
from tests.servers import Server, fetch_requests

__all__ = ["Leaks", "Secret", "Thing", "find_leaks"]


class Thing(enum.Enum):
    """What is secret."""

    PASSWORD = "password"
    CODE = "code"
    TOKEN = "token"


@dataclass(frozen=True)
class Secret:
    """A secret, and the port of the one origin that may see it."""

    thing: Thing
    text: str
    home: int


@dataclass(frozen=True)
class Leaks:
    """What was found.

    Attributes
    ----------
    strangers
        Requests that came to an origin which is neither the proxy nor the provider.
    requests
        All requests that were looked at.
    found
        How many of them held a secret that was not for them.
    mixed
        How many held a cookie beside an Authorization.
    """

    strangers: int = 0
    requests: int = 0
    found: tuple[tuple[Thing, int], ...] = tuple((thing, 0) for thing in Thing)
    mixed: int = 0

    def __add__(self, other: Leaks) -> Leaks:
        found = tuple(
            (thing, mine + theirs)
            for (thing, mine), (_, theirs) in zip(self.found, other.found, strict=True)
        )
        return Leaks(
            self.strangers + other.strangers,
            self.requests + other.requests,
            found,
            self.mixed + other.mixed,
        )

    def __str__(self) -> str:
        what = ", ".join(f"{number} {thing.value}s" for thing, number in self.found)
        return (
            f"{what} where they do not belong, {self.mixed} cookies beside a header, in "
            f"{self.requests} requests, {self.strangers} of them to other origins"
        )

    @property
    def is_clean(self) -> bool:
        """Whether nothing was found."""
        return self.mixed == 0 and not any(number for _, number in self.found)


def find_leaks(canary: Server, others: Iterable[Server], secrets: Iterable[Secret]) -> Leaks:
    """Look for secrets in all that came to some servers.

    Parameters
    ----------
    canary : `Server`
        A recorder that none is for.
    others : iterable of `Server`
        Recorders before the proxy and the provider.
    secrets : iterable of `Secret`
        What to look for.
    """
    unique = frozenset(secrets)
    number: Counter[Thing] = Counter()
    requests = mixed = 0
    strangers = len(fetch_requests(canary))
    for server in {server.port: server for server in (canary, *others)}.values():
        for _, text in fetch_requests(server):
            requests += 1
            mixed += "\nCookie: " in text and "\nAuthorization: " in text
            received = Received(server.name, text.encode("latin-1", "replace"))
            astray = (one for one in unique if one.home != server.port)
            number.update({one.thing for one in astray if _holds(received, one)})
    return Leaks(strangers, requests, tuple((thing, number[thing]) for thing in Thing), mixed)


def _holds(received: Received, secret: Secret) -> bool:
    if secret.thing is not Thing.CODE:
        return received.holds(secret.text)
    # Six digits may stand by chance within a cookie or a nonce.
    pattern = rb"(?<![0-9A-Za-z])" + re.escape(secret.text.encode()) + rb"(?![0-9A-Za-z])"
    return re.search(pattern, received.raw) is not None

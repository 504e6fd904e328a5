"""What a pool keeps: sessions that are logged in, and passwords that were refused."""

from __future__ import annotations

import time
import weakref
from collections import OrderedDict
from dataclasses import dataclass
from itertools import islice
from typing import Final

from apikit._pooled import LoginError, PooledSession

__all__ = ["MOST_CONNECTED", "Kept", "Refused", "soonest"]

#: Sessions that keep the connections that they do not use just now, about: those that were
#: asked for last.  Each takes three descriptors, and as many from its log-in; a process has
#: often no more than 1024, and without one a service cannot even answer.
MOST_CONNECTED: Final = 100
#: How often a session is kept between two looks at that.
_TURNS: Final = 32


@dataclass(frozen=True)
class Refused:
    """That the provider refused this password of this user, until when that counts, and why."""

    owner: tuple[str, str]
    owner_key: bytes
    marks: str | None
    until: float
    message: str


class Kept:
    """The sessions and refusals of a pool, by key; whoever calls a method holds the pool's lock.

    A session that was evicted is found for as long as somebody uses it.

    Parameters
    ----------
    most
        Sessions, and refusals, that are kept; the least recently asked for make room.
    negative_ttl
        Seconds for which a refusal counts.

    Attributes
    ----------
    evictions
        How many sessions made room.
    """

    def __init__(self, most: int, negative_ttl: float) -> None:
        self.evictions = 0
        self._turns = 0
        self._most = most
        self._negative_ttl = negative_ttl
        #: What is kept, the most recently asked for last.
        self._recent: OrderedDict[bytes, PooledSession] = OrderedDict()
        #: That, and what was evicted and is in use still.
        self._alive: weakref.WeakValueDictionary[bytes, PooledSession] = (
            weakref.WeakValueDictionary()
        )
        self._refused: OrderedDict[bytes, Refused] = OrderedDict()

    def __len__(self) -> int:
        """Return how many sessions are kept."""
        return len(self._recent)

    def sessions(self) -> list[PooledSession]:
        """Return those that are kept or in use."""
        return list(self._alive.values())

    def everything(self) -> list[PooledSession | Refused]:
        """Return the sessions and the refusals."""
        return [*self._alive.values(), *self._refused.values()]

    def find(self, key: bytes) -> PooledSession | None:
        """Return the session of a key; not one that is too old, or whose log-in was lost."""
        session = self._alive.get(key)
        if session is None or self._drop_useless(session):
            return None
        self.keep(session)
        return session

    def check_refused(self, key: bytes) -> None:
        """Raise the refusal of a key, if there is one that counts."""
        refused = self._refused.get(key)
        if refused is not None and time.monotonic() < refused.until:
            raise LoginError(refused.message, "bad-credentials")

    def keep(self, session: PooledSession) -> None:
        """Keep a session, as the one that was asked for last."""
        self._alive[session.key] = self._recent[session.key] = session
        self._recent.move_to_end(session.key)
        if len(self._recent) > self._most:
            self._recent.popitem(last=False)
            self.evictions += 1
        self._turns += 1
        if len(self._recent) > MOST_CONNECTED and self._turns % _TURNS == 0:
            for one in islice(self._recent.values(), len(self._recent) - MOST_CONNECTED):
                one._close_idle()

    def refuse(self, session: PooledSession, failure: LoginError) -> None:
        """Remember how a log-in failed, if its password was refused."""
        if failure.state != "bad-credentials":
            return
        until = time.monotonic() + soonest(self._negative_ttl, session.lifetime)
        self._refused[session.key] = Refused(
            session.owner, session.owner_key, session.marks, until, str(failure)
        )
        if len(self._refused) > self._most:
            self._refused.popitem(last=False)

    def forget(self, one: PooledSession | Refused) -> None:
        """Forget what `everything` returned."""
        if isinstance(one, PooledSession):
            if self._alive.get(one.key) is one:
                self._drop(one.key)
            return
        for key in [key for key, refused in self._refused.items() if refused is one]:
            del self._refused[key]

    def forget_owner(self, owner: tuple[str, str]) -> None:
        """Forget all of a user."""
        for one in self.everything():
            if one.owner == owner:
                self.forget(one)

    def forget_all(self) -> None:
        """Forget everything."""
        self._recent.clear()
        self._alive.clear()
        self._refused.clear()

    def sweep(self) -> None:
        """Let go of what is too old or was refused, since nobody may ask for it again."""
        for session in list(self._recent.values()):
            self._drop_useless(session)
        now = time.monotonic()
        for key in [key for key, refused in self._refused.items() if refused.until <= now]:
            del self._refused[key]

    def _drop_useless(self, session: PooledSession) -> bool:
        """Let go of a session that is too old or was refused; say whether it was."""
        failure = session.failure()
        if failure is None and time.monotonic() < session.expires:
            return False
        if self._alive.get(session.key) is session:
            self._drop(session.key)
            if failure is not None:
                self.refuse(session, failure)
        return True

    def _drop(self, key: bytes) -> None:
        self._recent.pop(key, None)
        self._alive.pop(key, None)


def soonest(seconds: float, others: float | None) -> float:
    """Return the fewer seconds, if there are any others, and not less than 0."""
    return seconds if others is None else max(0.0, min(seconds, others))

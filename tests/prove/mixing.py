"""Promise: threads that mix the ways in never send one user's cookie with another's header."""

from __future__ import annotations

import base64
import random
import threading
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import apikit
from apikit import Session
from tests.prove.harness import Promise, Tally, Verdict
from tests.ways_world import Answer, Seen, World, running

__all__ = ["PROMISE", "prove"]

THREADS = 16
#: After so many requests the proxy forgets its cookies, and the function's token expires.
CHUNK = 500

_BOB = "Basic " + base64.b64encode(b"bob:s3cret").decode()
_CAROL = "Bearer carols.token"


class _Door:
    """A proxy that takes a header before a cookie, and answers with whom it took for the caller."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._lock = threading.Lock()
        self._token = 0
        self.counts: Counter[str] = Counter()

    def expire(self) -> None:
        """Forget the cookies, and the token that the function gave last."""
        self._world.lose()
        self._token += 1

    def fetch_token(self, user: str, password: str) -> str:
        """Be the function of ``login=``."""
        return f"Bearer daves.token.{self._token}"

    def answer(self, request: Seen) -> Answer | None:
        """Answer what is asked of the service; the rest is the world's."""
        # What is kept of requests would be all that grows.
        self._world.requests.clear()
        if request.authorization and request.cookie:
            with self._lock:
                self.counts["cookie beside a header"] += 1
        owners = {_BOB: "bob", _CAROL: "carol", self.fetch_token("", ""): "dave"}
        owner = owners.get(request.authorization)
        if owner is None and f"proxy={self._world.logins}" in request.cookie:
            owner = "ann"
        if request.path != "/api" or owner is None:
            return None
        return Answer(200, owner, "text/plain", (("GAP-Auth", owner),))


def _session(name: str, door: _Door, world: World) -> Session:
    if name == "ann":
        return world.session()
    ways: dict[str, tuple[str | Callable[[str, str], str], str]] = {
        "bob": ("basic", "s3cret"),
        "carol": ("bearer", "carols.token"),
        "dave": (door.fetch_token, "s3cret"),
    }
    login, secret = ways[name]
    return Session(name, secret, world.base_url, login=login)


def _ask(session: Session, url: str, name: str) -> str:
    try:
        answer = session.get(url)
    except apikit.errors.RequestException as failure:
        return type(failure).__name__
    if answer.status_code != 200:
        return f"status {answer.status_code}"
    return "right" if answer.text == name else "for another user"


def prove(tally: Tally, careless: str = "") -> Verdict:
    """Ask as four users by four ways, from sixteen threads.

    Parameters
    ----------
    tally
        How far the proof has come.
    careless
        A header that ann's session sends too, to see that the count finds it.
    """
    choices = random.Random(7)
    with running() as world, ExitStack() as stack, ThreadPoolExecutor(THREADS) as threads:
        door = _Door(world)
        world.before = door.answer
        sessions = {
            name: stack.enter_context(_session(name, door, world))
            for name in ("ann", "bob", "carol", "dave")
        }
        if careless:
            sessions["ann"].headers["Authorization"] = careless
        for chunk in tally.chunks(CHUNK):
            names = [choices.choice(list(sessions)) for _ in chunk]
            results = threads.map(
                lambda name: _ask(sessions[name], f"{world.proxy}/api", name), names
            )
            for result in results:
                tally.add(result)
            for what, count in door.counts.items():
                tally.counts[what] = tally[what] + count
            door.counts.clear()
            tally.counts["expiries"] = tally["expiries"] + 1
            door.expire()
    mixed, wrong = tally["cookie beside a header"], tally["for another user"]
    figure = (
        f"{mixed} cookies beside a header and {wrong} answers for another user in {tally.done}"
        f" requests of 4 users by 4 ways on {THREADS} threads: {tally['right']} right,"
        f" {tally['expiries']} expiries of all cookies and tokens"
    )
    return Verdict(figure, mixed == 0 and tally["right"] == tally.done)


PROMISE = Promise("mixing", "0 cookies beside another's header in 1e5", 100_000, prove)

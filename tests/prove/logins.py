"""Promise: one log-in for a user and one try of a wrong password, however many processes ask.

Two masters of four workers each serve a service on `Backend` behind oauth2-proxy and share a
store; 200 callers ask at once as one user: for the first time, after the proxy has lost all
sessions, with a wrong password, and while the process that logs in is killed.  At the last a
hundred threads of one process find the sessions of two users lost.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from apikit import SessionPool
from tests.prove.harness import Promise, Tally, Verdict
from tests.prove.logins_app import USER_HEADER
from tests.prove.logins_world import (
    CALLERS,
    LEASE,
    MASTERS,
    PATIENCE,
    WORKERS,
    Answers,
    Services,
    Site,
    run_services,
    run_site,
)
from tests.servers import CROWD, Kind, User, find_go

__all__ = ["PROMISE", "SCENES", "Scene", "prove"]

#: Seconds between two tries of the same wrong password.
NEGATIVE_TTL = 60
#: Seconds between two looks at the lock of another process, at most, and what a busy machine
#: may add to them.
LOOK = 0.4
LATE = 1.0
USERS_AT_ONCE = 2
CALLERS_OF_ONE = 100
FULL = 40


@dataclass(frozen=True)
class Scene:
    """Where the callers ask: at which masters, sharing what; or within one process."""

    program: str
    store: str = ""

    @property
    def name(self) -> str:
        """As the figure calls it."""
        return f"{self.program} on {self.store}" if self.store else self.program


ONE_PROCESS = Scene("one process")
SCENES = (
    Scene("gunicorn", "redis"),
    Scene("gunicorn", "sqlite"),
    Scene("uwsgi", "redis"),
    ONE_PROCESS,
)


class _Counter:
    """Counts under the names of a scene."""

    def __init__(self, tally: Tally, scene: Scene, site: Site) -> None:
        self._tally = tally
        self._scene = scene
        self._site = site

    def add(self, name: str, amount: int = 1) -> None:
        """Count."""
        self._tally.add(f"{self._scene.name}: {name}", amount)

    def most(self, name: str, amount: int) -> None:
        """Keep the highest."""
        name = f"{self._scene.name}: {name}"
        self._tally.counts[name] = max(self._tally[name], amount)

    def compare(self, name: str, counter: str, before: int, promised: int) -> None:
        """Count what the provider saw, and what it saw more or less than was promised."""
        seen = self._site.count(counter) - before
        self.add(name, seen)
        self.add("wrong", abs(seen - promised))

    def judge(self, answers: Answers, right: int, refused: int) -> None:
        """Count what callers were answered, and what they should not have been."""
        self.add("calls", CALLERS)
        self.add("wrong", abs(answers.right - right) + abs(answers.refused - refused))
        self.add("wrong", len(answers.others))


def _ask_workers(services: Services, site: Site, user: User, counter: _Counter) -> None:
    """Let the callers ask for the first time, after the loss, with a wrong password."""
    logins = site.count("logins")
    answers = services.call(user)
    counter.judge(answers, CALLERS, 0)
    counter.most("workers", len(answers.workers))
    counter.compare("log-ins", "logins", logins, 1)

    site.expire()
    grants = site.count("grants")
    counter.judge(services.call(user), CALLERS, 0)
    counter.compare("renewals", "grants", grants, 1)

    wrong = User(user.name, f"not-{user.password}")
    refused, begun = site.count("refused"), time.monotonic()
    for _ in range(2):
        counter.judge(services.call(wrong), 0, CALLERS)
    tries = site.count("refused") - refused
    counter.add("tries", tries)
    counter.add("wrong", max(0, tries - 1 - int((time.monotonic() - begun) / NEGATIVE_TTL)))


def _kill_leader(services: Services, site: Site, user: User, counter: _Counter) -> None:
    """Let the callers ask, and the process that logs in be killed."""
    logins = site.count("logins")
    answers, seconds = services.call_and_kill(user, site)
    counter.judge(answers, CALLERS - answers.lost, 0)
    counter.add("kills")
    counter.add("lost with their worker", answers.lost)
    counter.add("wrong", answers.right == 0)
    counter.most("milliseconds to the next log-in", round(min(seconds, 1e6) * 1000))
    counter.compare("log-ins after kills", "logins", logins, 1)


def _ask_in_one_process(site: Site, users: Sequence[User], counter: _Counter) -> None:
    """Let the threads of a process find the sessions of some users lost at the same time."""
    gate = threading.Barrier(len(users) * CALLERS_OF_ONE)
    with SessionPool(login_timeout=PATIENCE, timeout=PATIENCE) as pool:

        def ask(user: User) -> str | None:
            session = pool.get(
                site.endpoint, user.name, user.password, f"{site.provider.url}/session"
            )
            gate.wait(PATIENCE)
            return session.get(site.proxy.url).headers.get(USER_HEADER)

        callers = [user for user in users for _ in range(CALLERS_OF_ONE)]
        with ThreadPoolExecutor(len(callers)) as threads:
            for name, counts in (("log-ins", "logins"), ("renewals", "grants")):
                before = site.count(counts)
                answered = list(threads.map(ask, callers))
                asked = zip(callers, answered, strict=True)
                counter.add("wrong", sum(user.name != name for user, name in asked))
                counter.add("calls", len(callers))
                counter.compare(name, counts, before, len(users))
                site.expire()


def _play(scene: Scene, rounds: range, tally: Tally) -> None:
    with contextlib.ExitStack() as running:
        site = running.enter_context(run_site())
        counter = _Counter(tally, scene, site)
        if scene is ONE_PROCESS:
            for number in rounds:
                first = number * USERS_AT_ONCE % len(CROWD)
                _ask_in_one_process(site, CROWD[first : first + USERS_AT_ONCE], counter)
            return
        services = running.enter_context(run_services(site, scene.program, scene.store))
        for number in rounds:
            user, other = CROWD[2 * number % len(CROWD)], CROWD[(2 * number + 1) % len(CROWD)]
            _ask_workers(services, site, user, counter)
            _kill_leader(services, site, other, counter)


def prove(tally: Tally, scenes: Sequence[Scene] = SCENES) -> Verdict:
    """Let callers ask at once, and count what the provider sees.

    Parameters
    ----------
    tally
        How many rounds, over all scenes.
    scenes
        Where the callers ask.

    Returns
    -------
    Verdict
        Kept if the provider saw what was promised and all were answered as they should be.
        How long the others waited for a process that died is judged in a full run alone,
        since the machine of a shorter one may have other things to do.
    """
    rounds = max(1, tally.goal // len(scenes))
    for chunk in tally.chunks(rounds):
        _play(scenes[chunk.start // rounds % len(scenes)], chunk, tally)
    played = [scene for scene in scenes if tally[f"{scene.name}: calls"]]
    proxy = Kind.REAL if find_go() else Kind.STAND_IN
    figure = f"behind {proxy.value}" + "".join(f"\n  {_describe(scene, tally)}" for scene in played)
    wrongs = sum(tally[f"{scene.name}: wrong"] for scene in scenes)
    late = tally.goal >= FULL and any(
        tally[f"{scene.name}: milliseconds to the next log-in"] > 1000 * (LEASE + LOOK + LATE)
        for scene in scenes
    )
    return Verdict(figure, wrongs == 0 and not late and len(played) == len(scenes))


def _describe(scene: Scene, tally: Tally) -> str:
    def count(name: str) -> int:
        return tally[f"{scene.name}: {name}"]

    if scene is ONE_PROCESS:
        turns = count("calls") // (USERS_AT_ONCE * CALLERS_OF_ONE) // 2 * USERS_AT_ONCE
        return (
            f"{scene.name}: {CALLERS_OF_ONE} callers for each of {turns} users: "
            f"{count('log-ins')} log-ins, and {count('renewals')} after the loss of"
            f" {turns} sessions; {count('wrong')} wrong"
        )
    turns = count("kills")
    return (
        f"{scene.name}: {CALLERS} callers at {MASTERS} x {WORKERS} workers ({count('workers')}"
        f" answered), {turns} times: {count('log-ins')} log-ins, {count('renewals')} after"
        f" {turns} losses, {count('tries')} tries of {turns} wrong passwords,"
        f" {count('log-ins after kills')} after {turns} kills of who logged in, begun at most"
        f" {count('milliseconds to the next log-in') / 1000:.2f} s later by a lock of {LEASE:g} s;"
        f" {count('wrong')} wrong"
    )


PROMISE = Promise(
    "logins", "1 log-in for 200 callers at 8 workers, 1 try of a wrong password", FULL, prove
)

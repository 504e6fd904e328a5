"""The running worlds, and what comes of a scene in one of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from tests.servers import OAUTH2_PROXIES, GoProgram, Server

from .leaks import Leaks
from .scenes import SITUATIONS, Mode, Scene, Step, find_scene
from .worlds import Provider, World, obstacle_of, start_world

__all__ = ["Place", "Stages", "Take", "obstacle_at", "places", "play"]


@dataclass(frozen=True)
class Place:
    """A cell of the table."""

    provider: Provider
    program: GoProgram
    mode: Mode
    situation: str

    def __str__(self) -> str:
        return f"{self.provider.value}, {self.program.version}, {self.mode.value}, {self.situation}"


@dataclass(frozen=True)
class Take:
    """What came of a scene: its steps, or why there is none."""

    steps: tuple[Step, ...] = ()
    reason: str = ""

    @property
    def is_good(self) -> bool:
        """Whether all is as it must be."""
        return all(step.wanted == step.came for step in self.steps)

    @property
    def logins(self) -> int:
        """How many log-ins the provider counted, by its form or by a grant."""
        counts = (step.came.counts for step in self.steps)
        return sum(count.logins + count.grants for count in counts)

    @property
    def states(self) -> str:
        """How the log-ins stood, in order, each change once."""
        states = [step.came.reply.state for step in self.steps]
        return ", ".join(
            state for before, state in zip(["", *states], states, strict=False) if state != before
        )

    def faults(self) -> list[str]:
        """Return what is not as it must be."""
        wrong = (step for step in self.steps if step.wanted != step.came)
        return [f"wanted {step.wanted}, got {step.came}" for step in wrong]


def places() -> Iterator[Place]:
    """Yield all cells, those of a world one after the other."""
    for provider in Provider:
        for program in OAUTH2_PROXIES:
            for mode in Mode:
                for situation in SITUATIONS:
                    yield Place(provider, program, mode, situation)


def obstacle_at(place: Place) -> str | None:
    """Return why there cannot be such a world here, or None."""
    return obstacle_of(place.provider) or place.program.obstacle()


class Stages:
    """At most one world that asks its users if they agree, and one that does not.

    Use it as a context manager.

    Parameters
    ----------
    find_keycloak : callable
        Gives the door of one Keycloak for all its worlds.

    Attributes
    ----------
    leaks
        What was found in the worlds that were stopped.
    """

    def __init__(self, find_keycloak: Callable[[], Server]) -> None:
        self._find_keycloak = find_keycloak
        self._worlds: dict[bool, tuple[World, ExitStack]] = {}
        self.leaks: dict[Provider, Leaks] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.clear()

    def clear(self) -> None:
        """Stop the worlds, and look for what went astray in them."""
        for asks in list(self._worlds):
            self._stop(asks)

    def find(self, place: Place) -> World:
        """Return the world of a cell, running."""
        asks = place.situation == "consent" and place.provider is not Provider.GITHUB
        world = self._worlds[asks][0] if asks in self._worlds else None
        if world is not None and (world.provider, world.program) == (place.provider, place.program):
            return world
        self._stop(asks)
        keycloak = self._find_keycloak() if place.provider is Provider.KEYCLOAK else None
        running = ExitStack()
        world = running.enter_context(
            start_world(place.provider, place.program, asks=asks, keycloak=keycloak)
        )
        self._worlds[asks] = world, running
        return world

    def _stop(self, asks: bool) -> None:
        if asks in self._worlds:
            world, running = self._worlds.pop(asks)
            with running:
                found = world.leaks()
            self.leaks[world.provider] = self.leaks.get(world.provider, Leaks()) + found


def play(stages: Stages, place: Place) -> Take:
    """Play the scene of a cell."""
    scene = find_scene(place.provider, place.mode, place.situation)
    if isinstance(scene, str):
        return Take(reason=scene)
    return Take(tuple(scene(Scene(stages.find(place), place.mode))))

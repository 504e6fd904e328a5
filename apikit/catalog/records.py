"""What the catalog knows of a service."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from enum import StrEnum
from typing import Any, Self

from apikit.catalog.settings import Service

__all__ = ["Answer", "Metadata", "Record", "State"]

#: A text of a service's metadata has no more characters.
_LONGEST = 2000


class State(StrEnum):
    """Whether a service answers, and with its metadata: if not with that, it is invalid."""

    UNKNOWN = "unknown"
    UP = "up"
    DOWN = "down"
    INVALID = "invalid"


@dataclass(frozen=True, slots=True)
class Metadata:
    """The six fields that a service publishes (technote, "Metadata")."""

    name: str
    version: str
    description: str
    repository: str
    api_version: str
    auth: str

    @classmethod
    def of(cls, document: object) -> Self:
        """Check what a service sent.

        Parameters
        ----------
        document
            Its JSON, decoded.

        Raises
        ------
        ValueError
            If it lacks a field, or one is no text: says which.
        """
        if not isinstance(document, Mapping):
            raise ValueError("the JSON is no object")
        return cls(**{field.name: _text_of(document, field.name) for field in fields(cls)})


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of asking a service once.

    Attributes
    ----------
    state
        What that makes of it.
    metadata
        What it said; None if it failed.
    reason
        Why it failed, or "".
    seconds
        How long it took.
    """

    state: State
    metadata: Metadata | None
    reason: str
    seconds: float


@dataclass(frozen=True, slots=True)
class Record:
    """What is known of a service, which is never changed but replaced.

    Attributes
    ----------
    service
        Which one.
    state
        Whether it answered when it was asked last.
    metadata
        Of its last good answer; None if there was none.
    seen
        When that came: seconds since 1970.
    latency
        How long it took, in seconds.
    checked
        When the service was asked last.
    reason
        Why the last answer was no good one; "" if it was.
    failures
        How many there were since.
    """

    service: Service
    state: State = State.UNKNOWN
    metadata: Metadata | None = None
    seen: float | None = None
    latency: float | None = None
    checked: float | None = None
    reason: str = ""
    failures: int = 0

    def after(self, answer: Answer, now: float) -> Record:
        """Return what is known once the service has been asked again.

        Parameters
        ----------
        answer
            What came of it.
        now
            When: seconds since 1970.
        """
        if answer.metadata is None:
            return replace(
                self,
                state=answer.state,
                checked=now,
                reason=answer.reason,
                failures=self.failures + 1,
            )
        return Record(self.service, answer.state, answer.metadata, now, answer.seconds, now)

    @property
    def name(self) -> str:
        """What to call it: by the settings, else as it calls itself, else by its URL."""
        own = "" if self.metadata is None else self.metadata.name
        return self.service.name or own or self.service.url


def _text_of(document: Mapping[str, Any], name: str) -> str:
    if name not in document:
        raise ValueError(f"{name!r} is missing")
    value = document[name]
    if not isinstance(value, str):
        raise ValueError(f"{name!r} is no text")
    if len(value) > _LONGEST:
        raise ValueError(f"{name!r} has more than {_LONGEST} characters")
    return value.encode(errors="replace").decode()

"""`CaseInsensitiveDict`: the headers of sessions, requests and answers."""
# ruff: noqa: D105 - the magic methods do what everybody expects

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, MutableMapping
from typing import Any, Final

from apikit import _core

__all__ = ["CaseInsensitiveDict"]

#: Whose values are credentials: not shown by `repr`.
_SECRET: Final = frozenset({"authorization", "proxy-authorization", "cookie", "set-cookie"})


class CaseInsensitiveDict(_core.Headers, MutableMapping[str, Any]):
    """A mapping that knows no case in its keys and keeps that of the last setting.

    It has the methods of requests' class of this name.  Case means that of ASCII
    letters; keys are `str`, values are what a header may be: `str`, `bytes`, or
    None for a default that is not to be sent.

    Parameters
    ----------
    data
        A mapping or pairs to begin with.
    **kwargs
        More of them.
    """

    __slots__ = ()

    def __init__(
        self,
        data: Mapping[str, Any] | Iterable[tuple[str, Any]] | None = None,
        **kwargs: Any,
    ) -> None:
        self.update(() if data is None else data, **kwargs)

    def lower_items(self) -> Iterator[tuple[str, Any]]:
        """Iterate over the pairs of lower-case key and value."""
        return ((key.lower(), value) for key, value in self.items())

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Mapping):
            return NotImplemented
        return dict(self.lower_items()) == {key.lower(): value for key, value in other.items()}

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        shown = {key: "***" if key.lower() in _SECRET else value for key, value in self.items()}
        return str(shown)

    def __reduce__(self) -> tuple[type, tuple[list[tuple[str, Any]]]]:
        return type(self), (list(self.items()),)

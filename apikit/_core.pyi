"""The C half of apikit, as the Python layer sees it."""

from collections.abc import Mapping
from typing import Any, NoReturn, Protocol, Self

class _HasStatus(Protocol):
    @property
    def status_code(self) -> int: ...
    @property
    def reason(self) -> str | None: ...
    @property
    def text(self) -> str | None: ...

def check_metadata(
    version: str,
    repository: str,
    description: str,
    api_version: str,
    name: str,
    auth: dict[str, Any] | str | None,
) -> dict[str, Any]: ...
def check_route(route: str | list[str] | None, /) -> None: ...
def expand_routes(route: str | list[str] | None, api_version: str) -> list[str]: ...
def dump_metadata(
    fields: tuple[object, object, object, object, object, object],
    /,
    *,
    sort_keys: bool = True,
    compact: bool = True,
    ensure_ascii: bool = True,
) -> bytes | None: ...

class BackendError(Exception):
    reason: str | None
    status_code: int
    content: str | bytes | None
    headers: Mapping[str, str] | None
    def __init__(
        self, reason: str, status_code: int | None = None, content: str | bytes | None = None
    ) -> None: ...
    def to_dict(self) -> dict[str, Any]: ...
    def __reduce__(self) -> tuple[Any, tuple[type[Self]], tuple[tuple[Any, ...], Any]]: ...
    def __setstate__(self, state: Any, /) -> None: ...

def raise_ise(text: str | bytes | Exception | None) -> NoReturn: ...
def raise_from_response(resp: _HasStatus) -> None: ...

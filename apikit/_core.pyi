"""The C half of apikit, as the Python layer sees it."""

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import timedelta
from types import TracebackType
from typing import Any, Literal, NoReturn, Protocol, Self, Unpack, final

from typing_extensions import disjoint_base

from apikit.cookies import CookieJar as _CookieJar
from apikit.models import PreparedRequest as _PreparedRequest
from apikit.response import Response as _Response
from apikit.session import CallOptions as _CallOptions
from apikit.structures import CaseInsensitiveDict as _CaseInsensitiveDict

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

@final
class KeptAnswer:
    def __new__(
        cls,
        app: object,
        status: str,
        headers: tuple[tuple[str, str], ...],
        body: bytes,
        *,
        types: tuple[type, ...],
        unchanged: tuple[dict[Any, Any], ...],
        entries: tuple[tuple[dict[Any, Any], object], ...],
        sizes: tuple[dict[Any, Any] | list[Any], ...],
        unless: tuple[str, ...],
    ) -> Self: ...
    def add_path(self, method: str, path: str, /) -> None: ...
    def holds(self, app: object, /) -> bool: ...

@disjoint_base
class MetadataCall:
    _kept_answer: KeptAnswer | None
    def __call__(self, *args: Any, **kwargs: Any) -> Any: ...
    def __getstate__(self) -> dict[str, Any]: ...

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

@disjoint_base
class Headers:
    def __new__(cls, *args: object, **kwargs: object) -> Self: ...
    def __len__(self) -> int: ...
    def __iter__(self) -> Iterator[str]: ...
    def __contains__(self, name: object, /) -> bool: ...
    def __getitem__(self, name: str, /) -> Any: ...
    def __setitem__(self, name: str, value: Any, /) -> None: ...
    def __delitem__(self, name: str, /) -> None: ...
    def get(self, key: str, default: Any = None, /) -> Any: ...
    def copy(self) -> Self: ...

_Row = tuple[str, str, str, str, int | None, bool, bool, bool]

@disjoint_base
class CookieJar:
    def __new__(cls, *args: object, **kwargs: object) -> Self: ...
    def __len__(self) -> int: ...
    @property
    def generation(self) -> int: ...
    def _set(
        self,
        name: bytes,
        value: bytes,
        domain: str,
        path: str,
        expires: int | None,
        secure: bool,
        http_only: bool,
        host_only: bool,
        /,
    ) -> None: ...
    def _take(self, set_cookie: bytes, url: str, now: int, /) -> None: ...
    def _header(self, url: str, now: int, /) -> bytes: ...
    def _rows(self) -> list[_Row]: ...
    def _remove(self, domain: str | None, path: str | None, name: bytes | None, /) -> int: ...
    def _expire(self, now: int, /) -> None: ...
    def _assign(self, other: CookieJar, /) -> None: ...

@disjoint_base
class Response:
    status_code: int
    reason: str
    url: str
    headers: _CaseInsensitiveDict
    history: list[_Response]
    elapsed: timedelta
    request: _PreparedRequest
    cookies: _CookieJar
    @property
    def head(self) -> bytes: ...
    @property
    def content(self) -> bytes: ...
    @property
    def is_stream(self) -> bool: ...
    @property
    def _is_consumed(self) -> bool: ...
    @property
    def _elapsed_ns(self) -> int: ...
    def _read(self, amount: int, /) -> bytes: ...
    def _restore(
        self,
        status: int,
        url: str,
        head: bytes,
        content: bytes,
        elapsed: int,
        history: list[Any],
        /,
    ) -> None: ...
    def close(self) -> None: ...

_Timeout = float | tuple[float | None, float | None] | None

class _Call(_CallOptions, total=False):
    auth: tuple[str | bytes, str | bytes] | list[str] | Callable[[Any], Any] | None

class _Get(_Call, total=False):
    data: Any
    json: Any

class _Post(_Call, total=False):
    params: Any

class _Put(_Post, total=False):
    json: Any

class _Delete(_Get, total=False):
    params: Any

@disjoint_base
class Session:
    headers: _CaseInsensitiveDict
    cookies: _CookieJar
    auth: Any
    params: Any
    proxies: Any
    hooks: Any
    verify: Any
    cert: Any
    timeout: _Timeout
    deadline: float | None
    stream: bool
    trust_env: bool
    max_redirects: int
    transport: Callable[[_PreparedRequest], bytes] | None
    oauth2_username: str | None
    authentication_base_url: str | None
    authentication_session_url: str | None
    def __init__(
        self,
        oauth2_username: str | None = None,
        oauth2_password: str | None = None,
        authentication_base_url: str | None = None,
        authentication_session_url: str | None = None,
        authentication_postdata: Mapping[str, Any] | None = None,
        *,
        timeout: _Timeout = (5, 30),
        max_body: int | None = ...,
        verify: Any = True,
        cert: Any = None,
        proxies: Mapping[str, str] | None = None,
        trust_env: bool = True,
        max_redirects: int = 30,
        user_agent: str | None = None,
        deadline: float | None = None,
        pool_maxsize: int = 64,
        pool_timeout: float | None = 30,
        cookies_per_call: bool = False,
        login: str = "github",
    ) -> None: ...
    def request(
        self,
        method: str,
        url: Any,
        params: Any = None,
        data: Any = None,
        headers: Mapping[str, str | bytes | None]
        | Iterable[tuple[str, str | bytes | None]]
        | None = None,
        cookies: Any = None,
        files: Any = None,
        auth: tuple[str | bytes, str | bytes] | list[str] | Callable[[Any], Any] | None = None,
        timeout: _Timeout = ...,
        allow_redirects: bool = True,
        proxies: Mapping[str, str] | None = None,
        hooks: Mapping[str, Any] | None = None,
        stream: bool | None = None,
        verify: bool | str | os.PathLike[str] | None = None,
        cert: str | tuple[str, str] | None = None,
        json: Any = None,
        *,
        deadline: float | None = ...,
    ) -> _Response: ...
    def get(self, url: Any, params: Any = None, **kwargs: Unpack[_Get]) -> _Response: ...
    def options(self, url: Any, **kwargs: Unpack[_Delete]) -> _Response: ...
    def head(self, url: Any, **kwargs: Unpack[_Delete]) -> _Response: ...
    def post(
        self, url: Any, data: Any = None, json: Any = None, **kwargs: Unpack[_Post]
    ) -> _Response: ...
    def put(self, url: Any, data: Any = None, **kwargs: Unpack[_Put]) -> _Response: ...
    def patch(self, url: Any, data: Any = None, **kwargs: Unpack[_Put]) -> _Response: ...
    def delete(self, url: Any, **kwargs: Unpack[_Delete]) -> _Response: ...
    def set_oauth2_password(self, password: str | None) -> None: ...
    def __copy__(self) -> NoReturn: ...
    def __deepcopy__(self, memo: Any, /) -> NoReturn: ...
    _logins: int
    _accepted: int
    _retries: Any
    _observer: Any
    def _fetch(self, url: Any, jar: _CookieJar, deadline: int, /) -> _Response: ...
    def _ask_proxy(
        self, url: str, headers: dict[str, str], auth: Any, jar: _CookieJar, deadline: int, /
    ) -> _Response: ...
    def _send_prepared(
        self,
        method: str,
        url: str,
        headers: _CaseInsensitiveDict,
        body: Any,
        context: tuple[_CookieJar, _CookieJar | None, int, int, int, int],
        stream: bool,
        timeout: _Timeout,
        verify: Any,
        cert: Any,
        proxies: Any,
        /,
    ) -> _Response: ...
    def _submit_login(
        self,
        action: str,
        page: str,
        fields: list[tuple[str, str | None]],
        username_index: int,
        password_index: int,
        jar: _CookieJar,
        deadline: int,
        /,
    ) -> _Response: ...
    def _fetch_token(self, function: Callable[..., Any], /) -> str | None: ...
    def _forget_identity(self) -> None: ...
    def close(self) -> None: ...
    def _close_idle(self) -> None: ...
    def __enter__(self) -> Self: ...
    def __exit__(
        self,
        kind: type[BaseException] | None,
        exception: BaseException | None,
        traceback: TracebackType | None,
        /,
    ) -> None: ...

def versions() -> dict[str, str]: ...
def normalize_url(url: object, query: str = "", /) -> str: ...
def resolve_url(base: object, reference: str, /) -> str: ...
def same_origin(a: object, b: object, /) -> bool: ...
def place_holds(place: object, url: object, /) -> bool: ...
def who_answered(
    status: int,
    *,
    html: bool = False,
    gap_auth: bool = False,
    at_provider: bool = False,
    at_sign_in: bool = False,
    form: bool = False,
    credential: bool = False,
    auth: int = 0,
) -> Literal["service", "ask", "log-in"]: ...
def next_hop(
    method: str, url: object, status: int, location: str, /
) -> tuple[str, str, bool, bool]: ...
def set_transport(
    transport: Callable[[_PreparedRequest], bytes] | None, /
) -> Callable[[_PreparedRequest], bytes] | None: ...
def register(
    *,
    headers: type[Headers],
    cookies: type[CookieJar],
    response: type,
    prepared_request: type,
) -> None: ...

"""`Request` and `PreparedRequest`: what is to be sent, and what is sent."""
# ruff: noqa: D105 - the magic methods do what everybody expects

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from apikit import _core, _prepare, errors
from apikit.cookies import CookieJar, from_any
from apikit.structures import CaseInsensitiveDict

__all__ = ["PreparedRequest", "Request"]

#: Headers that a pickle leaves out.
_SECRET: Final = ("Authorization", "Proxy-Authorization", "Cookie")


class PreparedRequest:
    """What is sent: the `request` of a response, and what a callable `auth` changes.

    Parameters
    ----------
    method, url, headers, body, hooks
        The attributes to begin with.

    Attributes
    ----------
    method : str
        In capitals.
    url : str
        With its query, in ASCII.
    headers : CaseInsensitiveDict
        Those of the request.
    body : bytes, str or None
        What is sent after them: `str`, sent as UTF-8, for a form and where that was
        given; a file or an iterator where one is sent.
    hooks : dict
        Lists of callables by event.
    """

    def __init__(
        self,
        method: str | None = None,
        url: str | None = None,
        headers: CaseInsensitiveDict | None = None,
        body: Any = None,
        hooks: Mapping[str, Any] | None = None,
    ) -> None:
        self.method = method
        self.url = url
        self.headers = CaseInsensitiveDict() if headers is None else headers
        self.body = body
        self.hooks: dict[str, list[Callable[..., Any]]] = {"response": []}
        self.hooks.update(_prepare.read_hooks(hooks))
        self._cookies: CookieJar | None = None

    @property
    def path_url(self) -> str:
        """The URL without scheme, host and fragment."""
        from urllib.parse import urlsplit

        parts = urlsplit(self.url or "")
        return (parts.path or "/") + (f"?{parts.query}" if parts.query else "")

    def prepare(
        self,
        method: str | None = None,
        url: Any = None,
        headers: Any = None,
        files: Any = None,
        data: Any = None,
        params: Any = None,
        auth: Any = None,
        cookies: Any = None,
        hooks: Mapping[str, Any] | None = None,
        json: Any = None,
    ) -> None:
        """Set everything from the arguments of a request, as `Session.request` has them."""
        self.prepare_method(method)
        self.prepare_url(url, params)
        self.prepare_headers(headers)
        self.prepare_cookies(cookies)
        self.prepare_body(data, files, json)
        self.prepare_auth(auth)
        self.prepare_hooks(hooks)

    def prepare_method(self, method: str | None) -> None:
        """Set the method, in capitals."""
        self.method = None if method is None else method.upper()

    def prepare_url(self, url: Any, params: Any) -> None:
        """Set the URL and add parameters to its query.

        Raises
        ------
        MissingSchema, InvalidSchema, InvalidURL
            If it is none that can be sent to.
        """
        self.url = _core.normalize_url(
            url, "" if params is None else _prepare.encode_params(params)
        )

    def prepare_headers(self, headers: Any) -> None:
        """Set the headers, from a mapping or pairs."""
        self.headers = _prepare.merge_headers(None, headers or ())

    def prepare_body(self, data: Any, files: Any, json: Any = None) -> None:
        """Set the body and the headers that belong to it."""
        self.body, content_type = _prepare.encode_body(data, files, json)
        self.prepare_content_length(self.body)
        if content_type and "Content-Type" not in self.headers:
            self.headers["Content-Type"] = content_type

    def prepare_content_length(self, body: Any) -> None:
        """Set Content-Length, or Transfer-Encoding where the length is not known."""
        if body is None:
            if self.method not in ("GET", "HEAD") and "Content-Length" not in self.headers:
                self.headers["Content-Length"] = "0"
            return
        text = body.encode() if isinstance(body, str) else body
        length = len(text) if isinstance(text, bytes) else _prepare.body_length(text)
        if length:
            self.headers["Content-Length"] = str(length)
        elif not isinstance(text, bytes):
            self.headers["Transfer-Encoding"] = "chunked"

    def prepare_auth(self, auth: Any, url: Any = "") -> None:  # noqa: ARG002 - requests' signature
        """Add credentials: a pair for Basic, or a callable that changes this request."""
        if auth is None:
            auth = _userinfo(self.url or "")
        if not auth:
            return
        if isinstance(auth, tuple) and len(auth) == 2:
            self.headers["Authorization"] = _prepare.basic_auth(*auth)
            return
        changed = auth(self)
        if changed is not None:
            self.__dict__.update(changed.__dict__)
        self.prepare_content_length(self.body)

    def prepare_cookies(self, cookies: Any) -> None:
        """Add the Cookie header, unless there is one."""
        import time

        jar = self._cookies = from_any(cookies)
        value = jar._header(self.url, int(time.time())) if self.url else b""
        if value and "Cookie" not in self.headers:
            self.headers["Cookie"] = value.decode("latin-1")

    def prepare_hooks(self, hooks: Mapping[str, Any] | None) -> None:
        """Add hooks."""
        for event, given in (hooks or {}).items():
            self.register_hook(event, given)

    def register_hook(self, event: str, hook: Any) -> None:
        """Add a hook.

        Parameters
        ----------
        event
            ``"response"``.
        hook
            A callable, or several.

        Raises
        ------
        ValueError
            If there is no such event.
        """
        if event not in self.hooks:
            raise ValueError(f'Unsupported event specified, with event name "{event}"')
        hooks: Iterable[Any] = (hook,) if callable(hook) else hook
        self.hooks[event].extend(one for one in hooks if callable(one))

    def deregister_hook(self, event: str, hook: Callable[..., Any]) -> bool:
        """Take a hook away, and say whether it was there."""
        try:
            self.hooks[event].remove(hook)
        except ValueError:
            return False
        return True

    def copy(self) -> PreparedRequest:
        """Return another one with the same body and hooks."""
        other = type(self)()
        other.__dict__.update(self.__dict__)
        other.headers = self.headers.copy()
        return other

    def __getstate__(self) -> dict[str, Any]:
        headers = self.headers.copy()
        for name in _SECRET:
            headers.pop(name, None)
        body = self.body if isinstance(self.body, (str, bytes)) else None
        return {
            "method": self.method,
            "url": None if self.url is None else errors.mask_url(self.url),
            "headers": headers,
            "body": body,
            "hooks": {event: [] for event in self.hooks},
        }

    def __repr__(self) -> str:
        return f"<{type(self).__name__} [{self.method}]>"


class Request:
    """What a caller wants sent, for `Session.prepare_request`.

    Parameters
    ----------
    method, url, headers, files, data, params, auth, cookies, hooks, json
        As `Session.request` takes them.
    """

    def __init__(
        self,
        method: str | None = None,
        url: Any = None,
        headers: Any = None,
        files: Any = None,
        data: Any = None,
        params: Any = None,
        auth: Any = None,
        cookies: Any = None,
        hooks: Mapping[str, Any] | None = None,
        json: Any = None,
    ) -> None:
        self.method = method
        self.url = url
        self.headers = {} if headers is None else headers
        self.files = [] if files is None else files
        self.data = [] if data is None else data
        self.params = {} if params is None else params
        self.auth = auth
        self.cookies = cookies
        self.hooks = {"response": [], **_prepare.read_hooks(hooks)}
        self.json = json

    def prepare(self) -> PreparedRequest:
        """Return it prepared, without anything of a session."""
        prepared = PreparedRequest()
        prepared.prepare(
            method=self.method,
            url=self.url,
            headers=self.headers,
            files=self.files,
            data=self.data,
            params=self.params,
            auth=self.auth,
            cookies=self.cookies,
            hooks=self.hooks,
            json=self.json,
        )
        return prepared

    def __repr__(self) -> str:
        return f"<{type(self).__name__} [{self.method}]>"


def _userinfo(url: str) -> tuple[str, str] | None:
    from urllib.parse import unquote, urlsplit

    parts = urlsplit(url)
    if not parts.username and not parts.password:
        return None
    return unquote(parts.username or ""), unquote(parts.password or "")

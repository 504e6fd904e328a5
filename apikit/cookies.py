"""`CookieJar`: the cookies of sessions and answers, with requests' interface."""
# ruff: noqa: D105 - the magic methods do what everybody expects

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, MutableMapping
from typing import TYPE_CHECKING, Any, Final

from apikit import _core, errors

if TYPE_CHECKING:
    from http.cookiejar import Cookie

__all__ = ["CookieJar", "from_any"]

#: What `CookieJar.set` takes by name, with requests' defaults.
_SET_DEFAULTS: Final[dict[str, Any]] = {
    "version": 0,
    "port": None,
    "domain": "",
    "path": "/",
    "secure": False,
    "expires": None,
    "discard": True,
    "comment": None,
    "comment_url": None,
    "rest": {"HttpOnly": None},
    "rfc2109": False,
}
#: The last second that a cookie's date may be.
_LATEST: Final = 2**62


class CookieJar(_core.CookieJar, MutableMapping[str, str | None]):
    """Cookies by RFC 6265, as a mapping of name to value and more.

    It has the methods of requests' ``RequestsCookieJar``; iteration gives
    `http.cookiejar.Cookie` objects, made for the purpose: changing one changes
    nothing here, `set_cookie` does.  A cookie that was set without a domain goes
    to every host; one that is valid for the hosts below its domain, too, shows
    that domain with a leading dot.  Names and values are latin-1, as on the wire.

    Threads may share a jar.  It can be copied and pickled, and a pickle holds the
    values.

    Parameters
    ----------
    cookies
        What `update` takes, to begin with.

    Raises
    ------
    CookieConflictError
        By ``jar[name]`` and `get`, if several cookies have that name.
    ValueError
        If a name or value cannot be sent.
    """

    __slots__ = ()

    def __init__(self, cookies: Any = ()) -> None:
        if cookies:
            self.update(cookies)

    def __iter__(self) -> Iterator[Cookie]:  # type: ignore[override]
        from http.cookiejar import Cookie

        for name, value, domain, path, expires, secure, http_only, host_only in self._rows():
            yield Cookie(
                version=0,
                name=name,
                value=value,
                port=None,
                port_specified=False,
                domain=_shown_domain(domain, host_only),
                domain_specified=bool(domain) and not host_only,
                domain_initial_dot=bool(domain) and not host_only,
                path=path,
                path_specified=True,
                secure=secure,
                expires=expires,
                discard=expires is None,
                comment=None,
                comment_url=None,
                rest={"HttpOnly": ""} if http_only else {},
            )

    def __getitem__(self, name: str) -> str | None:
        return self._only(name)

    def __setitem__(self, name: str, value: Any) -> None:
        self.set(name, value)

    def __delitem__(self, name: str) -> None:
        self._remove(None, None, _encode(name))

    def __contains__(self, name: object) -> bool:
        return any(row[0] == name for row in self._rows())

    def get(  # type: ignore[override]
        self,
        name: str,
        default: str | None = None,
        domain: str | None = None,
        path: str | None = None,
    ) -> str | None:
        """Return the value of the one cookie with that name, domain and path.

        Parameters
        ----------
        name
            Of the cookie.
        default
            What to return if there is none.
        domain, path
            What else must fit; None fits all.

        Returns
        -------
        str
            The value, or `default`.

        Raises
        ------
        CookieConflictError
            If several cookies fit.
        """
        try:
            return self._only(name, domain, path)
        except KeyError:
            return default

    def set(self, name: str, value: Any, **kwargs: Any) -> Cookie | None:
        """Set a cookie; a value of None removes it.

        Parameters
        ----------
        name
            Of the cookie.
        value
            A string, None, or a `http.cookies.Morsel`, which says all by itself.
        **kwargs
            ``domain`` ("": every host), ``path`` ("/"), ``secure``, ``expires``
            (seconds since the epoch) and the other fields of
            `http.cookiejar.Cookie`.

        Returns
        -------
        http.cookiejar.Cookie
            What was set, or None after a removal.
        """
        if value is None:
            self._remove(kwargs.get("domain"), kwargs.get("path"), _encode(name))
            return None
        if isinstance(value, Mapping):
            cookie = _cookie_of_morsel(value)
        else:
            cookie = _make_cookie(name, value, **kwargs)
        self.set_cookie(cookie)
        return cookie

    def set_cookie(self, cookie: Cookie) -> None:
        """Set or replace a cookie by its domain, path and name.

        Parameters
        ----------
        cookie
            Of the standard library's `http.cookiejar`.
        """
        value = "" if cookie.value is None else cookie.value
        if isinstance(value, str) and value.startswith('"') and value.endswith('"'):
            value = value.replace('\\"', "")
        self._set(
            _encode(cookie.name),
            _encode(value),
            cookie.domain,
            cookie.path,
            None if cookie.expires is None else min(int(cookie.expires), _LATEST),
            bool(cookie.secure),
            cookie.has_nonstandard_attr("HttpOnly"),
            bool(cookie.domain) and not cookie.domain_specified and cookie.domain[0] != ".",
        )

    def clear(
        self, domain: str | None = None, path: str | None = None, name: str | None = None
    ) -> None:
        """Remove cookies: all, or those of a domain, of a path there, of a name there.

        Parameters
        ----------
        domain, path, name
            What must fit; None fits all.

        Raises
        ------
        ValueError
            If a path is given without a domain, or a name without a path.
        KeyError
            If nothing fits what is given.
        """
        if (name is not None and path is None) or (path is not None and domain is None):
            raise ValueError("clear() takes a domain, or a domain and a path, or these and a name")
        removed = self._remove(domain, path, None if name is None else _encode(name))
        if removed == 0 and domain is not None:
            raise KeyError(domain if path is None else path if name is None else name)

    def clear_session_cookies(self) -> None:
        """Remove the cookies without a date."""
        for cookie in self:
            if cookie.discard:
                self._remove(cookie.domain, cookie.path, _encode(cookie.name))

    def clear_expired_cookies(self) -> None:
        """Remove the cookies whose date is past."""
        self._expire(int(time.time()))

    def iterkeys(self) -> Iterator[str]:
        """Iterate over the names."""
        return (row[0] for row in self._rows())

    def itervalues(self) -> Iterator[str | None]:
        """Iterate over the values."""
        return (row[1] for row in self._rows())

    def iteritems(self) -> Iterator[tuple[str, str | None]]:
        """Iterate over the pairs of name and value."""
        return (row[:2] for row in self._rows())

    def keys(self) -> list[str]:  # type: ignore[override]
        """Return the names."""
        return list(self.iterkeys())

    def values(self) -> list[str | None]:  # type: ignore[override]
        """Return the values."""
        return list(self.itervalues())

    def items(self) -> list[tuple[str, str | None]]:  # type: ignore[override]
        """Return the pairs of name and value."""
        return list(self.iteritems())

    def list_domains(self) -> list[str]:
        """Return the domains, each once."""
        return list(dict.fromkeys(_shown_domain(row[2], row[7]) for row in self._rows()))

    def list_paths(self) -> list[str]:
        """Return the paths, each once."""
        return list(dict.fromkeys(row[3] for row in self._rows()))

    def multiple_domains(self) -> bool:
        """Whether the cookies are of more than one domain."""
        return len(self.list_domains()) > 1

    def get_dict(self, domain: str | None = None, path: str | None = None) -> dict[str, str | None]:
        """Return a plain dict of name to value.

        Parameters
        ----------
        domain, path
            What must fit; None fits all.
        """
        return {row[0]: row[1] for row in self._rows() if _fits(row, domain, path)}

    def update(self, other: Any = (), /, **kwargs: Any) -> None:
        """Set the cookies of another jar, or of a mapping of name to value."""
        if not _is_jar(other):
            super().update(other, **kwargs)
            return
        for cookie in other:
            self.set_cookie(cookie)

    def copy(self) -> CookieJar:
        """Return another jar with the same cookies."""
        jar = type(self)()
        jar._assign(self)
        return jar

    __copy__ = copy

    def __deepcopy__(self, memo: dict[int, Any]) -> CookieJar:
        return self.copy()

    def __getstate__(self) -> list[Any]:
        return self._rows()

    def __setstate__(self, state: list[Any]) -> None:
        for name, value, *rest in state:
            self._set(_encode(name), _encode(value), *rest)

    def __repr__(self) -> str:
        cookies = (f"{row[0]} for {_shown_domain(row[2], row[7]) or 'all'}" for row in self._rows())
        return f"<{type(self).__name__}[{', '.join(cookies)}]>"

    def _only(self, name: str, domain: str | None = None, path: str | None = None) -> str:
        found = [row[1] for row in self._rows() if row[0] == name and _fits(row, domain, path)]
        if len(found) > 1:
            raise errors.joined(errors.CookieConflictError)(
                f"There are {len(found)} cookies named {name!r}: use get() with domain and path."
            )
        if not found:
            raise KeyError(f"name={name!r}, domain={domain!r}, path={path!r}")
        return found[0]


def from_any(cookies: Any) -> CookieJar:
    """Return a `CookieJar` for what a caller may give as cookies.

    Parameters
    ----------
    cookies
        A `CookieJar`, which is returned as it is; a `http.cookiejar.CookieJar`, a
        mapping of name to value, or pairs, which are copied; None for an empty jar.

    Returns
    -------
    CookieJar
        With these cookies.

    Raises
    ------
    TypeError
        If `cookies` is something else.
    """
    if isinstance(cookies, CookieJar):
        return cookies
    if not cookies:
        return CookieJar()
    if isinstance(cookies, (str, bytes)) or not hasattr(cookies, "__iter__"):
        raise TypeError(
            "cookies must be a mapping of name to value or a cookie jar, not "
            f"{type(cookies).__name__}"
        )
    return CookieJar(cookies)


def _is_jar(other: Any) -> bool:
    return isinstance(other, CookieJar) or hasattr(other, "set_cookie")


def _encode(text: str) -> bytes:
    if not isinstance(text, str):
        raise TypeError(f"a cookie's name and value must be str, not {type(text).__name__}")
    try:
        return text.encode("latin-1")
    except UnicodeEncodeError:
        # The encoder's own error would carry the value.
        raise ValueError(
            "a cookie's name and value must be latin-1 text: percent-code what is not"
        ) from None


def _shown_domain(domain: str, host_only: bool) -> str:
    return domain if host_only or not domain else f".{domain}"


def _fits(row: Any, domain: str | None, path: str | None) -> bool:
    if domain is not None and row[2] != domain.removeprefix("."):
        return False
    return path is None or row[3] == path


def _make_cookie(name: str, value: Any, **kwargs: Any) -> Cookie:
    from http.cookiejar import Cookie

    unknown = sorted(kwargs.keys() - _SET_DEFAULTS.keys())
    if unknown:
        raise TypeError(f"set() got unexpected keyword arguments: {', '.join(unknown)}")
    fields = {**_SET_DEFAULTS, **kwargs}
    return Cookie(
        name=name,
        value=value,
        port_specified=bool(fields["port"]),
        domain_specified=bool(fields["domain"]),
        domain_initial_dot=fields["domain"].startswith("."),
        path_specified=bool(fields["path"]),
        **fields,
    )


def _cookie_of_morsel(morsel: Any) -> Cookie:
    return _make_cookie(
        morsel.key,
        morsel.value,
        domain=morsel["domain"],
        path=morsel["path"],
        secure=bool(morsel["secure"]),
        expires=_expires_of_morsel(morsel),
        discard=False,
        comment=morsel["comment"],
        comment_url=bool(morsel["comment"]),
        rest={"HttpOnly": morsel["httponly"]},
        version=morsel["version"] or 0,
    )


def _expires_of_morsel(morsel: Any) -> int | None:
    import calendar

    if morsel["max-age"]:
        try:
            return int(time.time() + int(morsel["max-age"]))
        except ValueError:
            raise TypeError(f"max-age: {morsel['max-age']} must be integer") from None
    if morsel["expires"]:
        return calendar.timegm(time.strptime(morsel["expires"], "%a, %d-%b-%Y %H:%M:%S GMT"))
    return None

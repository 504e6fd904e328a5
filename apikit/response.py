"""`Response`: what came back, as requests shows it."""
# ruff: noqa: D105 - the magic methods do what everybody expects

from __future__ import annotations

import codecs
from collections.abc import Iterable, Iterator
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final, Self

from apikit import _core, _text, errors

if TYPE_CHECKING:
    from apikit._connection import Connection
    from apikit._raw import RawBody
    from apikit.models import PreparedRequest

__all__ = ["Response"]

PIECE: Final = 64 * 1024
REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})
PERMANENT: Final = frozenset({301, 308})


class Response(_core.Response):
    """The answer to a request.

    It has what requests' class of this name has.  Attributes that the C half
    gives: `status_code`, `reason`, `url`, `headers`, `history`, `elapsed`,
    `request`, `cookies`, `content` and `close`.  Others may be assigned.

    A response can be pickled, which reads its body; the pickle has the body, the
    headers and the cookies of the answer, and of the request what is no credential.
    """

    #: By what a hook may send the request once more; None where no hook has seen it.
    connection: Connection | None = None

    #: Whether the proxy has said of this redirect that it is no answer of the service's.
    _is_refusal = False

    @property
    def ok(self) -> bool:
        """Whether the status is no error, which is one of 400 to 599."""
        return not 400 <= self.status_code < 600

    @property
    def is_redirect(self) -> bool:
        """Whether it leads elsewhere by a Location."""
        return self.status_code in REDIRECTS and "location" in self.headers

    @property
    def is_permanent_redirect(self) -> bool:
        """Whether it leads elsewhere for good."""
        return self.status_code in PERMANENT and "location" in self.headers

    @property
    def next(self) -> PreparedRequest | None:
        """The request that follows a redirect, when redirects are not followed.

        It holds no credentials if it goes to another origin.
        """
        location = self.headers.get("location")
        if not location or not self.is_redirect:
            return None
        request = self.request.copy()
        request.headers.pop("Cookie", None)
        request.method, request.url, drops_body, leaves = _core.next_hop(
            self.request.method or "GET", self.url, self.status_code, location
        )
        if drops_body or leaves:
            request.body = None
            _drop(request, "Content-Length", "Content-Type", "Transfer-Encoding")
        if leaves:
            _drop(request, "Authorization", "Proxy-Authorization", "Host")
        return request

    @property
    def encoding(self) -> str | None:
        """The charset by which `text` decodes; may be assigned.

        That of Content-Type; ISO-8859-1 for text and utf-8 for JSON without one;
        else None, and `text` guesses.
        """
        try:
            given: str | None = self.__dict__["_encoding"]
        except KeyError:
            return _text.charset_of(self.headers.get("content-type"))
        return given

    @encoding.setter
    def encoding(self, encoding: str | None) -> None:
        self.__dict__["_encoding"] = encoding

    @property
    def apparent_encoding(self) -> str | None:
        """The charset by the look of the body: see `apikit._text.guess_charset`."""
        return _text.guess_charset(self.content)

    @property
    def text(self) -> str:
        """The body as text; what its charset does not know is replaced."""
        content = self.content
        if not content:
            return ""
        charset = self._find_charset()
        if charset is None:
            charset = self.apparent_encoding
        try:
            return str(content, charset or "utf-8", errors="replace")
        except (LookupError, ValueError):
            # A charset that Python has not, or that is none.
            return str(content, errors="replace")

    def json(self, **kwargs: Any) -> Any:
        """Return what the body says in JSON.

        Parameters
        ----------
        **kwargs
            Passed on to `json.loads`.

        Raises
        ------
        JSONDecodeError
            If the body is not JSON.
        """
        import json

        try:
            if not self.encoding and len(self.content) > 3:
                charset = _text.guess_json_charset(self.content)
                try:
                    text = None if charset is None else self.content.decode(charset)
                except UnicodeDecodeError:
                    text = None
                if text is not None:
                    return json.loads(text, **kwargs)
            return json.loads(self.text, **kwargs)
        except json.JSONDecodeError as exception:
            raise errors.build(
                "JSONDecodeError", exception.msg, exception.doc, exception.pos, response=self
            ) from exception

    @property
    def links(self) -> dict[str, dict[str, str]]:
        """The links of the Link header, by their ``rel`` or else their ``url``."""
        links = _text.parse_links(self.headers.get("link") or "")
        return {link.get("rel") or link["url"]: link for link in links}

    def raise_for_status(self) -> None:
        """Raise an exception if the status is an error.

        Raises
        ------
        HTTPError
            If it is one of 400 to 599.
        """
        if self.ok:
            return
        side = "Client" if self.status_code < 500 else "Server"
        raise errors.build(
            "HTTPError",
            f"{self.status_code} {side} Error: {self.reason} for url: {errors.mask_url(self.url)}",
            response=self,
        )

    def iter_content(
        self, chunk_size: int | None = 1, decode_unicode: bool = False
    ) -> Iterator[Any]:
        """Iterate over the body in pieces.

        Parameters
        ----------
        chunk_size
            Bytes in a piece; fewer may come. None: as they arrive, or all at once
            where the body was read already.
        decode_unicode
            Give text, by `encoding`, unless that is None.

        Raises
        ------
        StreamConsumedError
            If the body was read in pieces before.
        TypeError
            If `chunk_size` is no number.
        """
        if chunk_size is not None and not isinstance(chunk_size, int):
            raise TypeError(f"chunk_size must be an int or None, not {type(chunk_size).__name__}")
        if self.is_stream:
            pieces = self._stream(chunk_size if chunk_size and chunk_size > 0 else PIECE)
        else:
            pieces = _slices(self._kept_content(), chunk_size)
        return self._decoded(pieces) if decode_unicode else pieces

    def iter_lines(
        self,
        chunk_size: int = 512,
        decode_unicode: bool = False,
        delimiter: str | bytes | None = None,
    ) -> Iterator[Any]:
        """Iterate over the body line by line, without the line ends.

        Parameters
        ----------
        chunk_size
            How many bytes to read at a time.
        decode_unicode
            Give text, by `encoding`, unless that is None.
        delimiter
            What ends a line, in place of what `str.splitlines` knows.
        """
        pending = None
        for piece in self.iter_content(chunk_size, decode_unicode):
            whole = piece if pending is None else pending + piece
            lines = whole.split(delimiter) if delimiter else whole.splitlines()
            # The last line goes on in the next piece unless this one ended it.
            goes_on = lines and lines[-1] and whole and lines[-1][-1] == whole[-1]
            pending = lines.pop() if goes_on else None
            yield from lines
        if pending is not None:
            yield pending

    @cached_property
    def raw(self) -> RawBody:
        """The body as a file, for ``stream=True``."""
        from apikit._raw import RawBody

        return RawBody(self)

    def __iter__(self) -> Iterator[bytes]:
        return self.iter_content(128)

    def __bool__(self) -> bool:
        return self.ok

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<{type(self).__name__} [{self.status_code}]>"

    def __getstate__(self) -> dict[str, Any]:
        url = errors.mask_url(self.url) if "@" in self.url else self.url
        parts = (self.status_code, url, self.head, self.content, self._elapsed_ns)
        shown = {"reason": self.reason, "request": self.request, "cookies": self.cookies}
        attributes = {
            name: value
            for name, value in self.__dict__.items()
            if name not in ("raw", "connection")
        }
        return {
            "parts": (*parts, list(self.history)),
            "shown": {**shown, "headers": self.headers},
            "attributes": attributes,
        }

    def __setstate__(self, state: dict[str, Any]) -> None:
        self._restore(*state["parts"])
        for name, value in state["shown"].items():
            setattr(self, name, value)
        self.__dict__.update(state["attributes"])

    def _find_charset(self) -> str | None:
        """Return `encoding`, but utf-8 for what a server calls a charset and is none."""
        charset = self.encoding
        if charset is None or "_encoding" in self.__dict__ or _text.is_charset(charset):
            return charset
        return "utf-8"

    def _kept_content(self) -> bytes:
        try:
            return self.content
        except RuntimeError as exception:
            raise errors.build("StreamConsumedError", str(exception), response=self) from None

    def _stream(self, amount: int) -> Iterator[bytes]:
        while piece := self._read(amount):
            yield piece

    def _decoded(self, pieces: Iterable[bytes]) -> Iterator[Any]:
        charset = self._find_charset()
        if charset is None:
            yield from pieces
            return
        decoder = codecs.getincrementaldecoder(_known(charset))(errors="replace")
        for piece in pieces:
            if text := decoder.decode(piece):
                yield text
        if text := decoder.decode(b"", final=True):
            yield text


def _known(encoding: str) -> str:
    """Return `encoding`, or utf-8 if Python decodes no text by it."""
    try:
        str(b" ", encoding, errors="replace")
    except (LookupError, ValueError):
        return "utf-8"
    return encoding


def _slices(content: bytes, size: int | None) -> Iterator[bytes]:
    step = size if size is not None and size > 0 else len(content)
    return (content[start : start + step] for start in range(0, len(content), step or 1))


def _drop(request: PreparedRequest, *names: str) -> None:
    for name in names:
        request.headers.pop(name, None)

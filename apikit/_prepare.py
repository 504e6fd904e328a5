"""What a request is made of, where C has no short way for it.

The functions of this module are called by the C half of the session, by name.
They follow requests' rules, so that the same arguments give the same request.
"""

from __future__ import annotations

import io
import os
from collections.abc import Mapping
from typing import Any, Final

from apikit import errors
from apikit._certificates import ca_locations, is_folder
from apikit._hooks import dispatch_hooks, make_connection, read_hooks
from apikit.cookies import CookieJar, from_any
from apikit.structures import CaseInsensitiveDict

__all__ = [
    "basic_auth",
    "body_length",
    "ca_locations",
    "can_rewind",
    "default_headers",
    "dispatch_hooks",
    "encode_body",
    "encode_params",
    "idna_host",
    "is_folder",
    "make_connection",
    "merge_cookies",
    "merge_headers",
    "merge_params",
    "read_hooks",
    "rewind",
]

FORM: Final = "application/x-www-form-urlencoded"
JSON: Final = "application/json"
USER_AGENT: Final = "sqre-apikit-c"
#: Bytes of credentials, as in auth.c.
MOST_USER: Final = 1024
MOST_PASSWORD: Final = 16 * 1024


def encode_params(params: Any, what: str = "params") -> str:
    """Return a query, or the body of a form, as text.

    Parameters
    ----------
    params
        `str` or `bytes`, which stay as they are; a mapping or pairs: a value that
        is a list gives its name once for each item, None is left out.
    what
        What they are called in messages.

    Returns
    -------
    str
        Without a question mark.

    Raises
    ------
    TypeError
        If `params` is something else.
    ValueError
        If an item is not a pair.
    """
    from urllib.parse import urlencode

    if isinstance(params, str):
        return params
    if not params:
        return ""
    if isinstance(params, bytes):
        return params.decode()
    if not hasattr(params, "__iter__"):
        raise TypeError(f"{what} must be a mapping, pairs or a str, not {type(params).__name__}")
    pairs = [
        (name.encode() if isinstance(name, str) else name, value)
        for name, values in _pairs(params, what)
        for value in _values(values)
    ]
    return urlencode(pairs, doseq=True)


def merge_params(session: Any, call: Any) -> Any:
    """Return the parameters of a call on a session that has some, too.

    Parameters
    ----------
    session, call
        As `encode_params` takes them.  Two mappings are merged, and a value of
        None takes a name out; otherwise those of the call count, unless None.
    """
    if call is None:
        return session
    if not isinstance(session, Mapping) or not isinstance(call, Mapping):
        return call
    merged = {**session, **call}
    return {name: value for name, value in merged.items() if value is not None}


def merge_headers(session: CaseInsensitiveDict | None, call: Any) -> CaseInsensitiveDict:
    """Return the headers of a call on a session.

    Parameters
    ----------
    session
        The session's headers, or None.
    call
        A mapping or pairs; a value of None takes a header out.

    Returns
    -------
    CaseInsensitiveDict
        A new one.

    Raises
    ------
    TypeError
        If `call` is something else, or a name is not text.
    """
    merged = CaseInsensitiveDict() if session is None else session.copy()
    for name, value in _pairs(call, "headers") if call else ():
        key = name.decode("latin-1") if isinstance(name, bytes) else name
        if value is None:
            merged.pop(key, None)
        else:
            merged[key] = value
    return merged


def default_headers(user_agent: str | None, codings: str) -> CaseInsensitiveDict:
    """Return the headers that a session begins with.

    Parameters
    ----------
    user_agent
        What to call ourselves; None for the usual name.
    codings
        The content codings that can be undone.
    """
    return CaseInsensitiveDict(
        [
            ("User-Agent", USER_AGENT if user_agent is None else user_agent),
            ("Accept-Encoding", codings),
            ("Accept", "*/*"),
            ("Connection", "keep-alive"),
        ]
    )


def merge_cookies(session: CookieJar | None, call: Any) -> CookieJar:
    """Return a new jar with the cookies of a session and of a call, which win.

    Parameters
    ----------
    session
        The session's jar, or None.
    call
        What `apikit.cookies.from_any` takes.
    """
    jar = CookieJar() if session is None else session.copy()
    if call is not None:
        jar.update(from_any(call))
    return jar


def encode_body(data: Any, files: Any, json: Any) -> tuple[Any, str | None]:
    """Return a request's body and its content type.

    Parameters
    ----------
    data
        `bytes`; `str`, sent as UTF-8; a mapping or a list of pairs: a form; a file
        or an iterator, sent piece by piece.
    files
        A mapping or pairs of name and file: a form of several parts.  A file is a
        file object, `str` or `bytes`, or a tuple of filename, that, content type
        and headers, the last two as needed.
    json
        What is sent as JSON when there is no data.

    Returns
    -------
    body
        `bytes`, or `str` for a form and where that was given; None for no body, or the
        file or iterator as it came.
    content_type
        What the Content-Type header should say, or None.

    Raises
    ------
    InvalidJSONError
        If `json` holds NaN, an infinity or itself.
    NotImplementedError
        If there are files beside a `data` that is sent piece by piece.
    TypeError
        If `data` or something in `json` cannot be sent.
    ValueError
        If `files` are given with a `data` of text.
    """
    if not data and json is not None and not files:
        return _dump_json(json), JSON
    if _is_stream(data):
        if files:
            raise NotImplementedError("files cannot be sent with a file or iterator as data")
        return data, None
    if files:
        return _encode_files(files, data)
    if not data:
        return None, None
    if isinstance(data, (str, bytes)):
        return data, None
    if not hasattr(data, "__iter__"):
        raise TypeError(
            f"data must be a dict, pairs, bytes, str, a file or an iterator, "
            f"not {type(data).__name__}"
        )
    return encode_params(data, "data"), FORM


def body_length(body: Any) -> int | None:
    """Return how many bytes a file or iterator will give, if it can be known.

    Parameters
    ----------
    body
        What is sent piece by piece; a file counts from where it stands.

    Returns
    -------
    int or None
        None also for nothing at all: both are sent in chunks, as requests does.
    """
    if isinstance(body, io.StringIO):
        return len(body.getvalue()[body.tell() :].encode()) or None
    if _is_text(body):
        return None
    try:
        total = _total_length(body)
        position = body.tell() if hasattr(body, "tell") else 0
    except (OSError, TypeError, AttributeError, ValueError):
        return None
    return None if total is None or total <= position else total - position


def can_rewind(body: Any, position: int | None) -> bool:
    """Say whether a file can be put back to where it stood, and leave it where it is.

    Parameters
    ----------
    body
        The file, or an iterator.
    position
        Where it stood; None if that is not known.
    """
    if not isinstance(position, int) or not hasattr(body, "seek"):
        return False
    return not hasattr(body, "seekable") or bool(body.seekable())


def rewind(body: Any, position: int | None) -> None:
    """Put a file back to where it stood, since it is to be sent again.

    Parameters
    ----------
    body
        The file.
    position
        Where it stood; None if that is not known.

    Raises
    ------
    UnrewindableBodyError
        If it cannot be done.
    """
    if not can_rewind(body, position):
        raise errors.build(
            "UnrewindableBodyError",
            "the body is asked for a second time, by a redirect or a retry, and what is no file "
            "gives it only once: send bytes or a file, or use allow_redirects=False",
        )
    try:
        body.seek(position)
    except (OSError, ValueError) as exception:
        raise errors.build(
            "UnrewindableBodyError",
            "the body is asked for a second time, by a redirect or a retry, but the file cannot "
            f"go back: {exception}",
        ) from exception


def idna_host(host: str) -> str:
    """Return a host name in ASCII (IDNA 2008 with UTS 46, as requests).

    Parameters
    ----------
    host
        A name that holds other characters.

    Returns
    -------
    str
        With ``xn--`` labels.

    Raises
    ------
    InvalidURL
        If `host` is no name.
    """
    import idna

    try:
        return idna.encode(host, uts46=True).decode()
    except UnicodeError as exception:
        raise errors.build(
            "InvalidURL", f"the host {host!r} is no host name: {exception}"
        ) from exception


def basic_auth(user: str | bytes, password: str | bytes) -> str:
    """Return the Authorization header for Basic credentials (RFC 7617).

    Parameters
    ----------
    user, password
        Text is sent as UTF-8, bytes as they are.

    Raises
    ------
    TypeError
        If one is something else.
    ValueError
        If they cannot be sent: a colon in the name, control characters, or too long.
    """
    from base64 import b64encode

    name, secret = (_credential(part) for part in (user, password))
    if b":" in name:
        raise ValueError("a user name with a colon cannot be sent as Basic credentials (RFC 7617)")
    if len(name) > MOST_USER or len(secret) > MOST_PASSWORD:
        raise ValueError(
            f"a user name may have {MOST_USER} bytes and a password {MOST_PASSWORD}: "
            f"these have {len(name)} and {len(secret)}"
        )
    return "Basic " + b64encode(name + b":" + secret).decode()


def _credential(part: Any) -> bytes:
    if not isinstance(part, (str, bytes)):
        raise TypeError(f"auth must be a pair of str or bytes, not with a {type(part).__name__}")
    coded = part.encode() if isinstance(part, str) else part
    if any(byte < 0x20 or byte == 0x7F for byte in coded):
        raise ValueError("user name and password may hold no control characters (RFC 7617)")
    return coded


def _pairs(given: Any, what: str) -> list[tuple[Any, Any]]:
    """Return what a mapping or pairs hold; `what` they are called in messages."""
    wanted = f"{what} must be a mapping or pairs (name, value), not"
    if isinstance(given, (str, bytes)):
        raise ValueError(f"{wanted} text")
    items = given.items() if hasattr(given, "items") else given
    if not hasattr(items, "__iter__"):
        raise TypeError(f"{wanted} {type(given).__name__}")
    pairs = []
    for item in items:
        try:
            name, value = item
        except TypeError:
            raise TypeError(f"{wanted} an iterable of {type(item).__name__}") from None
        except ValueError:
            raise ValueError(f"{wanted} with an item of another length than 2") from None
        pairs.append((name, value))
    return pairs


def _values(given: Any) -> list[Any]:
    """Return the values of one name as what is sent: text as bytes, no None."""
    several = not isinstance(given, (str, bytes)) and hasattr(given, "__iter__")
    values = given if several else [given]
    return [
        value.encode() if isinstance(value, str) else value for value in values if value is not None
    ]


def _dump_json(value: Any) -> bytes:
    import json

    try:
        return json.dumps(value, allow_nan=False).encode()
    except ValueError as exception:
        raise errors.build("InvalidJSONError", str(exception)) from exception


def _is_stream(data: Any) -> bool:
    if isinstance(data, (str, bytes, list, tuple, Mapping)):
        return False
    return hasattr(data, "__iter__") or hasattr(data, "read")


def _is_text(body: Any) -> bool:
    """Whether a file gives text, whose size in bytes is known only when it was read."""
    mode = getattr(body, "mode", None)
    return isinstance(body, io.TextIOBase) or (isinstance(mode, str) and "b" not in mode)


def _total_length(body: Any) -> int | None:
    if hasattr(body, "__len__"):
        return len(body)
    if hasattr(body, "len"):
        return int(body.len)
    if hasattr(body, "fileno"):
        try:
            return os.fstat(body.fileno()).st_size
        except (io.UnsupportedOperation, AttributeError):
            pass  # as a file inside a tar file: by its end, below
    if not hasattr(body, "tell") or not hasattr(body, "seek"):
        return None
    position = body.tell()
    body.seek(0, os.SEEK_END)
    end: int = body.tell()
    body.seek(position)
    return end


def _encode_files(files: Any, data: Any) -> tuple[bytes, str]:
    from apikit._multipart import encode_multipart

    if isinstance(data, (str, bytes)):
        raise ValueError("data must be a mapping or pairs when there are files, not text")
    pairs = _pairs(data or {}, "data")
    fields = [(name, value) for name, values in pairs for value in _values(values)]
    return encode_multipart(fields, _pairs(files, "files"))

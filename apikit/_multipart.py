"""Forms of several parts (RFC 7578), written as the HTML standard says."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import Any

__all__ = ["encode_multipart"]


def encode_multipart(
    fields: Iterable[tuple[Any, Any]], files: Iterable[tuple[Any, Any]]
) -> tuple[bytes, str]:
    """Return a body of several parts and its content type.

    Parameters
    ----------
    fields
        Names and values.
    files
        Names and files: a file object, text or bytes, or a tuple of filename, that,
        content type and headers, the last two as needed.
    """
    boundary = os.urandom(16).hex()
    body = bytearray()
    for name, value in fields:
        content = value if isinstance(value, bytes) else str(value).encode()
        body += _part(boundary, _disposition(name, None), content)
    for name, given in files:
        part = _file_part(name, given)
        if part is not None:
            body += _part(boundary, *part)
    body += f"--{boundary}--\r\n".encode()
    return bytes(body), f"multipart/form-data; boundary={boundary}"


def _file_part(name: Any, given: Any) -> tuple[dict[str, Any], bytes] | None:
    """Return the headers and the content of one file; None if it has no content."""
    if isinstance(given, (tuple, list)):
        if len(given) > 4:
            raise ValueError(
                f"files[{name!r}] must be (filename, file, content type, headers) at most, not "
                f"{len(given)} items"
            )
        filename, file, *rest = given
        content_type, more = (*rest, None, None)[:2]
    else:
        filename, file, content_type, more = _guess_filename(given) or name, given, None, None
    if file is None:
        return None
    content = file.read() if hasattr(file, "read") else file
    content = str(content) if isinstance(content, int) else content
    content = content.encode() if isinstance(content, str) else bytes(content)
    headers = {**_disposition(name, filename), "Content-Type": content_type}
    extra = {key: value for key, value in (more or {}).items() if key not in headers}
    return {**headers, **extra}, content


def _guess_filename(file: Any) -> Any:
    name = getattr(file, "name", None)
    if name and isinstance(name, (str, bytes)) and name[:1] not in ("<", b"<"):
        return os.path.basename(name)  # noqa: PTH119 - str or bytes
    return None


def _disposition(name: Any, filename: Any) -> dict[str, Any]:
    shown = f'form-data; name="{_quote(name)}"'
    if filename is not None:
        shown += f'; filename="{_quote(filename)}"'
    return {"Content-Disposition": shown}


def _quote(text: Any) -> str:
    """Quote as the HTML standard does for multipart/form-data."""
    shown: str = text.decode() if isinstance(text, bytes) else str(text)
    return shown.translate({10: "%0A", 13: "%0D", 34: "%22"})


def _line(name: Any, value: Any) -> str:
    if any(mark in f"{name}{value}" for mark in "\r\n\0"):
        raise ValueError("the content type and headers of a file may hold no line break or NUL")
    return f"{name}: {value}\r\n"


def _part(boundary: str, headers: dict[str, Any], content: bytes) -> bytes:
    lines = "".join(_line(name, value) for name, value in headers.items() if value)
    return f"--{boundary}\r\n{lines}\r\n".encode() + content + b"\r\n"

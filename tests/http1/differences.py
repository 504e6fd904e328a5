"""All in which the four readers may differ, with the reason and an example of each."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["DIFFERENT", "REFUSED", "TAKEN", "Different", "Refused", "Taken"]


@dataclass(frozen=True)
class Refused:
    """Ours refuses with a message that says SAYS, and h11 takes it."""

    says: str
    why: str
    example: bytes


@dataclass(frozen=True)
class Taken:
    """Ours takes an answer that PATTERN is found in, and ORACLES refuse it."""

    oracles: tuple[str, ...]
    pattern: bytes
    why: str
    example: bytes


@dataclass(frozen=True)
class Different:
    """Both take an answer that PATTERN is found in, and THINGS are not the same."""

    oracle: str
    things: tuple[str, ...]
    pattern: bytes
    why: str
    example: bytes


OK = b"HTTP/1.1 200 OK\r\n"
TE = b"Transfer-Encoding: chunked\r\n"
LATER_INTERIM = rb"HTTP/1\.[0-9] 1(0[1-9]|[1-9][0-9])\b"

REFUSED = [
    Refused(
        "Content-Length and Transfer-Encoding together",
        "RFC 9112, 6.3: ought to be handled as an error",
        OK + TE + b"Content-Length: 1\r\n\r\n0\r\n\r\n",
    ),
    Refused(
        "Transfer-Encoding in an HTTP/1.0 answer",
        "RFC 9112, 6.1: must be treated as faulty framing",
        b"HTTP/1.0 200 OK\r\n" + TE + b"\r\n0\r\n\r\n",
    ),
    Refused(
        "HTTP/1.0 or HTTP/1.1 is needed",
        "another major version has another meaning (RFC 9110, 2.5)",
        b"HTTP/2.0 200 OK\r\n\r\n",
    ),
    Refused(
        "a Content-Length that is not a number",
        "no file is longer than 63 bits count; RFC 9112, 6.3 asks to guard against overflow",
        b"HTTP/1.1 304 \r\nContent-Length: 99999999999999999999\r\n\r\n",
    ),
    Refused(
        "a chunk size that is larger than any body can be",
        "16 digits fill 64 bits; RFC 9112, 7.1 asks to guard against overflow",
        OK + TE + b"\r\n00000000000000000\r\n\r\n",
    ),
    Refused(
        "a chunk size that does not end in CRLF",
        "RFC 9112, 2.2: a CR without LF is invalid; h11 lets it be in an extension",
        OK + TE + b"\r\n0;a\rb\r\n\r\n",
    ),
]

TAKEN = [
    Taken(
        ("h11", "http.client", "libcurl"),
        rb"(^|\n\r?\n)\r?\n",
        "empty lines in front of a status line do no harm, as RFC 9112, 2.2 says of requests",
        b"\r\n" + OK + b"Content-Length: 0\r\n\r\n",
    ),
    Taken(
        ("h11",),
        rb"[\x0b\x0c]",
        "RFC 9110, 5.5: control characters may be retained, and services see them in requests",
        OK + b"A: b\x0bc\r\n\r\n",
    ),
    Taken(
        ("h11",),
        rb"\n[0-9A-Fa-f]+[ \t]+;",
        "RFC 9112, 7.1.1: space in front of an extension is bad but must be parsed",
        OK + TE + b"\r\n0 ;a\r\n\r\n",
    ),
    Taken(
        ("h11",),
        rb"(?si)\r\n0[^\n]*\r\n.*(content-length|transfer-encoding):",
        "trailers frame nothing (RFC 9110, 6.5.1), so their values do not matter",
        OK + TE + b"\r\n0\r\nContent-Length: x\r\n\r\n",
    ),
    Taken(
        ("h11",),
        rb"(?i)\ncontent-length:[0-9, \t]*\b0[0-9]",
        "RFC 9110, 8.6: the numbers must be the same, not their digits",
        OK + b"Content-Length: 1, 01\r\n\r\nx",
    ),
    Taken(
        ("http.client",),
        rb"(?is)HTTP/1\.[0-9] [23]04.*\ntransfer-encoding:",
        "204 and 304 have no body (RFC 9112, 6.3); http.client waits for chunks",
        b"HTTP/1.1 204 \r\n" + TE + b"\r\n",
    ),
    Taken(
        ("http.client",),
        LATER_INTERIM,
        "http.client takes a later interim answer for the final one and misses its body",
        b"HTTP/1.1 103 \r\n" + TE + b"\r\n" + OK + b"Content-Length: 0\r\n\r\n",
    ),
]

DIFFERENT = [
    Different(
        "h11",
        ("keep_alive",),
        rb"HTTP/1\.0 ",
        "RFC 9112, 9.3: HTTP/1.0 may keep a connection alive; h11 never does so",
        b"HTTP/1.0 200 OK\r\nContent-Length: 0\r\nConnection: keep-alive\r\n\r\n",
    ),
    Different(
        "h11",
        ("fields",),
        rb"(?is)\ncontent-length:([^\n]*,|.*\ncontent-length:)|transfer-encoding:\s*(?-i:(?!chunked))",
        "h11 joins equal lengths and writes the name of the coding in lower case",
        OK + b"Content-Length: 1, 1\r\n\r\nx",
    ),
    Different(
        "http.client",
        ("status", "body"),
        LATER_INTERIM,
        "http.client knows 100 only and takes other interim answers for the final one",
        b"HTTP/1.1 103 \r\n\r\n" + OK + b"Content-Length: 1\r\n\r\nx",
    ),
    Different(
        "http.client",
        ("body",),
        rb"(?i)content-length:[^\n]*,|\n[ \t]",
        "http.client reads to the end when a length is a list or folded",
        OK + b"Content-Length: 1, 1\r\n\r\nxy",
    ),
]

"""Rows 5 to 12 and 21 to 31: heads and bodies that are broken, slow or not HTTP."""

from __future__ import annotations

from typing import Any

from apikit.errors import ChunkedEncodingError, ReadTimeout, SSLError, Timeout
from apikit.errors import ConnectionError as ConnectionError  # noqa: A004
from tests.faults.steps import (
    abort,
    answer,
    close,
    cut,
    drip,
    flood,
    hold,
    inject,
    ok,
    send,
    stall,
)
from tests.faults.table import case, gives, head, mebibytes, read_whole

__all__: list[str] = []

HEAD = b"HTTP/1.1 200 OK\r\n"
CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"
BROKEN = (ChunkedEncodingError, ConnectionError)


def same_in_pieces(content: bytes) -> Any:
    def check(response: Any) -> None:
        assert read_whole(response, streamed=True) == content

    return check


# 5, 6: the head does not come to its end.
case(5, "reset-before-a-byte", abort(), expect=ConnectionError)
case(5, "reset-in-the-headers", send(HEAD + b"Conte"), abort(), expect=ConnectionError)
case(6, "eof-before-a-byte", close(), expect=ConnectionError)
case(6, "eof-in-the-status-line", send(b"HTTP/1.1 20"), close(), expect=ConnectionError)
case(6, "eof-after-the-status-line", send(HEAD), close(), expect=ConnectionError)
case(6, "eof-in-a-header", send(HEAD + b"Content-Le"), close(), expect=ConnectionError)
case(
    6,
    "eof-before-the-empty-line",
    send(HEAD + b"Content-Length: 0\r\n"),
    close(),
    expect=ConnectionError,
)

# 8, 9: the body does not come to its end.
SHORT = head("Content-Length: 10")
case(8, "short-body", send(SHORT + b"abc"), close(), expect=BROKEN, also_streamed=True)
case(8, "no-body", send(SHORT), close(), expect=BROKEN, also_streamed=True)
case(8, "short-by-one", send(SHORT + b"abcdefghi"), close(), expect=BROKEN)
case(8, "reset-in-the-body", send(SHORT + b"abc"), abort(), expect=BROKEN, also_streamed=True)
case(
    8,
    "short-large-body",
    send(head("Content-Length: 1000000") + b"x" * 999_999),
    close(),
    expect=BROKEN,
    also_streamed=True,
)
case(
    8,
    "short-body-of-an-error-page",
    send(head("Content-Length: 10", status="500 Oops") + b"abc"),
    close(),
    expect=BROKEN,
)
for name, chunks in {
    "no-hexadecimal-size": b"zz\r\nabc\r\n0\r\n\r\n",
    "empty-size": b"\r\nabc\r\n0\r\n\r\n",
    "negative-size": b"-3\r\nabc\r\n0\r\n\r\n",
    "signed-size": b"+3\r\nabc\r\n0\r\n\r\n",
    "prefixed-size": b"0x3\r\nabc\r\n0\r\n\r\n",
    "size-over-64-bits": b"10000000000000003\r\nabc\r\n0\r\n\r\n",
    "size-of-20-digits": b"ffffffffffffffffffff\r\nabc\r\n0\r\n\r\n",
    "chunk-longer-than-its-size": b"3\r\nabcd\r\n0\r\n\r\n",
}.items():
    case(9, name, send(CHUNKED + chunks), close(), expect=ChunkedEncodingError, also_streamed=True)
for name, chunks in {
    "no-chunk": b"",
    "no-last-chunk": b"3\r\nabc\r\n",
    "cut-in-a-chunk": b"3\r\nab",
    "huge-chunk": b"7fffffffffffffff\r\nabc",
    "cut-in-the-last-chunk": b"3\r\nabc\r\n0\r\n",
}.items():
    case(9, name, send(CHUNKED + chunks), close(), expect=ChunkedEncodingError, also_streamed=True)
case(
    9,
    "endless-chunk-extension",
    send(CHUNKED + b"3;"),
    flood(b"x", mebibytes(32)),
    expect=ChunkedEncodingError,
)
case(
    9,
    "endless-trailers",
    send(CHUNKED + b"0\r\n"),
    flood(b"X-Trailer: x\r\n", mebibytes(2)),
    expect=ChunkedEncodingError,
)

# 10: over TLS an end without close_notify may be an attacker's.
case(
    10,
    "tls-eof-without-close-notify",
    send(HEAD + b"\r\nabc"),
    cut(),
    tls=True,
    expect=(ConnectionError, SSLError, ChunkedEncodingError),
    also_streamed=True,
)
case(
    10,
    "tls-eof-with-close-notify",
    send(HEAD + b"\r\nabc"),
    close(),
    tls=True,
    dropped=True,
    expect=gives(b"abc"),
)
case(
    10,
    "tls-eof-without-close-notify-after-a-whole-body",
    answer(b"abc"),
    cut(),
    tls=True,
    dropped=True,
    expect=gives(b"abc"),
)

# 11, 12: too slow, or silent.
case(
    11,
    "dripping-headers",
    drip(HEAD + b"X-Slow: yes\r\n" * 1000, 1, 0.1),
    expect=ReadTimeout,
)
case(
    11,
    "dripping-body",
    send(head("Content-Length: 100000")),
    drip(b"x" * 1000, 1, 0.1),
    expect=ReadTimeout,
)
case(
    11,
    "dripping-chunks",
    send(CHUNKED),
    drip(b"1\r\nx\r\n" * 1000, 6, 0.1),
    expect=ReadTimeout,
)
case(
    11,
    "slow-body-that-flows",
    send(head("Content-Length: 6000")),
    drip(b"x" * 6000, 200, 0.05),
    session={"timeout": (5, 0.7)},
    expect=gives(b"x" * 6000),
)
case(
    11,
    "dripping-body-that-is-streamed",
    send(head("Content-Length: 40")),
    drip(b"x" * 40, 1, 0.05),
    streamed=True,
    session={"timeout": (5, 1)},
    expect=same_in_pieces(b"x" * 40),
)
case(12, "silent", stall(), expect=ReadTimeout)
case(12, "silent-after-a-post", stall(), method="POST", call={"data": b"x"}, expect=ReadTimeout)
case(12, "silent-in-the-headers", send(HEAD), stall(), expect=ReadTimeout)
case(12, "silent-in-the-body", send(SHORT + b"a"), stall(), expect=ReadTimeout, also_streamed=True)
case(
    12,
    "reads-nothing",
    hold("never"),
    method="POST",
    call={"data": b"x" * mebibytes(16)},
    read_body=False,
    expect=Timeout,
)
case(
    12,
    "deadline-over-a-body-that-flows",
    send(CHUNKED),
    drip((b"64\r\n" + b"x" * 100 + b"\r\n") * 2000, 106, 0.02),
    call={"deadline": 0.5},
    expect=Timeout,
)

# 21: a length that nobody can rely on.
for name, fields in {
    "two-lengths": ("Content-Length: 3", "Content-Length: 5"),
    "two-lengths-in-one": ("Content-Length: 3, 5",),
    "length-and-chunked": ("Content-Length: 3", "Transfer-Encoding: chunked"),
    "length-over-64-bits": ("Content-Length: 18446744073709551619",),
    "negative-length": ("Content-Length: -3",),
    "signed-length": ("Content-Length: +3",),
    "length-in-words": ("Content-Length: three",),
    "length-with-a-space": ("Content-Length: 3 3",),
    "unknown-transfer-coding": ("Transfer-Encoding: chunkedd",),
}.items():
    case(21, name, send(head(*fields) + b"abc"), close(), expect=ConnectionError)
case(
    21,
    "same-length-twice",
    send(head("Content-Length: 3", "Content-Length: 3") + b"abc"),
    expect=gives(b"abc"),
)

# 22, 23: interim answers.
INTERIM = b"HTTP/1.1 100 Continue\r\n\r\n"
HINTS = b"HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\n"
case(22, "100", send(INTERIM + ok(b"abc")), expect=gives(b"abc", status_code=200))
case(22, "103-and-100", send(HINTS + INTERIM + ok(b"abc")), expect=gives(b"abc"))
case(22, "flood-of-100", flood(INTERIM, 1_000_000), expect=ConnectionError)
case(22, "nothing-after-100", send(INTERIM), close(), expect=ConnectionError)
case(23, "unasked-101", send(head("Upgrade: x", status="101 Switching")), expect=ConnectionError)

# 24: a body where none may be.
for name, method, status in (
    ("204-with-a-body", "GET", "204 No Content"),
    ("304-with-a-body", "GET", "304 Not Modified"),
    ("head-with-a-body", "HEAD", "200 OK"),
):
    case(
        24,
        name,
        send(head("Content-Length: 5", status=status) + b"hello"),
        method=method,
        dropped=True,
        expect=gives(b"", status_code=int(status[:3])),
    )
case(
    24,
    "bytes-behind-the-body",
    send(ok(b"abc") + ok(b"the next one's?")),
    dropped=True,
    expect=gives(b"abc"),
)

# 25 to 29: heads that are none.
case(25, "no-colon", send(head("no colon here", "Content-Length: 0")), expect=ConnectionError)
case(25, "nul-in-a-value", send(head("X-A: b\0c", "Content-Length: 0")), expect=ConnectionError)
case(25, "nul-in-a-name", send(head("X\0A: b", "Content-Length: 0")), expect=ConnectionError)
case(25, "cr-in-a-value", send(head("X-A: b\rc", "Content-Length: 0")), expect=ConnectionError)
case(
    26,
    "line-of-64-kb",
    answer(b"abc", "X-Long: " + "x" * 65_536),
    expect=gives(b"abc", status_code=200),
)
case(26, "line-of-110-kb", answer(b"", "X-Long: " + "x" * 110_000), expect=ConnectionError)
case(26, "20000-headers", answer(b"", *["X-Many: x"] * 20_000), expect=ConnectionError)
case(26, "endless-line", send(HEAD + b"X-Long: "), flood(b"x", 2**26), expect=ConnectionError)
case(26, "endless-status-line", send(b"HTTP/1.1 200 "), flood(b"x", 2**26), expect=ConnectionError)
case(27, "999", answer(b"abc", status="999 Denied"), expect=gives(b"abc", status_code=999))
for status in ("1000 Much", "-1 Less", "20 Short", "2x0 Letters", "", "+200 OK"):
    case(
        27,
        f"status-{status.partition(' ')[0] or 'none'}",
        answer(b"", status=status),
        expect=ConnectionError,
    )
case(28, "http-0.9", send(b"<html>hello</html>\n"), close(), expect=ConnectionError)
case(28, "icy", send(b"ICY 200 OK\r\n\r\n"), close(), expect=ConnectionError)
case(28, "ssh", send(b"SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n"), close(), expect=ConnectionError)
case(
    29,
    "reason-in-latin-1",
    answer(b"", status="404 Gr\xfc\xdfe"),
    expect=gives(status_code=404, reason="Grüße"),
)

# 31: after the handshake, bytes that are no TLS record.
case(31, "bad-record", inject(b"garbage instead of a record"), tls=True, expect=SSLError)

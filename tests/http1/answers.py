"""Generators of answers: valid ones, and such as had an accident."""

from __future__ import annotations

from hypothesis import strategies as st

from tests.http1.readers import Case

__all__ = ["damaged_cases", "valid_cases"]

OTHER_NAMES = ["Server", "X-A", "x_b", "ETag", "Set-Cookie", "Vary", "x!#$%&'*+-.^`|~9"]
OTHER_CHARS = bytes([*range(0x21, 0x7F), *range(0xA1, 0x100)])
words = st.lists(st.sampled_from(list(OTHER_CHARS)), min_size=1, max_size=8).map(bytes)
values = st.lists(words, max_size=3).map(b" ".join)
space = st.sampled_from([b"", b" ", b"  ", b"\t", b" \t "])
bodies = st.one_of(
    st.binary(max_size=40), st.sampled_from([b"0\r\n\r\n", b"HTTP/1.1 200 OK\r\n\r\n", b"x" * 5000])
)


@st.composite
def field_lines(draw: st.DrawFn, end: bytes, *, may_fold: bool = True) -> bytes:
    """Return a few fields that frame nothing, now and then folded."""
    lines = b""
    for name in draw(st.lists(st.sampled_from(OTHER_NAMES), max_size=4)):
        lines += name.encode() + b":" + draw(space) + draw(values) + draw(space) + end
        if may_fold and draw(st.integers(0, 9)) == 0:
            lines += b" " + draw(space) + draw(words) + end
    return lines


@st.composite
def chunked(draw: st.DrawFn, body: bytes, end: bytes) -> bytes:
    """Return BODY in chunks of any size."""
    coded = b""
    while body:
        size = draw(st.integers(1, len(body)))
        form = draw(st.sampled_from([b"%x", b"%X", b"000%x"]))
        coded += form % size + draw(st.sampled_from([b"", b"", b";a", b';a=b;c="d"'])) + b"\r\n"
        coded += body[:size] + b"\r\n"
        body = body[size:]
    # A trailer that is folded some releases of libcurl take, and some refuse.
    return coded + b"0\r\n" + draw(field_lines(end, may_fold=False)) + end


@st.composite
def valid_cases(draw: st.DrawFn) -> Case:
    """Return an answer as RFC 9112 has it, or with the bare LF and obs-fold that it allows."""
    is_head = draw(st.integers(0, 7)) == 0
    framing = draw(st.sampled_from(["length", "chunked", "eof", "none"]))
    end = draw(st.sampled_from([b"\r\n", b"\r\n", b"\r\n", b"\n"]))
    version = b"HTTP/1.1" if framing == "chunked" or draw(st.booleans()) else b"HTTP/1.0"
    statuses = [204, 304] if framing == "none" else [200, 201, 226, 302, 404, 499, 500, 599, 999]
    reason = draw(values)
    message = b""
    for status in draw(st.lists(st.sampled_from([100, 102, 103]), max_size=2)):
        message += b"HTTP/1.1 %d " % status + end + draw(field_lines(end)) + end
    message += version + b" %d " % draw(st.sampled_from(statuses)) + reason + end
    before, after = draw(field_lines(end)), draw(field_lines(end))
    connection = draw(st.sampled_from([b"", b"Connection: close", b"Connection: Keep-Alive, x"]))
    before += connection + end if connection else b""
    body = b"" if framing == "none" else draw(bodies)
    if framing == "length":
        before += draw(st.sampled_from([b"Content-Length: ", b"content-length:"]))
        before += b"%d" % len(body) + end
    elif framing == "chunked":
        before += draw(
            st.sampled_from([b"Transfer-Encoding: chunked", b"TRANSFER-ENCODING:Chunked"])
        )
        before += end
        body = draw(chunked(body, end))
    message += before + after + end + (b"" if is_head else body)
    cuts = draw(st.lists(st.integers(0, len(message)), max_size=4).map(sorted))
    return Case(message, is_head, tuple(cuts))


TOKENS = [
    b"\r", b"\n", b"\r\n", b" ", b"\t", b"\0", b"\x0b", b":", b";", b",", b"0", b"1", b"9", b"f",
    b"\x80", b"-", b"+", b"0x", b"\r\n ", b"\r\n\r\n", b"5, 5", b"chunked", b"gzip, chunked",
    b"Content-Length: 3\r\n", b"Content-Length: 3, 3\r\n", b"Transfer-Encoding: chunked\r\n",
    b"Transfer-Encoding: identity\r\n", b"Connection: close\r\n", b"HTTP/1.1 100 \r\n\r\n",
    b"HTTP/1.1 101 \r\n\r\n", b"HTTP/1.0 200 OK\r\n", b"ffffffffffffffff", b"0\r\n\r\n",
]  # fmt: skip


@st.composite
def damaged_cases(draw: st.DrawFn) -> Case:
    """Return a valid answer after one to three accidents; mostly in what is not the body."""
    case = draw(valid_cases())
    message = case.message
    for _ in range(draw(st.integers(1, 3))):
        at = draw(st.integers(0, min(len(message), 250)))
        if draw(st.booleans()):
            at = message.rfind(b"\n", 0, at) + 1  # whole lines get lost and repeated, too
        count = draw(st.integers(1, 12))
        kind = draw(st.sampled_from(["delete", "repeat", "flip", "insert", "insert", "cut"]))
        if kind == "delete":
            message = message[:at] + message[at + count :]
        elif kind == "repeat":
            message = message[: at + count] + message[at:]
        elif kind == "flip" and at < len(message):
            message = message[:at] + bytes([draw(st.integers(0, 255))]) + message[at + 1 :]
        elif kind == "insert":
            message = message[:at] + draw(st.sampled_from(TOKENS)) + message[at:]
        elif kind == "cut":
            message = message[: draw(st.integers(0, len(message)))]
    cuts = tuple(cut for cut in case.cuts if cut <= len(message))
    return Case(message, case.is_head, cuts)

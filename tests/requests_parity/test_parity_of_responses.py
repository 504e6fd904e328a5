"""What comes back: status, reason, headers, cookies, bodies, text, JSON, lines, errors."""

import gzip
import sys
import zlib
from itertools import product

import brotli
import pytest

from tests.requests_parity.sides import check, outcome, raw, servers, shown

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

__all__ = ["servers"]


def answer(body=b"", *fields, status="200 OK"):
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *fields]
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + body


def chunked(*pieces, fields=()):
    head = ["HTTP/1.1 200 OK", "Transfer-Encoding: chunked", *fields]
    body = b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces)
    return "\r\n".join(head).encode() + b"\r\n\r\n" + body + b"0\r\n\r\n"


STATUSES = [200, 201, 202, 203, 206, 300, 304, 400, 401, 403, 404, 409, 418, 429, 451, 499]
STATUSES += [500, 501, 502, 503, 504, 511, 599, 600, 922, 999]
REASONS = ["OK", "", "Custom reason", "caf\u00e9", "two  spaces", "\u00e2\u0098\u0083"]


@pytest.mark.parametrize("status", STATUSES)
def test_statuses(servers, status):
    body = b"" if status == 304 else b"body"
    url = servers.here + raw(answer(body, "Content-Type: text/plain", status=f"{status} X"))
    check(servers, lambda s: shown(s.get(url)))


@pytest.mark.parametrize(("status", "reason"), list(product([200, 404], REASONS)))
def test_reasons(servers, status, reason):
    check(
        servers,
        lambda s: shown(s.get(servers.here + raw(answer(b"x", status=f"{status} {reason}")))),
    )


@pytest.mark.parametrize("status", [400, 404, 500, 599])
def test_errors_of_statuses(servers, status):
    def call(session):
        url = servers.here + raw(answer(b"x", status=f"{status} Some reason"))
        response = session.get(url)
        try:
            response.raise_for_status()
        except OSError as exception:
            return str(exception), exception.response is response, exception.request.url

    check(servers, call)


TYPES = [
    None,
    "text/plain",
    "text/plain; charset=utf-8",
    "text/html; charset=ISO-8859-1",
    'text/html; charset="utf-8"',
    "text/html; charset='utf-8'",
    "text/html;charset=UTF-8;version=1",
    "text/html; CHARSET=utf-8",
    "text/html; charset",
    "text/html; charset=",
    "text/html; charset=no-such-charset",
    "text/html; charset=hex",
    "text/html; charset=utf-16",
    "text/html; charset=windows-1252",
    "text/html; charset=utf-8; charset=latin-1",
    "application/json",
    "application/json; charset=utf-8",
    "application/problem+json",
    "application/octet-stream",
    "application/xml",
    "image/png",
    "",
    ";",
]
BODIES = {
    "empty": b"",
    "ASCII": b"plain text, and more",
    "UTF-8": "gr\u00fc\u00dfe \u20ac\n\u65e5\u672c\u8a9e".encode(),
    "latin-1": "gr\u00fc\u00dfe".encode("latin-1"),
    "JSON": b'{"a": [1, null, "\xc3\xbc"]}',
    "number": b"5",
    "JSON with a mark": b'\xef\xbb\xbf{"a": 1}',
    "UTF-16": '{"a": 1}'.encode("utf-16"),
    "UTF-16-LE": '{"a": 1}'.encode("utf-16-le"),
    "UTF-16-BE": '{"a": 1}'.encode("utf-16-be"),
    "UTF-32": '{"a": 1}'.encode("utf-32"),
    "UTF-32-BE": '{"a": 1}'.encode("utf-32-be"),
    "broken JSON": b'{"a": 1,\n "b": }',
    "binary": bytes(range(256)),
    "zeros": b"\0\0\0\0",
}
#: The two cases in which Python has a decoder that gives no text.
TEXT_REASONS = {
    "text/html; charset=hex": "not-a-charset",
    "text/html; charset=no-such-charset": "not-a-charset",
    "text/html; charset=": "not-a-charset",
}


@pytest.mark.parametrize(("kind", "name"), list(product(TYPES, BODIES)))
def test_text(servers, kind, name):
    fields = [] if kind is None else [f"Content-Type: {kind}"]
    check(
        servers,
        lambda s: shown(s.get(servers.here + raw(answer(BODIES[name], *fields)))),
        TEXT_REASONS.get(kind),
    )


def test_json_errors_have_their_position(servers):
    def call(session):
        try:
            session.get(servers.here + raw(answer(BODIES["broken JSON"]))).json()
        except ValueError as error:
            return str(error), error.msg, error.doc, error.pos, error.lineno, error.colno

    check(servers, call)


@pytest.mark.parametrize("arguments", [{"parse_int": str}, {"object_pairs_hook": list}])
def test_json_takes_the_arguments_of_loads(servers, arguments):
    check(
        servers, lambda s: s.get(servers.here + raw(answer(b'{"a": 1, "a": 2}'))).json(**arguments)
    )


@pytest.mark.parametrize("encoding", ["utf-8", "latin-1", "utf-16", "nonsense", None, ""])
@pytest.mark.parametrize("name", ["UTF-8", "latin-1", "JSON", "empty"])
def test_the_encoding_may_be_assigned(servers, encoding, name):
    def call(session):
        response = session.get(servers.here + raw(answer(BODIES[name], "Content-Type: text/x")))
        before = response.encoding
        response.encoding = encoding
        return before, response.encoding, response.text, outcome(response.json)

    check(servers, call)


FIELDS = {
    "one": ["X-A: 1"],
    "twice": ["X-A: 1", "x-a: 2", "X-A: 3"],
    "empty": ["X-A:"],
    "spaces": ["X-A:   1 \t "],
    "latin-1": ["X-A: \u00fc"],
    "folded": ["X-A: 1\r\n  2"],
    "colon": ["X-A: a:b:c"],
    "cookies": ["Set-Cookie: a=1", "Set-Cookie: b=2; Path=/; HttpOnly"],
    "cookie with a path": ["Set-Cookie: a=1; Path=/elsewhere"],
    "cookie that is gone": ["Set-Cookie: a=1; Max-Age=0"],
    "cookie with a date": ["Set-Cookie: a=1; Expires=Wed, 21 Oct 2099 07:28:00 GMT"],
    "cookie of another": ["Set-Cookie: a=1; Domain=example.com"],
    "quoted cookie": ['Set-Cookie: a="1 2"'],
    "link": ['Link: <http://x/1>; rel=next; type="text/x", <http://x/2>; rel="last"'],
    "link without rel": ["Link: <http://x/1>"],
    "broken link": ["Link: <http://x/1>; a; b=c=d, <"],
    "location without redirect": ["Location: /x"],
    "many": [f"X-{number}: {number}" for number in range(90)],
    "long": [f"X-A: {'x' * 60000}"],
}


FIELD_REASONS = {
    "spaces": "no-white-space",
}


@pytest.mark.parametrize("name", FIELDS)
def test_headers(servers, name):
    check(
        servers,
        lambda s: shown(s.get(servers.here + raw(answer(b"x", *FIELDS[name])))),
        FIELD_REASONS.get(name),
    )


TEXT = b"some text to be coded, " * 200
NOISE = bytes(range(256)) * 9
CODINGS = {
    "gzip": (gzip.compress(TEXT), "gzip"),
    "x-gzip": (gzip.compress(TEXT), "x-gzip"),
    "GZip": (gzip.compress(TEXT), "GZip"),
    "two members": (gzip.compress(TEXT) + gzip.compress(TEXT), "gzip"),
    "deflate": (zlib.compress(TEXT), "deflate"),
    "raw deflate": (zlib.compress(TEXT)[2:-4], "deflate"),
    "both": (gzip.compress(zlib.compress(TEXT)), "deflate, gzip"),
    "br": (brotli.compress(TEXT), "br"),
    "empty br": (b"", "br"),
    "not br": (TEXT, "br"),
    "broken br": (brotli.compress(NOISE)[:30] + b"broken" * 9, "br"),
    "br of gzip": (brotli.compress(gzip.compress(TEXT)), "gzip, br"),
    "zstd": (zstd.compress(TEXT), "zstd"),
    "two frames": (zstd.compress(TEXT) + zstd.compress(TEXT), "zstd"),
    "empty zstd": (b"", "zstd"),
    "not zstd": (TEXT, "zstd"),
    "broken zstd": (zstd.compress(NOISE)[:30] + b"broken" * 9, "zstd"),
    "cut zstd": (zstd.compress(NOISE)[:-9], "zstd"),
    "zstd of gzip": (zstd.compress(gzip.compress(TEXT)), "gzip, zstd"),
    "identity": (TEXT, "identity"),
    "an unknown one": (TEXT, "made-up"),
    "empty": (b"", "gzip"),
    "zeros behind": (gzip.compress(TEXT) + b"\0" * 10, "gzip"),
    "not gzip": (TEXT, "gzip"),
    "broken": (gzip.compress(TEXT)[:30] + b"broken" * 9, "gzip"),
}


@pytest.mark.parametrize("name", CODINGS)
@pytest.mark.parametrize("stream", [False, True])
def test_codings(servers, name, stream):
    body, coding = CODINGS[name]
    url = servers.here + raw(answer(body, f"Content-Encoding: {coding}"))
    reason = "cut-zstd" if name in ("broken zstd", "cut zstd") else None
    if name == "two members" and stream and sys.version_info >= (3, 14):
        reason = "every-member"
    check(servers, lambda s: b"".join(s.get(url, stream=stream).iter_content(100)), reason)


FRAMINGS = {
    "chunked": chunked(b"one", b"two", b"three"),
    "no chunk": chunked(),
    "chunked and gzip": chunked(
        *(gzip.compress(TEXT)[at : at + 9] for at in range(0, 99, 9)),
        gzip.compress(TEXT)[99:],
        fields=["Content-Encoding: gzip"],
    ),
    "chunk extensions": chunked(b"one").replace(b"3\r\n", b"3;a=b\r\n"),
    "trailers": chunked(b"one")[:-2] + b"X-Trailer: 1\r\n\r\n",
    "until the end": b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nthe rest",
    "HTTP/1.0": b"HTTP/1.0 200 OK\r\nConnection: close\r\n\r\nthe rest",
    "line feeds": b"HTTP/1.1 200 OK\nContent-Length: 3\n\nabc",
    "100 before": b"HTTP/1.1 100 Continue\r\n\r\n" + answer(b"abc"),
    "too short": b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\nConnection: close\r\n\r\nabc",
    "broken chunk": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n"
    b"Connection: close\r\n\r\nzz\r\n",
    "no last chunk": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n"
    b"Connection: close\r\n\r\n3\r\nabc\r\n",
    "204": b"HTTP/1.1 204 No Content\r\n\r\n",
    "not HTTP": b"nonsense\r\nConnection: close\r\n\r\n",
}


@pytest.mark.parametrize("name", FRAMINGS)
@pytest.mark.parametrize("stream", [False, True])
def test_framings(servers, name, stream):
    def call(session):
        response = session.get(servers.here + raw(FRAMINGS[name]), stream=stream)
        return response.status_code, b"".join(response.iter_content(100))

    check(servers, call)


LINES = [
    b"a\nb\nc",
    b"a\nb\n",
    b"a\r\nb\rc",
    b"\n\n",
    b"",
    b"a",
    b"a\x0bb\x0cc\x1cd",
    "a\u2028b\u0085c".encode(),
    b"a" * 600 + b"\n" + b"b" * 600,
    b"a,b,,c,",
]


@pytest.mark.parametrize(
    ("number", "size", "text"), list(product(range(len(LINES)), [1, 2, 512, None], [False, True]))
)
def test_lines(servers, number, size, text):
    url = servers.here + raw(answer(LINES[number], "Content-Type: text/x; charset=utf-8"))

    def call(session):
        delimiter = "," if text else b","
        return [
            list(session.get(url, stream=stream).iter_lines(size, text, how))
            for stream in (False, True)
            for how in (None, delimiter)
        ]

    check(servers, call)


@pytest.mark.parametrize("size", [1, 3, 512, 100_000, None, "3", 2.5])
@pytest.mark.parametrize("stream", [False, True])
def test_pieces(servers, size, stream):
    url = servers.here + raw(answer(TEXT))
    check(servers, lambda s: list(s.get(url, stream=stream).iter_content(size)))


STREAMS = {
    "content": lambda r: [r.content, r.content, r.text],
    "twice": lambda r: [list(r.iter_content(9)), outcome(lambda: list(r.iter_content(9)))],
    "content behind pieces": lambda r: [list(r.iter_content(9)), outcome(lambda: r.content)],
    "pieces behind content": lambda r: [r.content, list(r.iter_content(9))],
    "json": lambda r: r.json(),
    "raw": lambda r: [r.raw.read(5), r.raw.read(), r.raw.read()],
    "raw and pieces": lambda r: [r.raw.read(5), b"".join(r.iter_content(9))],
    "raw in pieces": lambda r: b"".join(r.raw.stream(9)),
    "raw facts": lambda r: [r.raw.status, r.raw.reason, r.raw.readable()],
    "raw lines": lambda r: list(r.raw),
    "iteration": lambda r: b"".join(r),
    "with": lambda r: [r.__enter__() is r, r.__exit__(None, None, None)],
    "close": lambda r: [r.close(), r.close(), r.status_code],
    "close behind content": lambda r: [r.content, r.close(), r.content],
    "lines": lambda r: list(r.iter_lines()),
}
STREAM_REASONS = {
    ("raw and pieces", True, b""): "raw-is-gone",
}


@pytest.mark.parametrize("name", STREAMS)
@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("body", [b'{"a":\n 1}', b""])
def test_streams(servers, name, stream, body):
    url = servers.here + raw(answer(body, "Content-Type: application/json"))
    check(
        servers,
        lambda s: outcome(lambda: STREAMS[name](s.get(url, stream=stream))),
        STREAM_REASONS.get((name, stream, body)),
    )

"""Rows 13 to 20: whole answers whose content is the trouble."""

from __future__ import annotations

import gzip
import zlib
from functools import reduce
from typing import Any

from apikit.errors import BodyTooLarge, ContentDecodingError, InvalidSchema, TooManyRedirects
from tests.faults.steps import Step, answer, drip, flood, send
from tests.faults.table import case, gives, head, mebibytes

__all__: list[str] = []

HEAD = b"HTTP/1.1 200 OK\r\n"
CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"


def redirect(location: str, *fields: str, body: bytes = b"") -> Step:
    return answer(body, f"Location: {location}", *fields, status="302 Found")


def deflate_raw(data: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return packer.compress(data) + packer.flush()


# 13, 14: where redirects must not lead.
case(13, "loop", redirect("/fault"), expect=TooManyRedirects, sent=31)
case(
    13,
    "loop-with-fewer-allowed",
    redirect("/fault"),
    session={"max_redirects": 3},
    expect=TooManyRedirects,
    sent=4,
)
for scheme in ("file:///etc/passwd", "ftp://127.0.0.1/x", "gopher://127.0.0.1:1/x", "data:,x"):
    case(14, f"to-{scheme.partition(':')[0]}", redirect(scheme), expect=InvalidSchema)

# 15, 16: too much.
MANY = "Content-Length: 1073741824"
SMALL_CAP = {"max_body": mebibytes(1), "timeout": (5, 5)}
case(
    15,
    "announced-gigabyte",
    send(head(MANY)),
    flood(b"\0", 2**30),
    session=SMALL_CAP,
    expect=BodyTooLarge,
    says="max_body",
)
case(
    15,
    "chunked-gigabyte",
    send(CHUNKED),
    flood(b"1000\r\n" + b"\0" * 4096 + b"\r\n", 2**18),
    session=SMALL_CAP,
    expect=BodyTooLarge,
    says="max_body",
)
case(
    15,
    "endless-body",
    send(HEAD + b"\r\n"),
    flood(b"\0", 2**30),
    session=SMALL_CAP,
    expect=BodyTooLarge,
    says="max_body",
)
case(
    15,
    "over-the-default-cap",
    send(CHUNKED),
    flood(b"1000\r\n" + b"\0" * 4096 + b"\r\n", 2**18),
    session={"timeout": (5, 5)},
    expect=BodyTooLarge,
    says="max_body",
    memory=mebibytes(256),
)
case(15, "exactly-the-cap", answer(b"12345"), session={"max_body": 5}, expect=gives(b"12345"))
case(15, "one-over-the-cap", answer(b"123456"), session={"max_body": 5}, expect=BodyTooLarge)


def counts_128_mebibytes(response: Any) -> None:
    assert sum(map(len, response.iter_content(65536))) == mebibytes(128)


case(
    15,
    "streamed-over-the-cap",
    send(head(f"Content-Length: {mebibytes(128)}")),
    flood(b"\0", mebibytes(128)),
    session=SMALL_CAP,
    streamed=True,
    expect=counts_128_mebibytes,
    memory=mebibytes(32),
)
BOMB = gzip.compress(bytes(mebibytes(128)))
DOUBLE_BOMB = gzip.compress(BOMB)
GZIP = "Content-Encoding: gzip"
case(
    16,
    "gzip-bomb",
    answer(BOMB, GZIP),
    session=SMALL_CAP,
    expect=BodyTooLarge,
    says="max_body",
)
case(
    16,
    "gzip-bomb-in-gzip",
    answer(DOUBLE_BOMB, "Content-Encoding: gzip, gzip"),
    session=SMALL_CAP,
    expect=BodyTooLarge,
    says="max_body",
)
case(
    16,
    "gzip-bomb-on-a-redirect",
    redirect("/alive", GZIP, body=BOMB),
    session=SMALL_CAP,
    expect=BodyTooLarge,
    says="max_body",
)
case(
    16,
    "gzip-bomb-streamed",
    answer(BOMB, GZIP),
    session=SMALL_CAP,
    streamed=True,
    expect=counts_128_mebibytes,
    memory=mebibytes(32),
)

# 17: codings.
HELLO = b"hello " * 1000
ZIPPED = gzip.compress(HELLO)
FLAWED = ZIPPED[:-8] + b"\0\0\0\0" + ZIPPED[-4:]
for name, coding, data in (
    ("no-gzip-at-all", "gzip", b"this is not gzip"),
    ("cut-gzip", "gzip", ZIPPED[:-20]),
    ("cut-gzip-trailer", "gzip", ZIPPED[:-1]),
    ("wrong-gzip-checksum", "gzip", FLAWED),
    ("cut-second-member", "gzip", ZIPPED + ZIPPED[:-20]),
    ("no-deflate-at-all", "deflate", b"\xff\xff\xff\xff\xff\xff"),
    ("cut-deflate", "deflate", zlib.compress(HELLO)[:-9]),
    (
        "six-stacked-codings",
        ", ".join(["gzip"] * 6),
        reduce(lambda d, _: gzip.compress(d), range(6), HELLO),
    ),
    ("compress", "compress", b"\x1f\x9d\x90h\xca"),
    ("no-brotli-at-all", "br", b"\xff" * 64),
):
    case(
        17,
        name,
        answer(data, f"Content-Encoding: {coding}"),
        expect=ContentDecodingError,
        also_streamed=True,
    )
for name, coding, data in (
    ("gzip", "gzip", ZIPPED),
    ("x-gzip", "x-gzip", ZIPPED),
    ("capital-gzip", "GZip", ZIPPED),
    ("two-gzip-members", "gzip", gzip.compress(HELLO[:600]) + gzip.compress(HELLO[600:])),
    ("zeros-behind-gzip", "gzip", ZIPPED + bytes(512)),
    ("deflate", "deflate", zlib.compress(HELLO)),
    ("raw-deflate", "deflate", deflate_raw(HELLO)),
    ("two-stacked-codings", "deflate, gzip", gzip.compress(zlib.compress(HELLO))),
    ("identity", "identity", HELLO),
    ("label-utf-8", "UTF-8", HELLO),
    ("label-none", "none", HELLO),
):
    case(17, name, answer(data, f"Content-Encoding: {coding}"), expect=gives(HELLO))
case(
    17,
    "raw-deflate-in-single-bytes",
    send(head("Content-Encoding: deflate", f"Content-Length: {len(deflate_raw(HELLO))}")),
    drip(deflate_raw(HELLO), 1, 0.001),
    session={"timeout": (5, 5)},
    expect=gives(HELLO),
)
case(17, "gzip-label-on-head", send(head(GZIP)), method="HEAD", expect=gives(b"", status_code=200))

# 18, 19: text.
case(
    18,
    "body-not-of-its-charset",
    answer(b"caf\xe9", "Content-Type: text/plain; charset=utf-8"),
    expect=gives(b"caf\xe9", text="caf�"),
)
for name, content_type, text in (
    ("unknown-charset", "text/plain; charset=no-such-charset", "café"),
    ("charset-that-is-no-text", "text/plain; charset=base64", "café"),
    ("charset-of-odd-characters", "text/plain; charset=utf\\x00-8", "café"),
    ("no-charset-in-text", "text/plain", "cafÃ©"),
    ("no-charset-in-json", "application/json", "café"),
    ("quoted-charset", 'text/html; charset="UTF-8"', "café"),
):
    case(
        19,
        name,
        answer("café".encode(), f"Content-Type: {content_type}"),
        expect=gives("café".encode(), text=text),
    )
case(19, "no-content-type", answer("café".encode()), expect=gives("café".encode(), text="café"))


# 20: fields that come twice.
def joined_but_cookies_apart(response: Any) -> None:
    assert response.headers["X-Twice"] == "one, two"
    assert response.cookies.get_dict() == {"a": "1", "b": "2"}


case(
    20,
    "duplicate-headers",
    answer(
        b"",
        "X-Twice: one",
        "Set-Cookie: a=1; Expires=Wed, 09 Jun 2100 10:18:14 GMT; Path=/",
        "x-twice: two",
        "Set-Cookie: b=2; Path=/",
    ),
    expect=joined_but_cookies_apart,
)

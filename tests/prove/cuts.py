"""Answers that are cut at a random place, each decided by its seed alone.

The server's process makes and cuts them; the client's knows by the same seed which were
cut.  The last 32 bytes of a body are the digest of the rest.
"""

from __future__ import annotations

import hashlib
import random
import zlib
from dataclasses import dataclass

from tests.faults.steps import Peer, Step, abort, close, cut

__all__ = ["Shape", "answer_cut", "is_whole", "shape_of"]

DIGEST_SIZE = 32


@dataclass(frozen=True)
class Shape:
    """What the answer to one seed is."""

    size: int
    framing: str  #: "length", "chunked" or "eof"
    zipped: bool
    tls: bool
    cut_at: float | None  #: the place as a fraction of the whole; None: not cut
    ending: str  #: how the connection ends where it is cut


def shape_of(seed: int) -> Shape:
    """Return the shape of that answer."""
    rng = random.Random(seed)
    tls = rng.random() < 0.05
    framings = ["length", "chunked", "eof"] if tls else ["length", "chunked"]
    return Shape(
        size=int(10 ** rng.uniform(0, 5.2)),
        framing=rng.choice(framings),
        zipped=rng.random() < 0.2,
        tls=tls,
        cut_at=None if rng.random() < 0.1 else rng.random(),
        ending=rng.choice(["cut", "abort"] if tls else ["close", "abort"]),
    )


def is_whole(body: bytes) -> bool:
    """Say whether a body has its right digest."""
    payload, digest = body[:-DIGEST_SIZE], body[-DIGEST_SIZE:]
    return hashlib.sha256(payload).digest() == digest


def _chunk(rng: random.Random, body: bytes) -> bytes:
    out, place = bytearray(), 0
    while place < len(body):
        piece = body[place : place + rng.randint(1, max(1, len(body) // 3))]
        out += b"%x\r\n%b\r\n" % (len(piece), piece)
        place += len(piece)
    return bytes(out) + b"0\r\n\r\n"


def _wire(seed: int, shape: Shape) -> bytes:
    rng = random.Random(~seed)
    payload = rng.randbytes(shape.size)
    body = payload + hashlib.sha256(payload).digest()
    fields = b""
    if shape.zipped:
        packer = zlib.compressobj(1, wbits=zlib.MAX_WBITS | 16)
        body = packer.compress(body) + packer.flush()
        fields += b"Content-Encoding: gzip\r\n"
    if shape.framing == "length":
        fields += b"Content-Length: %d\r\n" % len(body)
    elif shape.framing == "chunked":
        fields += b"Transfer-Encoding: chunked\r\n"
        body = _chunk(rng, body)
    return b"HTTP/1.1 200 OK\r\n" + fields + b"\r\n" + body


_ENDINGS: dict[str, Step] = {"cut": cut(), "abort": abort(), "close": close()}


def answer_cut(peer: Peer) -> None:
    """Answer /cut/SEED as the seed says."""
    seed = int(peer.target.rpartition("/")[2])
    shape = shape_of(seed)
    wire = _wire(seed, shape)
    if shape.cut_at is None:
        peer.socket.sendall(wire)
        if shape.framing == "eof":
            close().run(peer)
        return
    peer.socket.sendall(wire[: int(shape.cut_at * len(wire))])
    _ENDINGS[shape.ending].run(peer)

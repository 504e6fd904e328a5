"""What C's memory holds of a secret: the heap of a process in which sessions live."""

from __future__ import annotations

import base64
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from tests.faults.children import unused_port
from tests.prove.canary_net import PROVIDER_COOKIE, PROXY_COOKIE, Net, answer, login_form
from tests.secrets_life import make_password
from tests.servers import ROOT

__all__ = ["PASSWORD", "SECRETS", "close_all", "found_in", "heap_of", "living"]

#: Parts of a secret that are looked for: allocators write over the beginning of a freed block.
PIECE: Final = 20
PASSWORD: Final = {"the password": make_password()}
SECRETS: Final = {
    **PASSWORD,
    "Basic credentials": base64.b64encode(f"ann:{make_password()}".encode()).decode(),
    "the proxy's cookie": PROXY_COOKIE,
    "the provider's cookie": PROVIDER_COOKIE,
}


def pieces_of(secret: str) -> set[bytes]:
    """Return the parts of a secret, which overlap."""
    return {secret[i : i + PIECE].encode() for i in range(0, len(secret) - PIECE + 1, 4)}


def heap_of(pid: int) -> bytes:
    """Return the memory that malloc has of the system, as it is now."""
    lines = Path(f"/proc/{pid}/maps").read_text(encoding="utf-8").splitlines()
    (bounds,) = (line.split()[0] for line in lines if line.endswith("[heap]"))
    start, end = (int(bound, 16) for bound in bounds.split("-"))
    with Path(f"/proc/{pid}/mem").open("rb", 0) as memory:
        memory.seek(start)
        return memory.read(end - start)


def found_in(heap: bytes, secrets: dict[str, str]) -> list[str]:
    """Return where a heap has secrets."""
    return [
        f"{name}: {heap[max(0, place - 40) : place + 60]!r}"
        for name, secret in secrets.items()
        for piece in sorted(pieces_of(secret))
        if (place := heap.find(piece)) >= 0
    ]


@contextmanager
def living() -> Iterator[subprocess.Popen[str]]:
    """Run a process in which sessions live, before servers that let it log in, or refuse it."""
    wrong_page = answer(200, body=login_form("/wrong"))
    with Net.running() as net:
        net.play(
            {
                ("provider", "/wrong"): wrong_page,
                ("proxy", "/cut"): b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\ncut",
                ("proxy", "/404"): answer(404, body="none"),
            }
        )
        dead = f"http://127.0.0.1:{unused_port()}"
        urls = [net.url("proxy"), net.url("provider"), net.url("provider", "/wrong"), dead]
        with subprocess.Popen(
            [sys.executable, "-P", ROOT / "tests" / "secrets_life.py", *urls],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            # One arena, so that all of malloc's memory is in one place.
            env={**os.environ, "MALLOC_ARENA_MAX": "1", "PYTHONMALLOC": ""},
        ) as process:
            try:
                _hear(process, "open")
                yield process
            finally:
                process.kill()


def close_all(process: subprocess.Popen[str]) -> None:
    """Let the process close everything."""
    assert process.stdin is not None
    process.stdin.write("\n")
    process.stdin.flush()
    _hear(process, "closed")


def _hear(process: subprocess.Popen[str], word: str) -> None:
    assert process.stdout is not None
    assert process.stdout.readline().strip() == word

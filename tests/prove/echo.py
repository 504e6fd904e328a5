"""The back end of the fork proofs: it answers with the last part of the path.

Runs in the scripted server's process.  Names are "PID-NUMBER"; a connection that carries
the names of two processes is counted.
"""

from __future__ import annotations

import threading

from tests.faults.steps import Peer, ok

__all__ = ["answer_name", "take_crossings"]

_lock = threading.Lock()
_owners: dict[int, str] = {}
_crossings = 0


def answer_name(peer: Peer) -> None:
    """Answer with the name that was asked for, and note whose connection this is."""
    global _crossings
    name = peer.target.rpartition("/")[2]
    owner = name.partition("-")[0]
    with _lock:
        if _owners.setdefault(peer.number, owner) != owner:
            _crossings += 1
    peer.socket.sendall(ok(name.encode()))


def take_crossings() -> int:
    """Return how many requests came over another process's connection, and forget them."""
    global _crossings
    with _lock:
        found, _crossings = _crossings, 0
        return found

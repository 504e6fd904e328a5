"""The back end of the kill proof: it counts ids and kills connections at every stage.

Runs in the scripted server's process; what happens to an id is decided by the id alone.
"""

from __future__ import annotations

import random
import threading
from collections import Counter

from tests.faults.steps import Peer, abort, close, ok

__all__ = ["KEPT", "answer_or_kill", "stage_of", "take_counts"]

#: Stages at which the connection is killed: before the body is read, after it, within
#: the answer's head, within its body, and once it is idle again.
STAGES = ("head", "body", "answer-head", "answer-body", "idle")

#: The connection lives.
KEPT = "kept"

_lock = threading.Lock()
_seen: Counter[int] = Counter()
_kills = 0


def stage_of(number: int) -> str:
    """Return at which stage the connection of that id dies."""
    return random.Random(number).choice((KEPT,) * 4 + STAGES)


def answer_or_kill(peer: Peer) -> None:
    """Count the id in /kill/ID, then answer or kill the connection."""
    global _kills
    number = int(peer.target.rpartition("/")[2])
    stage = stage_of(number)
    with _lock:
        _seen[number] += 1
        _kills += stage != KEPT
    ending = close() if number % 2 else abort()
    if stage == "head":
        ending.run(peer)
        return
    _read_body(peer)
    answer = ok(b"%d" % number)
    sent = {"body": 0, "answer-head": 20, "answer-body": len(answer) - 1}
    peer.socket.sendall(answer[: sent.get(stage, len(answer))])
    if stage != KEPT:
        ending.run(peer)


def _read_body(peer: Peer) -> None:
    length = next(
        int(line[15:])
        for line in peer.head.split(b"\r\n")
        if line.lower().startswith(b"content-length:")
    )
    while len(peer.unread) < length:
        data = peer.socket.recv(65536)
        if not data:
            raise ConnectionError("the client closed within the body")
        peer.unread += data
    del peer.unread[:length]


def take_counts() -> tuple[int, int, int]:
    """Return ids seen, ids seen more than once, and kills; forget them."""
    global _kills
    with _lock:
        counts = len(_seen), sum(times > 1 for times in _seen.values()), _kills
        _seen.clear()
        _kills = 0
        return counts

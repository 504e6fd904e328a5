"""What `tests.prove.valgrind` watches; imports nothing but apikit."""

from __future__ import annotations

import contextlib
import sys

from apikit import BackendError, Session
from apikit.errors import RequestException

__all__ = ["do_all"]


def do_all(base: str, secure: str, ca: str, rounds: int) -> None:
    """Do a little of everything, `rounds` times over."""
    for _ in range(rounds):
        with Session(trust_env=False, verify=ca) as session:
            assert session.get(f"{base}/plain", params={"a": "b"}, auth=("ann", "x")).ok
            assert session.post(f"{base}/plain", json={"a": [1]}, headers={"X-A": "b"}).ok
            assert session.put(f"{base}/plain", data=iter([b"a", b"b"])).ok
            assert session.get(f"{base}/away").history[0].cookies["a"] == "b"
            assert len(session.get(f"{secure}/large").content) == 100_000
            with session.get(f"{base}/large", stream=True) as response:
                next(response.iter_content(1000))
            with contextlib.suppress(RequestException):
                session.get(f"{base}/short")
            with contextlib.suppress(BackendError):
                raise BackendError("Gone", 410, "gone")


if __name__ == "__main__":
    do_all(sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4]))

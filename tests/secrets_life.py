"""A life of sessions in a process of its own, whose memory `prove.leaks` looks through.

The password is computed, so that it is nowhere in this process but where it was put. Of its
Python objects none is large: pymalloc keeps them in mappings of its own, and what malloc's
heap holds is what C owns.
"""

from __future__ import annotations

import gc
import hashlib
import sys
from contextlib import suppress
from typing import Any

from apikit import Backend, BackendError, Session, SessionPool, retry_request
from apikit.errors import RequestException

__all__ = ["SEED", "make_password"]

SEED = b"the seed of a password"


def make_password() -> str:
    """Return the password: 64 letters and digits."""
    return hashlib.sha256(SEED).hexdigest()


def _open(proxy: str, provider: str, wrong: str, dead: str) -> list[Any]:
    """Log in and be refused, call and fail; return what is to be closed."""
    password = make_password()
    start, session_url = f"{proxy}/oauth2/start", f"{provider}/session"
    session = Session("ann", password, start, session_url, trust_env=False)
    session.get(f"{proxy}/api")
    session.get(f"{proxy}/api", auth=("ann", password))
    session.get(f"{proxy.replace('//', f'//ann:{password}@')}/api")
    session.get(f"{proxy}/digest", headers={"Authorization": f"Bearer {password}"})
    posted = Session("ann", None, start, session_url, {"password": password}, trust_env=False)
    posted.authenticate()
    refused = Session("ann", password, start, wrong, trust_env=False)
    refused.set_oauth2_password(password)
    for url in (f"{dead}/", f"{proxy}/cut"):
        with suppress(RequestException):
            session.get(url, auth=("ann", password))
    pool = SessionPool(trust_env=False)
    pool.get(start, "ann", password, session_url).get(f"{proxy}/api")
    basic = {"type": "basic", "data": {}}
    backend = Backend(proxy, auth=basic, retries=None, trust_env=False)
    for path in ("/api", "/404", "/cut"):
        with suppress(BackendError):
            backend.get(path, auth=("ann", password))
    retry_request("get", f"{proxy}/api", auth=("ann", password), tries=1)
    return [session, posted, refused, pool, backend]


def _tell(word: str) -> None:
    """Say how far it is, and wait until the memory was looked at."""
    print(word, flush=True)
    sys.stdin.readline()


def main() -> None:
    """Live, and say when everything is open, and when it is closed."""
    opened = _open(*sys.argv[1:])
    _tell("open")
    for one in opened:
        one.close()
    opened.clear()
    del one
    gc.collect()
    _tell("closed")


if __name__ == "__main__":
    main()

"""Run one of the servers: ``python -m tests.servers backend --port=8080``."""

from __future__ import annotations

import sys

from . import backend, issuer, provider, recorder, standin

_SERVERS = {
    "backend": backend.main,
    "issuer": issuer.main,
    "provider": provider.main,
    "recorder": recorder.main,
    "standin": standin.main,
}

if __name__ == "__main__":
    name = sys.argv[1] if len(sys.argv) > 1 else ""
    if name not in _SERVERS:
        sys.exit(f"usage: python -m {__package__} {{{','.join(_SERVERS)}}} --port=N")
    _SERVERS[name](sys.argv[2:])

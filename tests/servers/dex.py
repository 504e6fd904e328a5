"""Dex with static passwords: log-in and consent pages of its own, and no session."""

from __future__ import annotations

import contextlib
import json
import tempfile
from collections.abc import Iterator
from pathlib import Path

from .go_program import GoProgram
from .process import LOOPBACK, ROOT, Server, start_server
from .provider import PROVIDER_HOST
from .users import ANN, BOB

__all__ = ["DEX", "start_dex"]

DEX = GoProgram(
    "dex",
    "2.13.0",
    "github.com/dexidp/dex/cmd/dex",
    ROOT / "tests" / "dex",
    data="github.com/dexidp/dex web",
)
"""Of 2018, the newest that the Go module proxy has; its pages changed little since."""

# Made with bcrypt once: the standard library has none.
_HASHES = {
    ANN: "$2b$10$rsSqJBpQug3gSqxSsYsAh.lVHZXq59p.IKBx6CM3zaKeE45J.hFX6",
    BOB: "$2b$10$z/5WyZxOQWW770icVW7ra.dEiF54YF0wOGCS1qTfcV/R2oCRtbXBO",
}


@contextlib.contextmanager
def start_dex(
    *proxy_ports: int, asks: bool = False, port: int = 0, public_port: int | None = None
) -> Iterator[Server]:
    """Run Dex, whose users are called by their e-mail; stop it at the end.

    Parameters
    ----------
    *proxy_ports : `int`
        The ports of the proxies before which it logs people in.
    asks : `bool`, optional
        Whether it asks its users at each log-in if they agree.
    port : `int`, optional
        The port to use; 0 takes a free one.
    public_port : `int`, optional
        The port that it is known by, if another server stands before it.

    Yields
    ------
    server : `Server`
        The running Dex; its issuer is ``/dex`` of the public port.
    """
    callbacks = [f"http://{LOOPBACK}:{number}/oauth2/callback" for number in proxy_ports]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "dex.json")

        def write(number: int) -> list[str | Path]:
            settings = {
                "issuer": f"http://{PROVIDER_HOST}:{public_port or number}/dex",
                "storage": {"type": "memory"},
                "web": {"http": f"{LOOPBACK}:{number}"},
                "frontend": {"dir": str(binary.with_name("web"))},
                "oauth2": {"skipApprovalScreen": not asks},
                "staticClients": [
                    {
                        "id": "proxy",
                        "name": "The proxy",
                        "secret": "of-the-tests",
                        "redirectURIs": callbacks,
                    }
                ],
                "enablePasswordDB": True,
                "staticPasswords": [
                    {
                        "email": user.email,
                        "hash": hashed,
                        "username": user.name,
                        "userID": user.name,
                    }
                    for user, hashed in _HASHES.items()
                ],
            }
            path.write_text(json.dumps(settings))
            return [binary, "serve", path]

        binary = DEX.build()
        with start_server("dex", write, port=port, host=PROVIDER_HOST) as server:
            yield server

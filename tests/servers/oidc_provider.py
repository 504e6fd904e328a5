"""oidc-provider under Node: log-in and consent pages of its own, and a session at the provider."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from .installed import install_once, run_installer
from .process import ROOT, Server, ServerError, start_server
from .provider import PROVIDER_HOST
from .users import USERS

__all__ = ["find_node", "install_oidc_provider", "start_oidc_provider"]

_SOURCE = ROOT / "tests" / "oidc_provider"


def find_node() -> str | None:
    """Return the path of Node, if npm is there too, or None."""
    return shutil.which("node") if shutil.which("npm") else None


def install_oidc_provider() -> Path:
    """Install what package-lock.json pins, unless it is there, and return the folder.

    Raises
    ------
    ServerError
        There is no Node or no npm, or npm failed; the text holds its last words.
    """
    if find_node() is None:
        raise ServerError("oidc-provider cannot be installed: install nodejs and npm")
    return install_once("oidc-provider", _SOURCE, _install_in)


def _install_in(folder: Path) -> None:
    npm = [str(shutil.which("npm")), "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
    run_installer("oidc-provider", npm, folder, "see that the npm registry can be reached")


def start_oidc_provider(*, port: int = 0, public_port: int | None = None) -> Server:
    """Start oidc-provider with the accounts of the tests.

    Its clients are "proxy", "brief-proxy", whose tokens are good for two seconds, and
    "asking-proxy", whose users are asked whether they agree.

    Parameters
    ----------
    port : `int`, optional
        The port to use; 0 takes a free one.
    public_port : `int`, optional
        The port that it is known by, if another server stands before it.
    """
    folder = install_oidc_provider()
    accounts = {
        user.name: {"password": user.password, "email": user.email} for user in USERS.values()
    }
    return start_server(
        "oidc-provider",
        lambda number: [
            str(find_node()),
            "server.js",
            str(number),
            f"http://{PROVIDER_HOST}:{public_port or number}",
        ],
        port=port,
        host=PROVIDER_HOST,
        env={"ACCOUNTS": json.dumps(accounts)},
        cwd=folder,
    )

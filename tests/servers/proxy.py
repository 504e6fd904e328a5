"""The login proxy: the real oauth2-proxy, or where there is no Go a stand-in for it."""

from __future__ import annotations

import enum
import fcntl
import hashlib
import secrets
import shutil
import subprocess
from pathlib import Path

from .process import LOOPBACK, ROOT, Server, ServerError, start_server
from .site import start_site

__all__ = [
    "OAUTH2_PROXY_VERSION",
    "Kind",
    "Refusal",
    "build_oauth2_proxy",
    "find_go",
    "oauth2_proxy_path",
    "start_proxy",
]

OAUTH2_PROXY_VERSION = "7.4.0"

_MODULE = "github.com/oauth2-proxy/oauth2-proxy/v7"
_SOURCE = ROOT / "tests" / "oauth2_proxy"
_SOURCE_NAMES = ("go.mod", "go.sum", "tools.go")
_CACHE = ROOT / ".cache" / "oauth2-proxy"


class Kind(enum.Enum):
    """Which proxy serves."""

    REAL = f"oauth2-proxy {OAUTH2_PROXY_VERSION}"
    STAND_IN = "stand-in"


class Refusal(enum.Enum):
    """What the proxy does with a request that has no session."""

    SIGN_IN_PAGE = "sign-in page"
    """403 with a page that leads to the log-in (its default)."""

    REDIRECT = "skip-provider-button"
    """302 to the provider."""


def find_go() -> str | None:
    """Return the path of the Go tool, or None."""
    return shutil.which("go")


def oauth2_proxy_path() -> Path:
    """Return where the built oauth2-proxy is, or will be: it depends on what is pinned."""
    sources = b"\0".join((_SOURCE / name).read_bytes() for name in _SOURCE_NAMES)
    return _CACHE / hashlib.sha256(sources).hexdigest()[:16] / "oauth2-proxy"


def build_oauth2_proxy() -> Path:
    """Build the pinned oauth2-proxy, unless it is there, and return its path.

    Raises
    ------
    ServerError
        There is no Go, or the build failed; the text holds the build's last words.
    """
    go = find_go()
    if go is None:
        raise ServerError("oauth2-proxy cannot be built: there is no go; install golang-go")
    binary = oauth2_proxy_path()
    folder = binary.parent
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("wb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not binary.exists():
            # In a copy, for -mod=mod lets other versions of Go rewrite the two files.
            for name in _SOURCE_NAMES:
                shutil.copy(_SOURCE / name, folder)
            _run_go(go, folder, "oauth2-proxy.part")
            (folder / "oauth2-proxy.part").replace(binary)
    return binary


def _run_go(go: str, folder: Path, target: str) -> None:
    result = subprocess.run(
        [go, "build", "-mod=mod", "-buildvcs=false", "-o", target, _MODULE],
        cwd=folder,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if result.returncode:
        last = "\n".join(result.stderr.splitlines()[-5:])
        raise ServerError(
            f"oauth2-proxy {OAUTH2_PROXY_VERSION} cannot be built (go build ended with status "
            f"{result.returncode}): see that the Go module proxy can be reached\n{last}"
        )


def start_proxy(
    provider: Server,
    backend: Server,
    *options: str,
    refusal: Refusal = Refusal.SIGN_IN_PAGE,
    kind: Kind | None = None,
    port: int = 0,
    public_port: int | None = None,
) -> Server:
    """Start the login proxy before a back end.

    Parameters
    ----------
    provider, backend : `Server`
        Where people log in, and what the proxy guards.
    *options : `str`
        More of oauth2-proxy's options, such as ``--cookie-expire=5s``; the stand-in knows
        that one alone.
    refusal : `Refusal`, optional
        What the proxy does with a request that has no session.
    kind : `Kind`, optional
        Which proxy; by default the real one where Go is found.
    port : `int`, optional
        The port to use; 0 takes a free one.
    public_port : `int`, optional
        The port that clients know, if another server stands before the proxy.

    Returns
    -------
    server : `Server`
        The running proxy.

    Raises
    ------
    ServerError
        The proxy cannot be built or does not start.
    """
    if kind is None:
        kind = Kind.REAL if find_go() else Kind.STAND_IN
    if refusal is Refusal.REDIRECT:
        options = ("--skip-provider-button", *options)
    if kind is Kind.STAND_IN:
        public = () if public_port is None else (f"--public-port={public_port}",)
        where = (f"--provider-port={provider.port}", f"--upstream-port={backend.port}")
        return start_site("standin", *where, *public, *options, port=port)
    binary = build_oauth2_proxy()
    return start_server(
        "oauth2-proxy",
        lambda number: [
            binary,
            "--provider=github",
            "--client-id=technote",
            "--client-secret=of-the-tests",
            f"--cookie-secret={secrets.token_hex(16)}",
            "--cookie-secure=false",
            "--email-domain=*",
            f"--http-address={LOOPBACK}:{number}",
            f"--redirect-url=http://{LOOPBACK}:{public_port or number}/oauth2/callback",
            f"--login-url={provider.url}/login/oauth/authorize",
            f"--redeem-url={provider.url}/login/oauth/access_token",
            f"--validate-url={provider.url}/",
            f"--upstream={backend.url}/",
            *options,
        ],
        port=port,
    )

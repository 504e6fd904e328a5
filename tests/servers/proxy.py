"""The login proxy: the real oauth2-proxy, or where there is no Go a stand-in for it."""

from __future__ import annotations

import base64
import enum
import hashlib
import secrets
from collections.abc import Iterable
from pathlib import Path

from .go_program import GoProgram, find_go
from .process import LOOPBACK, ROOT, Server, start_server
from .site import start_site
from .users import User

__all__ = [
    "OAUTH2_PROXIES",
    "OAUTH2_PROXY_7_4",
    "OAUTH2_PROXY_7_15",
    "Kind",
    "Refusal",
    "jwt_options",
    "start_oidc_proxy",
    "start_proxy",
    "write_htpasswd",
]

_PACKAGE = "github.com/oauth2-proxy/oauth2-proxy/v7"
_SOURCE = ROOT / "tests" / "oauth2_proxy"

OAUTH2_PROXY_7_4, OAUTH2_PROXY_7_15 = OAUTH2_PROXIES = tuple(
    GoProgram("oauth2-proxy", version, _PACKAGE, _SOURCE / version)
    for version in ("7.4.0", "7.15.6")
)
"""The versions that the tests run; Debian's own Go builds the first alone."""


class Kind(enum.Enum):
    """Which proxy serves."""

    REAL = str(OAUTH2_PROXY_7_4)
    STAND_IN = "stand-in"


class Refusal(enum.Enum):
    """What the proxy does with a request that has no session."""

    SIGN_IN_PAGE = "sign-in page"
    """403 with a page that leads to the log-in (its default)."""

    REDIRECT = "skip-provider-button"
    """302 to the provider."""


def start_proxy(
    provider: Server,
    backend: Server,
    *options: str,
    refusal: Refusal = Refusal.SIGN_IN_PAGE,
    kind: Kind | None = None,
    program: GoProgram = OAUTH2_PROXY_7_4,
    port: int = 0,
    public_port: int | None = None,
) -> Server:
    """Start the login proxy before a back end, with the GitHub provider.

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
    program : `GoProgram`, optional
        Which version of the real one.
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
    return _start_real(
        program,
        backend,
        (
            "--provider=github",
            "--client-id=technote",
            "--client-secret=of-the-tests",
            f"--login-url={provider.url}/login/oauth/authorize",
            f"--redeem-url={provider.url}/login/oauth/access_token",
            f"--validate-url={provider.url}/",
            *options,
        ),
        port=port,
        public_port=public_port,
    )


def start_oidc_proxy(
    issuer_url: str,
    backend: Server,
    *options: str,
    client: str = "proxy",
    refusal: Refusal = Refusal.SIGN_IN_PAGE,
    program: GoProgram = OAUTH2_PROXY_7_4,
    port: int = 0,
    public_port: int | None = None,
) -> Server:
    """Start the real proxy before a back end, with an OpenID provider.

    Parameters
    ----------
    issuer_url : `str`
        The provider's name, under which its discovery document lies.
    backend : `Server`
        What the proxy guards.
    *options : `str`
        More of oauth2-proxy's options.
    client : `str`, optional
        The client that the proxy is at the provider; its secret is "of-the-tests".
    refusal, program, port, public_port
        As `start_proxy` takes them.

    Raises
    ------
    ServerError
        The proxy cannot be built or does not start.
    """
    if refusal is Refusal.REDIRECT:
        options = ("--skip-provider-button", *options)
    return _start_real(
        program,
        backend,
        (
            "--provider=oidc",
            f"--oidc-issuer-url={issuer_url}",
            f"--client-id={client}",
            "--client-secret=of-the-tests",
            *options,
        ),
        port=port,
        public_port=public_port,
    )


def _start_real(
    program: GoProgram,
    backend: Server,
    options: Iterable[str],
    *,
    port: int,
    public_port: int | None,
) -> Server:
    binary = program.build()
    return start_server(
        str(program),
        lambda number: [
            binary,
            f"--cookie-secret={secrets.token_hex(16)}",
            "--cookie-secure=false",
            "--email-domain=*",
            f"--http-address={LOOPBACK}:{number}",
            f"--redirect-url=http://{LOOPBACK}:{public_port or number}/oauth2/callback",
            f"--upstream={backend.url}/",
            *options,
        ],
        port=port,
    )


def jwt_options(issuer: Server, audience: str) -> tuple[str, ...]:
    """Return the options that let programs in by the tokens of an issuer."""
    return ("--skip-jwt-bearer-tokens", f"--extra-jwt-issuers={issuer.url}={audience}")


def write_htpasswd(path: Path, users: Iterable[User]) -> str:
    """Write users and passwords as the proxy reads them; return its option for the file."""
    lines = (
        f"{user.name}:{{SHA}}"
        + base64.b64encode(hashlib.sha1(user.password.encode()).digest()).decode()
        for user in users
    )
    path.write_text("".join(f"{line}\n" for line in lines))
    return f"--htpasswd-file={path}"

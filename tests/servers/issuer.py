"""A small OpenID issuer that signs tokens: what a proxy needs to check them, and no log-in page.

What it serves to the proxy: ``/.well-known/openid-configuration`` and ``/jwks``; to a program:
``POST /token`` (the password grant, RFC 6749, 4.3) and, for tests alone, ``/mint``.
"""

from __future__ import annotations

import enum
import http.client
import secrets
import threading
import time
from collections import Counter
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, ClassVar
from urllib.parse import urlencode

from .process import LOOPBACK, Server, ServerError
from .site import Answer, Request, Site, argument_parser, dump_json, parse_form, serve, start_site
from .users import USERS, User

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

__all__ = ["AUDIENCE", "Issuer", "Token", "fetch_token", "start_issuer"]

AUDIENCE = "proxy"
"""The client that the tokens are made for: ``--extra-jwt-issuers=ISSUER=proxy``."""

_KEY_ID = "of-the-tests"
_ALGORITHM = "RS256"
_HOUR_SECONDS = 3600


class Token(enum.Enum):
    """What is right or wrong with a token."""

    GOOD = "good"
    EXPIRED = "expired"
    WRONG_AUDIENCE = "wrong audience"
    WRONG_ISSUER = "wrong issuer"
    WRONG_KEY = "wrong key"
    UNVERIFIED = "unverified e-mail"
    NO_EMAIL = "no e-mail"
    """A token about a program: the proxy takes its subject for the name."""

    UNSIGNED = "unsigned"
    OPAQUE = "opaque"
    """Not a JWT at all, as GitHub's tokens are."""


class Issuer(Site):
    """The issuer. Counters: ``granted`` and ``refused`` of ``/token``, ``minted``, ``key_sets``.

    Parameters
    ----------
    url : `str`
        The name of the issuer: its own URL.
    """

    name: ClassVar[str] = "issuer"

    def __init__(self, url: str) -> None:
        self._url = url
        self._key = _make_key()
        self._strange_key = _make_key()
        self._lock = threading.Lock()
        self._counter = Counter(granted=0, refused=0, minted=0, key_sets=0)
        self._pages: dict[tuple[str, str], Callable[[Request], Answer]] = {
            ("GET", "/.well-known/openid-configuration"): self._describe,
            ("GET", "/jwks"): self._show_keys,
            ("POST", "/token"): self._grant,
            ("GET", "/mint"): self._mint,
        }

    def counts(self) -> dict[str, int]:
        """Return the counters."""
        with self._lock:
            return dict(self._counter)

    def answer(self, request: Request) -> Answer:
        """Answer the proxy or a program."""
        page = self._pages.get((request.method, request.path))
        return Answer(404, b"no such page") if page is None else page(request)

    def _count(self, name: str) -> None:
        with self._lock:
            self._counter[name] += 1

    def _describe(self, request: Request) -> Answer:
        return dump_json(
            {
                "issuer": self._url,
                "authorization_endpoint": f"{self._url}/authorize",
                "token_endpoint": f"{self._url}/token",
                "jwks_uri": f"{self._url}/jwks",
                "response_types_supported": ["code"],
                "subject_types_supported": ["public"],
                "id_token_signing_alg_values_supported": [_ALGORITHM],
            }
        )

    def _show_keys(self, request: Request) -> Answer:
        self._count("key_sets")
        import jwt  # here: an environment of the bench has servers, but neither this nor keys

        key = jwt.algorithms.RSAAlgorithm.to_jwk(self._key.public_key(), as_dict=True)
        return dump_json({"keys": [key | {"kid": _KEY_ID, "alg": _ALGORITHM, "use": "sig"}]})

    def _grant(self, request: Request) -> Answer:
        form = parse_form(request.body.decode())
        user = USERS.get(form.get("username", ""))
        right = user is not None and secrets.compare_digest(
            user.password.encode(), form.get("password", "").encode()
        )
        if form.get("grant_type") != "password" or user is None or not right:
            self._count("refused")
            return dump_json({"error": "invalid_grant"}, 400)
        self._count("granted")
        seconds = int(form.get("seconds", _HOUR_SECONDS))
        token = self._make(user, Token.GOOD, AUDIENCE, seconds)
        answer = {"id_token": token, "token_type": "Bearer", "expires_in": seconds}
        return dump_json(answer)

    def _mint(self, request: Request) -> Answer:
        query = request.query
        user = USERS.get(query.get("user", ""))
        if user is None:
            return Answer(404, b"no such user")
        self._count("minted")
        kind = Token(query.get("kind", Token.GOOD.value))
        audience = query.get("audience", AUDIENCE)
        seconds = int(query.get("seconds", _HOUR_SECONDS))
        return Answer(200, self._make(user, kind, audience, seconds).encode())

    def _make(self, user: User, kind: Token, audience: str, seconds: int) -> str:
        import jwt

        if kind is Token.OPAQUE:
            return f"gho_{secrets.token_hex(18)}"
        now = int(time.time())
        start = now - 2 * _HOUR_SECONDS if kind is Token.EXPIRED else now
        claims: dict[str, Any] = {
            "iss": f"{self._url}/another" if kind is Token.WRONG_ISSUER else self._url,
            "aud": "somebody-else" if kind is Token.WRONG_AUDIENCE else audience,
            "sub": user.name,
            "iat": start,
            "exp": start + min(seconds, _HOUR_SECONDS),
            "jti": secrets.token_hex(8),
        }
        if kind is not Token.NO_EMAIL:
            claims["email"] = user.email
            claims["email_verified"] = kind is not Token.UNVERIFIED
        if kind is Token.UNSIGNED:
            return jwt.encode(claims, "", algorithm="none")
        key = self._strange_key if kind is Token.WRONG_KEY else self._key
        return jwt.encode(claims, key, algorithm=_ALGORITHM, headers={"kid": _KEY_ID})


def _make_key() -> RSAPrivateKey:
    from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key

    return generate_private_key(public_exponent=65537, key_size=2048)


def start_issuer(*, port: int = 0, public_port: int | None = None) -> Server:
    """Start the issuer as a child process, named by its URL or that of a server before it."""
    public = () if public_port is None else (f"--public-port={public_port}",)
    return start_site("issuer", *public, port=port)


def fetch_token(
    issuer: Server,
    user: User,
    kind: Token = Token.GOOD,
    *,
    audience: str = AUDIENCE,
    seconds: int = _HOUR_SECONDS,
) -> str:
    """Return a new token about a user.

    Parameters
    ----------
    issuer : `Server`
        The running issuer.
    user : `User`
        Whom the token is about.
    kind : `Token`, optional
        What is right or wrong with it.
    audience : `str`, optional
        Whom the token is for.
    seconds : `int`, optional
        How long it is good, an hour at most.
    """
    query = {
        "user": user.name,
        "kind": kind.value,
        "audience": audience,
        "seconds": str(seconds),
    }
    connection = http.client.HTTPConnection(LOOPBACK, issuer.port, timeout=10.0)
    try:
        connection.request("GET", f"/mint?{urlencode(query)}")
        response = connection.getresponse()
        body = response.read().decode()
    finally:
        connection.close()
    if response.status != 200:
        raise ServerError(f"issuer: gave no token for {user.name}: status {response.status}")
    return body


def main(arguments: list[str]) -> None:
    """Serve until ended."""
    parser = argument_parser("an OpenID issuer that signs tokens")
    parser.add_argument("--public-port", type=int)
    options = parser.parse_args(arguments)
    serve(Issuer(f"http://{LOOPBACK}:{options.public_port or options.port}"), options.port)

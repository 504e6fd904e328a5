"""A proxy before a back end with one provider behind it, and a door that keeps a log before each.

The doors see what a client sends to whom. A canary stands beside them: an origin that neither
the proxy nor the provider is, to which nothing secret may come.
"""

from __future__ import annotations

import enum
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.servers import (
    ANN,
    AUDIENCE,
    BOB,
    DEX,
    LOOPBACK,
    PROVIDER_HOST,
    REALM_PATH,
    Event,
    GoProgram,
    Kind,
    Server,
    User,
    fetch_requests,
    find_node,
    jwt_options,
    keycloak_obstacle,
    reserve_port,
    start_backend,
    start_dex,
    start_issuer,
    start_keycloak,
    start_oidc_provider,
    start_oidc_proxy,
    start_provider,
    start_proxy,
    start_recorder,
    write_htpasswd,
)

from .counting import Count, count
from .leaks import Leaks, Secret, find_leaks

__all__ = ["Provider", "World", "keycloak_door", "obstacle_of", "start_world"]

_ASKING = "asking-proxy"
_START = "/oauth2/start"
_SIGN_IN = "/oauth2/sign_in"


class Provider(enum.Enum):
    """Who says who somebody is."""

    GITHUB = "GitHub, scripted"
    HTPASSWD = "htpasswd"
    ISSUER = "signed tokens"
    KEYCLOAK = "Keycloak 26.0.0"
    OIDC_PROVIDER = "oidc-provider 9.13.3"
    DEX = "Dex 2.13.0"


@dataclass(frozen=True)
class World:
    """The running servers.

    Attributes
    ----------
    provider, program
        Who logs people in, and which proxy stands before the back end.
    door
        What clients take for the proxy.
    provider_door
        What clients take for the provider; of htpasswd it is the proxy.
    canary
        Another origin.
    expire
        Makes the proxy forget all sessions; the provider keeps its own.
    secrets
        What the tests used; each is for one origin.
    """

    provider: Provider
    program: GoProgram
    door: Server
    provider_door: Server
    canary: Server
    expire: Callable[[], None]
    secrets: list[Secret] = field(default_factory=list)

    @property
    def base_url(self) -> str:
        """Where a log-in starts."""
        path = f"{_SIGN_IN}?rd=/" if self.provider is Provider.HTPASSWD else _START
        return f"{self.door.url}{path}"

    @property
    def session_url(self) -> str:
        """Where the provider takes its form."""
        if self.provider is Provider.HTPASSWD:
            return f"{self.door.url}{_SIGN_IN}"
        paths = {Provider.GITHUB: "/session", Provider.KEYCLOAK: REALM_PATH}
        return f"{self.provider_door.url}{paths.get(self.provider, '/')}"

    @property
    def issuer(self) -> str:
        """What the provider's tokens call it."""
        paths = {Provider.KEYCLOAK: REALM_PATH, Provider.DEX: "/dex"}
        return f"{self.provider_door.url}{paths.get(self.provider, '')}"

    @property
    def api(self) -> str:
        """A page behind the proxy."""
        return f"{self.door.url}/api?metric=time&job=build"

    def name_of(self, user: User) -> str:
        """Return what a user calls himself at the provider's form."""
        return user.email if self.provider is Provider.DEX else user.name

    def identity_of(self, user: User) -> str:
        """Return what the proxy calls a user in GAP-Auth."""
        return user.name if self.provider is Provider.HTPASSWD else user.email

    def requests(self) -> list[tuple[Event, str]]:
        """Return what came to the doors, in order."""
        return fetch_requests(*{server.port: server for server in self._doors()}.values())

    def counts(self) -> Count:
        """Return what came to the doors until now, in numbers."""
        return count(self.requests())

    def leaks(self) -> Leaks:
        """Return what of the secrets came where it does not belong."""
        return find_leaks(self.canary, self._doors(), self.secrets)

    def _doors(self) -> tuple[Server, ...]:
        return self.door, self.provider_door


@dataclass(frozen=True)
class _Plan:
    """How a proxy is started, and started again."""

    provider: Provider
    program: GoProgram
    behind: Server
    backend: Server
    options: tuple[str, ...]
    asks: bool
    folder: Path
    port: int
    public_port: int


def obstacle_of(provider: Provider) -> str | None:
    """Return why a provider cannot run here, or None."""
    if provider is Provider.KEYCLOAK:
        return keycloak_obstacle()
    if provider is Provider.DEX:
        return DEX.obstacle()
    if provider is Provider.OIDC_PROVIDER and find_node() is None:
        return "oidc-provider cannot be installed: install nodejs and npm"
    return None


@contextmanager
def keycloak_door() -> Iterator[Server]:
    """Run one Keycloak for many worlds, with a door before it."""
    with (
        start_keycloak() as keycloak,
        start_recorder(keycloak.port, keeps=True, host=PROVIDER_HOST) as door,
    ):
        yield door


@contextmanager
def start_world(
    provider: Provider,
    program: GoProgram,
    *options: str,
    asks: bool = False,
    keycloak: Server | None = None,
) -> Iterator[World]:
    """Run a world; stop it at the end.

    Parameters
    ----------
    provider, program
        Who logs people in, and which proxy it is.
    *options : `str`
        More of the proxy's options.
    asks : `bool`, optional
        Whether the provider asks its users if they agree.
    keycloak : `Server`, optional
        What `keycloak_door` yields, for `Provider.KEYCLOAK`.
    """
    with ExitStack() as running:
        backend = running.enter_context(start_backend())
        canary = running.enter_context(start_recorder(0, keeps=True))
        port = running.enter_context(reserve_port("proxy"))
        door = running.enter_context(start_recorder(port, keeps=True))
        if keycloak is None or provider is not Provider.KEYCLOAK:
            behind = _enter_provider(running, provider, door, asks=asks)
        else:
            behind = keycloak
        folder = Path(running.enter_context(tempfile.TemporaryDirectory()))
        proxies = ExitStack()
        running.push(proxies)

        plan = _Plan(provider, program, behind, backend, options, asks, folder, port, door.port)

        def start() -> None:
            proxies.enter_context(_start_proxy(plan))

        def expire() -> None:
            # Each start has another secret for its cookies.
            proxies.close()
            start()

        start()
        seen = door if provider is Provider.HTPASSWD else behind
        yield World(provider, program, door, seen, canary, expire)


def _enter_provider(running: ExitStack, provider: Provider, door: Server, *, asks: bool) -> Server:
    """Start a provider with a door before it, and return the door."""
    port = running.enter_context(reserve_port(provider.value))
    host = LOOPBACK if provider is Provider.ISSUER else PROVIDER_HOST
    seen = running.enter_context(start_recorder(port, keeps=True, host=host))
    starts: dict[Provider, Callable[[], AbstractContextManager[Server]]] = {
        Provider.GITHUB: lambda: start_provider(port=port),
        Provider.HTPASSWD: lambda: start_provider(port=port),
        Provider.ISSUER: lambda: start_issuer(port=port, public_port=seen.port),
        Provider.OIDC_PROVIDER: lambda: start_oidc_provider(port=port, public_port=seen.port),
        Provider.DEX: lambda: start_dex(door.port, asks=asks, port=port, public_port=seen.port),
    }
    running.enter_context(starts[provider]())
    return seen


def _start_proxy(plan: _Plan) -> Server:
    behind, options = plan.behind, plan.options
    issuers = {
        Provider.KEYCLOAK: f"{behind.url}{REALM_PATH}",
        Provider.OIDC_PROVIDER: behind.url,
        Provider.DEX: f"{behind.url}/dex",
    }
    if plan.provider in issuers:
        return start_oidc_proxy(
            issuers[plan.provider],
            plan.backend,
            "--skip-jwt-bearer-tokens",
            "--oidc-extra-audience=brief-proxy",
            *options,
            client=_ASKING if plan.asks and plan.provider is not Provider.DEX else "proxy",
            program=plan.program,
            port=plan.port,
            public_port=plan.public_port,
        )
    if plan.provider is Provider.HTPASSWD:
        options = (write_htpasswd(plan.folder / "htpasswd", (ANN, BOB)), *options)
    elif plan.provider is Provider.ISSUER:
        options = (*jwt_options(behind, AUDIENCE), *options)
    return start_proxy(
        behind,
        plan.backend,
        *options,
        kind=Kind.REAL,
        program=plan.program,
        port=plan.port,
        public_port=plan.public_port,
    )

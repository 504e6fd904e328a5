"""Everything that the demo runs: provider, back end, proxy, front door and service."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.servers import (
    AUDIENCE,
    Event,
    Kind,
    Refusal,
    Server,
    Style,
    fetch_events,
    jwt_options,
    reserve_port,
    start_backend,
    start_issuer,
    start_provider,
    start_proxy,
    start_recorder,
    start_service,
)

__all__ = ["SERVICE_FOLDER", "Stack", "run_stack"]

SERVICE_FOLDER = Path(__file__).resolve().parent


@dataclass(frozen=True)
class Stack:
    """The running servers."""

    provider: Server
    backend: Server
    door: Server
    """What clients take for the proxy: it passes everything on and keeps a log."""

    service: Server
    issuer: Server | None
    """What signs tokens for programs; None with the stand-in, which knows none."""

    def events(self) -> list[Event]:
        """Return what was asked of provider, proxy and back end so far, in order."""
        return fetch_events(self.provider, self.backend, self.door)


@contextmanager
def run_stack(
    *,
    kind: Kind,
    refusal: Refusal,
    style: Style,
    python: str | os.PathLike[str],
    port: int,
) -> Iterator[Stack]:
    """Start all servers; stop them at the end, whatever ends it.

    Parameters
    ----------
    kind, refusal, style
        As `tests.servers.start_proxy` and `tests.servers.start_provider` take them.
    python : `str` or `os.PathLike`
        The interpreter that runs gunicorn and the service.
    port : `int`
        The service's port; 0 takes a free one.

    Raises
    ------
    ServerError
        One of them does not start.
    """
    with ExitStack() as running:
        provider = running.enter_context(start_provider(style))
        backend = running.enter_context(start_backend())
        issuer = running.enter_context(start_issuer()) if kind is Kind.REAL else None
        options = () if issuer is None else jwt_options(issuer, AUDIENCE)
        with reserve_port("proxy") as proxy_port:
            door = running.enter_context(start_recorder(proxy_port))
            running.enter_context(
                start_proxy(
                    provider,
                    backend,
                    *options,
                    refusal=refusal,
                    kind=kind,
                    port=proxy_port,
                    public_port=door.port,
                )
            )
        service = running.enter_context(
            start_service(
                "service:server()",
                SERVICE_FOLDER,
                env={"BACKEND_URL": door.url, "SESSION_URL": f"{provider.url}/session"},
                python=python,
                port=port,
            )
        )
        yield Stack(provider, backend, door, service, issuer)

"""A front door before the proxy, as a cluster's ingress is, that keeps a log of what passes."""

from __future__ import annotations

from typing import ClassVar

from .forward import forward
from .process import Server
from .site import Answer, Request, Site, argument_parser, serve, start_site

__all__ = ["Recorder", "start_recorder"]


class Recorder(Site):
    """Passes every request on to the proxy on another port of loopback."""

    name: ClassVar[str] = "proxy"

    def __init__(self, port: int) -> None:
        self._port = port

    def counts(self) -> dict[str, int]:
        """Return no counters."""
        return {}

    def answer(self, request: Request) -> Answer:
        """Pass a request on."""
        return forward(request, self._port)


def start_recorder(proxy_port: int, *, port: int = 0) -> Server:
    """Start the front door as a child process."""
    return start_site("recorder", f"--proxy-port={proxy_port}", port=port)


def main(arguments: list[str]) -> None:
    """Serve until ended."""
    parser = argument_parser("a recording front door")
    parser.add_argument("--proxy-port", type=int, required=True)
    options = parser.parse_args(arguments)
    serve(Recorder(options.proxy_port), options.port)

"""A front door before a server, as a cluster's ingress is, that keeps a log of what passes."""

from __future__ import annotations

from typing import ClassVar

from .forward import forward
from .process import LOOPBACK, Server
from .site import Answer, Event, Request, Site, argument_parser, fetch_events, serve, start_site

__all__ = ["Recorder", "fetch_requests", "start_recorder"]


class Recorder(Site):
    """Passes every request on to the server on another port of loopback.

    Parameters
    ----------
    port : `int`
        The server's port; 0 for none: then every answer is 200, and empty.
    keeps : `bool`
        Whether the log holds each request whole, with its secrets.
    """

    name: ClassVar[str] = "proxy"

    def __init__(self, port: int, *, keeps: bool) -> None:
        self._port = port
        self._keeps = keeps

    def counts(self) -> dict[str, int]:
        """Return no counters."""
        return {}

    def answer(self, request: Request) -> Answer:
        """Pass a request on."""
        answer = forward(request, self._port) if self._port else Answer(200)
        if self._keeps:
            fields = "".join(f"{name}: {value}\n" for name, value in request.headers.items())
            body = request.body.decode("latin-1")
            answer.note["request"] = f"{request.method} {request.target}\n{fields}\n{body}"
        return answer


def start_recorder(
    server_port: int, *, keeps: bool = False, port: int = 0, host: str = LOOPBACK
) -> Server:
    """Start the front door as a child process; its parameters are those of `Recorder`."""
    keeping = ("--keeps",) if keeps else ()
    return start_site("recorder", f"--server-port={server_port}", *keeping, port=port, host=host)


def fetch_requests(*servers: Server) -> list[tuple[Event, str]]:
    """Return what passed the doors that keep requests, in order, each with its whole text."""
    return [(event, str(event.note["request"])) for event in fetch_events(*servers)]


def main(arguments: list[str]) -> None:
    """Serve until ended."""
    parser = argument_parser("a recording front door")
    parser.add_argument("--server-port", type=int, required=True)
    parser.add_argument("--keeps", action="store_true")
    options = parser.parse_args(arguments)
    serve(Recorder(options.server_port, keeps=options.keeps), options.port)

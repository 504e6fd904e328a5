"""``python -m apikit catalog FILE``: serves the front page of your services, or asks them once."""

from __future__ import annotations

import argparse
import dataclasses
from concurrent.futures import ThreadPoolExecutor

from apikit._commands import CommandError
from apikit.catalog.check import ask, make_session
from apikit.catalog.records import Answer
from apikit.catalog.settings import Service, Settings, read_settings

__all__ = ["add_arguments", "run"]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of the command."""
    parser.epilog = (
        "This server is for one's own machine; in production: "
        "gunicorn 'apikit.catalog:create_app(\"FILE\")'."
    )
    parser.add_argument("file", metavar="FILE", help="TOML that names the services")
    parser.add_argument("--host", default="127.0.0.1", help="address to serve on")
    parser.add_argument("--port", type=int, default=8000, help="port to serve on (default: 8000)")
    parser.add_argument(
        "--interval",
        type=float,
        metavar="SECONDS",
        help="seconds between two questions to a service (default: what FILE says, or 30)",
    )
    parser.add_argument(
        "--once",
        action="store_true",
        help="ask each service once, print a line for each, and fail if one is not up",
    )


def run(options: argparse.Namespace) -> int:
    """Serve the page until Ctrl-C, or ask once."""
    try:
        settings = read_settings(options.file)
        if options.interval is not None:
            settings = dataclasses.replace(settings, interval=options.interval)
    except OSError as error:
        raise CommandError(
            f"cannot read {options.file}: {error.strerror}; give the path of a TOML file"
        ) from error
    except ValueError as error:
        raise CommandError(str(error)) from error
    return _ask_all(settings) if options.once else _serve(settings, options.host, options.port)


def _ask_all(settings: Settings) -> int:
    services = settings.services
    with make_session(settings) as session, ThreadPoolExecutor(settings.concurrency) as pool:
        answers = list(pool.map(lambda service: ask(session, service), services))
    for service, answer in zip(services, answers, strict=True):
        print(_line_of(service, answer))
    return 0 if all(answer.metadata for answer in answers) else 1


def _line_of(service: Service, answer: Answer) -> str:
    said = answer.reason
    if answer.metadata is not None:
        said = f"{answer.metadata.name!r} {answer.metadata.version!r}"
    return f"{answer.state:<7}  {service.url}: {said}"


def _serve(settings: Settings, host: str, port: int) -> int:
    import socket

    from werkzeug.serving import make_server

    from apikit.catalog.app import create_app

    app = create_app(settings)
    try:
        listener = socket.create_server((host, port))
    except (OSError, OverflowError) as error:
        raise CommandError(f"cannot serve on {host}:{port}: {error}; try another --port") from error
    server = make_server(host, port, app, threaded=True, fd=listener.detach())
    app.extensions["apikit.catalog"].start()
    print(f"{settings.title}: http://{host}:{server.port}/ (Ctrl-C ends it)", flush=True)
    server.serve_forever()
    return 0

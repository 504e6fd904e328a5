"""The rows of the table, the most telling ones first."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, Final

from tests.bench.model import (
    EVERY_PEER,
    OURS,
    AtMost,
    Cores,
    Faster,
    Maker,
    Peer,
    Program,
    Row,
    Venv,
    Within,
)
from tests.bench.peers import dumps, errors, fresh, imports, service, wsgi
from tests.bench.peers.clients import CLIENTS, apikit_with_hooks, apikit_without_its_hooks
from tests.bench.peers.hog import beside_a_hog
from tests.bench.server import LARGE, LARGE_SIZE, SMALL, is_large, is_small

__all__ = ["ROWS"]

MB: Final = 1_000_000
MILLISECOND: Final = 1e-3

#: These are among the checkout's own tools; the others have an environment of their own.
OWN_CLIENTS: Final = (OURS, "requests", "urllib3", "http.client")

ORIGINAL: Final = "sqre-apikit"
EASY: Final = Program("libcurl's easy interface in C", "easy")
CONNECTS: Final = Program("libcurl only connects, in C", "connect_only")
SOCKET: Final = Program("a raw socket in C", "raw_socket")


def client(name: str, wrap: Callable[[Maker], Maker] = lambda make: make) -> Peer:
    return Peer(name, wrap(CLIENTS[name]), Venv.OWN if name in OWN_CLIENTS else Venv.BENCH)


def clients(*names: str) -> tuple[Peer, ...]:
    return tuple(client(name) for name in names or CLIENTS)


def both(make: Maker) -> tuple[Peer, ...]:
    """Return ours and the original, which have the same names."""
    return Peer(OURS, make), Peer(ORIGINAL, make, Venv.ORIGINALS)


def is_metadata(body: Any) -> bool:
    return bool(json.loads(body) == wsgi.METADATA)


def has_rules(count: int) -> bool:
    return count == 4 * len(wsgi.PREFIXES)


def is_answer(body: Any) -> bool:
    answer = json.loads(body)
    return is_small(answer["value"].encode()) and answer["metric"] == "metric"


def is_success(status: int) -> bool:
    return status == 0


ROWS: Final = (
    Row(
        name="get_30b",
        work="GET 30 B, kept alive, 1 thread",
        file=SMALL,
        check=is_small,
        peers=clients(),
        limits=(EASY, CONNECTS, SOCKET),
        goals=(
            Faster("requests", 26),
            Faster("pycurl", 2),
            Faster(EVERY_PEER, 2),
            Within(CONNECTS.name, 1.2),
        ),
    ),
    Row(
        name="get_64_threads",
        work="GET 30 B, 64 threads on one session",
        file=SMALL,
        check=is_small,
        threads=64,
        cores=Cores.BOTH,
        seconds=0.2,
        peers=clients(),
        limits=(EASY, CONNECTS, SOCKET),
        goals=(
            Faster("requests", 50),
            Faster("pycurl", 2.8),
            Faster("wreq", 1.7),
            Within(CONNECTS.name, 1.6),
        ),
    ),
    Row(
        name="get_tls",
        work="GET 30 B by TLS, kept alive, 1 thread",
        file=SMALL,
        scheme="https",
        check=is_small,
        peers=clients(),
        limits=(EASY, CONNECTS),
        goals=(Faster("requests", 19), Faster("pycurl", 2)),
    ),
    Row(
        name="get_10mb",
        work="GET 10 MB, kept alive, 1 thread",
        file=LARGE,
        check=is_large,
        peers=clients(),
        limits=(EASY, CONNECTS, SOCKET),
        goals=(
            Faster("requests", 5, "cpu"),
            Within("http.client", 1.15, "cpu"),
            AtMost(1.1 * LARGE_SIZE, "memory"),
        ),
        shows_memory=True,
    ),
    Row(
        name="json_six_fields",
        work="JSON of the six fields",
        check=is_metadata,
        peers=(
            Peer(OURS, dumps.apikit),
            Peer("orjson", dumps.orjson, Venv.BENCH),
            Peer("msgspec", dumps.msgspec, Venv.BENCH),
            Peer("json", dumps.json),
            Peer("flask.jsonify", dumps.flask_jsonify),
        ),
        goals=(Faster("orjson", 2), Faster("msgspec", 2)),
    ),
    Row(
        name="backend_error",
        work="BackendError made, raised and caught",
        check=lambda reason: reason == "Not Found",
        peers=both(errors.backend_error),
        limits=(Peer("ValueError", errors.value_error),),
        goals=(Faster(ORIGINAL, 2),),
    ),
    Row(
        name="metadata_wsgi",
        work="/metadata through the WSGI callable",
        check=is_metadata,
        peers=both(wsgi.metadata),
        limits=(Peer("a constant WSGI app", wsgi.constant),),
        goals=(Faster(ORIGINAL, 100),),
    ),
    Row(
        name="retry_request",
        work="retry_request, first try",
        file=SMALL,
        check=is_small,
        peers=both(fresh.retry_request),
        goals=(Faster(ORIGINAL, 25),),
    ),
    Row(
        name="retry_request_tls",
        work="retry_request by TLS, first try",
        file=SMALL,
        scheme="https",
        system_bundle=True,
        check=is_small,
        peers=both(fresh.retry_request),
        goals=(Faster(ORIGINAL, 200),),
    ),
    Row(
        name="import_apikit",
        work="import apikit",
        check=is_success,
        peers=(
            Peer(OURS, imports.importing("import apikit")),
            Peer(ORIGINAL, imports.importing("import apikit"), Venv.ORIGINALS),
        ),
        limits=(Peer("import flask", imports.importing("import flask")),),
        goals=(Within("import flask", 1.05, "cpu"),),
    ),
    Row(
        name="import_apiflask",
        work="from apikit import APIFlask",
        check=is_success,
        peers=(
            Peer(OURS, imports.importing("from apikit import APIFlask")),
            Peer(ORIGINAL, imports.importing("from apikit import APIFlask"), Venv.ORIGINALS),
        ),
        limits=(Peer("import flask", imports.importing("import flask")),),
        goals=(Within("import flask", 1.05, "cpu"),),
    ),
    Row(
        name="import_session",
        work="import apikit.session, the client alone",
        check=is_success,
        peers=(
            Peer(OURS, imports.importing("import apikit.session")),
            Peer(ORIGINAL, imports.importing("import apikit"), Venv.ORIGINALS),
            Peer("requests", imports.importing("import requests")),
        ),
        goals=(Faster(ORIGINAL, 25),),
    ),
    Row(
        name="new_tls",
        work="a new session and TLS connection, the system's CA bundle",
        file=SMALL,
        scheme="https",
        system_bundle=True,
        check=is_small,
        peers=(
            Peer(OURS, fresh.apikit_session),
            Peer("requests", fresh.requests_session),
            Peer("pycurl", fresh.pycurl_handle, Venv.BENCH),
        ),
        goals=(AtMost(3 * MILLISECOND),),
    ),
    Row(
        name="env_1000",
        work="GET 30 B with 1000 more environment variables",
        file=SMALL,
        check=is_small,
        peers=(
            Peer(OURS, CLIENTS[OURS], variables=1000),
            Peer("requests", CLIENTS["requests"], variables=1000),
        ),
        limits=(Peer("apikit without them", CLIENTS[OURS], is_ours=True),),
        goals=(Within("apikit without them", 1.05, "cpu"),),
    ),
    Row(
        name="hooks_unused",
        work="GET 30 B, the session's hooks not used",
        file=SMALL,
        check=is_small,
        peers=(Peer(OURS, apikit_without_its_hooks), client("requests")),
        limits=(
            Peer("apikit that never had any", CLIENTS[OURS], is_ours=True),
            Peer("apikit with all four", apikit_with_hooks, is_ours=True),
        ),
        goals=(Within("apikit that never had any", 1.05, "cpu"),),
    ),
    Row(
        name="get_10mb_gil_hog",
        work="GET 10 MB beside a thread that hogs the GIL",
        file=LARGE,
        check=is_large,
        cores=Cores.BOTH,
        seconds=0.2,
        peers=tuple(
            client(name, beside_a_hog)
            for name in (OURS, "requests", "http.client", "pycurl", "primp")
        ),
        limits=(SOCKET,),
        goals=(Faster("requests", 100), Faster("pycurl", 100), Within("primp", 1)),
    ),
    Row(
        name="build_1000_prefixes",
        work="an app with 1000 prefixes built",
        check=has_rules,
        peers=both(wsgi.build),
        goals=(Faster(ORIGINAL, 4),),
    ),
    Row(
        name="metadata_last_of_1000",
        work="/metadata under the last of 1000 prefixes",
        check=is_metadata,
        peers=both(wsgi.metadata_of_last),
        limits=(Peer("under the only prefix", wsgi.metadata, is_ours=True),),
        goals=(Faster(ORIGINAL, 3000), Within("under the only prefix", 1.1, "cpu")),
    ),
    Row(
        name="metadata_gunicorn",
        work="/metadata under gunicorn",
        check=is_metadata,
        peers=both(service.under_gunicorn("metadata", "/metadata")),
        limits=(Peer("a constant WSGI app", service.under_gunicorn("bare", "/metadata")),),
        goals=(Within("a constant WSGI app", 1.05, "cpu"),),
    ),
    Row(
        name="service_cpu",
        work="the technote's service under gunicorn, asking its back end",
        file=SMALL,
        check=is_answer,
        peers=(
            Peer(OURS, service.under_gunicorn("technote over apikit", "/job/metric")),
            Peer(
                f"{ORIGINAL} and requests",
                service.under_gunicorn("technote over requests", "/job/metric"),
                Venv.ORIGINALS,
            ),
        ),
        limits=(Peer("Flask alone", service.under_gunicorn("technote alone", "/job/metric")),),
        goals=(
            Faster(f"{ORIGINAL} and requests", 2.5, "cpu"),
            Faster(f"{ORIGINAL} and requests", 2),
        ),
    ),
)

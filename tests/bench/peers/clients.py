"""The HTTP clients: each maker returns a call that fetches a URL and returns the body.

Each keeps its connections, verifies certificates, and is shared by threads where it can be; one
that cannot gets one client a thread.
"""

from __future__ import annotations

import io
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from tests.bench.model import Place, Work

__all__ = ["CLIENTS", "apikit_with_hooks", "apikit_without_its_hooks"]

Fetch = Callable[[], Any]
MAX_THREADS = 64


def apikit(place: Place) -> Fetch:
    from apikit import Session

    session, url = Session(verify=place.ca or True), place.url
    return lambda: session.get(url).content


def _see(*_shown: Any) -> None:
    pass


HOOKS: dict[str, Any] = dict.fromkeys(("on_request", "on_response", "on_error", "on_login"), _see)


def apikit_with_hooks(place: Place) -> Fetch:
    from apikit import Session

    session, url = Session(**HOOKS), place.url
    return lambda: session.get(url).content


def apikit_without_its_hooks(place: Place) -> Fetch:
    """Fetch by a session that had every hook, and has none any more."""
    from apikit import Session

    session, url = Session(**HOOKS), place.url
    session.get(url)
    for name in HOOKS:
        setattr(session, name, None)
    return lambda: session.get(url).content


def requests(place: Place) -> Fetch:
    from requests import Session
    from requests.adapters import HTTPAdapter

    session, url = Session(), place.url
    session.mount(url, HTTPAdapter(pool_maxsize=MAX_THREADS))
    session.verify = place.ca or True
    return lambda: session.get(url).content


def urllib3(place: Place) -> Fetch:
    from urllib3 import PoolManager

    pool, url = PoolManager(maxsize=MAX_THREADS, ca_certs=place.ca or None), place.url
    return lambda: pool.request("GET", url).data


def http_client(place: Place) -> Fetch:
    import ssl
    from http.client import HTTPConnection, HTTPSConnection

    parts = urlsplit(place.url)

    def connect() -> Fetch:
        connection = HTTPConnection(parts.netloc)
        if parts.scheme == "https":
            context = ssl.create_default_context(cafile=place.ca)
            connection = HTTPSConnection(parts.netloc, context=context)

        def fetch() -> bytes:
            connection.request("GET", parts.path)
            body: bytes = connection.getresponse().read()
            return body

        return fetch

    return per_thread(connect, place)


def httpx(place: Place) -> Fetch:
    import ssl

    from httpx import Client, Limits

    trust = ssl.create_default_context(cafile=place.ca) if place.ca else True
    limits = Limits(max_connections=None, max_keepalive_connections=None)
    client, url = Client(verify=trust, limits=limits), place.url
    return lambda: client.get(url).content


def aiohttp(place: Place) -> Work:
    import asyncio
    import ssl

    from aiohttp import ClientSession, TCPConnector

    trust = ssl.create_default_context(cafile=place.ca) if place.ca else True
    runner = asyncio.Runner()

    async def connect() -> ClientSession:
        return ClientSession(connector=TCPConnector(ssl=trust, limit=MAX_THREADS))

    session = runner.run(connect())

    async def fetch() -> bytes:
        async with session.get(place.url) as answer:
            return await answer.read()

    async def nothing() -> None:
        pass

    async def repeat(call: Callable[[], Any], count: int) -> Any:
        result = None
        for _ in range(count):
            result = await call()
        return result

    async def repeat_in_tasks(call: Callable[[], Any], count: int) -> Any:
        share = max(1, count // place.threads)
        return (await asyncio.gather(*(repeat(call, share) for _ in range(place.threads))))[-1]

    return Work(fetch, nothing, lambda call, count: runner.run(repeat_in_tasks(call, count)))


def pycurl(place: Place) -> Fetch:
    from pycurl import CAINFO, URL, WRITEDATA, Curl

    def connect() -> Fetch:
        curl = Curl()
        curl.setopt(URL, place.url)
        if place.ca:
            curl.setopt(CAINFO, place.ca)

        def fetch() -> bytes:
            body = io.BytesIO()
            curl.setopt(WRITEDATA, body)
            curl.perform()
            return body.getvalue()

        return fetch

    return per_thread(connect, place)


def curl_cffi(place: Place) -> Fetch:
    from curl_cffi.requests import Session

    session, url = Session(verify=place.ca or True), place.url
    return lambda: session.get(url).content


def niquests(place: Place) -> Fetch:
    from niquests import Session

    session, url = Session(pool_maxsize=MAX_THREADS), place.url
    session.verify = place.ca or True
    return lambda: session.get(url).content


def primp(place: Place) -> Fetch:
    from primp import Client

    client, url = Client(ca_cert_file=place.ca or None), place.url
    return lambda: client.get(url).content


def pyreqwest(place: Place) -> Fetch:
    from pyreqwest.client import SyncClientBuilder

    builder, url = SyncClientBuilder(), place.url
    if place.ca:
        for certificate in certificates(place.ca):
            builder = builder.add_root_certificate_pem(certificate.encode())
    client = builder.build()
    return lambda: client.get(url).build().send().bytes()


def wreq(place: Place) -> Fetch:
    from wreq.blocking import Client

    options = {"tls_verify": Path(place.ca)} if place.ca else {}
    client, url = Client(**options), place.url
    return lambda: client.get(url).bytes()


def per_thread(connect: Callable[[], Fetch], place: Place) -> Fetch:
    """Return a call that makes a client for each thread that calls it."""
    if place.threads == 1:
        return connect()
    idle: list[Fetch] = []
    mine = threading.local()

    class Lease:
        """A thread's client, which goes to another thread when this one ends."""

        def __init__(self) -> None:
            self.fetch = idle.pop() if idle else connect()

        def __del__(self) -> None:
            idle.append(self.fetch)

    def fetch() -> Any:
        try:
            lease = mine.lease
        except AttributeError:
            lease = mine.lease = Lease()
        return lease.fetch()

    return fetch


def certificates(file: str) -> list[str]:
    """Return the certificates of a PEM file."""
    end = "-----END CERTIFICATE-----\n"
    return [text + end for text in Path(file).read_text().split(end) if "BEGIN" in text]


CLIENTS: dict[str, Callable[[Place], Fetch | Work]] = {
    "apikit": apikit,
    "requests": requests,
    "urllib3": urllib3,
    "http.client": http_client,
    "httpx": httpx,
    "aiohttp": aiohttp,
    "pycurl": pycurl,
    "curl_cffi": curl_cffi,
    "niquests": niquests,
    "primp": primp,
    "pyreqwest": pyreqwest,
    "wreq": wreq,
}

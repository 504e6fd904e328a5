"""A proxy, a provider and strangers on loopback, which keep every byte that came to them."""

from __future__ import annotations

import base64
import binascii
import contextlib
import re
import socketserver
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import unquote_to_bytes

__all__ = [
    "CODE",
    "PASSWORD",
    "PROVIDER_COOKIE",
    "PROXY_COOKIE",
    "Answer",
    "Net",
    "Received",
    "answer",
    "login_form",
]

#: Letters and digits: no coding but base64 changes them.
PASSWORD: Final = "canaryPassword31415926535897932384"
CODE: Final = "canaryCode57721566"
PROXY_COOKIE: Final = "canaryProxyCookie2718281828"
PROVIDER_COOKIE: Final = "canaryProviderCookie1618033988"

#: Who is there, and the address that he listens at. Cookies ignore ports, so the provider goes
#: by another name than the proxy. The last has the provider's port.
_ADDRESSES: Final = {
    "proxy": "127.0.0.1",
    "provider": "127.0.0.1",
    "port": "127.0.0.1",
    "host": "127.0.0.2",
    "twin": "127.0.0.3",
}
_PROVIDER_NAME: Final = "localhost"
_LONGEST: Final = 1 << 20
_SILENCE_SECONDS: Final = 5.0
_BASIC: Final = re.compile(rb"(?i)basic ([a-z0-9+/=]+)")
_LENGTH: Final = re.compile(rb"(?i)\r\ncontent-length: *([0-9]+)")
_HOST: Final = re.compile(rb"(?i)\r\nhost: *([^\r]*)")

Answer = bytes | Callable[["Received"], bytes]


def answer(status: int, *fields: str, body: str = "") -> bytes:
    """Return the bytes of an answer after which the connection is closed."""
    head = [f"HTTP/1.1 {status} X", f"Content-Length: {len(body.encode())}", "Connection: close"]
    kind = ["Content-Type: text/html; charset=utf-8"] if body else []
    return ("\r\n".join([*head, *kind, *fields]) + "\r\n\r\n" + body).encode()


@dataclass(frozen=True)
class Received:
    """What came over a connection, and to whom."""

    listener: str
    raw: bytes

    @property
    def host(self) -> str:
        """The Host header in lower case, "" where none came."""
        found = _HOST.search(self.raw)
        return found[1].decode("latin-1").lower() if found else ""

    @property
    def path(self) -> str:
        """The path of the request line, "" for what is no HTTP."""
        parts = self.raw.split(b"\r\n", 1)[0].split(b" ")
        return parts[1].partition(b"?")[0].decode("latin-1") if len(parts) == 3 else ""

    def holds(self, secret: str) -> bool:
        """Tell whether a secret is in it, as it is, percent-encoded or in Basic credentials."""
        plain = [self.raw, unquote_to_bytes(self.raw)]
        for coded in _BASIC.findall(self.raw):
            with contextlib.suppress(binascii.Error):
                plain.append(base64.b64decode(coded))
        return any(secret.encode() in one for one in plain)


class _Handler(socketserver.BaseRequestHandler):
    server: _Listener

    def handle(self) -> None:
        self.request.settimeout(_SILENCE_SECONDS)
        received = Received(self.server.name, self._read())
        answer = self.server.net.take(received)
        with contextlib.suppress(OSError):
            self.request.sendall(answer)

    def _read(self) -> bytes:
        """Read a request whole, or what there is of something else."""
        raw = b""
        with contextlib.suppress(OSError):
            while len(raw) < _LONGEST and not _is_whole(raw):
                data = self.request.recv(65536)
                if not data:
                    break
                raw += data
        return raw


def _is_whole(raw: bytes) -> bool:
    if raw and not raw[:1].isalpha():
        return True  # a TLS handshake, for one
    head, end, body = raw.partition(b"\r\n\r\n")
    length = _LENGTH.search(head)
    return bool(end) and len(body) >= (int(length[1]) if length else 0)


class _Listener(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = False
    block_on_close = True
    request_queue_size = 64

    def __init__(self, net: Net, name: str, port: int) -> None:
        self.net = net
        self.name = name
        super().__init__((_ADDRESSES[name], port), _Handler)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Keep what went wrong for the test that asks."""
        self.net.failures.append(self.name)


@dataclass
class Net:
    """The listeners. A case's routes say what they answer; the rest is an honest log-in.

    Attributes
    ----------
    ports
        By name: "proxy", "provider", and the strangers "port" (the provider's host), "host"
        (another address) and "twin" (another address, the provider's port).
    received
        What came since `play` was called.
    """

    ports: dict[str, int] = field(default_factory=dict)
    received: list[Received] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    _routes: dict[tuple[str, str], Answer] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @classmethod
    @contextlib.contextmanager
    def running(cls) -> Iterator[Net]:
        """Listen until the block ends."""
        net = cls()
        with contextlib.ExitStack() as stack:
            for name in _ADDRESSES:
                port = net.ports["provider"] if name == "twin" else 0
                listener = stack.enter_context(_Listener(net, name, port))
                net.ports[name] = listener.server_address[1]
                thread = threading.Thread(target=listener.serve_forever, args=(0.02,))
                thread.start()
                stack.callback(thread.join)
                stack.callback(listener.shutdown)
            yield net

    def url(self, name: str, path: str = "") -> str:
        """Return a URL of a listener."""
        host = _PROVIDER_NAME if name == "provider" else _ADDRESSES[name]
        return f"http://{host}:{self.ports[name]}{path}"

    def play(self, routes: Mapping[tuple[str, str], Answer]) -> None:
        """Begin a case: answer as `routes` say, and forget what came."""
        with self._lock:
            self._routes = {**self._honest(), **routes}
            self.received = []

    def take(self, received: Received) -> bytes:
        """Keep what came, and return the answer to it."""
        with self._lock:
            self.received.append(received)
            found = self._routes.get((received.listener, received.path))
            if found is None:
                found = self._routes.get((received.listener, "*"), answer(404))
        return found(received) if callable(found) else found

    def leaks(self, owner: str) -> list[str]:
        """Return what reached somebody whom it is not for; the password is for `owner`."""
        leaks = []
        origin = self.url(owner).removeprefix("http://")
        for one in self.received:
            if one.holds(PASSWORD) and (one.listener, one.host) != (owner, origin):
                leaks.append(f"the password at {one.listener} as {one.host}{one.path}")
            if one.holds(CODE) and (one.listener, one.host) != ("provider", self._provider()):
                leaks.append(f"the code at {one.listener} as {one.host}{one.path}")
            name = one.host.partition(":")[0]
            for cookie, home in ((PROXY_COOKIE, "127.0.0.1"), (PROVIDER_COOKIE, _PROVIDER_NAME)):
                if one.holds(cookie) and name != home:
                    leaks.append(f"a cookie of {home} at {one.listener} as {one.host}")
        return leaks

    def times_posted(self, secret: str = PASSWORD) -> int:
        """Return how often a secret came where it belongs."""
        return sum(one.listener == "provider" and one.holds(secret) for one in self.received)

    def _provider(self) -> str:
        return self.url("provider").removeprefix("http://")

    def strangers(self) -> int:
        """Return how many requests reached strangers."""
        return sum(one.listener not in ("proxy", "provider") for one in self.received)

    def _honest(self) -> dict[tuple[str, str], Answer]:
        """Return the routes of a log-in as it should be, and strangers that fish for one."""
        login = self.url("provider", "/login")
        callback = self.url("proxy", "/oauth2/callback?code=c&state=s")
        return {
            ("proxy", "/oauth2/start"): answer(
                302, f"Location: {login}", "Set-Cookie: _csrf=c; Path=/"
            ),
            ("provider", "/login"): answer(
                200,
                f"Set-Cookie: _sess={PROVIDER_COOKIE}; Path=/",
                body=login_form("/session"),
            ),
            ("provider", "/session"): answer(302, f"Location: {callback}"),
            ("proxy", "/oauth2/callback"): answer(
                302, "Location: /", f"Set-Cookie: _oauth2_proxy={PROXY_COOKIE}; Path=/"
            ),
            ("proxy", "*"): answer(200, body="data"),
            **{(name, "*"): answer(200, body=login_form("")) for name in ("port", "host", "twin")},
        }


def login_form(action: str, more: str = "") -> str:
    """Return a log-in form that posts to `action`, with more of HTML in it."""
    return (
        f'<form action="{action}" method="post">'
        '<input type="hidden" name="authenticity_token" value="T">'
        '<input name="login"><input type="password" name="password">'
        f"{more}</form>"
    )

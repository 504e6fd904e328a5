"""A trial of an installed wheel in a bare system: needs apikit and Python, nothing else.

tests/release/bare.py prepares what is read here: the certificates beside this file, the
names of /etc/hosts, and one of the two CAs in the system's bundle.
"""

from __future__ import annotations

import gzip
import http.server
import logging
import platform
import re
import socket
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from werkzeug.serving import make_server

import apikit
from apikit.errors import ConnectionError as BrokenConnection
from apikit.errors import SSLError

CERTIFICATES = Path(__file__).with_name("certificates")
BUNDLE = Path("/etc/ssl/certs/ca-certificates.crt")
GREETING = b"hello" * 3
ENCODED = {
    "gzip": gzip.compress(GREETING),
    "br": bytes.fromhex("1b0e00f8a5cbd0d8de043a5100a901"),
    "zstd": bytes.fromhex("28b52ffd200f5d00002868656c6c6f0100d88a16"),
}
TIMEOUT = 60


class Handler(http.server.BaseHTTPRequestHandler):
    """Answers each path in its own way; see the trials below."""

    def do_GET(self) -> None:
        """Answer."""
        what = self.path.strip("/")
        body = ENCODED.get(what, GREETING)
        self.send_response(200)
        if what in ENCODED:
            self.send_header("Content-Encoding", what)
        if what == "cookies":
            self.send_header("Set-Cookie", "wide=1; Domain=co.uk")
            self.send_header("Set-Cookie", "own=1; Domain=example.co.uk")
        if what not in ("ended", "cut"):
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
        self.close_connection = True
        if isinstance(self.connection, ssl.SSLSocket):
            self.finish_tls(what)

    def finish_tls(self, what: str) -> None:
        """Say by close_notify that the answer is complete, or cut it."""
        self.wfile.flush()
        if what == "cut":
            self.connection.shutdown(socket.SHUT_RDWR)
        else:
            self.connection = self.request = self.connection.unwrap()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name there
        """Keep the output for the trials."""


class Server(http.server.ThreadingHTTPServer):
    """One whose refused handshakes are no news."""

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing."""


@contextmanager
def serving(certificate: str | None = None) -> Iterator[int]:
    """Serve on loopback, over TLS with a certificate's name; yield the port."""
    server = Server(("127.0.0.1", 0), Handler)
    if certificate:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(CERTIFICATES / f"{certificate}.pem")
        server.socket = context.wrap_socket(
            server.socket, server_side=True, do_handshake_on_connect=False
        )
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        server.server_close()


def try_http(session: apikit.Session) -> str:
    """Read plain and encoded bodies."""
    with serving() as port:
        for path in ("plain", *ENCODED):
            answer = session.get(f"http://localhost:{port}/{path}")
            assert answer.content == GREETING, (path, answer.content)
    return f"HTTP, and bodies in {', '.join(ENCODED)}"


def try_known_ca(session: apikit.Session) -> str:
    """Trust the CA that only the system's bundle has."""
    with serving("known") as port:
        assert session.get(f"https://localhost:{port}/").content == GREETING
    return f"TLS with a CA of {BUNDLE}"


def refusal_of(session: apikit.Session, certificate: str, host: str) -> str:
    """Return the words by which a certificate is refused."""
    with serving(certificate) as port:
        try:
            session.get(f"https://{host}:{port}/")
        except SSLError as error:
            return str(error)
    raise AssertionError(f"the {certificate} certificate was accepted of {host}")


def try_unknown_ca(session: apikit.Session) -> str:
    """Refuse the CA that the bundle lacks, and say which bundle that was."""
    said = refusal_of(session, "unknown", "localhost")
    # OpenSSL's name of it may be a link, as in Debian 13.
    named = re.search(r"\(trusted certificates: (.+)\)", said)
    assert named is not None, said
    assert Path(named[1]).resolve() == BUNDLE, said
    return f"refused: {said}"


def try_other_name(session: apikit.Session) -> str:
    """Refuse a certificate of another name."""
    return f"refused: {refusal_of(session, 'known', 'shop.example.co.uk')}"


def try_international_name(session: apikit.Session) -> str:
    """Reach a host by a name with an umlaut, whose certificate has the A-label."""
    with serving("known") as port:
        answer = session.get(f"https://b\u00fccher.example:{port}/")
        assert answer.content == GREETING
        assert answer.url == f"https://xn--bcher-kva.example:{port}/", answer.url
    return f"an international host name, as {answer.url}"


def try_truncation(session: apikit.Session) -> str:
    """Tell an answer that TLS ended from one that was cut."""
    with serving("known") as port:
        assert session.get(f"https://localhost:{port}/ended").content == GREETING
        try:
            session.get(f"https://localhost:{port}/cut")
        except BrokenConnection as error:
            return f"a cut answer: {error}"
    raise AssertionError("an answer without close_notify was taken for complete")


def try_cookies(session: apikit.Session) -> str:
    """Refuse a cookie for all of co.uk."""
    with serving() as port:
        session.get(f"http://shop.example.co.uk:{port}/cookies")
    assert [cookie.name for cookie in session.cookies] == ["own"], session.cookies
    return "a cookie for co.uk is refused, for example.co.uk is kept"


def try_service(session: apikit.Session) -> str:
    """Serve an application and ask for its metadata."""
    app = apikit.APIFlask(
        name="trial",
        version="1.0.0",
        repository="https://example.org/trial",
        description="A trial",
        route=["/", "/trial"],
    )
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = make_server("127.0.0.1", 0, app, threaded=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        answer = session.get(f"http://localhost:{server.server_port}/trial/metadata")
    finally:
        server.shutdown()
    assert answer.json()["name"] == "trial", answer.text
    return f"a service: {answer.text.strip()}"


def try_doctor(_session: apikit.Session) -> str:
    """Let the doctor look: its exit status is 0 where nothing is wrong."""
    done = subprocess.run(
        [sys.executable, "-m", "apikit", "doctor"], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return "doctor: nothing is wrong"


TRIALS: tuple[Callable[[apikit.Session], str], ...] = (
    try_http,
    try_known_ca,
    try_unknown_ca,
    try_other_name,
    try_international_name,
    try_truncation,
    try_cookies,
    try_service,
    try_doctor,
)


def main() -> None:
    """Run all; a failure is a traceback."""
    started = time.perf_counter()
    print(f"  Python {platform.python_version()} on {platform.machine()}")
    for trial in TRIALS:
        with apikit.Session(timeout=(TIMEOUT, TIMEOUT)) as session:
            print(f"  {trial(session)}", flush=True)
    print(f"  {len(TRIALS)} trials in {time.perf_counter() - started:.1f} s")


if __name__ == "__main__":
    main()

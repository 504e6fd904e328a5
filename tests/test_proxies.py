"""Proxies: tinyproxy for what travels, the scripted server for who is asked.

A request through tinyproxy shows at the back end by its `Via`.  The rules of no_proxy
are tried with the scripted server in the proxy's place, because there the names need
not exist: a request in absolute form means "through the proxy".
"""

from __future__ import annotations

import contextlib
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from apikit import Session
from apikit.errors import ProxyError, RequestException, Timeout
from tests.faults.certs import Certificates
from tests.faults.children import is_listening, unused_port, wait_until
from tests.faults.handle import FaultServer, Listen
from tests.faults.steps import answer, close, send, stall

pytest_plugins = ("tests.faults.fixtures",)

SECRET = "proxy-canary-77"

VARIABLES = ("http_proxy", "https_proxy", "all_proxy", "no_proxy")

CA_VARIABLES = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE", "SSL_CERT_DIR")


@dataclass(frozen=True)
class Tinyproxy:
    """A running tinyproxy."""

    port: int
    log: Path

    def url(self, credentials: str = "") -> str:
        return f"http://{credentials}127.0.0.1:{self.port}"

    def asked(self) -> list[str]:
        """Return the request lines that it logged."""
        marks = [line for line in self.log.read_text().splitlines() if "Request (file" in line]
        return [line.partition("): ")[2] for line in marks]


@contextlib.contextmanager
def run_tinyproxy(folder: Path, *lines: str) -> Iterator[Tinyproxy]:
    program = shutil.which("tinyproxy")
    assert program is not None, "tinyproxy is missing: apt-get install tinyproxy-bin"
    port, log = unused_port(), folder / "tinyproxy.log"
    configuration = folder / "tinyproxy.conf"
    settings = (
        f"Port {port}",
        "Listen 127.0.0.1",
        "Allow 127.0.0.1",
        f'LogFile "{log}"',
        "LogLevel Connect",
        "Timeout 60",
        *lines,
    )
    configuration.write_text("\n".join(settings) + "\n")
    log.touch()
    process = subprocess.Popen([program, "-d", "-c", str(configuration)])
    try:
        wait_until(lambda: is_listening(port), "tinyproxy")
        yield Tinyproxy(port, log)
    finally:
        process.terminate()
        process.wait()


@pytest.fixture
def tinyproxy(tmp_path: Path) -> Iterator[Tinyproxy]:
    with run_tinyproxy(tmp_path) as proxy:
        yield proxy


@pytest.fixture
def guarded_proxy(tmp_path: Path) -> Iterator[Tinyproxy]:
    """One that wants a user and a password."""
    with run_tinyproxy(tmp_path, f"BasicAuth user {SECRET}") as proxy:
        yield proxy


@pytest.fixture(autouse=True)
def _no_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    for name in ("REQUEST_METHOD", *CA_VARIABLES):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def session(certificates: Certificates) -> Iterator[Session]:
    with Session(timeout=(20, 20), verify=certificates.ca) as session:
        yield session


@pytest.fixture
def secure(server: FaultServer, certificates: Certificates) -> str:
    """The URL of a back end with TLS."""
    return f"https://localhost:{server.listen(Listen(chain=certificates.good))}/alive"


# What travels, through the real proxy.


def test_http_goes_through_the_proxy_in_absolute_form(
    session: Session, server: FaultServer, tinyproxy: Tinyproxy
) -> None:
    url = server.url("/alive?a=b")
    response = session.get(url, proxies={"http": tinyproxy.url()})
    assert (response.content, response.url) == (b"alive", url)
    (request,) = server.seen("/alive")
    assert "tinyproxy" in (request.header("Via") or "")
    assert request.header("Host") == f"127.0.0.1:{server.port}"
    assert f"GET {url} HTTP/1." in tinyproxy.asked()[0]


def test_post_bodies_go_through_the_proxy(
    session: Session, server: FaultServer, tinyproxy: Tinyproxy
) -> None:
    server.script("/post", [answer(b"taken")])
    body = b"0123456789" * 100_000
    response = session.post(server.url("/post"), data=body, proxies={"http": tinyproxy.url()})
    assert response.content == b"taken"
    (request,) = server.seen("/post")
    assert request.header("Content-Length") == str(len(body))
    assert request.body == body[:4096]


def test_https_goes_through_a_tunnel_and_is_verified_at_the_back_end(
    session: Session,
    server: FaultServer,
    tinyproxy: Tinyproxy,
    secure: str,
    certificates: Certificates,
) -> None:
    proxies = {"https": tinyproxy.url()}
    for _ in range(2):
        assert session.get(secure, proxies=proxies).content == b"alive"
    host = secure.split("/")[2]
    (line,) = tinyproxy.asked()
    assert line.startswith(f"CONNECT {host} HTTP/1."), "one tunnel, which is kept"
    assert server.seen("/alive")[0].header("Via") is None
    with pytest.raises(RequestException):
        session.get(secure, proxies=proxies, verify=certificates.other_ca)


def test_credentials_of_the_proxy_are_sent_to_the_proxy_alone(
    session: Session, server: FaultServer, guarded_proxy: Tinyproxy, secure: str
) -> None:
    proxy = guarded_proxy.url(f"user:{SECRET}@")
    for url in (server.url("/alive"), secure):
        response = session.get(url, proxies={"http": proxy, "https": proxy})
        assert response.content == b"alive"
    assert [one.header("Proxy-Authorization") for one in server.seen("/alive")] == [None, None]


@pytest.mark.parametrize("credentials", ["", f"user:not-{SECRET}@"])
def test_http_without_the_right_credentials_gives_the_proxys_answer(
    session: Session, server: FaultServer, guarded_proxy: Tinyproxy, credentials: str
) -> None:
    proxies = {"http": guarded_proxy.url(credentials)}
    assert session.get(server.url("/alive"), proxies=proxies).status_code in (401, 407)
    assert server.seen("/alive") == []


@pytest.mark.parametrize("credentials", ["", f"user:not-{SECRET}@"])
def test_https_without_the_right_credentials_is_a_proxy_error_without_the_secret(
    session: Session,
    server: FaultServer,
    guarded_proxy: Tinyproxy,
    secure: str,
    credentials: str,
) -> None:
    with pytest.raises(ProxyError) as caught:
        session.get(secure, proxies={"https": guarded_proxy.url(credentials)})
    assert SECRET not in f"{caught.value} {caught.value!r}"
    assert server.seen("/alive") == []


def test_the_callers_authorization_goes_to_the_back_end_not_into_the_tunnels_request(
    session: Session, server: FaultServer, secure: str
) -> None:
    server.script("CONNECT", [send(b"HTTP/1.1 403 Forbidden\r\n\r\n"), close()])
    with pytest.raises(ProxyError):
        session.get(
            secure,
            proxies={"https": server.url("")},
            auth=("user", SECRET),
            cookies={"a": SECRET},
            headers={"X-Secret": SECRET},
        )
    (request,) = server.seen("CONNECT")
    assert SECRET.encode() not in request.head
    assert request.header("Authorization") is None


def test_a_proxy_that_is_not_there_is_a_proxy_error(session: Session, server: FaultServer) -> None:
    nowhere = f"http://user:{SECRET}@127.0.0.1:{unused_port()}"
    for url in (server.url("/alive"), "https://127.0.0.1:1/"):
        with pytest.raises(ProxyError) as caught:
            session.get(url, proxies={"http": nowhere, "https": nowhere})
        assert SECRET not in f"{caught.value} {caught.value!r}"
    assert server.seen("/alive") == []


def test_a_proxy_that_is_silent_times_out(session: Session, server: FaultServer) -> None:
    server.script("CONNECT", [stall()])
    with pytest.raises(Timeout):
        session.get("https://127.0.0.1:1/", proxies={"https": server.url("")}, timeout=(0.4, 0.4))


def test_a_connection_to_the_proxy_is_not_used_for_the_back_end_itself(
    session: Session, server: FaultServer, tinyproxy: Tinyproxy
) -> None:
    url = server.url("/alive")
    for proxies in ({"http": tinyproxy.url()}, {"no_proxy": "*"}, {"http": tinyproxy.url()}):
        assert session.get(url, proxies=proxies).content == b"alive"
    through = [request.header("Via") is not None for request in server.seen("/alive")]
    assert through == [True, False, True]


# Who is asked: the scripted server stands in for the proxy.


@dataclass(frozen=True)
class Witness:
    """A listener in the proxy's place, and the back end that is asked without it."""

    server: FaultServer
    port: int

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def was_asked(self) -> bool:
        """Say whether the last request came through the proxy."""
        last = self.server.seen("/asked")[-1]
        assert (last.port == self.port) == last.target.startswith("http://"), last
        return last.port == self.port

    def target(self, host: str) -> str:
        return f"http://{host}:{self.server.port}/asked"


@pytest.fixture
def witness(server: FaultServer) -> Witness:
    server.script("/asked", [answer(b"asked")])
    return Witness(server, server.listen())


#: no_proxy, host, whether it is asked directly.
NO_PROXY_RULES = [
    ("", "api.localhost", False),
    ("*", "api.localhost", True),
    ("other.localhost, *", "api.localhost", True),
    ("api.localhost", "api.localhost", True),
    ("api.localhost", "v1.api.localhost", True),
    ("api.localhost", "myapi.localhost", False),
    ("api.localhost", "localhost", False),
    (".api.localhost", "api.localhost", True),
    (".api.localhost", "v1.api.localhost", True),
    (".api.localhost", "myapi.localhost", False),
    ("API.LocalHost", "api.localhost", True),
    ("api.localhost", "API.LOCALHOST", True),
    ("a.localhost,api.localhost", "api.localhost", True),
    ("a.localhost , api.localhost", "api.localhost", True),
    ("api.localhost:PORT", "api.localhost", True),
    ("api.localhost:1", "api.localhost", False),
    ("127.0.0.1", "127.0.0.1", True),
    ("127.0.0.1:PORT", "127.0.0.1", True),
    ("127.0.0.1:1", "127.0.0.1", False),
    ("127.0.0.0/8", "127.0.0.1", True),
    ("127.0.0.0/31", "127.0.0.1", True),
    ("127.0.0.0/32", "127.0.0.1", False),
    ("10.0.0.0/8", "127.0.0.1", False),
    ("127.0.0.0/99", "127.0.0.1", False),
    ("0.0.0.1", "127.0.0.1", False),
    ("127.0.0.0/8", "localhost", False),
]


@pytest.mark.parametrize(("rule", "host", "direct"), NO_PROXY_RULES)
def test_no_proxy_rule(
    session: Session,
    witness: Witness,
    monkeypatch: pytest.MonkeyPatch,
    rule: str,
    host: str,
    direct: bool,
) -> None:
    rule = rule.replace("PORT", str(witness.server.port))
    monkeypatch.setenv("http_proxy", witness.url)
    monkeypatch.setenv("no_proxy", rule)
    assert session.get(witness.target(host)).content == b"asked"
    assert witness.was_asked() is not direct


@pytest.mark.parametrize(("rule", "direct"), [("::1", True), ("::/64", True), ("fe80::/10", False)])
def test_no_proxy_rule_of_ipv6(
    session: Session,
    witness: Witness,
    monkeypatch: pytest.MonkeyPatch,
    rule: str,
    direct: bool,
) -> None:
    port = witness.server.listen(Listen(host="::1"))
    monkeypatch.setenv("http_proxy", witness.url)
    monkeypatch.setenv("no_proxy", rule)
    session.get(f"http://[::1]:{port}/asked")
    assert witness.was_asked() is not direct


@pytest.mark.parametrize(
    ("variables", "asked"),
    [
        ({"http_proxy": "WITNESS"}, True),
        ({"HTTP_PROXY": "WITNESS"}, True),
        ({"HTTP_PROXY": "WITNESS", "REQUEST_METHOD": "GET"}, False),
        ({"http_proxy": "WITNESS", "REQUEST_METHOD": "GET"}, True),
        ({"all_proxy": "WITNESS"}, True),
        ({"ALL_PROXY": "WITNESS"}, True),
        ({"https_proxy": "WITNESS"}, False),
        ({"http_proxy": "WITNESS", "NO_PROXY": "*"}, False),
        ({"http_proxy": "WITNESS", "no_proxy": "", "NO_PROXY": ""}, True),
        ({"http_proxy": ""}, False),
        ({}, False),
    ],
)
def test_variables_in_both_cases_of_letters(
    session: Session,
    witness: Witness,
    monkeypatch: pytest.MonkeyPatch,
    variables: dict[str, str],
    asked: bool,
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value.replace("WITNESS", witness.url))
    assert session.get(witness.target("127.0.0.1")).content == b"asked"
    assert witness.was_asked() is asked


def test_variables_are_not_read_without_trust_env(
    witness: Witness, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", witness.url)
    with Session(timeout=(20, 20), trust_env=False) as session:
        session.get(witness.target("127.0.0.1"))
    assert not witness.was_asked()


def test_the_call_beats_the_environment_and_the_environment_the_session(
    witness: Witness, monkeypatch: pytest.MonkeyPatch
) -> None:
    nowhere = f"http://127.0.0.1:{unused_port()}"
    monkeypatch.setenv("http_proxy", nowhere)
    with Session(timeout=(20, 20), proxies={"http": witness.url}) as session:
        with pytest.raises(ProxyError):
            session.get(witness.target("127.0.0.1"))
        session.get(witness.target("127.0.0.1"), proxies={"http": witness.url})
        assert witness.was_asked()
        monkeypatch.delenv("http_proxy")
        session.get(witness.target("127.0.0.1"))
        assert witness.was_asked()


@pytest.mark.parametrize("key", ["http://127.0.0.1", "http", "all://127.0.0.1", "all"])
def test_each_key_of_proxies_works(session: Session, witness: Witness, key: str) -> None:
    session.get(witness.target("127.0.0.1"), proxies={key: witness.url})
    assert witness.was_asked()


def test_the_most_particular_key_of_proxies_wins(session: Session, witness: Witness) -> None:
    nowhere = f"http://127.0.0.1:{unused_port()}"
    keys = ["all", "all://127.0.0.1", "http", "http://127.0.0.1"]
    for best in range(len(keys)):
        proxies = dict.fromkeys(keys[:best], nowhere) | {keys[best]: witness.url}
        session.get(witness.target("127.0.0.1"), proxies=proxies)
        assert witness.was_asked()


def test_keys_of_another_scheme_or_host_do_not_apply(session: Session, witness: Witness) -> None:
    proxies = {"https": witness.url, "http://other.localhost": witness.url}
    session.get(witness.target("127.0.0.1"), proxies=proxies)
    assert not witness.was_asked()


def test_no_proxy_is_asked_again_at_each_hop(
    session: Session, witness: Witness, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", witness.url)
    monkeypatch.setenv("no_proxy", "direct.localhost")
    server = witness.server
    back = f"Location: {witness.target('api.localhost')}"
    away = f"Location: http://direct.localhost:{server.port}/back"
    server.script("/away", [answer(b"", away, status="302 Found")])
    server.script("/back", [answer(b"", back, status="302 Found")])
    assert session.get(f"http://api.localhost:{server.port}/away").content == b"asked"
    assert [server.seen(path)[0].port for path in ("/away", "/back", "/asked")] == [
        witness.port,
        server.port,
        witness.port,
    ]


def test_proxy_credentials_of_one_hop_do_not_reach_a_direct_one(
    session: Session, witness: Witness, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", f"http://user:{SECRET}@127.0.0.1:{witness.port}")
    monkeypatch.setenv("no_proxy", "direct.localhost")
    server = witness.server
    location = f"Location: {witness.target('direct.localhost')}"
    server.script("/away", [answer(b"", location, status="302 Found")])
    session.get(f"http://api.localhost:{server.port}/away")
    assert server.seen("/away")[0].header("Proxy-Authorization")
    assert server.seen("/asked")[0].header("Proxy-Authorization") is None


@pytest.mark.parametrize("target", ["http", "https"])
@pytest.mark.parametrize(
    "proxy",
    [
        f"http://user:{SECRET}@127.0.0.1:99999",
        f"http://user:{SECRET}@no host:1",
        f"http://user:{SECRET}/x@127.0.0.1:1",
        f"http://user:{SECRET}@[::1:1",
        f"http://user:{SECRET}@127.0.0.1:1\r\nX: y",
        f"http://user:{SECRET}@127.0.0.1:1\0.example",
        f"socks5://user:{SECRET}@127.0.0.1:x",
        f"socks5h://user:{SECRET}@",
        f"gopher://user:{SECRET}@127.0.0.1:1",
    ],
)
def test_a_proxy_that_cannot_be_understood_is_not_quoted(
    session: Session, proxy: str, target: str
) -> None:
    session.proxies = {target: proxy}
    with pytest.raises(RequestException) as caught:
        session.get(f"{target}://name.example/")
    assert SECRET not in str(caught.value)
    assert "proxy" in str(caught.value)

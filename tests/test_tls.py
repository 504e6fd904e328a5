"""TLS as a caller sets it up: whom to trust, who to be, and what a kept connection may carry."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from apikit import Session
from apikit.errors import ConnectionError as ConnectionError  # noqa: A004
from apikit.errors import SSLError
from tests.faults.certs import Certificates
from tests.faults.handle import FaultServer, Listen
from tests.faults.steps import answer

pytest_plugins = ("tests.faults.fixtures",)

CA_VARIABLES = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE", "SSL_CERT_DIR")


@pytest.fixture(autouse=True)
def _no_ca_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in CA_VARIABLES:
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def port(server: FaultServer, certificates: Certificates) -> int:
    """A server with a good certificate."""
    return server.listen(Listen(chain=certificates.good))


@pytest.fixture
def session(certificates: Certificates) -> Iterator[Session]:
    with Session(timeout=(20, 20), verify=certificates.ca) as session:
        yield session


def url_of(port: int, host: str = "localhost", path: str = "/alive") -> str:
    return f"https://{host}:{port}{path}"


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "any.apikit.localhost"])
def test_good_certificate_is_accepted_by_name_address_and_wildcard(
    session: Session, port: int, host: str
) -> None:
    assert session.get(url_of(port, host)).content == b"alive"


def test_ipv6_address_of_a_certificate_is_accepted(
    session: Session, server: FaultServer, certificates: Certificates
) -> None:
    port = server.listen(Listen(host="::1", chain=certificates.good))
    assert session.get(url_of(port, "[::1]")).content == b"alive"


def test_wildcard_stands_for_one_label_only(session: Session, port: int) -> None:
    with pytest.raises(SSLError):
        session.get(url_of(port, "two.labels.apikit.localhost"))


@pytest.mark.parametrize("chain", ["expired", "not_yet", "wrong_host", "self_signed"])
def test_bad_certificate_is_refused_and_accepted_only_with_verify_false(
    session: Session, server: FaultServer, certificates: Certificates, chain: str
) -> None:
    port = server.listen(Listen(chain=getattr(certificates, chain)))
    with pytest.raises(SSLError) as caught:
        session.get(url_of(port))
    assert certificates.ca in str(caught.value)
    assert server.seen("/alive") == []
    assert session.get(url_of(port), verify=False).content == b"alive"


def test_self_signed_certificate_is_accepted_when_it_is_its_own_authority(
    session: Session, server: FaultServer, certificates: Certificates
) -> None:
    port = server.listen(Listen(chain=certificates.self_signed))
    assert session.get(url_of(port), verify=certificates.self_signed).content == b"alive"


def test_verify_is_part_of_what_a_kept_connection_is_for(
    certificates: Certificates, server: FaultServer
) -> None:
    port = server.listen(Listen(chain=certificates.self_signed))
    with Session(timeout=(20, 20), verify=certificates.ca) as session:
        for _ in range(2):
            assert session.get(url_of(port), verify=False).content == b"alive"
            with pytest.raises(SSLError):
                session.get(url_of(port))
    assert len(server.seen("/alive")) == 2


def test_verify_path_is_part_of_what_a_kept_connection_is_for(
    session: Session, certificates: Certificates, port: int
) -> None:
    assert session.get(url_of(port)).content == b"alive"
    with pytest.raises(SSLError):
        session.get(url_of(port), verify=certificates.other_ca)


def test_verify_of_the_call_beats_the_environment(
    port: int, certificates: Certificates, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", certificates.other_ca)
    with Session(timeout=(20, 20)) as session:
        assert session.get(url_of(port), verify=certificates.ca).content == b"alive"
        with pytest.raises(SSLError):
            session.get(url_of(port))


@pytest.mark.parametrize("name", ["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"])
def test_ca_variables_are_read_when_the_environment_is_trusted(
    port: int, certificates: Certificates, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv(name, certificates.ca)
    with Session(timeout=(20, 20)) as session:
        assert session.get(url_of(port)).content == b"alive"
    with Session(timeout=(20, 20), trust_env=False) as session, pytest.raises(SSLError):
        session.get(url_of(port))


def test_verify_none_turns_nothing_off(session: Session, port: int) -> None:
    session.verify = None
    with pytest.raises(SSLError):
        session.get(url_of(port))


def test_verify_false_is_not_undone_by_the_environment(
    server: FaultServer, certificates: Certificates, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", certificates.ca)
    port = server.listen(Listen(chain=certificates.self_signed))
    with Session(timeout=(20, 20)) as session:
        assert session.get(url_of(port), verify=False).content == b"alive"


def test_folder_of_authorities_is_a_path_too(
    port: int, certificates: Certificates, tmp_path: Any
) -> None:
    (tmp_path / "ca.pem").write_bytes((certificates.folder / "ca.pem").read_bytes())
    subprocess.run(["openssl", "rehash", str(tmp_path)], check=True)
    with Session(timeout=(20, 20), verify=str(tmp_path)) as session:
        assert session.get(url_of(port)).content == b"alive"


def test_missing_ca_file_is_an_oserror_that_names_it(session: Session, port: int) -> None:
    with pytest.raises(OSError, match=r"no-such-file\.pem"):
        session.get(url_of(port), verify="/nonexistent/no-such-file.pem")


def test_new_sessions_share_no_tls_session(certificates: Certificates, server: FaultServer) -> None:
    port = server.listen(Listen(chain=certificates.good))
    for _ in range(3):
        with Session(timeout=(20, 20), verify=certificates.ca) as session:
            assert session.get(url_of(port)).content == b"alive"
    assert server.accepted(port) == 3
    assert server.resumed(port) == [False, False, False]


def test_ca_file_that_was_replaced_is_read_anew(
    certificates: Certificates, port: int, tmp_path: Path
) -> None:
    file = tmp_path / "ca.pem"
    for authority, is_good in [(certificates.ca, True), (certificates.other_ca, False)] * 2:
        file.write_bytes(Path(authority).read_bytes())
        with Session(timeout=(20, 20), verify=str(file)) as session:
            if is_good:
                assert session.get(url_of(port)).content == b"alive"
            else:
                with pytest.raises(SSLError):
                    session.get(url_of(port))


def test_only_http_1_1_is_offered(session: Session, server: FaultServer, port: int) -> None:
    session.get(url_of(port))
    assert server.alpn(port)[0] in ("http/1.1", None)


@pytest.fixture
def strict_port(server: FaultServer, certificates: Certificates) -> int:
    """A server that wants a client's certificate."""
    return server.listen(Listen(chain=certificates.good, client_ca=certificates.ca))


def test_client_certificate_in_one_file_or_two(
    session: Session, strict_port: int, certificates: Certificates
) -> None:
    url = url_of(strict_port)
    assert session.get(url, cert=certificates.client).content == b"alive"
    pair = (certificates.client_cert, certificates.client_key)
    assert session.get(url, cert=pair).content == b"alive"
    with Session(timeout=(20, 20), verify=certificates.ca, cert=pair) as other:
        assert other.get(url).content == b"alive"


@pytest.mark.parametrize("which", [None, "other_client"])
def test_without_the_right_client_certificate_nothing_is_answered(
    session: Session,
    server: FaultServer,
    strict_port: int,
    certificates: Certificates,
    which: str | None,
) -> None:
    cert = None if which is None else getattr(certificates, which)
    with pytest.raises(ConnectionError):
        session.get(url_of(strict_port), cert=cert)
    assert server.seen("/alive") == []


def test_client_certificate_is_part_of_what_a_kept_connection_is_for(
    session: Session, server: FaultServer, strict_port: int, certificates: Certificates
) -> None:
    url = url_of(strict_port)
    assert session.get(url, cert=certificates.client).content == b"alive"
    with pytest.raises(ConnectionError):
        session.get(url)
    assert len(server.seen("/alive")) == 1


@pytest.mark.parametrize("missing", ["cert", "key"])
def test_missing_client_file_is_an_oserror_that_names_it(
    session: Session, strict_port: int, certificates: Certificates, missing: str
) -> None:
    nowhere = "/nonexistent/no-such-file.pem"
    cert = (
        (nowhere, certificates.client_key)
        if missing == "cert"
        else (certificates.client_cert, nowhere)
    )
    with pytest.raises(OSError, match=r"no-such-file\.pem"):
        session.get(url_of(strict_port), cert=cert)


def test_key_of_another_certificate_is_refused(
    session: Session, server: FaultServer, strict_port: int, certificates: Certificates
) -> None:
    with pytest.raises(SSLError):
        session.get(url_of(strict_port), cert=(certificates.client_cert, certificates.other_client))
    assert server.seen("/alive") == []


def test_connections_are_kept_and_large_bodies_arrive_whole(
    session: Session, server: FaultServer, port: int
) -> None:
    body = bytes(range(256)) * 8192
    server.script("/large", [answer(body)])
    for _ in range(3):
        assert session.get(url_of(port, path="/large")).content == body
    assert server.accepted(port) == 1
    sent = session.post(url_of(port, path="/large"), data=body)
    assert sent.status_code == 200
    assert server.seen("/large")[-1].body == body[:4096]

"""Makes the certificates of `tests.faults.certs`, which says what each is."""

from __future__ import annotations

import datetime
import ipaddress
import sys
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

__all__ = ["write_certificates"]

_DAY = datetime.timedelta(days=1)


@dataclass(frozen=True)
class _Issued:
    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey

    def key_pem(self) -> bytes:
        return self.key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )

    def certificate_pem(self) -> bytes:
        return self.certificate.public_bytes(serialization.Encoding.PEM)


def _name(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def _start(
    subject: str, key: ec.EllipticCurvePrivateKey, first: int, last: int
) -> x509.CertificateBuilder:
    now = datetime.datetime.now(datetime.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(_name(subject))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now + first * _DAY)
        .not_valid_after(now + last * _DAY)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), False)
    )


def _make_ca(name: str) -> _Issued:
    key = ec.generate_private_key(ec.SECP256R1())
    usage = x509.KeyUsage(False, False, False, False, False, True, True, False, False)
    builder = (
        _start(name, key, -30, 30)
        .issuer_name(_name(name))
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), True)
        .add_extension(usage, True)
    )
    return _Issued(builder.sign(key, hashes.SHA256()), key)


def _issue(
    name: str,
    ca: _Issued | None,
    alternatives: list[x509.GeneralName],
    purpose: x509.ObjectIdentifier = ExtendedKeyUsageOID.SERVER_AUTH,
    first: int = -2,
    last: int = 30,
) -> _Issued:
    key = ec.generate_private_key(ec.SECP256R1())
    issuer = _name(name) if ca is None else ca.certificate.subject
    authority = key.public_key() if ca is None else ca.key.public_key()
    builder = (
        _start(name, key, first, last)
        .issuer_name(issuer)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), True)
        .add_extension(x509.ExtendedKeyUsage([purpose]), False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(authority), False)
        .add_extension(x509.SubjectAlternativeName(alternatives), False)
    )
    return _Issued(builder.sign(key if ca is None else ca.key, hashes.SHA256()), key)


def write_certificates(folder: Path) -> None:
    """Make all of them and write them to FOLDER, each under the name of its field."""
    here: list[x509.GeneralName] = [
        x509.DNSName("localhost"),
        x509.DNSName("*.apikit.localhost"),
        x509.IPAddress(ipaddress.ip_address("127.0.0.1")),
        x509.IPAddress(ipaddress.ip_address("::1")),
    ]
    elsewhere: list[x509.GeneralName] = [x509.DNSName("other.example")]
    caller: list[x509.GeneralName] = [x509.DNSName("caller.example")]
    ca, other_ca = _make_ca("apikit test authority"), _make_ca("another test authority")
    client_auth = ExtendedKeyUsageOID.CLIENT_AUTH
    client = _issue("caller", ca, caller, client_auth)
    other_client = _issue("stranger", other_ca, caller, client_auth)

    def write(name: str, *parts: bytes) -> None:
        (folder / f"{name}.pem").write_bytes(b"".join(parts))

    def write_pair(name: str, issued: _Issued) -> None:
        write(name, issued.certificate_pem(), issued.key_pem())

    write("ca", ca.certificate_pem())
    write("other-ca", other_ca.certificate_pem())
    write_pair("good", _issue("localhost", ca, here))
    write_pair("expired", _issue("localhost", ca, here, last=-1))
    write_pair("not-yet", _issue("localhost", ca, here, first=1))
    write_pair("wrong-host", _issue("other.example", ca, elsewhere))
    write_pair("self-signed", _issue("localhost", None, here))
    write_pair("client", client)
    write("client-cert", client.certificate_pem())
    write("client-key", client.key_pem())
    write_pair("other-client", other_client)


if __name__ == "__main__":
    write_certificates(Path(sys.argv[1]))

"""The service's secret: names that nobody can guess, and texts that nobody can read or change."""

from __future__ import annotations

import hmac
import secrets
from typing import Final

__all__ = ["Seal", "digest_parts", "require"]

_LEAST_BYTES: Final = 32
#: Bound to the derived keys, so that another use of the same secret gets others.
_PURPOSE: Final = b"apikit.stores 1"
_NONCE_BYTES: Final = 12


class Seal:
    """Keys that are derived from the secret by HKDF (RFC 5869); the secret itself is not kept.

    Parameters
    ----------
    secret
        At least 32 bytes, the same for all processes that share a store.

    Raises
    ------
    TypeError, ValueError
        If it is none.
    ModuleNotFoundError
        If cryptography is not installed.
    """

    def __init__(self, secret: str | bytes) -> None:
        try:
            with require("cryptography"):
                from cryptography.hazmat.primitives import hashes
                from cryptography.hazmat.primitives.ciphers.aead import AESGCM
                from cryptography.hazmat.primitives.kdf.hkdf import HKDF
            derive = HKDF(hashes.SHA256(), length=64, salt=None, info=_PURPOSE).derive
            keys = derive(_check_secret(secret))
        finally:
            del secret  # tracebacks show the names of their frames
        self._name_key = keys[:32]
        self._cipher = AESGCM(keys[32:])

    @property
    def fingerprint(self) -> bytes:
        """What tells secrets apart, and tells nothing else of them."""
        return self.digest("fingerprint").hex().encode()

    def digest(self, *parts: str) -> bytes:
        """Return an HMAC over `parts`: see `digest_parts`."""
        return digest_parts(self._name_key, parts)

    def close(self, text: bytes, name: str) -> bytes:
        """Return `text` encrypted by AES-256-GCM (NIST SP 800-38D), for the record of that name."""
        nonce = secrets.token_bytes(_NONCE_BYTES)
        return nonce + self._cipher.encrypt(nonce, text, name.encode())

    def open(self, sealed: bytes, name: str) -> bytes | None:
        """Return the text; None if it is damaged, of another name or by another secret."""
        from cryptography.exceptions import InvalidTag

        nonce, closed = sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:]
        try:
            return self._cipher.decrypt(nonce, closed, name.encode())
        except (InvalidTag, ValueError):  # the latter for a nonce that is too short
            return None

    def __repr__(self) -> str:
        """Show nothing."""
        return "<Seal>"


def digest_parts(key: bytes, parts: tuple[str, ...]) -> bytes:
    """Return an HMAC-SHA256 over `parts`, each with its length before it."""
    encoded = [part.encode() for part in parts]
    message = b"".join(len(part).to_bytes(8) + part for part in encoded)
    return hmac.digest(key, message, "sha256")


class require:  # noqa: N801 - reads as what it does
    """Let the imports of the block say what to install if they fail.

    Parameters
    ----------
    package
        What they are of.
    """

    def __init__(self, package: str) -> None:
        self._package = package

    def __enter__(self) -> None:
        """Begin."""

    def __exit__(self, kind: type | None, exception: object, traceback: object) -> None:
        """Raise a better error in place of an ImportError."""
        if isinstance(exception, ImportError):
            raise ModuleNotFoundError(
                f"this store needs the package {self._package}: pip install sqre-apikit-c[store]"
            ) from exception


def _check_secret(secret: str | bytes) -> bytes:
    if not isinstance(secret, str | bytes):
        raise TypeError(f"secret must be a str or bytes, not {type(secret).__name__}")
    material = secret.encode() if isinstance(secret, str) else secret
    if (length := len(material)) < _LEAST_BYTES:
        del secret, material
        raise ValueError(
            f"secret must have at least {_LEAST_BYTES} bytes, not {length}: make one with "
            "python3 -c 'import secrets; print(secrets.token_urlsafe(32))' and give the same to "
            "all processes"
        )
    return material

"""Which CA certificates to trust, and where they are."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any, Final

from apikit import errors

__all__ = ["ca_locations", "is_folder"]

#: The file that distributions put beside their hashed certificates.  libcurl keeps
#: what it read from a file for the next connection, but not from a folder.
_BUNDLE: Final = "ca-certificates.crt"

#: Where systems keep their bundle: of an interpreter that was built elsewhere, OpenSSL's
#: default names a place of the machine that it was built on.
_SYSTEMS: Final = (
    "/etc/ssl/certs/ca-certificates.crt",  # Debian, Ubuntu, Arch, Alpine
    "/etc/pki/tls/certs/ca-bundle.crt",  # Red Hat and Fedora
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",  # the same, newer
    "/etc/ssl/ca-bundle.pem",  # SUSE
    "/etc/ssl/cert.pem",  # Alpine, macOS, the BSDs
)


def is_folder(path: Any) -> bool:
    """Return whether certificates at `path` are a folder of them.

    Parameters
    ----------
    path
        What the caller gave as `verify`, or a variable of the environment.

    Raises
    ------
    OSError
        If there is nothing.
    """
    if os.path.isdir(path):  # noqa: PTH112 - path-like, str or bytes
        return True
    if not os.path.exists(path):  # noqa: PTH110 - as above
        raise OSError(
            f"there are no CA certificates at {os.fspath(path)!r}: give verify= (or "
            "REQUESTS_CA_BUNDLE) a file in PEM format or a folder prepared by c_rehash"
        )
    return False


def ca_locations(trust_env: bool) -> tuple[str | None, str | None, str]:
    """Find the CA certificates to trust where nobody named any.

    Parameters
    ----------
    trust_env
        Whether ``SSL_CERT_FILE`` and ``SSL_CERT_DIR`` count.

    Returns
    -------
    file, folder
        One or both.
    source
        In words, where they come from.

    Raises
    ------
    SSLError
        If there are none; says what was tried.
    """
    tried = []
    for file, folder, source in _ca_candidates(trust_env):
        bundle = None if folder is None else os.path.join(folder, _BUNDLE)  # noqa: PTH118
        if _has_content(file):
            return file, None, source
        if _has_content(bundle):
            return bundle, None, source
        if folder is not None and _has_certificates(folder):
            return None, folder, source
        tried.append(f"{source}: {' and '.join(filter(None, (file, folder))) or 'not installed'}")
    raise errors.build(
        "SSLError",
        f"no CA certificates were found; tried {'; '.join(tried)}. Install ca-certificates or "
        "certifi, or give verify= a file.",
    )


def _ca_candidates(trust_env: bool) -> Iterator[tuple[str | None, str | None, str]]:
    if trust_env:
        file, folder = os.environ.get("SSL_CERT_FILE"), os.environ.get("SSL_CERT_DIR")
        if file or folder:
            yield file or None, folder or None, "SSL_CERT_FILE and SSL_CERT_DIR"
    import ssl

    paths = ssl.get_default_verify_paths()
    yield paths.openssl_cafile, paths.openssl_capath, "OpenSSL's default"
    for place in _SYSTEMS:
        yield place, None, "the system's bundle"
    try:
        import certifi
    except ImportError:
        yield None, None, "certifi"
    else:
        yield certifi.where(), None, "certifi"


def _has_content(path: str | None) -> bool:
    try:
        return path is not None and os.path.getsize(path) > 0  # noqa: PTH202
    except OSError:
        return False


def _has_certificates(folder: str) -> bool:
    """Whether a folder holds certificates under the hashes by which OpenSSL asks."""
    try:
        with os.scandir(folder) as entries:
            return any(entry.name.endswith(".0") for entry in entries)
    except OSError:
        return False

"""What the environment says: which CA certificates, which proxies."""

from __future__ import annotations

import os
import ssl
from typing import Final

from apikit._certificates import ca_locations, is_folder
from apikit._doctor.report import Report, masked

__all__ = ["find_certificates", "find_proxies"]

_PROXIES: Final = ("http_proxy", "https_proxy", "all_proxy", "no_proxy")
#: In the order in which a session obeys them, before `ca_locations`.
_BUNDLES: Final = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")


def find_certificates(report: Report) -> None:
    """Fill in the CA certificates that a session trusts that was given none."""
    try:
        file, folder, source = _locate()
    except OSError as exception:
        report.ca = {"file": None, "source": None}
        report.problems.append(str(exception))
        return
    report.ca = {"file": file or folder, "source": source}
    if file is None:
        return
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    try:
        context.load_verify_locations(file)
    except (OSError, ssl.SSLError):
        report.problems.append(
            f"{file} ({source}) holds no CA certificates that can be read: put there a file in PEM "
            "format"
        )
    else:
        report.ca["certificates"] = context.cert_store_stats()["x509_ca"]


def find_proxies(report: Report) -> None:
    """Fill in the variables that name proxies."""
    for name in _PROXIES:
        for spelling in (name, name.upper()):
            value = os.environ.get(spelling)
            if value:
                report.proxies[spelling] = value if name == "no_proxy" else masked(value)
    if "HTTP_PROXY" in report.proxies and "REQUEST_METHOD" in os.environ:
        report.notes.append("HTTP_PROXY does not count where REQUEST_METHOD is set (httpoxy)")
    for name in _PROXIES:
        if len({os.environ.get(name), os.environ.get(name.upper())} - {None, ""}) == 2:
            report.notes.append(f"{name} and {name.upper()} differ: {name} counts")


def _locate() -> tuple[str | None, str | None, str]:
    for name in _BUNDLES:
        path = os.environ.get(name)
        if path:
            try:
                return (None, path, name) if is_folder(path) else (path, None, name)
            except OSError:
                raise OSError(
                    f"{name} names {path}, and nothing is there: correct or unset it"
                ) from None
    return ca_locations(trust_env=True)

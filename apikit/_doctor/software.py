"""Versions, and who owns the import packages on disk."""

from __future__ import annotations

import base64
import hashlib
import platform
from importlib.metadata import Distribution, PackagePath, distributions
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from apikit import _core
from apikit._doctor.report import Report

__all__ = ["find_software"]

_OURS: Final = "sqre-apikit-c"
#: Import package -> the distribution that had it before.
_PACKAGES: Final = {
    "apikit": "sqre-apikit",
    "BitlyOAuth2ProxySession": "bitly-oauth2-proxy-session",
}
_SHOWN: Final = (
    _OURS,
    "Flask",
    "Werkzeug",
    "structlog",
    "idna",
    "certifi",
    "requests",
    "redis",
    "cryptography",
    "opentelemetry-api",
    "gunicorn",
)
#: Where the names of a distribution's files are; pip of old installed without a wheel left the
#: second or the third.
_RECORDS: Final = ("RECORD", "installed-files.txt", "SOURCES.txt")
#: What puts itself in place of requests' adapters.
_MOCKS: Final = ("requests-mock", "responses")


def find_software(report: Report) -> None:
    """Fill in versions, libcurl, and who owns our import packages."""
    installed = {_normal(one.name): one for one in distributions() if one.name}
    report.versions = {"Python": platform.python_version()}
    report.versions |= {
        name: installed[_normal(name)].version for name in _SHOWN if _normal(name) in installed
    }
    report.notes += [
        f"{name} does not intercept what apikit sends: use the fixture backend_mock"
        for name in _MOCKS
        if name in installed
    ]
    _look_at_curl(report)
    _look_at_owners(report, installed)


def _look_at_curl(report: Report) -> None:
    found = _core.versions()
    report.tls = found.pop("tls")
    report.libcurl = found
    if report.tls == "none":
        report.problems.append("libcurl has no TLS: install one that has, such as libcurl4")
    if _number(found["running"]) < _number(found["compiled"]):
        report.problems.append(
            f"libcurl {found['running']} runs, and {found['compiled']} was compiled for: install "
            f"that one, or build {_OURS} again"
        )


def _look_at_owners(report: Report, installed: dict[str, Distribution]) -> None:
    if _OURS not in installed:
        report.problems.append(
            f"no distribution {_OURS} is installed: what is imported is a copy of its files; "
            f"install {_OURS}"
        )
    for package, original in _PACKAGES.items():
        owners = {name: one for name, one in installed.items() if _owns(one, package)}
        ours = owners.get(_OURS)
        files = [] if ours is None else _files_of(ours, package)
        changed = [str(path) for path in files if _is_changed(path)]
        report.owners[package] = {
            "distributions": {name: one.version for name, one in owners.items()},
            "imported_from": _place(package),
            "changed": changed,
        }
        _judge(report, package, original, owners, changed)


def _judge(
    report: Report,
    package: str,
    original: str,
    owners: dict[str, Distribution],
    changed: list[str],
) -> None:
    others = [name for name in owners if name != _OURS]
    again = f"pip install --force-reinstall --no-deps {_OURS}"
    if others:
        whose = f", whose files win: {', '.join(changed)}" if changed else ""
        report.problems.append(
            f"{' and '.join([*others, _OURS])} both own the package {package}{whose}. Run: "
            f"pip uninstall --yes {' '.join(others)} && {again}"
        )
    elif changed:
        report.problems.append(
            f"files of {package} are missing or not those of {_OURS}, as after {original} was "
            f"uninstalled beside it: {', '.join(changed)}. Run: {again}"
        )
    place = _place(package)
    own = {str(one.locate_file(package)) for one in owners.values()}
    if (
        place
        and own
        and str(Path(place).resolve()) not in {str(Path(one).resolve()) for one in own}
    ):
        report.problems.append(
            f"{package} is imported from {place}, not from where it is installed: leave that "
            "folder, or take it off PYTHONPATH"
        )


def _normal(name: str) -> str:
    return name.lower().replace("_", "-").replace(".", "-")


def _owns(distribution: Distribution, package: str) -> bool:
    """Whether its record names files of a package; most records need not be taken apart."""
    records = (distribution.read_text(name) for name in _RECORDS)
    return any(f"{package}/" in record for record in records if record) and bool(
        _files_of(distribution, package)
    )


def _files_of(distribution: Distribution, package: str) -> list[PackagePath]:
    return [
        path
        for path in distribution.files or ()
        if path.parts[0] == package and path.suffix != ".pyc"
    ]


def _is_changed(path: PackagePath) -> bool:
    """Whether a file is not what was installed, or is not there."""
    try:
        content = Path(path.locate()).read_bytes()
    except OSError:
        return True
    if path.hash is None:
        return False
    digest = hashlib.new(path.hash.mode, content).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode() != path.hash.value


def _place(package: str) -> str:
    """Return the folder that an import finds."""
    spec = find_spec(package)
    places = list(spec.submodule_search_locations or ()) if spec else []
    return places[0] if places else ""


def _number(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in text.split("-")[0].split(".") if part.isdecimal())

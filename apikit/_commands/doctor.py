"""``python -m apikit doctor``: says what is there, what is wrong and what to do about it."""

from __future__ import annotations

import argparse
import getpass
import json
import os
import sys
from collections.abc import Iterator
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from apikit._doctor.report import Report

if TYPE_CHECKING:
    from apikit._credentials import Credentials

__all__ = ["add_arguments", "run"]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of the command."""
    parser.epilog = "The exit status is 1 if there is a problem. Secrets are never printed."
    parser.add_argument("--json", action="store_true", help="print the findings as JSON")
    parser.add_argument(
        "--store",
        action="append",
        default=[],
        metavar="URL|PATH",
        help="reach for a store: redis://host, sqlite:///path or a path; may be repeated, and that "
        "of the variable STORE_URL is reached for anyway",
    )
    parser.add_argument(
        "--probe", metavar="URL", help="say what stands before this back end, and what to configure"
    )
    parser.add_argument(
        "--user",
        metavar="NAME",
        help="with --probe: try to log in as this user; the password is asked for on the terminal, "
        "once it is known where it goes",
    )


def run(options: argparse.Namespace) -> int:
    """Look, print, and return 1 if something is wrong."""
    report = Report()
    user = _find_user(options, report)
    _look(report)
    if options.store or os.environ.get("STORE_URL"):
        _look_at_stores(options.store, report)
    if options.probe is not None:
        _probe(options.probe, user, report)
    if options.json:
        print(json.dumps(asdict(report), indent=2, ensure_ascii=False))
    else:
        print("\n".join(_lines(report)))
    return 1 if report.problems else 0


def _look(report: Report) -> None:
    from apikit._doctor.software import find_software
    from apikit._doctor.surroundings import find_certificates, find_proxies

    for part in (find_software, find_certificates, find_proxies):
        part(report)


def _look_at_stores(named: list[str], report: Report) -> None:
    try:
        from apikit._doctor.stores import find_stores
    except ImportError as exception:  # files of an original lie where ours were
        report.problems.append(f"no look at the stores, since apikit is not whole: {exception}")
        return
    find_stores(named, os.environ, report)


def _probe(url: str, user: str | None, report: Report) -> None:
    try:
        from apikit._doctor.login import try_login
        from apikit._doctor.probe import probe
    except ImportError as exception:  # files of an original lie where ours were
        report.problems.append(f"no probe, since apikit is not whole: {exception}")
        return
    found = probe(url, report)
    if user is not None and found.kind != "unreachable":
        try_login(found, url, lambda place: _ask_password(user, place, report), report)
    report.probe = found.as_dict()


def _find_user(options: argparse.Namespace, report: Report) -> str | None:
    """Return who is to log in, if there is a terminal to ask for the password on."""
    if options.user is None:
        return None
    if options.probe is None:
        report.problems.append("--user needs --probe: say where to log in")
        return None
    if not sys.stdin.isatty():
        report.problems.append(
            "--user needs a terminal to ask for the password on: run it from one, not from a pipe"
        )
        return None
    user: str = options.user
    return user


def _ask_password(user: str, place: str, report: Report) -> Credentials | None:
    """Ask for the password where nobody sees it, and say who will: the back end named the place."""
    from apikit._credentials import Credentials

    try:
        asked = getpass.getpass(f"The password will be sent to {place}.\nPassword of {user}: ")
        caller = Credentials(user, asked)
        caller.check()
    except (EOFError, ValueError) as exception:
        report.problems.append(f"no log-in was tried: {exception or 'no password was given'}")
        return None
    return caller


# In words.


def _lines(report: Report) -> Iterator[str]:
    yield from _row("versions", ", ".join(f"{name} {one}" for name, one in report.versions.items()))
    curl = report.libcurl
    yield from _row("libcurl", f"{curl['running']}, compiled for {curl['compiled']}")
    yield from _row("decodes", curl["codings"])
    yield from _row("TLS", report.tls)
    yield from _row("CA", _describe_ca(report.ca))
    proxies = (f"{name}={value}" for name, value in report.proxies.items())
    yield from _row("proxies", *proxies, otherwise="none in the environment")
    for package, found in report.owners.items():
        owners = found["distributions"].items()
        yield from _row(package, " and ".join(f"{name} {one}" for name, one in owners) or "nobody")
    yield from _row("stores", *(f"{one['store']}: {one['state']}" for one in report.stores))
    if report.probe is not None:
        yield from _describe_probe(report.probe)
    yield from _row("notes", *report.notes)
    yield from _row("problems", *report.problems, otherwise="none")


def _describe_ca(ca: dict[str, Any]) -> str:
    if ca["file"] is None:
        return "none"
    count = f", {ca['certificates']} certificates" if "certificates" in ca else ""
    return f"{ca['file']} ({ca['source']}{count})"


def _describe_probe(found: dict[str, Any]) -> Iterator[str]:
    status = f" ({found['status']})" if found["status"] is not None else ""
    yield from _row("probe", f"{found['url']}{status}: {found['kind']}: {found['says']}")
    if found["endpoint"]:
        yield from _row("endpoint", found["endpoint"])
    if found["provider"]:
        yield from _row("provider", found["provider"])
    yield from _row("advice", *found["advice"])
    if found["login"] is not None:
        login = found["login"]
        yield from _row("log-in", f"{login['state']} by {login['way']}: {login['message']}")


def _row(name: str, *values: str, otherwise: str = "") -> Iterator[str]:
    """Yield a line for each value, the first with the name before it."""
    width = 24
    for number, value in enumerate(values or filter(None, [otherwise])):
        yield f"{name if number == 0 else '':<{width}}  {value}"

"""The findings, as `doctor --json` prints them."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

__all__ = ["Report", "masked"]


@dataclass
class Report:
    """What was found.

    Attributes
    ----------
    versions
        Of the interpreter and the distributions, by name.
    libcurl
        Which was compiled for, which runs, what it decodes.
    tls
        Its back end.
    ca
        The file or folder of CA certificates that is trusted, and the reason.
    proxies
        The environment's variables, masked.
    owners
        By import package: which distributions own it, and which of its files are not as
        installed.
    stores
        What came of each ``--store``, and of ``STORE_URL``.
    probe
        What stands before the URL of ``--probe``.
    notes
        What is worth knowing, and not wrong.
    problems
        What is wrong, and what to do.
    """

    versions: dict[str, str] = field(default_factory=dict)
    libcurl: dict[str, str] = field(default_factory=dict)
    tls: str = ""
    ca: dict[str, Any] = field(default_factory=dict)
    proxies: dict[str, str] = field(default_factory=dict)
    owners: dict[str, Any] = field(default_factory=dict)
    stores: list[dict[str, str]] = field(default_factory=list)
    probe: dict[str, Any] | None = None
    notes: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)


def masked(url: str) -> str:
    """Return a URL, with or without a scheme, whose user name and password are ``***``.

    A password may have any character, so all that stands before the last ``@`` is hidden;
    and so is the query, in which some libraries take passwords.
    """
    scheme = re.match(r"[A-Za-z][A-Za-z0-9+.-]*://", url)
    start = "" if scheme is None else scheme[0]
    _, sign, rest = url[len(start) :].rpartition("@")
    place, question, _ = rest.partition("?")
    return f"{start}{'***@' if sign else ''}{place}{'?***' if question else ''}"

"""Certificates made for the tests, as PEM files in a folder."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass, fields
from pathlib import Path

__all__ = ["Certificates", "make_certificates"]


@dataclass(frozen=True)
class Certificates:
    """Paths of PEM files; a server's or client's file holds certificate and key."""

    folder: Path
    ca: str  #: what `verify=` takes
    other_ca: str  #: an authority that signed none of the servers
    good: str  #: for 127.0.0.1, ::1, localhost and *.apikit.localhost
    expired: str  #: as good, until yesterday
    not_yet: str  #: as good, from tomorrow
    wrong_host: str  #: for other.example only
    self_signed: str  #: as good, by nobody else
    client: str
    client_cert: str  #: the client's certificate without its key
    client_key: str
    other_client: str  #: a client of the other authority


def make_certificates(folder: Path) -> Certificates:
    """Make all of them and write them to FOLDER.

    APIKIT_CERTIFICATES_PYTHON names the interpreter that does it, where this one can have no
    package `cryptography`.
    """
    python = os.environ.get("APIKIT_CERTIFICATES_PYTHON", sys.executable)
    root = Path(__file__).parents[2]
    command = [python, "-P", "-m", "tests.faults.making_certs", str(folder)]
    subprocess.run(command, check=True, cwd=root, env={**os.environ, "PYTHONPATH": str(root)})
    paths = {
        field.name: str(folder / f"{field.name.replace('_', '-')}.pem")
        for field in fields(Certificates)
        if field.name != "folder"
    }
    return Certificates(folder=folder, **paths)

"""What the wheels are made from: sources.toml, and its archives, fetched and checked."""

from __future__ import annotations

import hashlib
import os
import shutil
import tomllib
import urllib.error
import urllib.request
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.tools.project import CACHE, Refusal, run

__all__ = ["PINS", "Headers", "Library", "Pins", "fetch", "read_pins", "unpack"]

PINS = Path(__file__).with_name("sources.toml")
ARCHIVES = CACHE / "release" / "sources"
PATIENCE = 120  # seconds without a byte


@dataclass(frozen=True)
class Library:
    """A library's sources: what they are called, where they are, on what terms."""

    name: str
    version: str
    file: str
    sha256: str
    license: str
    license_files: list[str]
    cpe: str = ""


@dataclass(frozen=True)
class Headers:
    """The package with the headers of a Python for a machine."""

    python: str
    machine: str
    file: str
    sha256: str


@dataclass(frozen=True)
class Pins:
    """All of sources.toml."""

    mirrors: list[str]
    libraries: dict[str, Library]
    headers: list[Headers]
    cmocka: Library


def read_pins(path: Path = PINS) -> Pins:
    """Return what `path` says."""
    content = tomllib.loads(path.read_text(encoding="utf-8"))
    libraries = [Library(**entry) for entry in content["library"]]
    return Pins(
        mirrors=content["mirrors"],
        libraries={library.name: library for library in libraries},
        headers=[Headers(**entry) for entry in content["headers"]],
        cmocka=Library(**content["cmocka"]),
    )


def fetch(pin: Library | Headers, mirrors: Sequence[str], folder: Path = ARCHIVES) -> Path:
    """Return the archive of `pin`, downloaded once.

    Raises
    ------
    Refusal
        When no mirror has it, or when it is not the one that was pinned.
    """
    archive = folder / Path(pin.file).name
    if not archive.exists():
        folder.mkdir(parents=True, exist_ok=True)
        partial = archive.with_name(archive.name + ".part")
        download(pin.file, mirrors, partial)
        partial.rename(archive)
    found = hashlib.sha256(archive.read_bytes()).hexdigest()
    if found != pin.sha256:
        archive.unlink()
        raise Refusal(f"{archive.name} has the SHA-256 {found}, pinned is {pin.sha256}")
    return archive


def download(file: str, mirrors: Sequence[str], target: Path) -> None:
    # The variable's mirror is asked first; the hash decides, whoever answers.
    chosen = os.environ.get("APIKIT_DEBIAN_MIRROR")
    tried = []
    for mirror in [chosen, *mirrors] if chosen else mirrors:
        try:
            with urllib.request.urlopen(f"{mirror}/{file}", timeout=PATIENCE) as answer:
                with target.open("wb") as copy:
                    shutil.copyfileobj(answer, copy)
                return
        except (urllib.error.URLError, TimeoutError) as error:
            tried.append(f"{mirror}: {error}")
    raise Refusal(
        f"{file} cannot be had ({'; '.join(tried)}): pin what the mirrors have in {PINS.name}, or "
        f"put the file into {ARCHIVES}"
    )


def unpack(archive: Path, folder: Path) -> Path:
    """Return the one folder that the archive of a library holds, unpacked into `folder`."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    run(["tar", "-xf", archive, "-C", folder], f"{archive.name} cannot be unpacked")
    (top,) = folder.iterdir()
    return top

"""The source distribution, the same bytes at each build."""

from __future__ import annotations

import gzip
import shutil
import sys
import tarfile
from pathlib import Path

from tests.tools.builds import copy_checkout
from tests.tools.project import run

__all__ = ["make_sdist", "normalise"]

MADE_AT = 315532800  # 1980-01-01, the oldest time that a zip file can tell


def normalise(archive: Path, made: Path) -> None:
    """Write ARCHIVE anew: sorted, without owners, times or the modes of this machine."""
    with (
        tarfile.open(archive) as source,
        made.open("wb") as raw,
        gzip.GzipFile(filename="", mode="wb", fileobj=raw, mtime=MADE_AT) as packed,
        tarfile.open(fileobj=packed, mode="w", format=tarfile.GNU_FORMAT) as target,
    ):
        for member in sorted(source.getmembers(), key=lambda member: member.name):
            clean = tarfile.TarInfo(member.name)
            clean.type, clean.linkname, clean.mtime = member.type, member.linkname, MADE_AT
            clean.size = member.size
            clean.mode = 0o755 if member.isdir() or member.mode & 0o100 else 0o644
            target.addfile(clean, source.extractfile(member) if member.isfile() else None)


def make_sdist(place: Path) -> Path:
    """Return the normalised source distribution, built in PLACE from a copy of the checkout."""
    shutil.rmtree(place, ignore_errors=True)
    copy_checkout(place / "src")
    build = [sys.executable, "-P", "-m", "build", "--sdist", "--no-isolation", "--outdir"]
    run([*build, place / "raw", place / "src"], "the source distribution cannot be made")
    (archive,) = (place / "raw").glob("*.tar.gz")
    normalise(archive, place / archive.name)
    return place / archive.name

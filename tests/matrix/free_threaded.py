"""A CPython without the GIL, built from Debian's sources of it."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

from tests.release.pins import Library, fetch, read_pins, unpack
from tests.tools.project import CACHE, Refusal, is_current, remember, run

__all__ = ["make_python"]

SOURCES = Library(
    name="python",
    version="3.13.5",
    file="pool/main/p/python3.13/python3.13_3.13.5.orig.tar.xz",
    sha256="93e583f243454e6e9e4588ca2c2662206ad961659863277afcdb96801647d640",
    license="PSF-2.0",
    license_files=["LICENSE"],
)
#: The standard library's optional parts that the tests want, and the headers of each.
NEEDS = {
    "libssl-dev": "openssl/ssl.h",
    "libffi-dev": "ffi.h",
    "libsqlite3-dev": "sqlite3.h",
    "libbz2-dev": "bzlib.h",
    "liblzma-dev": "lzma.h",
}


def make_python() -> Path:
    """Return the interpreter, built once: that takes some minutes.

    Raises
    ------
    Refusal
        When a header or a compiler of what is built is missing.
    """
    place = CACHE / "matrix" / "python-free-threaded"
    python = place / "bin" / "python3.13t"
    if not is_current(place, SOURCES.sha256):
        missing = [package for package, header in NEEDS.items() if not can_include(header)]
        if missing:
            raise Refusal(f"a free-threaded Python wants {', '.join(missing)}: install them")
        source = unpack(fetch(SOURCES, read_pins().mirrors), place.with_name("python-sources"))
        print(f"building the free-threaded Python {SOURCES.version}", flush=True)
        configure = f"./configure -q --disable-gil --prefix={place}"
        build = f"{configure} && make -s -j{os.cpu_count()} && make -s install"
        shutil.rmtree(place, ignore_errors=True)
        run(["sh", "-c", build], "the free-threaded Python does not build", cwd=source)
        shutil.rmtree(source.parent)
        remember(place, SOURCES.sha256)
    return python


def can_include(header: str) -> bool:
    asked = subprocess.run(
        ["gcc", "-E", "-x", "c", "-", "-o", "/dev/null"],
        input=f"#include <{header}>\n",
        capture_output=True,
        text=True,
    )
    return asked.returncode == 0

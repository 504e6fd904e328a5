"""The compiler of the wheels: zig's, which targets an old glibc and other machines from any."""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

from tests.tools.builds import make_venv
from tests.tools.project import ROOT

__all__ = ["MADE_AT", "TARGETS", "Target", "Toolchain", "make_toolchain"]

MADE_AT = 315532800  # 1980-01-01, the oldest time that a zip file can tell
TOOLS = ("cc", "ar", "ranlib")


@dataclass(frozen=True)
class Target:
    """A machine, and the oldest glibc that the wheels for it run with."""

    machine: str
    glibc: tuple[int, int] = (2, 17)

    @property
    def triple(self) -> str:
        """The name by which GNU's tools and Debian call it."""
        return f"{self.machine}-linux-gnu"

    @property
    def platform(self) -> str:
        """The wheels' platform tag."""
        return f"manylinux_{self.glibc[0]}_{self.glibc[1]}_{self.machine}"


TARGETS = {machine: Target(machine) for machine in ("x86_64", "aarch64")}


@dataclass(frozen=True)
class Toolchain:
    """Scripts `cc`, `ar` and `ranlib` for a target, and the environment to run builds in."""

    target: Target
    folder: Path
    version: str
    licence: Path

    @property
    def environment(self) -> dict[str, str]:
        """The variables of a build: nothing of the machine's own flags and packages."""
        kept = {name: os.environ[name] for name in ("HOME", "LANG") if name in os.environ}
        return {
            **kept,
            "PATH": f"{self.folder}{os.pathsep}{os.environ['PATH']}",
            "LC_ALL": "C.UTF-8",
            "SOURCE_DATE_EPOCH": str(MADE_AT),
            "CC": "apikit-cc",
            "AR": "apikit-ar",
            "RANLIB": "apikit-ranlib",
        }


def make_toolchain(target: Target, place: Path) -> Toolchain:
    """Return the scripts for `target`, written into `place`, with caches of their own there.

    zig keeps what it compiled: two builds that shall be compared must not share that.
    """
    python = make_venv("release")
    (zig,) = python.parents[1].glob("lib/python3.*/site-packages/ziglang/zig")
    place.mkdir(parents=True, exist_ok=True)
    options = f"-target {target.triple}.{target.glibc[0]}.{target.glibc[1]} -g0"
    # In the script, not in CFLAGS, which OpenSSL writes into its library.
    options += f" '-ffile-prefix-map={ROOT}=.'"
    for tool in TOOLS:
        script = place / f"apikit-{tool}"
        command = f"'{zig}' {tool} {options if tool == 'cc' else ''}"
        script.write_text(
            "#!/bin/sh\n"
            f"export ZIG_GLOBAL_CACHE_DIR='{place}/cache' ZIG_LOCAL_CACHE_DIR='{place}/cache'\n"
            f'exec {command} "$@"\n'
        )
        script.chmod(0o755)
    version = subprocess.run([zig, "version"], capture_output=True, text=True, check=True)
    return Toolchain(target, place, version.stdout.strip(), zig.with_name("LICENSE"))

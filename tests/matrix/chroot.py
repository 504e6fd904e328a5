"""A Debian of another suite, in which commands run that leave nothing behind."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from tests.release.bare import make_system
from tests.release.pins import read_pins
from tests.tools.project import CACHE, Refusal, run

__all__ = ["enter", "make_root", "within_namespaces"]

ROOTS = CACHE / "matrix" / "roots"
CA_BUNDLE = Path("/etc/ssl/certs/ca-certificates.crt")
#: Moving suites are served with dates that are past on some mirrors.
APT_SETTINGS = 'Acquire::Check-Valid-Until "false";\n'
#: Mounts are seen by the namespace alone, and end with it.
MOUNT_AND_ENTER = """
set -e
mount --rbind /dev "$1/dev"
mount --rbind /sys "$1/sys"
mount -t proc proc "$1/proc"
mount -t tmpfs tmpfs "$1/run"
exec chroot "$1" sh -c "$2"
"""


def make_root(suite: str, *, fresh: bool) -> Path:
    """Return a Debian of `suite`, which keeps what was installed there; `fresh`: a new one."""
    root = ROOTS / suite
    if fresh:
        shutil.rmtree(root, ignore_errors=True)
    if not root.exists():
        bare = make_system(suite, os.uname().machine, read_pins())
        partial = root.with_name(f"{suite}.part")
        shutil.rmtree(partial, ignore_errors=True)
        partial.parent.mkdir(parents=True, exist_ok=True)
        copy = ["cp", "--archive", "--one-file-system", "--reflink=auto", str(bare), str(partial)]
        run(copy, f"{bare} cannot be copied")
        # What this machine trusts to get packages, the other one trusts too.
        shutil.copyfile(CA_BUNDLE, partial / CA_BUNDLE.relative_to("/"))
        (partial / "etc" / "apt" / "apt.conf.d" / "99matrix").write_text(APT_SETTINGS)
        partial.rename(root)
    return root


def within_namespaces() -> list[str]:
    """Return the prefix of a command whose processes and mounts all end when it does.

    Raises
    ------
    Refusal
        For others than root.
    """
    if os.geteuid() != 0:
        raise Refusal("other systems want chroot and mount: run as root")
    return ["unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc"]


def enter(root: Path, script: str) -> list[str]:
    """Return the command that runs a shell's `script` in the system at `root`."""
    return [*within_namespaces(), "sh", "-c", MOUNT_AND_ENTER, "sh", str(root), script]

"""Programs that the tests install: from what a folder of the project pins, once, into .cache."""

from __future__ import annotations

import fcntl
import hashlib
import shutil
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path

from .process import ROOT, ServerError

__all__ = ["install_once", "installed_path", "run_installer"]

_CACHE = ROOT / ".cache"
_LAST_LINES = 8


def installed_path(name: str, sources: Path, *facts: str) -> Path:
    """Return the folder of a program: it depends on what `sources` and the facts pin."""
    files = sorted(path for path in sources.rglob("*") if path.is_file())
    pinned = [*(path.read_bytes() for path in files), *(fact.encode() for fact in facts)]
    return _CACHE / name / hashlib.sha256(b"\0".join(pinned)).hexdigest()[:16]


def install_once(name: str, sources: Path, install: Callable[[Path], None], *facts: str) -> Path:
    """Return the folder that a program is installed in, and install it if it is not there.

    Parameters
    ----------
    name : `str`
        The program's name.
    sources : `pathlib.Path`
        The folder that pins it; its files are copied to where the program goes.
    install : callable
        Installs it in the folder that it is given.
    *facts : `str`
        What else the outcome depends on.

    Returns
    -------
    folder : `pathlib.Path`
        Where it is.
    """
    folder = installed_path(name, sources, *facts)
    folder.parent.mkdir(parents=True, exist_ok=True)
    with folder.with_suffix(".lock").open("wb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not folder.exists():
            unfinished = folder.with_suffix(".part")
            shutil.rmtree(unfinished, ignore_errors=True)
            shutil.copytree(sources, unfinished)
            install(unfinished)
            unfinished.replace(folder)
    return folder


def run_installer(program: str, command: Sequence[str | Path], folder: Path, advice: str) -> None:
    """Run one command of an installation.

    Raises
    ------
    ServerError
        It failed: the text holds its last words and the advice.
    """
    result = subprocess.run(
        command,
        cwd=folder,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        check=False,
    )
    if result.returncode:
        last = "\n".join(result.stdout.splitlines()[-_LAST_LINES:])
        raise ServerError(
            f"{program} cannot be installed ({Path(command[0]).name} ended with status "
            f"{result.returncode}): {advice}\n{last}"
        )

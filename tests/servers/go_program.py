"""Go programs that the tests run: built from what a folder pins, once."""

from __future__ import annotations

import fcntl
import functools
import hashlib
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from .process import ROOT, ServerError

__all__ = ["GoProgram", "find_go"]

_CACHE = ROOT / ".cache"
_LAST_LINES = 5


def find_go() -> str | None:
    """Return the path of the Go tool, or None."""
    return shutil.which("go")


@functools.cache
def _go_version(go: str) -> tuple[int, ...]:
    """Return the version of a Go tool, as (1, 19)."""
    done = subprocess.run([go, "version"], capture_output=True, text=True, check=False)
    return _version(done.stdout.partition(" go")[2])


def _version(text: str) -> tuple[int, ...]:
    found = re.match(r"(?:go)?(\d+(?:\.\d+)*)", text)
    return tuple(map(int, found[1].split("."))) if found else ()


@dataclass(frozen=True)
class GoProgram:
    """A program whose version a folder with go.mod and go.sum pins.

    Parameters
    ----------
    name : `str`
        The program's name; also the binary's.
    version : `str`
        The pinned version, for messages.
    package : `str`
        The import path of its main package.
    folder : `pathlib.Path`
        Where go.mod and go.sum lie.
    """

    name: str
    version: str
    package: str
    folder: Path

    def __str__(self) -> str:
        return f"{self.name} {self.version}"

    def obstacle(self) -> str | None:
        """Return why it cannot be built with this machine's Go, or None."""
        go = find_go()
        if go is None:
            return f"{self} cannot be built: there is no go; install golang-go"
        wanted = re.search(r"^go (\S+)$", (self.folder / "go.mod").read_text(), re.MULTILINE)
        if wanted and _go_version(go) < _version(wanted[1]):
            here = ".".join(map(str, _go_version(go)))
            return f"{self} cannot be built: it wants Go {wanted[1]}, and here is {here}"
        return None

    @property
    def path(self) -> Path:
        """Where the built program is, or will be: it depends on what is pinned."""
        names = sorted(path for path in self.folder.rglob("*") if path.is_file())
        sources = b"\0".join(name.read_bytes() for name in names)
        return _CACHE / self.name / hashlib.sha256(sources).hexdigest()[:16] / self.name

    def build(self) -> Path:
        """Build the program, unless it is there, and return its path.

        Raises
        ------
        ServerError
            There is no Go, or too old a one, or the build failed; the text holds the build's
            last words.
        """
        obstacle = self.obstacle()
        if obstacle is not None:
            raise ServerError(obstacle)
        binary = self.path
        folder = binary.parent
        folder.mkdir(parents=True, exist_ok=True)
        with (folder / "lock").open("wb") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not binary.exists():
                # In a copy, for -mod=mod lets other versions of Go rewrite the two files.
                shutil.copytree(self.folder, folder, dirs_exist_ok=True)
                self._run_go(folder, f"{self.name}.part")
                (folder / f"{self.name}.part").replace(binary)
        return binary

    def _run_go(self, folder: Path, target: str) -> None:
        result = subprocess.run(
            [str(find_go()), "build", "-mod=mod", "-buildvcs=false", "-o", target, self.package],
            cwd=folder,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        if result.returncode:
            last = "\n".join(result.stderr.splitlines()[-_LAST_LINES:])
            raise ServerError(
                f"{self} cannot be built (go build ended with status {result.returncode}): "
                f"see that the Go module proxy can be reached\n{last}"
            )

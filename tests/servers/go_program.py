"""Go programs that the tests run: built from what a folder pins, once."""

from __future__ import annotations

import functools
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from .installed import install_once, installed_path, run_installer
from .process import ServerError

__all__ = ["GoProgram", "find_go"]


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
    data : `str`, optional
        A folder of its package's module that it wants beside it, as ``MODULE FOLDER``.
    """

    name: str
    version: str
    package: str
    folder: Path
    data: str = ""

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
        return installed_path(self.name, self.folder) / self.name

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
        return install_once(self.name, self.folder, self._build_in) / self.name

    def _build_in(self, folder: Path) -> None:
        # In a copy of what is pinned, for -mod=mod lets other versions of Go rewrite it.
        go = [str(find_go()), "build", "-mod=mod", "-buildvcs=false", "-o", self.name, self.package]
        run_installer(str(self), go, folder, "see that the Go module proxy can be reached")
        if self.data:
            module, name = self.data.split()
            listing = [str(find_go()), "list", "-mod=mod", "-m", "-f", "{{.Dir}}", module]
            place = subprocess.run(listing, cwd=folder, capture_output=True, text=True, check=True)
            shutil.copytree(Path(place.stdout.strip(), name), folder / name)

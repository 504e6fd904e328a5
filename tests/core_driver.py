"""Builds and talks to the drivers of tests/c, which show core functions to an oracle."""

from __future__ import annotations

import subprocess
from pathlib import Path
from types import TracebackType
from typing import Self

ROOT = Path(__file__).resolve().parents[1]

#: Without libraries, and so quick to build that no cache is needed.
FLAGS = ("-std=c11", "-O1", "-g", "-Wall", "-Wextra", "-Werror", "-Icsrc")

__all__ = ["Driver", "build_driver"]


def build_driver(name: str, folder: Path, sources: tuple[str, ...]) -> Path:
    """Compile tests/c/NAME_driver.c with the core files that SOURCES (patterns) name."""
    core = sorted(path for source in sources for path in (ROOT / "csrc/core").glob(source + ".c"))
    program = folder / f"{name}_driver"
    command = ["cc", *FLAGS, *map(str, core), f"tests/c/{name}_driver.c", "-o", str(program)]
    subprocess.run(command, cwd=ROOT, check=True)
    return program


class Driver:
    """A running driver: one line asked, one line answered."""

    def __init__(self, program: Path) -> None:
        self._process = subprocess.Popen(
            [program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, encoding="ascii"
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._process.communicate()
        assert self._process.returncode == 0

    def ask(self, command: str, *fields: str | bytes) -> list[str]:
        """The words of the answer; those that are bytes are decoded as latin-1."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        raw = [field.encode() if isinstance(field, str) else field for field in fields]
        print(command, *("x" + field.hex() for field in raw), file=self._process.stdin, flush=True)
        words = self._process.stdout.readline().split()
        assert words, "the driver died"
        return [
            bytes.fromhex(word[1:]).decode("latin-1") if word.startswith("x") else word
            for word in words
        ]

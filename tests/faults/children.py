"""Programs that run in a child, so that signals, exits and forks hurt nobody else."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import IO, Any

from tests.faults.handle import python_path

__all__ = [
    "Child",
    "Ended",
    "Shim",
    "build_shim",
    "count_descriptors",
    "is_listening",
    "run_child",
    "unused_port",
    "wait_until",
]

#: The longest that any child may take, in seconds: far beyond what it needs.
PATIENCE = 40.0


@dataclass(frozen=True)
class Shim:
    """The preloadable library of shim.c."""

    path: str

    def environment(self, **more: str) -> dict[str, str]:
        """Return variables that preload it, after what is preloaded already."""
        before = os.environ.get("LD_PRELOAD")
        return {"LD_PRELOAD": f"{before}:{self.path}" if before else self.path, **more}


def build_shim(folder: Path) -> Shim:
    """Compile shim.c into FOLDER with the compiler that builds the extension."""
    path = folder / "shim.so"
    source = Path(__file__).with_name("shim.c")
    compiler = os.environ.get("CC", "cc").split()
    options = ["-shared", "-fPIC", "-O1", "-Wall", "-Werror"]
    subprocess.run([*compiler, *options, "-o", path, source, "-ldl"], check=True)
    return Shim(str(path))


@dataclass(frozen=True)
class Ended:
    """How a child ended."""

    returncode: int
    out: str
    err: str

    def check(self) -> str:
        """Return what it printed; it must have ended well and without a crash report."""
        assert self.returncode == 0, f"exit status {self.returncode}\n{self.out}\n{self.err}"
        assert "Fatal Python error" not in self.err, self.err
        return self.out


@dataclass
class Child:
    """A Python program in a process of its own; its source sees ARGS in sys.argv[1:].

    In a `with`, it does not outlive the block.
    """

    source: str
    args: Sequence[object] = ()
    environment: dict[str, str] = field(default_factory=dict)
    pass_fds: Sequence[int] = ()

    def __post_init__(self) -> None:
        self._process: subprocess.Popen[str] = subprocess.Popen(
            [sys.executable, "-P", "-c", textwrap.dedent(self.source), *map(str, self.args)],
            env={**os.environ, "PYTHONPATH": python_path(), **self.environment},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            pass_fds=self.pass_fds,
        )

    @property
    def pid(self) -> int:
        return self._process.pid

    def read_line(self) -> str:
        """Return the next line that it prints; an early end is an error with its stderr."""
        stdout: IO[str] | None = self._process.stdout
        assert stdout is not None
        line = stdout.readline()
        if not line:
            ended = self.wait()
            raise AssertionError(f"the child ended early ({ended.returncode}):\n{ended.err}")
        return line.strip()

    def tell(self, line: str = "") -> None:
        """Write a line to its standard input."""
        assert self._process.stdin is not None
        self._process.stdin.write(line + "\n")
        self._process.stdin.flush()

    def interrupt(self) -> None:
        """Send what Ctrl-C sends."""
        self._process.send_signal(signal.SIGINT)

    def wait(self, patience: float = PATIENCE) -> Ended:
        """Wait for its end; one that does not end is killed and fails the test."""
        try:
            out, err = self._process.communicate(timeout=patience)
        except subprocess.TimeoutExpired:
            self._process.kill()
            out, err = self._process.communicate()
            raise AssertionError(f"the child hung for {patience} s:\n{out}\n{err}") from None
        return Ended(self._process.returncode, out, err)

    def __enter__(self) -> Child:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        exc: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        """End it if nobody waited for it; what it said goes with the error."""
        if self._process.returncode is None:
            self._process.kill()
            out, err = self._process.communicate()
            if exc is not None:
                exc.add_note(f"the child said:\n{out}\n{err}")


def run_child(source: str, *args: object, environment: dict[str, str] | None = None) -> str:
    """Run a program to its end and return what it printed."""
    return Child(source, args, environment or {}).wait().check()


def wait_until(is_so: Callable[[], Any], what: str, patience: float = 30.0) -> None:
    """Ask until it is so: for states of the kernel that nobody announces."""
    end = time.monotonic() + patience
    while not is_so():
        if time.monotonic() > end:
            raise AssertionError(f"waited {patience} s in vain for {what}")
        time.sleep(0.01)


def unused_port() -> int:
    """Return a port at which nobody listens."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port = sock.getsockname()[1]
        assert isinstance(port, int)
        return port


def is_listening(port: int) -> bool:
    """Say whether somebody takes connections at that port."""
    with socket.socket() as sock:
        return sock.connect_ex(("127.0.0.1", port)) == 0


def count_descriptors() -> int:
    """Return how many descriptors this process has open."""
    return len(list(Path("/proc/self/fd").iterdir())) - 1

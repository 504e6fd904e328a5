"""The test's handle of the scripted server, and the values that pass between the two.

A script belongs to a path (of any listener): one list of steps for each request to come,
the last one for all that follow.  Every request is recorded when its head is complete, so
that a test can say "sent once" or "nothing sent".
"""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from pathlib import Path
from types import TracebackType
from typing import Any, cast

from tests.faults.steps import Step, answer

__all__ = ["ROOT", "FaultServer", "Listen", "Seen", "python_path"]

#: The checkout.
ROOT = Path(__file__).resolve().parents[2]


def python_path() -> str:
    """Return PYTHONPATH for a child that shall import what this process imports."""
    return os.pathsep.join([path for path in sys.path if path] + [str(ROOT)])


def _plain_environment() -> dict[str, str]:
    """Return an environment in which the server is nobody's subject of a sanitizer."""
    own = {k: v for k, v in os.environ.items() if k not in ("LD_PRELOAD", "PYTHONMALLOC")}
    return {**own, "PYTHONPATH": python_path()}


@dataclass(frozen=True)
class Listen:
    """What one listener is: plain by default."""

    host: str = "127.0.0.1"
    port: int = 0
    chain: str | None = None  #: PEM file with certificate and key: makes it TLS
    client_ca: str | None = None  #: PEM file: clients must show a certificate of it
    raw: bool = False  #: run the script of RAW on the first bytes, whatever they are
    accept: bool = True  #: False: the backlog fills up and connecting stalls


@dataclass(frozen=True)
class Seen:
    """One request that reached the server."""

    port: int
    connection: int
    method: str
    target: str
    head: bytes
    body: bytes = b""
    body_sha256: str = ""
    body_complete: bool = False

    def header(self, name: str) -> str | None:
        """Return the first field of that name, or None."""
        for line in self.head.split(b"\r\n")[1:]:
            key, _, value = line.partition(b":")
            if key.lower() == name.lower().encode():
                return value.strip().decode("latin-1")
        return None


class FaultServer:
    """A scripted server in a process of its own; close it, or use it in a `with`."""

    def __init__(self) -> None:
        ours, theirs = Pipe()
        self._pipe: Connection[Any, Any] = ours
        self._lock = threading.Lock()
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", "tests.faults.server", str(theirs.fileno())],
            env=_plain_environment(),
            stdin=subprocess.DEVNULL,
            pass_fds=[theirs.fileno()],
        )
        theirs.close()
        self.port = self.listen()
        self.script("/alive", [answer(b"alive")])

    def _ask(self, command: str, *args: Any) -> Any:
        with self._lock:
            self._pipe.send((command, args))
            went_well, result = self._pipe.recv()
        if not went_well:
            raise RuntimeError(f"{command} failed in the scripted server: {result}")
        return result

    def url(self, path: str = "/", *, host: str = "127.0.0.1", port: int | None = None) -> str:
        """Return the http URL of PATH, on the plain listener unless another port is given."""
        return f"http://{host}:{port or self.port}{path}"

    def listen(self, what: Listen | None = None) -> int:
        """Start one more listener and return its port."""
        return cast(int, self._ask("listen", what or Listen()))

    def script(
        self, path: str, *answers: Sequence[Step], record: bool = True, read_body: bool = True
    ) -> None:
        """Set what happens at PATH: steps for each request to come, the last ones repeated.

        A path that ends in "/" serves all below it; "raw:PORT" is that raw listener's.
        """
        self._ask("script", path, [list(steps) for steps in answers], record, read_body)

    def seen(self, path: str | None = None) -> list[Seen]:
        """Return the requests that came to PATH so far, or all of them."""
        return cast(list[Seen], self._ask("seen", path))

    def wait_seen(self, path: str, count: int = 1) -> list[Seen]:
        """Return the requests to PATH as soon as there are COUNT."""
        return cast(list[Seen], self._ask("wait_seen", path, count))

    def accepted(self, port: int) -> int:
        """Return how many connections that listener has taken."""
        return cast(int, self._ask("accepted", port))

    def wait_accepted(self, port: int, count: int = 1) -> None:
        """Return as soon as that listener has taken COUNT connections."""
        self._ask("wait_accepted", port, count)

    def wait_ended(self, connection: int) -> None:
        """Return as soon as the server is done with that connection."""
        self._ask("wait_ended", connection)

    def handshake_errors(self, port: int) -> list[str]:
        """Return what OpenSSL said of the handshakes that failed there."""
        return cast(list[str], self._ask("handshake_errors", port))

    def alpn(self, port: int) -> list[str | None]:
        """Return the protocols that ALPN chose there."""
        return cast("list[str | None]", self._ask("alpn", port))

    def resumed(self, port: int) -> list[bool]:
        """Return whether each handshake there went on with an earlier TLS session."""
        return cast("list[bool]", self._ask("resumed", port))

    def release(self, gate: str) -> None:
        """Open the gate at which a `hold` step waits."""
        self._ask("release", gate)

    def run(self, function: str, *args: Any) -> Any:
        """Run "module:name" with ARGS in the server's process and return its result."""
        return self._ask("run", function, args)

    def forget(self) -> None:
        """Open all gates and forget scripts and records; listeners stay."""
        self._ask("forget")
        self.script("/alive", [answer(b"alive")])

    def kill(self) -> None:
        """End the process at once, as a crash would."""
        self._process.kill()
        self._process.wait()

    def close(self) -> None:
        """End the process."""
        self.kill()
        self._pipe.close()

    def __enter__(self) -> FaultServer:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        exc: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        self.close()

"""Child processes that serve on one loopback port, and are never left running."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import IO, Self

__all__ = ["LOOPBACK", "ROOT", "Server", "ServerError", "reserve_port", "start_server"]

LOOPBACK = "127.0.0.1"
ROOT = Path(__file__).resolve().parents[2]

_POLL_SECONDS = 0.02
_STOP_SECONDS = 10.0
_OUTPUT_LINES = 20
_PROXY_VARIABLES = ("http_proxy", "https_proxy", "all_proxy", "no_proxy")


class ServerError(Exception):
    """A server could not be built or started; the text says why and what to do."""


class Server:
    """A running child process that listens on ``port``.

    Use it as a context manager, or call `stop`.
    """

    def __init__(
        self, name: str, port: int, process: subprocess.Popen[bytes], log: IO[bytes], host: str
    ) -> None:
        self.name = name
        self.port = port
        self.pid = process.pid
        self.url = f"http://{host}:{port}"
        self._process = process
        self._log = log

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def output(self) -> str:
        """Return what the process has written to its standard output and error."""
        if self._log.closed:
            return ""
        # By position: the child writes at the offset that it shares with us.
        size = os.fstat(self._log.fileno()).st_size
        return os.pread(self._log.fileno(), size, 0).decode(errors="replace")

    def last_output(self) -> str:
        """Return the last lines of the output, for a message."""
        return "\n".join(self.output().splitlines()[-_OUTPUT_LINES:])

    def is_running(self) -> bool:
        """Tell whether the process is alive."""
        return self._process.poll() is None

    def stop(self) -> None:
        """End the process: politely, then by force. A second call does nothing."""
        if self.is_running():
            self._process.terminate()
            try:
                self._process.wait(_STOP_SECONDS)
            except subprocess.TimeoutExpired:
                # The child leads its own process group, so this takes its workers too.
                os.killpg(self.pid, signal.SIGKILL)
                self._process.wait()
        self._log.close()


def start_server(
    name: str,
    command: Callable[[int], Sequence[str | os.PathLike[str]]],
    *,
    port: int = 0,
    host: str = LOOPBACK,
    env: Mapping[str, str] | None = None,
    cwd: Path = ROOT,
    deadline: float = 30.0,
) -> Server:
    """Start a child process and return once its port accepts connections.

    Parameters
    ----------
    name : `str`
        What to call the process in messages.
    command : callable
        Makes the command line out of the port number.
    port : `int`, optional
        The port to use; 0 takes a free one.
    host : `str`, optional
        The name that the server's URL uses. Cookies ignore ports, so servers that must
        not see each other's cookies need different names.
    env : mapping, optional
        Variables to add to the environment.
    cwd : `pathlib.Path`, optional
        The directory that the process starts in.
    deadline : `float`, optional
        Seconds to wait for the port.

    Returns
    -------
    server : `Server`
        The running process.

    Raises
    ------
    ServerError
        The port is taken, the process ended, or it did not listen in time.
    """
    with reserve_port(name, port) as reserved:
        log = tempfile.TemporaryFile()  # noqa: SIM115 - the server closes it when it stops
        try:
            process = subprocess.Popen(
                [*_tied_to_parent(), *command(reserved)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=_child_environment(env),
                cwd=cwd,
                start_new_session=True,
            )
        except OSError as error:
            log.close()
            raise ServerError(f"{name}: cannot be run: {error}") from error
        server = Server(name, reserved, process, log, host)
        try:
            _wait_until_listening(server, process, deadline)
        except BaseException:
            server.stop()
            raise
    return server


@contextlib.contextmanager
def reserve_port(name: str, port: int = 0) -> Iterator[int]:
    """Hold a port, 0 for any free one, until the child that needs it listens on it.

    A bound socket that does not listen lets a second one with SO_REUSEADDR bind and listen,
    and keeps the kernel from giving the port to anybody who asks for any free one.
    """
    with socket.socket() as holder:
        holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            holder.bind((LOOPBACK, port))
        except OSError as error:
            raise ServerError(
                f"{name}: port {port} of {LOOPBACK} cannot be used ({error.strerror}): "
                "stop what listens there, or choose another port"
            ) from error
        yield int(holder.getsockname()[1])


def _tied_to_parent() -> list[str]:
    """Return a command prefix that ends the child when this process is killed outright."""
    setpriv = shutil.which("setpriv")
    return [setpriv, "--pdeathsig", "TERM"] if setpriv else []


def _child_environment(extra: Mapping[str, str] | None) -> dict[str, str]:
    """Return our environment without its proxies: everything here is on loopback."""
    environment = {
        key: value for key, value in os.environ.items() if key.lower() not in _PROXY_VARIABLES
    }
    return environment | dict(extra or {})


def _wait_until_listening(
    server: Server, process: subprocess.Popen[bytes], deadline: float
) -> None:
    end = time.monotonic() + deadline
    while time.monotonic() < end:
        with contextlib.suppress(subprocess.TimeoutExpired):
            status = process.wait(_POLL_SECONDS)
            raise ServerError(
                f"{server.name}: ended with status {status} before it listened\n"
                f"{server.last_output()}"
            )
        with contextlib.suppress(OSError):
            socket.create_connection((LOOPBACK, server.port), timeout=1.0).close()
            return
    raise ServerError(
        f"{server.name}: did not listen on port {server.port} within {deadline:g} seconds\n"
        f"{server.last_output()}"
    )

"""The four readers of an answer: ours, h11, http.client and libcurl."""

from __future__ import annotations

import http.client
import io
import json
import os
import shlex
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h11

__all__ = [
    "Answer",
    "Case",
    "Driver",
    "build_curl_driver",
    "build_reader_driver",
    "read_with_curl",
    "read_with_h11",
    "read_with_http_client",
    "read_with_ours",
]

ROOT = Path(__file__).resolve().parents[2]
CORE = ROOT / "csrc" / "core"
CORE_SOURCES = [
    *sorted(CORE.glob("http1_*.c")),
    *(CORE / f"{n}.c" for n in ["buf", "str", "status", "alloc"]),
]
WARNINGS = ["-std=c11", "-O1", "-Wall", "-Wextra", "-Werror"]


@dataclass(frozen=True)
class Case:
    """An answer's bytes, the method that it answers, and where its pieces end."""

    message: bytes
    is_head: bool = False
    cuts: tuple[int, ...] = ()


@dataclass(frozen=True)
class Answer:
    """What a reader made of an answer that it found whole; None where it cannot say."""

    status: int
    body: bytes
    reason: bytes | None = None
    fields: tuple[tuple[bytes, bytes], ...] | None = None
    rest: bytes | None = None
    keep_alive: bool | None = None

    def differences(self, other: Answer) -> list[str]:
        """Return the names of the things of which both say something and not the same."""
        pairs = {name: (getattr(self, name), getattr(other, name)) for name in vars(self)}
        return [name for name, pair in pairs.items() if None not in pair and pair[0] != pair[1]]


class Driver:
    """A program that reads cases from a pipe and answers each with a line of JSON."""

    def __init__(self, program: Path) -> None:
        self.process = subprocess.Popen(
            [str(program)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )

    def ask(self, case: Case) -> dict[str, Any]:
        """Send one case and return what the program says of it."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        words = ["HEAD" if case.is_head else "GET", len(case.message), *case.cuts]
        self.process.stdin.write(" ".join(map(str, words)).encode() + b"\n" + case.message)
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        assert line, f"the program ended at {case}"
        return json.loads(line)  # type: ignore[no-any-return]

    def close(self) -> None:
        """End the program: it must have come to the end of its cases in peace."""
        self.process.communicate()
        assert self.process.returncode == 0


def build(folder: Path, name: str, *arguments: str | Path) -> Path:
    compiler = shlex.split(os.environ.get("CC", "cc"))
    includes = [f"-I{ROOT / 'csrc'}", f"-I{ROOT / 'tests' / 'c'}"]
    source = ROOT / "tests" / "c" / f"{name}.c"
    command = [*compiler, *WARNINGS, *includes, source, *arguments, "-o", folder / name]
    subprocess.run([str(word) for word in command], check=True)
    return folder / name


def build_reader_driver(folder: Path) -> Driver:
    return Driver(build(folder, "http1_driver", *CORE_SOURCES))


def build_curl_driver(folder: Path) -> Driver:
    asked = subprocess.run(
        ["pkg-config", "--cflags", "--libs", "libcurl"], check=True, capture_output=True, text=True
    )
    return Driver(build(folder, "http1_curl_driver", *shlex.split(asked.stdout), "-lpthread"))


def read_with_ours(reader: Driver, case: Case) -> tuple[Answer | None, str]:
    """Return the answer and, of a refused one, the message."""
    said = reader.ask(case)
    message = bytes.fromhex(said["message"]).decode()
    if not said["ok"]:
        assert said["failure"] == ("body" if said["in_body"] else "head")
        assert message
        return None, message
    fields = tuple(
        (bytes.fromhex(field["name"]).lower(), bytes.fromhex(field["value"]))
        for field in said["fields"]
    )
    return Answer(
        status=said["status"],
        body=bytes.fromhex(said["body"]),
        reason=bytes.fromhex(said["reason"]),
        fields=fields,
        rest=case.message[said["used"] :],
        keep_alive=said["keep_alive"],
    ), message


def read_with_h11(case: Case) -> Answer | None:
    connection = h11.Connection(h11.CLIENT)
    method = "HEAD" if case.is_head else "GET"
    connection.send(h11.Request(method=method, target="/", headers=[("Host", "h")]))
    connection.send(h11.EndOfMessage())
    connection.receive_data(case.message)
    head: h11.Response | None = None
    body = b""
    at_end = False
    while True:
        try:
            event = connection.next_event()
        except h11.RemoteProtocolError:
            return None
        if event is h11.NEED_DATA:
            if at_end:
                return None
            connection.receive_data(b"")
            at_end = True
        elif isinstance(event, h11.Response):
            head = event
        elif isinstance(event, h11.Data):
            body += event.data
        elif isinstance(event, h11.EndOfMessage):
            assert head is not None
            return Answer(
                status=head.status_code,
                body=body,
                reason=bytes(head.reason),
                fields=tuple((bytes(name), bytes(value)) for name, value in head.headers),
                rest=b"" if at_end else connection.trailing_data[0],
                keep_alive=connection.their_state is h11.DONE and not at_end,
            )
        elif not isinstance(event, h11.InformationalResponse):
            return None


class FakeSocket:
    """All that http.client wants of a socket."""

    def __init__(self, message: bytes) -> None:
        self.message = message

    def makefile(self, mode: str) -> io.BytesIO:
        return io.BytesIO(self.message)


def read_with_http_client(case: Case) -> Answer | None:
    socket: Any = FakeSocket(case.message)
    response = http.client.HTTPResponse(socket, method="HEAD" if case.is_head else "GET")
    try:
        response.begin()
        return Answer(response.status, response.read())
    except (http.client.HTTPException, ValueError):
        return None


def read_with_curl(curl: Driver, case: Case) -> Answer | None:
    said = curl.ask(case)
    if not said["ok"]:
        return None
    return Answer(said["status"], bytes.fromhex(said["body"]))

"""`python -m tests.demo` tells its story, says what went wrong, and leaves nothing running."""

from __future__ import annotations

import contextlib
import os
import re
import select
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.servers import ANN, LOOPBACK, ROOT

pytestmark = pytest.mark.no_asan  # programs of their own, whose calls other tests make too

_DEADLINE_SECONDS = 240.0
_STAYING_UP = "Everything stays up until Ctrl-C."
_LOGIN_HOPS = (
    r"proxy +GET +/oauth2/start +302 -> provider /login/oauth/authorize",
    r"provider +GET +/login/oauth/authorize\?\.\.\. +302 -> /login",
    r"provider +GET +/login\?\.\.\. +200 text/html",
    r"provider +POST +/session +302 \(\d+ inputs posted\) -> /login/oauth/authorize",
    r"provider +GET +/login/oauth/authorize\?\.\.\. +302 -> proxy /oauth2/callback",
    r"proxy +GET +/oauth2/callback\?\.\.\. +302 -> /",
    r"backend +GET +/api\?metric=time&job=buildmyapp +200 text/plain for ann",
    r"200 application/json: .*\"value\":",
)


def _command(*options: str) -> list[str]:
    return [sys.executable, "-m", "tests.demo", *options]


def _run_demo(*options: str, path: str | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        _command(*options),
        cwd=ROOT,
        env=os.environ | ({} if path is None else {"PATH": path}),
        capture_output=True,
        text=True,
        timeout=_DEADLINE_SECONDS,
        check=False,
    )


@contextlib.contextmanager
def _staying_demo() -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Start the demo and yield it with its output, once it says that it stays up."""
    with subprocess.Popen(_command(), cwd=ROOT, stdout=subprocess.PIPE, text=True) as demo:
        assert demo.stdout is not None
        try:
            lines = []
            for line in demo.stdout:
                lines.append(line)
                if line.startswith("   and in a browser"):
                    break
            yield demo, "".join(lines)
        finally:
            demo.kill()


def _ports(output: str) -> set[int]:
    return {int(port) for port in re.findall(rf"{re.escape(LOOPBACK)}:(\d+)", output)}


def _is_open(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex((LOOPBACK, port)) == 0


def _children(pid: int) -> list[int]:
    listed = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii")
    return [int(child) for child in listed.split()]


def _await_end(pidfds: list[int], seconds: float) -> None:
    for pidfd in pidfds:
        assert select.select([pidfd], [], [], seconds)[0], "a server outlived the demo"


def test_story_is_told_and_every_step_is_right() -> None:
    result = _run_demo("--once")
    assert result.returncode == 0, result.stdout + result.stderr
    assert result.stderr == ""
    assert result.stdout.splitlines()[-1] == "8 of 8 steps were as they should be."
    assert len(re.findall(r"^\d\. ", result.stdout, re.MULTILINE)) == 8
    assert re.search(r"[\s\S]*".join(_LOGIN_HOPS), result.stdout)
    assert not any(_is_open(port) for port in _ports(result.stdout))


def test_step_that_fails_is_named_and_fails_the_demo() -> None:
    result = _run_demo("--once", "--caller", f"{ANN.name}:wrong")
    assert result.returncode == 1
    assert re.search(r"FAILED the answer: expected \(200, .*got \(401, ", result.stdout)
    assert re.search(r"^[1-7] of 8 steps were as they should be\.$", result.stdout, re.MULTILINE)
    assert not any(_is_open(port) for port in _ports(result.stdout))


def test_port_in_use_is_named_and_fails_the_demo() -> None:
    with socket.create_server((LOOPBACK, 0)) as taken:
        port = taken.getsockname()[1]
        result = _run_demo("--once", "--port", str(port))
    assert result.returncode == 1
    assert f"port {port} of {LOOPBACK} cannot be used" in result.stderr
    assert len(result.stderr.splitlines()) == 1
    assert "1." not in result.stdout


def test_service_that_does_not_start_shows_why() -> None:
    result = _run_demo("--once", "--python", "/bin/false")
    assert result.returncode == 1
    assert "gunicorn: ended with status 1 before it listened" in result.stderr


def test_without_go_a_stand_in_serves_and_says_so(tmp_path: Path) -> None:
    result = _run_demo("--once", path=str(tmp_path))
    assert result.returncode == 0, result.stdout + result.stderr
    first = result.stdout.splitlines()[0]
    assert first == (
        "There is no go to build oauth2-proxy with: a stand-in in Python takes its place."
    )


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_demo_stays_up_until_it_is_told_to_end(number: signal.Signals) -> None:
    with _staying_demo() as (demo, output):
        assert _STAYING_UP in output
        assert all(_is_open(port) for port in _ports(output))
        demo.send_signal(number)
        assert demo.wait(_DEADLINE_SECONDS) == 0
        assert not any(_is_open(port) for port in _ports(output))


def test_nothing_outlives_a_demo_that_is_killed() -> None:
    with _staying_demo() as (demo, _):
        pidfds = [os.pidfd_open(child) for child in _children(demo.pid)]
        try:
            assert len(pidfds) == 6
            demo.kill()
            _await_end(pidfds, _DEADLINE_SECONDS)
        finally:
            for pidfd in pidfds:
                os.close(pidfd)

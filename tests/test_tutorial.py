"""The commands of the tutorial do what it prints, one after the other, in an empty folder."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from tests.servers import LOOPBACK, start_server
from tests.tools.builds import wheel
from tests.tools.pages import DOCS
from tests.tools.project import ROOT, neutral_environment

pytestmark = [pytest.mark.services, pytest.mark.no_asan]  # interpreters of their own

PAGES = {name: (DOCS / f"{name}.rst").read_text("utf-8") for name in ("tutorial", "operating")}
ACTIVATE = ". .venv/bin/activate"
PRINTED_PORT = "8000"


def blocks(page: str, language: str) -> list[str]:
    """Return the code blocks of a page that are in a language, without their indentation."""
    pattern = rf"^\.\. code-block:: {language}\n\n((?:   .*\n|\n)+)"
    found = re.findall(pattern, PAGES[page], re.MULTILINE)
    return [re.sub(r"^   ", "", block, flags=re.MULTILINE).strip("\n") for block in found]


def commands(page: str) -> list[tuple[str, str]]:
    """Return the commands of a page, each with the output that is printed below it."""
    found = []
    for block in blocks(page, "console"):
        parts = re.split(r"^\$ (.+)\n?", block, flags=re.MULTILINE)[1:]
        found += [
            (one, said.rstrip("\n")) for one, said in zip(parts[::2], parts[1::2], strict=True)
        ]
    return found


class Shell:
    """A folder and an environment, as somebody has them who follows the page."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        path = f"{folder / '.venv' / 'bin'}{os.pathsep}{os.environ['PATH']}"
        pins = str(ROOT / "tests" / "requirements.txt")
        self.environment = {"PATH": path, "PIP_CONSTRAINT": pins, "PYTHONSAFEPATH": ""}

    def run(self, command: str) -> str:
        if command.startswith("cd "):
            self.folder /= command.removeprefix("cd ")
            return ""
        done = subprocess.run(
            shlex.split(command),
            cwd=self.folder,
            env=neutral_environment(self.environment),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"
        return done.stdout.rstrip("\n")


def test_five_minutes(tmp_path: Path) -> None:
    (tmp_path / "dist").symlink_to(wheel().parent)
    subprocess.run([sys.executable, "-m", "venv", tmp_path / ".venv"], check=True)
    shell = Shell(tmp_path)
    todo = commands("tutorial")
    assert [command for command, _ in todo[:2]] == ["python -m venv .venv", ACTIVATE]
    serve = next(place for place, (command, _) in enumerate(todo) if command.startswith("gunicorn"))
    for command, printed in todo[2:serve]:
        shown = shell.run(command)
        assert not printed or shown == printed
    (code,) = blocks("tutorial", "python")
    source = (shell.folder / "uservice_mymicroservice" / "server.py").read_text()
    assert code in re.sub(r"^    ", "", source, flags=re.MULTILINE)

    def gunicorn(port: int) -> list[str]:
        words = shlex.split(todo[serve][0].replace(PRINTED_PORT, str(port)))
        return [str(tmp_path / ".venv" / "bin" / words[0]), *words[1:]]

    with start_server("gunicorn", gunicorn, cwd=shell.folder, env=shell.environment) as server:
        assert len(todo[serve + 1 :]) == 3
        for command, printed in todo[serve + 1 :]:
            here = command.replace(f":{PRINTED_PORT}/", f":{server.port}/")
            assert shell.run(f"{here} --noproxy {LOOPBACK}") == printed
    # What the page on operating tells of the same service.
    shown = {
        command.rpartition(" ")[2]: shell.run(command)
        for command, _ in commands("operating")
        if command.startswith("flask ")
    }
    assert '"name":"uservice-mymicroservice"' in shown["metadata"]
    assert "/mymicroservice/v1.0/metadata.json" in shown["routes"].splitlines()
    assert shell.run("python -m apikit doctor").endswith("none")

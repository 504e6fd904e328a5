"""The README's code and commands do what it says, as they are printed."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
import tomllib
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.demo.stack import SERVICE_FOLDER
from tests.demo.technote import TECHNOTE_SERVICE
from tests.servers import LOOPBACK, ROOT, Server
from tests.servers.process import start_server
from tests.tools.builds import wheel

README = (ROOT / "README.md").read_text(encoding="utf-8")
PRINTED_PORT = "8000"


@dataclass(frozen=True)
class Block:
    """A fenced block: its language and its text."""

    language: str
    text: str

    @property
    def commands(self) -> dict[str, str]:
        """Each command of a console block with the output that is printed below it."""
        parts = re.split(r"^[$#] (.+)\n", self.text, flags=re.MULTILINE)
        assert parts[0] == "", "output before the first command"
        return dict(zip(parts[1::2], parts[2::2], strict=True))


BLOCKS = [
    Block(*found)
    for found in re.findall(r"^```(\w*)\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)
]
COMMANDS = {
    command: output
    for block in BLOCKS
    if block.language == "console"
    for command, output in block.commands.items()
}
CURLS = {command: output for command, output in COMMANDS.items() if command.startswith("curl ")}
SERVE, APT, BUILD, DEMO, TEST, UNINSTALL, INSTALL, COMPAT = (
    "flask --app hello run --port 8000",
    "apt-get install ",
    "pip wheel --no-deps -w dist .",
    "./dev demo",
    "./dev test",
    "pip uninstall --yes sqre-apikit bitly-oauth2-proxy-session",
    "pip install --find-links dist sqre-apikit-c",
    "pip install --find-links dist 'sqre-apikit-c[compat]'",
)


MODULE_COMMANDS = {command for command in COMMANDS if command.startswith("python -m apikit ")}


def _python_blocks() -> list[str]:
    return [block.text for block in BLOCKS if block.language == "python"]


def test_every_block_and_command_is_one_that_a_test_here_knows() -> None:
    known = {SERVE, "pip install .", BUILD, DEMO, TEST, UNINSTALL, INSTALL, COMPAT}
    known |= CURLS.keys() | MODULE_COMMANDS
    assert {command for command in COMMANDS if not command.startswith(APT)} == known
    assert len(CURLS) == 4
    assert [block.language for block in BLOCKS if block.language != "console"] == ["python"] * 4


def test_twelve_lines_are_twelve() -> None:
    assert len([line for line in _python_blocks()[0].splitlines() if line.strip()]) == 12


@pytest.fixture(scope="module")
def hello(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The twelve lines under the command that the README gives, on a free port."""
    folder = tmp_path_factory.mktemp("hello")
    (folder / "hello.py").write_text(_python_blocks()[0])
    program, *arguments = shlex.split(SERVE)

    def command(port: int) -> list[str]:
        printed = [str(port) if word == PRINTED_PORT else word for word in arguments]
        return [sys.executable, "-m", program, *printed]

    with start_server("flask", command, cwd=folder, env={"PYTHONSAFEPATH": "", "DEBUG": ""}) as it:
        yield it


@pytest.mark.no_asan  # curl hangs in setlocale() with the sanitizer preloaded
@pytest.mark.parametrize("command", CURLS)
def test_curl_prints_what_the_readme_says(hello: Server, command: str) -> None:
    words = [word.replace(f":{PRINTED_PORT}/", f":{hello.port}/") for word in shlex.split(command)]
    done = subprocess.run([*words, "--noproxy", LOOPBACK], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, CURLS[command])


def test_service_is_printed_as_the_demo_runs_it() -> None:
    assert _python_blocks()[1] == (SERVICE_FOLDER / "service.py").read_text(encoding="utf-8")


def test_technotes_parts_are_printed_as_they_are_in_its_service() -> None:
    service = TECHNOTE_SERVICE.read_text(encoding="utf-8")
    assert all(part in service for part in _python_blocks()[2:])
    assert f"({TECHNOTE_SERVICE.relative_to(ROOT)})" in README


def test_commands_of_dev_exist() -> None:
    done = subprocess.run([ROOT / "dev", "help"], capture_output=True, text=True, check=True)
    offered = set(re.findall(r"^  (\w+)", done.stdout, re.MULTILINE))
    assert set(re.findall(r"\./dev (\w+)", README)) <= offered


def test_packages_of_the_distribution_are_those_that_dev_installs() -> None:
    (line,) = (command for command in COMMANDS if command.startswith(APT))
    script = (ROOT / "dev").read_text(encoding="utf-8")
    needed = set(re.findall(r"^all +(\S+)", script, re.MULTILINE))
    optional = {"libbrotli-dev", "libzstd-dev", "libpsl-dev"}
    others = {"ca-certificates", "python3", "python3-dev", "python3-venv"}
    assert set(line.removeprefix(APT).split()) - others == needed - optional - others
    assert optional <= set(re.findall(r"lib\w+-dev", README))


def test_requirements_are_those_of_the_project() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert project["name"] == "sqre-apikit-c"
    assert f"CPython {project['requires-python'].removeprefix('>=')} or later" in README
    assert project["dependencies"] == ["Flask>=2.2", "structlog", "idna"]
    assert project["optional-dependencies"]["compat"] == ["requests"]
    originals = (ROOT / "tests" / "requirements-originals.txt").read_text(encoding="utf-8")
    for original in UNINSTALL.split()[3:]:
        assert f"\n{original}==" in originals


def _stand_in(folder: Path, name: str, package: str) -> Path:
    """Make a wheel that owns PACKAGE/__init__.py, as an original does."""
    stem = f"{name.replace('-', '_')}-0.1"
    path = folder / f"{stem}-py3-none-any.whl"
    files = {
        f"{package}/__init__.py": "ORIGINAL = True\n",
        f"{stem}.dist-info/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: 0.1\n",
        f"{stem}.dist-info/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = f"{stem}.dist-info/RECORD"
    files[record] = "".join(f"{file},,\n" for file in (*files, record))
    with zipfile.ZipFile(path, "w") as archive:
        for file, text in files.items():
            archive.writestr(file, text)
    return path


@pytest.mark.no_asan  # the commands run in processes of their own
def test_commands_of_the_module_do_what_their_words_say(hello: Server, tmp_path: Path) -> None:
    services = f'[[service]]\nurl = "http://{LOOPBACK}:{hello.port}/hello"\n'
    (tmp_path / "services.toml").write_text(services, encoding="utf-8")
    said = {}
    for command in sorted(MODULE_COMMANDS):
        _, *words = shlex.split(command)
        once = ["--once"] if "catalog" in words else []
        done = subprocess.run(
            [sys.executable, *words, *once],
            cwd=tmp_path,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, (command, done.stdout, done.stderr)
        said[words[2]] = done.stdout
    assert said.keys() == {"new", "doctor", "catalog"}
    assert (tmp_path / "uservice-mymicroservice" / "pyproject.toml").exists()
    assert "sqre-apikit-c" in said["doctor"]
    assert "hello" in said["catalog"]


@pytest.mark.no_asan  # pip and another interpreter run here, not this build of the extension
def test_change_over_leaves_ours_and_nothing_of_the_originals(tmp_path: Path) -> None:
    venv = tmp_path / "venv"
    subprocess.run([sys.executable, "-m", "venv", venv], check=True)
    (tmp_path / "dist").symlink_to(wheel().parent)
    originals = [
        _stand_in(tmp_path, "sqre-apikit", "apikit"),
        _stand_in(tmp_path, "bitly-oauth2-proxy-session", "BitlyOAuth2ProxySession"),
    ]
    # No index and no dependencies: these are there already, in the environment that runs this.
    environment = {**os.environ, "PIP_NO_INDEX": "1", "PIP_NO_DEPS": "1", "PYTHONPATH": ""}

    def run(*command: str | Path) -> str:
        done = subprocess.run(
            [venv / "bin" / "python", "-P", "-m", *command],
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    run("pip", "install", *originals)
    run(*shlex.split(UNINSTALL))
    run(*shlex.split(INSTALL))
    assert run("pip", "list", "--format=freeze").count("sqre-apikit") == 1
    (packages,) = venv.glob("lib/python3.*/site-packages")
    assert "ORIGINAL" not in (packages / "apikit" / "__init__.py").read_text()
    assert list((packages / "apikit").glob("_core.*.so"))
    assert (packages / "BitlyOAuth2ProxySession" / "Session.py").exists()
    run(*shlex.split(COMPAT))

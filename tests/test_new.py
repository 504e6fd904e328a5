"""`python -m apikit new` writes a whole service or nothing, and says in one line what to do."""

from __future__ import annotations

import os
import pty
import select
import subprocess
import sys
import tomllib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml

from apikit._commands import COMMANDS, main
from apikit._scaffold import AUTH_TYPES, Plan, write_service

pytestmark = pytest.mark.no_asan  # most of it is files; the rest starts other interpreters

NEW = [sys.executable, "-P", "-m", "apikit", "new"]
END, INTERRUPT = "\x04", "\x03"  # Ctrl-D and Ctrl-C
ODD = 'Says "hi" \\ to {{ you }} & <ünï>'


def files_of(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


@pytest.fixture
def new(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., list[str]]:
    """Run the command in `tmp_path`, without a terminal, and return what it prints."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments: str) -> list[str]:
        assert main(["new", *arguments]) == 0
        return capsys.readouterr().out.splitlines()

    return run


@pytest.fixture
def refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., str]:
    """What the command says when it refuses; nothing may have been written by then."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments: str) -> str:
        before = sorted(tmp_path.rglob("*"))
        assert main(["new", *arguments]) == 1
        assert sorted(tmp_path.rglob("*")) == before
        (line,) = capsys.readouterr().err.splitlines()
        return line

    return run


def plan(name: str = "x", **values: str) -> Plan:
    defaults = {
        "auth": "none",
        "backend": "https://backend.example.org",
        "prefix": f"/{name}",
        "description": "Does things",
        "repository": "https://github.com/example/x",
    }
    return Plan(name=name, **(defaults | values))


def test_help_names_each_command() -> None:
    done = subprocess.run([*NEW[:4], "--help"], capture_output=True, text=True, check=True)
    for name, row in COMMANDS.items():
        assert f"{name} " in done.stdout
        assert row.help in " ".join(done.stdout.split())


@pytest.mark.parametrize("name", COMMANDS)
def test_help_of_each_command(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match=r"^0$"):
        main([name, "--help"])
    assert f"python -m apikit {name}" in capsys.readouterr().out


def test_no_command_is_the_help(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 0
    assert "commands:" in capsys.readouterr().out


def test_command_imports_itself_alone() -> None:
    script = (
        "import sys; from apikit._commands import main; main(['new']);"
        "print([name for name in sys.modules if name.startswith('apikit._commands.')])"
    )
    done = subprocess.run(
        [sys.executable, "-P", "-c", script],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
    )
    assert done.stdout == "['apikit._commands.new']\n"


def test_service_has_its_files_under_its_names(
    new: Callable[..., list[str]], tmp_path: Path
) -> None:
    new("my-service", "--auth=basic")
    folder = tmp_path / "uservice-my-service"
    assert list(tmp_path.iterdir()) == [folder]
    assert files_of(folder) == {
        ".dockerignore",
        ".gitignore",
        "Dockerfile",
        "README.md",
        "gunicorn.conf.py",
        "kubernetes/autoscaler.yaml",
        "kubernetes/deployment.yaml",
        "kubernetes/ingress.yaml",
        "kubernetes/service.yaml",
        "pyproject.toml",
        "tests/test_server.py",
        "uservice_my_service/__init__.py",
        "uservice_my_service/py.typed",
        "uservice_my_service/server.py",
    }
    project = tomllib.loads((folder / "pyproject.toml").read_text())["project"]
    assert project["scripts"] == {"sqre-uservice-my-service": "uservice_my_service:standalone"}
    assert 'PREFIX = "/my-service"' in (folder / "uservice_my_service" / "server.py").read_text()


def test_defaults_are_said_in_one_line(new: Callable[..., list[str]]) -> None:
    lines = new("x", "--auth=basic", "--prefix=/y")
    assert lines[0] == (
        "not given, so: --backend https://x.example.org --description 'The microservice x' "
        "--repository https://github.com/example/uservice-x"
    )
    assert lines[1] == "uservice-x: 14 files"
    assert len(lines) == 3


def test_output_is_the_folder_itself_and_may_be_empty(
    new: Callable[..., list[str]], tmp_path: Path
) -> None:
    (tmp_path / "here").mkdir()
    new("x", "--output=here")
    assert (tmp_path / "here" / "pyproject.toml").exists()


def test_folder_has_the_rights_that_any_new_one_has(tmp_path: Path) -> None:
    write_service(plan(), tmp_path / "made")
    (tmp_path / "plain").mkdir()
    assert (tmp_path / "made").stat().st_mode == (tmp_path / "plain").stat().st_mode


@pytest.mark.parametrize("auth", AUTH_TYPES)
def test_odd_description_arrives_as_it_is(tmp_path: Path, auth: str) -> None:
    folder = tmp_path / "made"
    write_service(plan(auth=auth, description=ODD), folder)
    project = tomllib.loads((folder / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert project["description"] == ODD
    assert ODD in (folder / "README.md").read_text(encoding="utf-8")
    for path in folder.rglob("*.py"):
        compile(path.read_text(encoding="utf-8"), path, "exec")


def manifests(folder: Path) -> list[dict[str, Any]]:
    paths = sorted((folder / "kubernetes").glob("*.yaml"))
    return [yaml.safe_load(path.read_text()) for path in paths]


@pytest.mark.parametrize("prefix", ["/", "/x", "/a/b.c"])
def test_manifests_are_valid(tmp_path: Path, prefix: str) -> None:
    folder = tmp_path / "made"
    write_service(plan(prefix=prefix), folder)
    found = {}
    for manifest in manifests(folder):
        kubernetes_validate.validate(manifest, "1.30", strict=True)
        found[manifest["kind"]] = manifest
    assert found.keys() == {"Deployment", "Service", "Ingress", "HorizontalPodAutoscaler"}
    assert found["Ingress"]["apiVersion"] == "networking.k8s.io/v1"
    assert found["HorizontalPodAutoscaler"]["apiVersion"] == "autoscaling/v2"
    pod = found["Deployment"]["spec"]["template"]["spec"]
    assert pod["securityContext"]["runAsNonRoot"]
    (container,) = pod["containers"]
    assert container["livenessProbe"]["httpGet"]["path"] == "/"
    assert container["readinessProbe"]["httpGet"]["path"] == "/"
    assert container["resources"].keys() == {"requests", "limits"}
    assert container["envFrom"] == [{"secretRef": {"name": "uservice-x", "optional": True}}]


def test_secrets_of_the_store_are_in_no_file_by_value(tmp_path: Path) -> None:
    folder = tmp_path / "made"
    write_service(plan(auth="bitly-proxy"), folder)
    (container,) = manifests(folder)[1]["spec"]["template"]["spec"]["containers"]
    assert [one["name"] for one in container["env"]] == ["BACKEND_URL", "TRUSTED_PROXIES"]
    assert container["envFrom"] == [{"secretRef": {"name": "uservice-x", "optional": True}}]
    for name in (".gitignore", ".dockerignore"):
        assert "secrets.env" in (folder / name).read_text().splitlines()
    readme = (folder / "README.md").read_text()
    assert "| `STORE_URL` |" in readme
    assert "| `STORE_SECRET` |" in readme
    assert 'os.environ.get("STORE_SECRET")' in (folder / "uservice_x" / "server.py").read_text()


def test_manifest_that_is_wrong_is_found_out(tmp_path: Path) -> None:
    write_service(plan(), tmp_path / "made")
    deployment = manifests(tmp_path / "made")[1]
    deployment["spec"]["template"]["spec"]["containers"][0]["probe"] = {}
    with pytest.raises(kubernetes_validate.ValidationError, match="probe"):
        kubernetes_validate.validate(deployment, "1.30", strict=True)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["My_Service"], "single hyphens, such as 'my-service'"),
        (["a--b"], "such as 'a-b'"),
        (["-".join(["x" * 9] * 6)], "59 characters: give at most 54"),
        (["ü x"], "such as 'u-x'"),
        (["!"], "single hyphens"),
        ([], "give the service a name"),
        (["x", "--auth=digest"], "--auth must be one of none, basic, bitly-proxy, not 'digest'"),
        (["x", "--backend=ftp://host/"], "--backend must be an http or https URL"),
        (["x", "--backend=https://host/?a"], "without ? and #"),
        (["x", '--repository=https://host/"'], "without spaces, quotes"),
        (["x", f"--backend=https://host/{'a' * 200}"], "at most 200 characters"),
        (["x", "--prefix=x"], "one slash before each segment"),
        (["x", "--prefix=/x/"], "one slash before each segment"),
        (["x", "--prefix=/<x>"], "one slash before each segment"),
        (["x", "--prefix=/.."], "one slash before each segment"),
        (["x", "--description="], "one line of 1 to 200"),
        (["x", "--description=a\nb"], "one line of 1 to 200"),
        (["x", "--output=no/such"], "make it first"),
        (["x", "--output=."], "is the current folder"),
    ],
)
def test_what_cannot_be_is_refused_in_one_line(
    refused: Callable[..., str], arguments: Sequence[str], says: str
) -> None:
    assert says in refused(*arguments)


def test_password_in_a_url_is_refused_and_not_repeated(refused: Callable[..., str]) -> None:
    for url in ("https://ann:tiger-lily@host/", "https://ann:tiger-lily@host:port/"):
        said = refused("x", f"--backend={url}")
        assert "tiger-lily" not in said


def test_folder_that_is_in_use_is_left_alone(refused: Callable[..., str], tmp_path: Path) -> None:
    (tmp_path / "used").mkdir()
    (tmp_path / "used" / "file").touch()
    assert "used is there and not empty" in refused("x", "--output=used")
    assert "file is there and no folder" in refused("x", "--output=used/file")


def test_place_that_cannot_be_written_is_named(refused: Callable[..., str], tmp_path: Path) -> None:
    # Not even root can make a folder in /sys; everybody else can be kept out of any.
    closed = Path("/sys") if os.geteuid() == 0 else tmp_path / "closed"
    if closed.parent == tmp_path:
        closed.mkdir(0o555)
    line = refused("x", f"--output={closed / 'x'}")
    assert line.startswith(f"apikit: {closed} cannot be written to (")
    assert line.endswith("choose another place with --output")


def test_failure_in_the_middle_leaves_nothing(
    refused: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    write = Path.write_text

    def fail(path: Path, *arguments: Any, **options: Any) -> int:
        if path.name == "service.yaml":
            raise OSError(28, "No space left on device")
        return write(path, *arguments, **options)

    monkeypatch.setattr(Path, "write_text", fail)
    assert "cannot be written (No space left on device)" in refused("x")


def converse(folder: Path, *answers: str) -> tuple[int, str]:
    """Run the command on a terminal of its own; type an answer where it asks for the next.

    Returns
    -------
    status, shown
        How it ended, and what stood on the terminal.
    """
    controller, terminal = pty.openpty()
    command = ["setsid", "--ctty", *NEW]
    left, shown, key = list(answers), b"", ""
    with subprocess.Popen(
        command, cwd=folder, stdin=terminal, stdout=terminal, stderr=terminal
    ) as run:
        os.close(terminal)
        while piece := read(controller, key):
            shown += piece
            if left and shown.endswith(b": "):
                key = left.pop(0)
                os.write(controller, key.encode())
    os.close(controller)
    return run.returncode, shown.decode()


def read(controller: int, key: str) -> bytes:
    """Return what comes next; nothing when nobody has the terminal any more.

    A Ctrl-C that comes after the question and before the read is seen by the interpreter only
    when the read ends: people press it again, and so does this.
    """
    while key == INTERRUPT and not select.select([controller], [], [], 1.0)[0]:
        os.write(controller, key.encode())
    try:
        return os.read(controller, 4096)
    except OSError:  # Linux's way to say so
        return b""


def test_terminal_is_asked_for_what_is_missing(tmp_path: Path) -> None:
    answers = ["No Name\n", "x\n", "both\n", "basic\n", "\n", "\n", "Is short\n", "\n"]
    status, shown = converse(tmp_path, *answers)
    assert status == 0, shown
    assert "'No Name' is no name for a service" in shown
    assert "--auth must be one of" in shown
    folder = tmp_path / "uservice-x"
    assert "Is short" in (folder / "README.md").read_text()
    assert '"type": "basic"' in (folder / "uservice_x" / "server.py").read_text()


@pytest.mark.parametrize(("key", "expected"), [(END, 1), (INTERRUPT, 130)])
def test_end_of_the_answers_leaves_nothing(tmp_path: Path, key: str, expected: int) -> None:
    status, shown = converse(tmp_path, "x\n", key)
    assert status == expected, shown
    assert "Traceback" not in shown
    assert list(tmp_path.iterdir()) == []

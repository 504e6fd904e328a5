"""Generated services at work: installed from wheels, tested, checked, served, behind proxies."""

from __future__ import annotations

import contextlib
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from apikit import Session
from apikit._scaffold import AUTH_TYPES, Plan, write_service
from tests.servers import (
    ANN,
    Server,
    metric_value,
    start_backend,
    start_nginx,
    start_provider,
    start_proxy,
    start_server,
)
from tests.tools.builds import wheel
from tests.tools.project import ROOT, neutral_environment

pytestmark = [pytest.mark.services, pytest.mark.no_asan]  # interpreters of their own

TOOLS = Path(sys.prefix) / "bin"
SYSTEM = "/usr/sbin:/usr/local/sbin:/usr/bin"
PATHS = ("metadata", "metadata.json", "v1.0/metadata", "v1.0/metadata.json")

NGINX = """
    proxy_set_header Host $http_host;
    proxy_set_header X-Forwarded-For $remote_addr;
    proxy_set_header X-Forwarded-Proto $scheme;
    server {{
        listen 127.0.0.1:{port};
        {locations}
    }}
"""
#: As it is; and with the prefix taken away, and said in a header.
NGINX_LOCATION = """
        location /{name}/ {{ proxy_pass {url}; }}
        location /rewritten/{name}/ {{
            proxy_set_header X-Forwarded-Prefix /rewritten/{name};
            proxy_pass {url}/;
        }}
"""
HAPROXY = """
global
    maxconn 64
defaults
    mode http
    timeout connect 5s
    timeout client 30s
    timeout server 30s
    option forwardfor
frontend front
    bind 127.0.0.1:{port}
    {rules}
{backends}
"""
HAPROXY_RULES = """
    use_backend {name} if {{ path_beg /{name}/ }}
    use_backend {name}-rewritten if {{ path_beg /rewritten/{name}/ }}
"""
HAPROXY_BACKENDS = """
backend {name}
    server only {address}
backend {name}-rewritten
    http-request set-header X-Forwarded-Prefix /rewritten/{name}
    http-request replace-path /rewritten/{name}/(.*) /\\1
    server only {address}
"""


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A service of each type, as it is written."""
    place = tmp_path_factory.mktemp("services")
    made = {auth: place / f"uservice-{auth}" for auth in AUTH_TYPES}
    for auth, folder in made.items():
        plan = Plan(
            name=auth,
            auth=auth,
            backend="https://backend.example.org",
            prefix=f"/{auth}",
            description='Says "hello" to everybody',
            repository=f"https://github.com/example/uservice-{auth}",
        )
        write_service(plan, folder)
    return made


@pytest.fixture(scope="module")
def python(folders: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The interpreter of an environment that was empty, and got the services by their wheels."""
    place = tmp_path_factory.mktemp("environment")
    wheels = place / "wheels"
    wheels.mkdir()
    shutil.copy(wheel(), wheels)
    build = [sys.executable, "-P", "-m", "pip", "wheel", "-q", "--no-deps", "--no-index"]
    run([*build, "--no-build-isolation", "-w", wheels, *folders.values()])
    run([sys.executable, "-m", "venv", "--without-pip", place / "venv"])
    made = place / "venv" / "bin" / "python"
    install = [sys.executable, "-P", "-m", "pip", "--python", made, "install", "-q"]
    install += ["--no-compile", "--only-binary=:all:", "--find-links", wheels]
    names = [f"uservice-{auth}[serve]" for auth in AUTH_TYPES]
    pins = ["-c", ROOT / "tests" / "requirements.txt"]
    run([*install, *pins, "pyuwsgi", "pytest", *names])
    return made


def run(command: list[str | Path], folder: Path = ROOT, **environment: str) -> str:
    done = subprocess.run(
        command,
        cwd=folder,
        env=neutral_environment({"PYTHONSAFEPATH": "", **environment}),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert done.returncode == 0, f"{command}: {done.stdout}"
    return done.stdout


@pytest.mark.parametrize("auth", AUTH_TYPES)
def test_own_tests_pass(python: Path, folders: dict[str, Path], auth: str) -> None:
    shown = run([python, "-m", "pytest", "-q", "-p", "no:cacheprovider"], folders[auth])
    assert " passed" in shown
    assert " skipped" not in shown


@pytest.mark.parametrize("auth", AUTH_TYPES)
def test_ruff_finds_nothing(folders: dict[str, Path], auth: str) -> None:
    run([TOOLS / "ruff", "check", "--no-cache", "."], folders[auth])
    run([TOOLS / "ruff", "format", "--no-cache", "--check", "."], folders[auth])


@pytest.fixture(scope="module")
def mypy_cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where mypy keeps what it knows of the libraries, from service to service."""
    return tmp_path_factory.mktemp("mypy")


@pytest.mark.parametrize("auth", AUTH_TYPES)
def test_mypy_finds_nothing(folders: dict[str, Path], auth: str, mypy_cache: Path) -> None:
    run([TOOLS / "mypy", "--cache-dir", mypy_cache], folders[auth])


def test_tools_see_what_is_wrong(
    folders: dict[str, Path], tmp_path: Path, mypy_cache: Path
) -> None:
    folder = tmp_path / "wrong"
    shutil.copytree(folders["none"], folder)
    (folder / "uservice_none" / "more.py").write_text("import os\nanswer: int = 'x'\n")
    (folder / "Dockerfile").write_text("FROM python\nRUN pip install flask\n")
    mypy = ["mypy", "--cache-dir", str(mypy_cache)]
    for tool in (["ruff", "check", "--no-cache"], mypy, ["hadolint", "Dockerfile"]):
        done = subprocess.run([TOOLS / tool[0], *tool[1:]], cwd=folder, capture_output=True)
        assert done.returncode == 1, tool


@pytest.mark.parametrize("auth", AUTH_TYPES)
def test_dockerfile_is_clean_and_takes_wheels_alone(folders: dict[str, Path], auth: str) -> None:
    run([TOOLS / "hadolint", folders[auth] / "Dockerfile"])
    text = (folders[auth] / "Dockerfile").read_text()
    assert "--only-binary=:all:" in text
    assert "USER 10001:10001" in text
    assert "slim" in text


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file in which the third service's workers share their log-ins."""
    return tmp_path_factory.mktemp("store") / "logins.sqlite"


@pytest.fixture(scope="module")
def settings(store: Path) -> Iterator[Mapping[str, dict[str, str]]]:
    """The variables of each service: back ends, the proxy of the third, and a provider."""
    with (
        start_provider() as provider,
        start_backend() as backend,
        start_proxy(provider, backend) as proxy,
    ):
        plain = {"BACKEND_URL": backend.url, "TRUSTED_PROXIES": "1"}
        guarded = {"BACKEND_URL": proxy.url, "SESSION_URL": f"{provider.url}/session"}
        shared = {"STORE_URL": f"sqlite://{store}", "STORE_SECRET": "x" * 32}
        yield {"none": plain, "basic": plain, "bitly-proxy": {**plain, **guarded, **shared}}


def start_gunicorn(python: Path, folder: Path, env: Mapping[str, str]) -> Server:
    """Serve by what stands in gunicorn.conf.py, but for the address."""
    return start_server(
        "gunicorn",
        lambda port: [python, "-m", "gunicorn", f"--bind=127.0.0.1:{port}", "--workers=1"],
        cwd=folder,
        env=env,
    )


def start_uwsgi(python: Path, folder: Path, env: Mapping[str, str]) -> Server:
    options = "--master --processes 1 --threads 4 --enable-threads --die-on-term --no-orphans"
    return start_server(
        "uwsgi",
        lambda port: [
            python.with_name("uwsgi"),
            "--http-socket",
            f"127.0.0.1:{port}",
            "--module",
            f"{folder.name.replace('-', '_')}:server()",
            *options.split(),
        ],
        cwd=folder,
        env=env,
    )


@pytest.fixture(scope="module", params=[start_gunicorn, start_uwsgi])
def served(
    request: pytest.FixtureRequest,
    python: Path,
    folders: dict[str, Path],
    settings: Mapping[str, dict[str, str]],
) -> Iterator[dict[str, Server]]:
    with contextlib.ExitStack() as running:
        found = {}
        for auth in AUTH_TYPES:
            server = request.param(python, folders[auth], settings[auth])
            found[auth] = running.enter_context(server)
        yield found


@pytest.mark.parametrize("auth", AUTH_TYPES)
def test_service_serves(served: dict[str, Server], auth: str) -> None:
    url = served[auth].url
    with Session(trust_env=False) as session:
        if auth != "none":
            refused = session.get(f"{url}/build/time")
            assert (refused.status_code, refused.json()["reason"]) == (401, "Unauthorized")
            session.auth = (ANN.name, ANN.password)
        for prefix in ("", f"/{auth}"):
            answer = session.get(f"{url}{prefix}/build/time").json()
            assert answer["value"] == metric_value("build", "time")
            missing = session.get(f"{url}{prefix}/missing/time")
            assert (missing.status_code, missing.json()["status_code"]) == (404, 404)
        assert session.get(f"{url}/").text == "OK"


def test_logins_of_the_workers_are_in_the_store(served: dict[str, Server], store: Path) -> None:
    with Session(trust_env=False) as session:
        session.auth = (ANN.name, ANN.password)
        assert session.get(f"{served['bitly-proxy'].url}/build/time").status_code == 200
    with contextlib.closing(sqlite3.connect(store)) as file:
        names = [name for (name,) in file.execute("SELECT name FROM records")]
    assert sum(name.startswith("record:") for name in names) == 1


def start_nginx_before(folder: Path, served: Mapping[str, Server]) -> Server:
    def write(port: int) -> str:
        locations = [NGINX_LOCATION.format(name=name, url=at.url) for name, at in served.items()]
        return NGINX.format(port=port, locations="".join(locations))

    return start_nginx(folder, write)


def start_haproxy_before(folder: Path, served: Mapping[str, Server]) -> Server:
    def command(port: int) -> list[str | Path]:
        rules = [HAPROXY_RULES.format(name=name) for name in served]
        backends = [
            HAPROXY_BACKENDS.format(name=name, address=at.url.removeprefix("http://"))
            for name, at in served.items()
        ]
        text = HAPROXY.format(port=port, rules="".join(rules), backends="".join(backends))
        (folder / "haproxy.cfg").write_text(text)
        program = shutil.which("haproxy", path=SYSTEM) or "haproxy"
        return [program, "-db", "-f", folder / "haproxy.cfg"]

    return start_server("haproxy", command)


@pytest.mark.parametrize("start", [start_nginx_before, start_haproxy_before])
def test_metadata_answers_behind_a_proxy_that_rewrites_and_one_that_does_not(
    served: dict[str, Server], tmp_path: Path, start: object
) -> None:
    assert callable(start)
    with start(tmp_path, served) as proxy, Session(trust_env=False) as session:
        for auth in AUTH_TYPES:
            for path in PATHS:
                for prefix in (f"/{auth}", f"/rewritten/{auth}"):
                    answer = session.get(f"{proxy.url}{prefix}/{path}")
                    assert answer.status_code == 200, f"{prefix}/{path}: {answer.text}"
                    assert answer.json()["name"] == f"uservice-{auth}"
                    assert answer.json()["auth"] == auth


def test_console_script_serves(python: Path, settings: Mapping[str, dict[str, str]]) -> None:
    with (
        start_server(
            "standalone",
            lambda port: ["env", f"PORT={port}", python.with_name("sqre-uservice-none")],
            env={**settings["none"], "DEBUG": ""},
        ) as server,
        Session(trust_env=False) as session,
    ):
        answer = session.get(f"{server.url}/metadata").json()
        assert answer["version"] == "0.1.0"
        assert answer["description"] == 'Says "hello" to everybody'
        assert answer["repository"] == "https://github.com/example/uservice-none"


def test_number_of_trusted_proxies_decides_what_is_believed(
    python: Path, settings: Mapping[str, dict[str, str]], tmp_path: Path
) -> None:
    script = (
        "from flask import url_for; from uservice_none import server; app = server();"
        "app.add_url_rule('/where', 'where', lambda: url_for('where', _external=True));"
        "headers = {'X-Forwarded-Prefix': '/rewritten', 'X-Forwarded-Proto': 'https'};"
        "print(app.test_client().get('/where', headers=headers).text)"
    )
    found = [
        run([python, "-c", script], tmp_path, **{**settings["none"], "TRUSTED_PROXIES": count})
        for count in ("1", "0")
    ]
    assert found == ["https://localhost/rewritten/where\n", "http://localhost/where\n"]

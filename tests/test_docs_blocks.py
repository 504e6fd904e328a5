"""Every code block of the pages is tried by a test, or named here with the reason why not."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml

from apikit import APIFlask, Backend, Session, SessionPool
from apikit.catalog import Service, read_settings
from apikit.testing import mock_backends
from tests.bench.rows import ROWS
from tests.demo.stack import SERVICE_FOLDER
from tests.prove.__main__ import PROMISES
from tests.servers import (
    LOOPBACK,
    ROOT,
    Server,
    metric_value,
    start_backend,
    start_nginx,
    start_server,
)
from tests.test_docs import PAGES
from tests.tools.pages import Block, blocks_of
from tests.tools.project import neutral_environment
from tests.ways_world import running

HERE = "test_docs_blocks"

#: Page and first line of each block, or page alone for all of its blocks -> the test that tries it.
TRIED = {
    "tutorial": "test_tutorial::test_five_minutes",
    "ways_in": "test_ways_in_recipes::test_recipe_works",
    "migration: -sqre-apikit==0.1.3": f"{HERE}::test_requirements_of_the_change",
    "backend: from apikit import APIFlask, Backend": f"{HERE}::test_service_of_the_back_ends_page",
    'backend: {"trace_id": "0af7651916cd43dd8448eb211c80319c", "request_id": "r-1",': (
        f"{HERE}::test_line_of_a_call_has_the_fields_of_the_page"
    ),
    "backend: from concurrent.futures import ThreadPoolExecutor": (
        "test_backend_sources::test_recipe_of_the_page"
    ),
    "backend: from apikit import SessionPool": f"{HERE}::test_pool_of_the_back_ends_page",
    "stores: python3 -c 'import secrets; print(secrets.token_urlsafe(32))'": (
        f"{HERE}::test_secret_of_the_page_is_long_enough"
    ),
    "testing: def test_metric_is_passed_on(backend_mock):": f"{HERE}::test_tests_of_the_page_pass",
    "testing: @pytest.mark.backend_mock(assert_all_called=False, assert_all_expected=False)": (
        f"{HERE}::test_tests_of_the_page_pass"
    ),
    "deploying: gunicorn --workers 4 --threads 8 'server:server()'": (
        f"{HERE}::test_server_of_the_page_serves"
    ),
    "deploying: uwsgi --http-socket 127.0.0.1:8080 --module 'server:server()' \\": (
        f"{HERE}::test_server_of_the_page_serves"
    ),
    "deploying: location /mymicroservice/ {": f"{HERE}::test_front_end_of_the_page",
    "deploying: backend mymicroservice": f"{HERE}::test_front_end_of_the_page",
    "deploying: from werkzeug.middleware.proxy_fix import ProxyFix": (
        f"{HERE}::test_front_end_of_the_page"
    ),
    "deploying: apiVersion: networking.k8s.io/v1": f"{HERE}::test_manifests_of_the_page_are_valid",
    "deploying: readinessProbe:": f"{HERE}::test_manifests_of_the_page_are_valid",
    "deploying: response = gevent.get_hub().threadpool.apply(session.get, (url,))": (
        f"{HERE}::test_green_call_of_the_page"
    ),
    "operating: python -m apikit doctor": "test_tutorial::test_five_minutes",
    "operating: python -m apikit doctor --probe https://myservice.lsst.codes": (
        f"{HERE}::test_probe_of_the_page"
    ),
    "operating: flask --app 'uservice_mymicroservice:server()' apikit metadata": (
        "test_tutorial::test_five_minutes"
    ),
    "operating: from apikit import Backend": f"{HERE}::test_telemetry_of_the_page",
    'catalog: title = "api.example.org"': f"{HERE}::test_catalog_of_the_page",
    "catalog: python -m apikit catalog services.toml": f"{HERE}::test_catalog_of_the_page",
}

#: The same -> why no test runs it. What it names is looked at by the test below all the same.
NOT_TRIED = {
    "backend: caller          service: Backend                OAuth2 proxy          provider       "
    "back end": "a picture",
    "architecture: service:  Flask, views                     gunicorn, uWSGI": "a picture",
    "architecture: session.get": "a picture",
    "performance: ./dev bench": "it takes ten minutes; test_bench has its parts",
    "performance: ./dev count": "it takes minutes; test_count has its parts",
    "releasing: ./dev release": "it takes a quarter of an hour; test_release has its parts",
    "security: ./dev test": "it runs this test",
}


def _names() -> list[str]:
    found = []
    for page in PAGES:
        name = page.removesuffix(".rst")
        blocks = blocks_of(page)
        found += [name] * (name in TRIED and bool(blocks)) or [
            f"{name}: {block.begins}" for block in blocks
        ]
    return found


def block(page: str, begins: str) -> Block:
    """Return the one block of a page that begins so."""
    (found,) = (one for one in blocks_of(f"{page}.rst") if one.text.startswith(begins))
    return found


def test_every_block_is_known_and_what_tries_it_exists() -> None:
    assert set(_names()) == {*TRIED, *NOT_TRIED}
    for file, test in (one.split("::") for one in TRIED.values()):
        source = (ROOT / "tests" / f"{file}.py").read_text(encoding="utf-8")
        assert f"\ndef {test}(" in source, (file, test)


def test_what_is_not_run_names_what_is_there() -> None:
    bench = block("performance", "$ ./dev bench")
    (prove,) = blocks_of("security.rst")
    (row,) = re.findall(r"bench (\w+) ", bench.text)
    assert row in {one.name for one in ROWS}
    assert prove.commands[0] == "./dev test"
    assert set(prove.commands[1].split()[2:]) <= set(PROMISES)


# Coming from sqre-apikit.


def test_requirements_of_the_change() -> None:
    lines = block("migration", "-sqre-apikit").text.splitlines()
    originals = (ROOT / "tests" / "requirements-originals.txt").read_text(encoding="utf-8")
    assert lines[-1] == "+sqre-apikit-c"
    assert len(lines) == 3
    for line in lines[:-1]:
        assert f"\n{line.removeprefix('-')}\n" in originals


# The back end.


def test_service_of_the_back_ends_page() -> None:
    source = block("backend", "from apikit import APIFlask, Backend").text
    none = re.sub(r"auth=\{.*\},\n", 'auth="none",\n', source)
    assert none != source
    for code in (source, none):
        names: dict[str, Any] = {}
        exec(compile(code, "backend.rst", "exec"), names)
        with names["backend"], mock_backends(assert_all_called=False) as mock:
            mock.get("https://myservice.example/api", text="5.5")
            answer = names["app"].test_client().get("/mymicroservice/build/time")
        if code is source:
            assert (answer.status_code, answer.get_json()["reason"]) == (401, "Unauthorized")
        else:
            assert answer.get_json() == {"metric": "time", "jobname": "build", "value": "5.5"}


def test_line_of_a_call_has_the_fields_of_the_page() -> None:
    script = """
        from apikit import APIFlask, Backend, get_logger
        from apikit.testing import mock_backends
        get_logger(level="debug")
        app = APIFlask("a", "1", "https://example.org/a", "A")
        sent = {"X-Request-ID": "r-1", "traceparent": f"00-{'a' * 32}-{'b' * 16}-01"}
        with Backend("https://myservice.example", app=app) as backend, mock_backends() as mock:
            mock.get("https://myservice.example/api")
            with app.test_request_context(headers=sent):
                backend.get("/api")
    """
    command = [sys.executable, "-P", "-c", textwrap.dedent(script)]
    done = subprocess.run(
        command, env=neutral_environment(), capture_output=True, text=True, check=True
    )
    printed = json.loads(block("backend", '{"trace_id"').text)
    written = json.loads(done.stdout)
    changing = dict.fromkeys(("elapsed", "timestamp", "trace_id"))
    assert list(written) == list(printed)  # in this order
    assert {**written, **changing} == {**printed, **changing}


def test_pool_of_the_back_ends_page() -> None:
    with running() as world:
        # GitHub's form, which is what a pool looks for unless told otherwise.
        token = '<input type="hidden" name="authenticity_token" value="t">'
        fields = '<input name="login"><input type="password" name="password">'
        world.pages = [f'<form method="post" action="/session">{token}{fields}</form>']
        code = block("backend", "from apikit import SessionPool").text
        code = code.replace("https://myservice.example", world.proxy)
        code = code.replace("password)", f'password, "{world.provider}/session")')
        names: dict[str, Any] = {"username": "ann", "password": "s3cret"}
        exec(compile(code, "backend.rst", "exec"), names)
        assert isinstance(names["pool"], SessionPool)
        with names["pool"]:
            assert world.ask(names["session"]) == 200


# Stores.


@pytest.mark.no_asan  # the command is another interpreter's
def test_secret_of_the_page_is_long_enough() -> None:
    (command,) = block("stores", "$ python3").commands
    _, *words = shlex.split(command)
    done = subprocess.run([sys.executable, *words], capture_output=True, text=True, check=True)
    assert len(done.stdout.strip()) >= 32


# Testing.


@pytest.mark.no_asan  # a run of pytest of its own
def test_tests_of_the_page_pass(tmp_path: Path) -> None:
    service = """
        import pytest
        from apikit import APIFlask, Backend

        def server():
            app = APIFlask("a", "1", "https://example.org/a", "A")
            backend = Backend("https://back.end", app=app)

            @app.get("/<job>/<metric>")
            def ask(job, metric):
                return {"value": backend.get("/api", params={"job": job}).text}

            return app

        """
    fixture, marker = (block("testing", one).text for one in ("def test_", "@pytest"))
    unasked = "def test_nothing(backend_mock):\n    backend_mock.get('https://back.end/')\n"
    source = f"{textwrap.dedent(service)}{fixture}\n\n{marker}\n{unasked}"
    (tmp_path / "test_it.py").write_text(source, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-P", "-m", "pytest", "-q", "-p", "no:cacheprovider", "--strict-markers"],
        cwd=tmp_path,
        env=neutral_environment(),
        capture_output=True,
        text=True,
    )
    assert "2 passed" in done.stdout, done.stdout + done.stderr


# Deploying.


def _serve(command: str, folder: Path, **env: str) -> Server:
    """Start a server by a command line of the page, on a port of ours."""
    program, *words = shlex.split(command)

    def line(port: int) -> list[str]:
        words_here = [word.replace(f"{LOOPBACK}:8080", f"{LOOPBACK}:{port}") for word in words]
        bind = [f"--bind={LOOPBACK}:{port}", "--no-control-socket"] if program == "gunicorn" else []
        return [str(Path(sys.executable).with_name(program)), *bind, *words_here]

    return start_server(program, line, cwd=folder, env={"PYTHONSAFEPATH": "", **env})


@pytest.mark.no_asan  # the servers are the programs that run the extension here
@pytest.mark.parametrize("program", ["gunicorn", "uwsgi"])
def test_server_of_the_page_serves(program: str, tmp_path: Path) -> None:
    (tmp_path / "server.py").write_text((SERVICE_FOLDER / "service.py").read_text("utf-8"), "utf-8")
    (command,) = block("deploying", f"$ {program}").commands
    with _serve(command, tmp_path) as server, Session(trust_env=False) as session:
        answer = session.get(f"{server.url}/mymicroservice/metadata")
        assert answer.json()["name"] == "uservice-mymicroservice"


WHERE = """
from flask import Flask, url_for
from apikit import set_flask_metadata
app = Flask("where")
set_flask_metadata(app, "1", "https://example.org/where", "Says where", route={routes!r})
{fix}
app.add_url_rule({rule!r}, "where", lambda: url_for("where", _external=True))
"""
HAPROXY = """
defaults
    mode http
    timeout connect 5s
    timeout client 30s
    timeout server 30s
frontend front
    bind {listen}
    use_backend mymicroservice if {{ path_beg /mymicroservice/ }}
{block}
"""


@pytest.fixture
def where(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[str, Server]]:
    """The block, and a service that is behind it as the page says it must be."""
    begins, rewrites = request.param
    fix = block("deploying", "from werkzeug").text if rewrites else ""
    prefix = "" if rewrites else "/mymicroservice"
    routes = ["/"] if rewrites else ["/", "/mymicroservice"]
    source = WHERE.format(routes=routes, fix=fix, rule=f"{prefix}/where")
    (tmp_path / "where.py").write_text(source, encoding="utf-8")
    with _serve("gunicorn where:app", tmp_path) as server:
        yield block("deploying", begins).text, server


@pytest.mark.no_asan  # the server and the front end are other programs
def start_nginx_with(folder: Path, block: str) -> Server:
    return start_nginx(folder, lambda port: f"server {{ listen {LOOPBACK}:{port}; {block} }}")


def start_haproxy_with(folder: Path, block: str) -> Server:
    file = folder / "haproxy.cfg"

    def command(port: int) -> list[str | Path]:
        text = HAPROXY.format(listen=f"{LOOPBACK}:{port}", block=block)
        file.write_text(text, encoding="utf-8")
        return ["/usr/sbin/haproxy", "-db", "-f", file]

    return start_server("haproxy", command)


@pytest.mark.parametrize(
    "where",
    [
        ("location /mymicroservice/ {\n    proxy_pass http://127.0.0.1:8080;", False),
        ("location /mymicroservice/ {\n    proxy_pass http://127.0.0.1:8080/;", True),
        ("backend mymicroservice", True),
    ],
    indirect=True,
    ids=["nginx", "nginx-rewrites", "haproxy-rewrites"],
)
def test_front_end_of_the_page(where: tuple[str, Server], tmp_path: Path) -> None:
    printed, server = where
    assert printed.count("127.0.0.1:8080") == 1
    ours = printed.replace("127.0.0.1:8080", f"{LOOPBACK}:{server.port}")
    start = start_nginx_with if printed.startswith("location") else start_haproxy_with

    with start(tmp_path, ours) as front, Session(trust_env=False) as session:
        answer = session.get(f"{front.url}/mymicroservice/metadata.json")
        assert answer.json()["name"] == "where"
        url = session.get(f"{front.url}/mymicroservice/where").text
    assert url == f"{front.url}/mymicroservice/where"


def test_manifests_of_the_page_are_valid() -> None:
    ingress = yaml.safe_load(block("deploying", "apiVersion").text)
    kubernetes_validate.validate(ingress, "1.30", strict=True)
    probe = yaml.safe_load(block("deploying", "readinessProbe").text)
    pod: dict[str, Any] = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "x"},
        "spec": {"containers": [{"name": "x", "image": "x", **probe}]},
    }
    kubernetes_validate.validate(pod, "1.30", strict=True)
    pod["spec"] = {"containers": [{"name": "x", "image": "x", "readinesProbe": {}}]}
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(pod, "1.30", strict=True)


@pytest.mark.no_asan  # another interpreter, patched
@pytest.mark.parametrize("library", ["gevent", "eventlet"])
def test_green_call_of_the_page(library: str) -> None:
    lines = block("deploying", "response = gevent").text.splitlines()
    (line,) = (line for line in lines if library in line)
    start = {
        "gevent": "from gevent import monkey; monkey.patch_all(); import gevent",
        "eventlet": "import eventlet; eventlet.monkey_patch(); import eventlet.tpool",
    }
    with start_backend() as server:
        url = f"{server.url}/api?metric=time&job=build"
        script = [
            start[library],
            "from apikit import Session",
            f"session, url = Session(trust_env=False), {url!r}",
            line,
            "print(response.text)",
        ]
        done = subprocess.run(
            [sys.executable, "-P", "-W", "ignore", "-c", "\n".join(script)],
            env=neutral_environment(),
            capture_output=True,
            text=True,
        )
    assert done.stdout.strip() == metric_value("build", "time"), done.stderr


# Operating.


def _python(command: str, folder: Path) -> str:
    program, *words = shlex.split(command)
    assert program == "python"
    done = subprocess.run(
        [sys.executable, "-P", *words],
        cwd=folder,
        env=neutral_environment(),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.no_asan  # the command is a process of its own
def test_probe_of_the_page(tmp_path: Path) -> None:
    (command,) = block("operating", "$ python -m apikit doctor --probe").commands
    with start_backend() as server:
        shown = _python(command.replace("https://myservice.lsst.codes", server.url), tmp_path)
    assert server.url in shown


def test_telemetry_of_the_page() -> None:
    names: dict[str, Any] = {"app": APIFlask("a", "1", "https://example.org/a", "A")}
    exec(compile(block("operating", "from apikit import Backend").text, "page", "exec"), names)
    backend = names["backend"]
    assert isinstance(backend, Backend)
    with backend, mock_backends() as mock, names["app"].app_context():
        mock.get("https://back.end/", text="there")
        assert backend.get("/").text == "there"


# The catalog.


@pytest.mark.no_asan  # the commands are processes of their own
def test_catalog_of_the_page(tmp_path: Path) -> None:
    printed = block("catalog", "title").text
    file = tmp_path / "services.toml"
    file.write_text(printed, encoding="utf-8")
    settings = read_settings(file)
    inside = "http://images.default.svc.cluster.local/metadata"
    assert settings.services == (
        Service("https://api.example.org/metrics"),
        Service("https://api.example.org/images", inside, "Images"),
    )
    run, serve = block("catalog", "$ python").commands
    (tmp_path / "where.py").write_text(
        WHERE.format(routes=["/", "/metrics", "/images"], fix="", rule="/where"), encoding="utf-8"
    )
    with _serve("gunicorn where:app", tmp_path) as server:
        here = printed.replace("https://api.example.org", server.url).replace(
            inside, f"{server.url}/metadata"
        )
        file.write_text(here, encoding="utf-8")
        assert _python(f"{run} --once", tmp_path).count("'where' '1'") == 2
        with _serve(serve, tmp_path) as front, Session(trust_env=False) as session:
            answer = session.get(f"{front.url}/services.json").json()
    assert [one["url"] for one in answer["services"]] == [
        f"{server.url}/metrics",
        f"{server.url}/images",
    ]

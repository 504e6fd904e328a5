"""`python -m apikit doctor` names what is wrong and what to do, and never shows a secret."""

from __future__ import annotations

import contextlib
import json
import os
import pty
import re
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from trustme import CA

import apikit
from apikit import SQLiteStore
from apikit._commands import main
from apikit._credentials import Credentials
from apikit._doctor.login import OUTCOMES, try_login
from apikit._doctor.probe import KINDS, Probe, probe
from apikit._doctor.report import Report, masked
from tests.faults.certs import Certificates
from tests.faults.handle import FaultServer, Listen
from tests.faults.steps import Step, answer
from tests.servers import (
    ANN,
    TESS,
    Refusal,
    Server,
    find_go,
    reserve_port,
    start_backend,
    start_provider,
    start_proxy,
    start_redis,
    start_server,
)
from tests.servers.nginx import find_nginx
from tests.servers.nginx_auth import AuthRequest, start_nginx_auth
from tests.servers.proxy import write_htpasswd
from tests.tools.pages import DOCS, rows_of
from tests.tools.project import neutral_environment

pytest_plugins = ("tests.faults.fixtures",)

# Under ASan the package lies on PYTHONPATH, and doctor rightly calls that a problem.
pytestmark = pytest.mark.no_asan

SECRET = "hunter2/and@more"
STORE_SECRET = "a-secret-of-the-service-that-is-long-enough"
Doctor = Callable[..., tuple[int, dict[str, Any]]]


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing of the machine that runs the tests."""
    for name in os.environ.keys() - neutral_environment().keys():
        monkeypatch.delenv(name)


@pytest.fixture
def doctor(capsys: pytest.CaptureFixture[str]) -> Doctor:
    """Run the command with ``--json``; return its status and what it found."""

    def run(*arguments: str) -> tuple[int, dict[str, Any]]:
        status = main(["doctor", "--json", *arguments])
        shown = capsys.readouterr()
        assert shown.err == ""
        return status, json.loads(shown.out)

    return run


def test_whole_installation_has_no_problem(doctor: Doctor) -> None:
    status, found = doctor()
    assert (status, found["problems"]) == (0, [])
    assert found.keys() == {
        *("versions", "libcurl", "tls", "ca", "proxies", "owners", "stores", "probe", "notes"),
        "problems",
    }
    assert found["versions"]["sqre-apikit-c"]
    assert found["versions"]["Flask"]
    assert found["libcurl"].keys() == {"compiled", "running", "codings"}
    assert "/" in found["tls"]
    assert found["ca"]["file"]
    for package in ("apikit", "BitlyOAuth2ProxySession"):
        assert list(found["owners"][package]["distributions"]) == ["sqre-apikit-c"]
        assert found["owners"][package]["changed"] == []


def test_words_say_the_same(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor"]) == 0
    lines = capsys.readouterr().out.splitlines()
    names = [line[:24].strip() for line in lines if line[:24].strip()]
    assert names[:5] == ["versions", "libcurl", "decodes", "TLS", "CA"]
    assert lines[-1].split() == ["problems", "none"]


def test_mocks_that_do_not_work_are_noted(tmp_path: Path) -> None:
    # They would be in the way of the other tests; what the note needs is their name alone.
    script = (
        "import sys; sys.path.insert(0, sys.argv[1]);"
        "from apikit._commands import main; main(['doctor', '--json'])"
    )
    (tmp_path / "responses-1.0.dist-info").mkdir()
    metadata = tmp_path / "responses-1.0.dist-info" / "METADATA"
    metadata.write_text("Metadata-Version: 2.1\nName: responses\nVersion: 1.0\n")
    done = subprocess.run(
        [sys.executable, "-P", "-c", script, tmp_path], capture_output=True, text=True
    )
    notes = json.loads(done.stdout)["notes"]
    assert notes == ["responses does not intercept what apikit sends: use the fixture backend_mock"]


# CA certificates.


def test_certificates_are_found_in_the_order_of_a_session(
    doctor: Doctor, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    _, found = doctor()
    assert found["ca"]["source"] in ("OpenSSL's default", "certifi")
    bundle = tmp_path / "ca.pem"
    CA().cert_pem.write_to_path(bundle)
    for name in ("SSL_CERT_FILE", "CURL_CA_BUNDLE", "REQUESTS_CA_BUNDLE"):
        monkeypatch.setenv(name, str(bundle))
        status, found = doctor()
        assert status == 0
        assert found["ca"]["source"].startswith(name)
        assert (found["ca"]["file"], found["ca"]["certificates"]) == (str(bundle), 1)


def test_folder_of_certificates_is_named(
    doctor: Doctor, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path))
    assert doctor()[1]["ca"] == {"file": str(tmp_path), "source": "REQUESTS_CA_BUNDLE"}


def test_certificates_that_are_not_there_are_a_problem(
    doctor: Doctor, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("CURL_CA_BUNDLE", str(tmp_path / "absent"))
    status, found = doctor()
    assert (status, found["ca"]["file"]) == (1, None)
    (problem,) = found["problems"]
    assert problem.startswith(f"CURL_CA_BUNDLE names {tmp_path / 'absent'}, and nothing is there")


def test_file_without_certificates_is_a_problem(
    doctor: Doctor, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "empty.pem").write_text("nothing\n")
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "empty.pem"))
    status, found = doctor()
    assert status == 1
    assert "holds no CA certificates" in found["problems"][0]


# Proxies.


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("http://proxy:3128", "http://proxy:3128"),
        (f"http://ann:{SECRET}@proxy:3128", "http://***@proxy:3128"),
        (f"ann:{SECRET}@proxy:3128", "***@proxy:3128"),
        (f"redis://:x@host/0?password={SECRET}", "redis://***@more"),
        ("redis://host/0?password=x", "redis://host/0?***"),
    ],
)
def test_urls_are_masked(value: str, shown: str) -> None:
    assert masked(value) == shown


def test_proxies_are_shown_without_their_passwords(
    doctor: Doctor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("https_proxy", f"http://ann:{SECRET}@proxy:3128")
    monkeypatch.setenv("HTTPS_PROXY", "http://other:3128")
    monkeypatch.setenv("no_proxy", "localhost,10.0.0.0/8")
    _, found = doctor()
    assert found["proxies"] == {
        "https_proxy": "http://***@proxy:3128",
        "HTTPS_PROXY": "http://other:3128",
        "no_proxy": "localhost,10.0.0.0/8",
    }
    assert found["notes"] == ["https_proxy and HTTPS_PROXY differ: https_proxy counts"]


# Stores.


def test_sqlite_stores(doctor: Doctor, tmp_path: Path) -> None:
    good, bad, empty = tmp_path / "good.db", tmp_path / "bad.db", tmp_path / "empty.db"
    SQLiteStore(good, STORE_SECRET).close()
    empty.touch()
    with contextlib.closing(sqlite3.connect(tmp_path / "foreign.db")) as file:
        file.execute("CREATE TABLE sessions (key)")
    bad.write_text("no database, but long enough to look for a header in it" * 20)
    new, lost = tmp_path / "new.db", tmp_path / "no" / "folder.db"
    places = [good, f"sqlite://{good}", empty, new, tmp_path / "foreign.db", bad, lost, "sqlite:x"]
    status, found = doctor(*(f"--store={place}" for place in places))
    assert status == 1
    assert [row["state"] for row in found["stores"]] == [
        "reached",
        "reached",
        "reached, and empty",
        "not there yet, and can be made",
        "it is the database of another program",
        "file is not a database",
        "cannot be made",
        "no URL of SQLite",
    ]
    assert len(found["problems"]) == 4
    assert not new.exists()
    assert empty.read_bytes() == b""


@pytest.mark.parametrize("url", ["memory:", "memory://"])
def test_store_that_nobody_shares_needs_nothing(
    doctor: Doctor, monkeypatch: pytest.MonkeyPatch, url: str
) -> None:
    monkeypatch.setenv("STORE_URL", url)
    status, found = doctor()
    assert (status, found["stores"]) == (0, [{"store": url, "state": "shared by nobody"}])


def test_store_of_the_environment_is_reached_for(
    doctor: Doctor, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("STORE_URL", f"sqlite://{tmp_path}/x.db")
    monkeypatch.setenv("STORE_SECRET", STORE_SECRET)
    status, found = doctor()
    assert (status, [row["state"] for row in found["stores"]]) == (
        0,
        ["not there yet, and can be made"],
    )
    assert STORE_SECRET not in json.dumps(found)


@pytest.mark.parametrize(
    ("secret", "problem"),
    [("", "needs the secret of the service"), ("hunter2", "at least 32 bytes, not 7")],
)
def test_secret_that_will_not_do_is_a_problem(
    doctor: Doctor, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, secret: str, problem: str
) -> None:
    monkeypatch.setenv("STORE_URL", f"sqlite://{tmp_path}/x.db")
    monkeypatch.setenv("STORE_SECRET", secret)
    status, found = doctor()
    assert status == 1
    (told,) = found["problems"]
    assert told.startswith("STORE_SECRET cannot be used: ")
    assert problem in told
    assert "hunter2" not in told


def test_path_in_place_of_the_url_is_a_problem(
    doctor: Doctor, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("STORE_URL", f"{tmp_path}/x.db")
    monkeypatch.setenv("STORE_SECRET", STORE_SECRET)
    status, found = doctor()
    assert (status, found["problems"]) == (
        1,
        ["STORE_URL is no URL: give sqlite:// and an absolute path"],
    )


def test_redis_that_cannot_be_written_to_is_a_problem(doctor: Doctor, tmp_path: Path) -> None:
    with (
        reserve_port("the cluster's own") as port,
        start_redis() as primary,
        start_redis(f"--replicaof 127.0.0.1 {primary.port}", f"--dir {tmp_path}") as replica,
        start_redis(
            "--cluster-enabled yes", f"--cluster-port {port}", f"--dir {tmp_path}"
        ) as cluster,
        start_redis("--user default on nopass ~* &* -@all +info") as reader,
    ):
        servers = (primary, replica, cluster, reader)
        status, found = doctor(*(f"--store=redis://127.0.0.1:{one.port}" for one in servers))
    states = [re.sub(r"redis \S+\d", "redis N", row["state"]) for row in found["stores"]]
    assert states == [
        "reached, redis N",
        "redis N, a replica",
        "redis N, a cluster",
        "redis N, not writable",
    ]
    assert (status, len(found["problems"])) == (1, 3)


def test_redis_store(doctor: Doctor) -> None:
    with start_server(
        "redis-server",
        lambda port: [
            *("redis-server", "--port", str(port), "--bind", "127.0.0.1", "--save", ""),
            *("--requirepass", SECRET.replace("/", "").replace("@", "")),
        ],
    ) as server:
        place = f"127.0.0.1:{server.port}/0"
        secret = SECRET.replace("/", "").replace("@", "")
        status, found = doctor(f"--store=redis://:{secret}@{place}")
        assert status == 0
        (row,) = found["stores"]
        assert row["store"] == f"redis://***@{place}"
        assert row["state"].startswith("reached, redis ")
        status, found = doctor(f"--store=redis://:wrong@{place}")
        assert (status, found["stores"][0]["state"]) == (1, "refused")


@pytest.mark.parametrize(
    "url", ["redis://:{}@127.0.0.1:1/0", "redis://:{}@host:port", "mysql://{}@h"]
)
def test_store_out_of_reach_is_a_problem_without_the_password(doctor: Doctor, url: str) -> None:
    status, found = doctor("--store", url.format(SECRET))
    assert status == 1
    assert len(found["problems"]) == 1
    assert "hunter2" not in json.dumps(found)


# Probes.


@pytest.fixture(scope="module")
def provider() -> Iterator[Server]:
    with start_provider() as server:
        yield server


@pytest.fixture(scope="module")
def backend() -> Iterator[Server]:
    with start_backend() as server:
        yield server


@pytest.fixture(scope="module")
def proxy(
    provider: Server, backend: Server, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Server]:
    with start_proxy(provider, backend) as server:
        yield server


def judge(url: str) -> dict[str, Any]:
    report = Report()
    found = probe(url, report).as_dict()
    assert report.problems == []
    assert found["kind"] in KINDS
    return found


def github_advice(front: Server, provider: Server) -> str:
    return (
        'auth={"type": "bitly-proxy", "data": {'
        f'"endpoint": "{front.url}/oauth2/start", "session_url": "{provider.url}/session"}}}}'
    )


def test_sign_in_page(proxy: Server, provider: Server) -> None:
    found = judge(f"{proxy.url}/api")
    assert (found["kind"], found["status"]) == ("sign-in-page", 403)
    assert found["endpoint"] == f"{proxy.url}/oauth2/start"
    assert found["provider"] == provider.url
    assert found["ways"] == ["github"]
    assert found["advice"][0] == github_advice(proxy, provider)


def test_redirect_to_the_provider(provider: Server, backend: Server) -> None:
    with start_proxy(provider, backend, refusal=Refusal.REDIRECT) as front:
        found = judge(front.url)
        assert (found["kind"], found["status"]) == ("redirect", 302)
        assert found["advice"][0] == github_advice(front, provider)


def needs_go_and_nginx() -> None:
    if not (find_go() and find_nginx()):
        pytest.skip("no nginx, or no go to build the real oauth2-proxy with")


@pytest.mark.parametrize(
    ("form", "kind", "status"),
    [
        (AuthRequest.PAGE, "sign-in-page", 200),
        (AuthRequest.PAGE_WITH_403, "sign-in-page", 403),
        (AuthRequest.REDIRECT_TO_SIGN_IN, "redirect", 302),
        (AuthRequest.REDIRECT_TO_START, "redirect", 302),
        (AuthRequest.BARE, "bare-401", 401),
    ],
)
def test_forms_of_auth_request(
    provider: Server, backend: Server, form: AuthRequest, kind: str, status: int
) -> None:
    needs_go_and_nginx()
    with contextlib.ExitStack() as running:
        with reserve_port("front") as port:
            guard = start_proxy(provider, backend, "--set-xauthrequest", public_port=port)
            running.enter_context(guard)
            front = running.enter_context(start_nginx_auth(form, guard, backend, port=port))
        found = judge(front.url)
        assert (found["kind"], found["status"]) == (kind, status)
        assert found["ways"] == ["github"]
        assert found["endpoint"] == f"{front.url}/oauth2/start"
        assert ("nginx must pass" in " ".join(found["advice"])) == (kind == "bare-401")


def test_proxy_that_lets_a_path_through(provider: Server, backend: Server) -> None:
    needs_go_and_nginx()
    with start_proxy(provider, backend, "--skip-auth-route=^/open") as front:
        found = judge(f"{front.url}/open")
        assert found["kind"] == "open"
        assert found["ways"][0] == "none"
        assert found["advice"][0].startswith('auth="none"')


def test_proxy_that_answers_programs_in_json(provider: Server, backend: Server) -> None:
    needs_go_and_nginx()
    with start_proxy(provider, backend, "--force-json-errors") as front:
        found = judge(front.url)
        assert (found["kind"], found["status"]) == ("json-401", 401)


@pytest.fixture(scope="module")
def htpasswd(
    provider: Server, backend: Server, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Server]:
    needs_go_and_nginx()
    option = write_htpasswd(tmp_path_factory.mktemp("htpasswd") / "file", [ANN])
    with start_proxy(provider, backend, option) as front:
        yield front


def test_htpasswd_is_seen_and_basic_advised(htpasswd: Server) -> None:
    found = judge(htpasswd.url)
    assert (found["kind"], found["ways"]) == ("sign-in-page", ["basic", "github"])
    assert found["advice"][0].startswith('auth={"type": "basic", "data": {}}')


def test_back_end_alone(backend: Server) -> None:
    found = judge(backend.url)
    assert (found["kind"], found["ways"], found["endpoint"]) == ("none", ["none"], None)


HTML = "Content-Type: text/html"
FORM = b'<form method="post" action="/in"><input name="u"><input type="password" name="p"></form>'


@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        (answer(b"", 'WWW-Authenticate: Basic realm="x"', status="401 Unauthorized"), "basic"),
        (answer(b"", "WWW-Authenticate: Bearer", status="401 Unauthorized"), "bearer"),
        (answer(b"", status="401 Unauthorized"), "refused"),
        (answer(b"", status="403 Forbidden"), "refused"),
        (answer(FORM, HTML), "login-form"),
        (answer(b"", "Location: https://elsewhere.example/", status="302 Found"), "elsewhere"),
        (answer(b"", "Location: /index", status="302 Found"), "none"),
        (answer(b"", status="404 Not Found"), "none"),
    ],
)
def test_back_end_that_asks_by_itself(server: FaultServer, reply: Any, kind: str) -> None:
    server.script("/", [reply])
    server.script("/oauth2/start", [answer(b"", status="404 Not Found")])
    assert judge(server.url("/"))["kind"] == kind


def test_probe_out_of_reach_is_a_problem(doctor: Doctor) -> None:
    with reserve_port("nobody") as port:
        status, found = doctor(f"--probe=http://127.0.0.1:{port}/")
    assert (status, found["probe"]["kind"]) == (1, "unreachable")
    assert "is out of reach: ConnectError" in found["problems"][0]


@pytest.mark.parametrize("url", ["http://ann:{}@127.0.0.1:1/", "ftp://ann:{}@h/", "ann:{}@h", ""])
def test_probe_shows_no_password_of_its_url(doctor: Doctor, url: str) -> None:
    for secret in (SECRET, "plain-hunter2"):
        status, found = doctor("--probe", url.format(secret))
        assert status == 1
        assert "hunter2" not in json.dumps(found)


def test_certificate_that_nobody_knows_has_its_advice(
    server: FaultServer, certificates: Certificates, doctor: Doctor
) -> None:
    port = server.listen(Listen(chain=certificates.good))
    _, found = doctor(f"--probe=https://127.0.0.1:{port}/")
    assert found["probe"]["kind"] == "unreachable"
    assert "REQUESTS_CA_BUNDLE" in found["probe"]["advice"][0]


# Log-ins.


def log_in(url: str, name: str, password: str) -> tuple[dict[str, Any], list[str]]:
    report = Report()
    found = probe(url, report)
    try_login(found, url, lambda _: Credentials(name, password), report)
    assert found.login is not None
    assert password not in json.dumps([found.as_dict(), report.problems])
    return found.login, report.problems


def test_login_by_the_form(proxy: Server) -> None:
    login, problems = log_in(f"{proxy.url}/api?metric=time&job=build", ANN.name, ANN.password)
    assert (login["way"], login["state"], login["status"]) == ("github", "ok", 200)
    assert problems == []


def test_login_that_fails_is_explained(proxy: Server) -> None:
    for name, password, state in (
        (ANN.name, "wrong-password", "bad-credentials"),
        (TESS.name, TESS.password, "two-factor"),
    ):
        login, problems = log_in(proxy.url, name, password)
        assert login["state"] == state
        assert problems[0].endswith(OUTCOMES[state])


def test_login_by_htpasswd(htpasswd: Server) -> None:
    login, problems = log_in(htpasswd.url, ANN.name, ANN.password)
    assert (login["way"], login["state"], login["status"], problems) == ("basic", "ok", 200, [])
    login, problems = log_in(htpasswd.url, ANN.name, "wrong-password")
    assert (login["state"], login["status"]) == ("refused", 403)
    assert len(problems) == 1


def test_login_by_the_form_of_any_provider(server: FaultServer) -> None:
    here, provider = server.url(""), server.url("", host="localhost")
    sign_in = b'<form action="/oauth2/start"><button>Sign in</button></form>'
    csrf, session = (f"Set-Cookie: _oauth2_proxy{name}=1; Path=/" for name in ("_csrf", ""))

    def send_to(url: str, *fields: str) -> list[Step]:
        return [answer(b"", f"Location: {url}", *fields, status="302 Found")]

    server.script("/api", [answer(sign_in, HTML, status="403 Forbidden")], [answer(b"hello")])
    server.script("/oauth2/start", send_to(f"{provider}/form", csrf))
    server.script("/oauth2/sign_in", [answer(sign_in, HTML)])
    server.script("/form", [answer(FORM, HTML)])
    server.script("/in", send_to(f"{here}/oauth2/callback"))
    server.script("/oauth2/callback", send_to("/alive", session))
    report = Report()
    found = probe(f"{here}/api", report)
    assert (found.ways, found.provider) == (["form"], provider)
    assert found.advice[0].endswith(
        f'"session_url": "{provider}/"}}}}, and Backend(..., login="form")'
    )
    told = []

    def ask(place: str) -> Credentials:
        told.append(place)
        return Credentials("ann", SECRET)

    try_login(found, f"{here}/api", ask, report)
    assert (report.problems, told) == ([], [provider])
    assert found.login is not None
    assert (found.login["way"], found.login["state"]) == ("form", "ok")


def test_login_where_there_is_none_to_try(backend: Server) -> None:
    report = Report()
    found = probe(backend.url, report)
    try_login(found, backend.url, pytest.fail, report)
    assert found.login is None
    assert "offers no way in by user name and password" in report.problems[0]


def test_every_state_of_a_login_has_its_advice() -> None:
    documented = apikit.Session.__doc__ or ""
    _, _, text = documented.partition("login_state : str")
    states = set(text.partition("login_message")[0].replace('"', " ").split()) & OUTCOMES.keys()
    assert states == OUTCOMES.keys() - {"refused"}


def test_user_without_a_terminal_is_a_problem(doctor: Doctor, backend: Server) -> None:
    status, found = doctor("--user=ann", f"--probe={backend.url}")
    assert status == 1
    assert found["problems"] == [
        "--user needs a terminal to ask for the password on: run it from one, not from a pipe"
    ]


def test_user_without_a_probe_is_a_problem(doctor: Doctor) -> None:
    status, found = doctor("--user=ann")
    assert (status, found["problems"]) == (1, ["--user needs --probe: say where to log in"])


def test_who_does_not_like_where_the_password_goes_sends_none(proxy: Server) -> None:
    report = Report()
    found = probe(proxy.url, report)
    try_login(found, proxy.url, lambda _: None, report)
    assert (found.login, report.problems) == (None, [])


def test_basic_credentials_go_to_nobody_who_can_be_listened_to() -> None:
    report = Report()
    found = Probe("http://back.example/", 401, "basic", ways=["basic"])
    try_login(found, found.url, lambda _: Credentials("ann", SECRET), report)
    assert found.login is not None
    assert "https only" in found.login["message"]


def test_password_is_asked_for_on_the_terminal_and_not_echoed(
    proxy: Server, provider: Server
) -> None:
    controller, terminal = pty.openpty()
    command = [sys.executable, "-P", "-m", "apikit", "doctor", "--probe", proxy.url, "--user=ann"]
    shown, is_asked = b"", False
    with subprocess.Popen(
        ["setsid", "--ctty", *command], stdin=terminal, stdout=terminal, stderr=terminal
    ) as run:
        os.close(terminal)
        while piece := _read(controller):
            shown += piece
            if not is_asked and shown.endswith(b"Password of ann: "):
                is_asked = True
                os.write(controller, f"{ANN.password}\n".encode())
    os.close(controller)
    assert run.returncode == 0, shown.decode()
    assert b"ok by github: logged in" in shown
    asked, _, _ = shown.partition(b"Password of ")
    assert f"will be sent to {provider.url}.".encode() in asked
    assert ANN.password.encode() not in shown


def _read(controller: int) -> bytes:
    try:
        return os.read(controller, 4096)
    except OSError:  # Linux's way to say that nobody has the terminal any more
        return b""


@pytest.mark.parametrize(("title", "known"), [("Kinds", KINDS), ("Outcomes", OUTCOMES)])
def test_page_explains_what_there_is(title: str, known: dict[str, str]) -> None:
    assert {name.strip("`"): says for name, says in rows_of("operating.rst", title)} == known


def test_options_of_the_page_are_there(capsys: pytest.CaptureFixture[str]) -> None:
    page = (DOCS / "operating.rst").read_text(encoding="utf-8")
    with pytest.raises(SystemExit):
        main(["doctor", "--help"])
    told = set(re.findall(r"(--[a-z]+)", capsys.readouterr().out)) - {"--help"}
    assert told == set(re.findall(r"``(--[a-z]+)", page)) | {"--probe"}

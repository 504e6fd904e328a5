"""The catalog of services: what it asks, what it keeps, and what it shows."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from bs4 import BeautifulSoup
from flask import Flask
from flask.testing import FlaskClient

from apikit import Session
from apikit._commands import main
from apikit.catalog import Poller, Record, Service, Settings, State, create_app, read_settings
from tests.servers.many_services import GOOD, ManyServices
from tests.servers.process import LOOPBACK, reserve_port
from tests.servers.service import start_service

JSON = "application/json"


@pytest.fixture
def services() -> Iterator[ManyServices]:
    with ManyServices() as running:
        yield running


@pytest.fixture
def start() -> Iterator[Callable[..., FlaskClient]]:
    """Make and start the catalog of some URLs; its threads end with the test."""
    apps: list[Flask] = []

    def start_one(*urls: str, **settings: Any) -> FlaskClient:
        made = Settings(tuple(map(Service, urls)), **{"interval": 0.05, "timeout": 5, **settings})
        app = create_app(made)
        apps.append(app)
        app.extensions["apikit.catalog"].start()
        return app.test_client()

    yield start_one
    for app in apps:
        app.extensions["apikit.catalog"].stop()


def await_record(client: FlaskClient, number: int, good: Callable[[Record], bool]) -> Record:
    """Return what is known of a service once it is as wanted."""
    poller: Poller = client.application.extensions["apikit.catalog"]
    until = time.monotonic() + 60
    while not good(record := poller.records()[number]):
        if time.monotonic() > until:
            raise TimeoutError(f"the record stays {record}")
        time.sleep(0.005)
    return record


def is_up(record: Record) -> bool:
    return record.state is State.UP


def is_down(record: Record) -> bool:
    return record.state is State.DOWN


def is_bad(record: Record) -> bool:
    return record.state in (State.DOWN, State.INVALID)


def test_page_json_and_links_of_a_good_service(
    services: ManyServices, start: Callable[..., FlaskClient]
) -> None:
    client = start(f"{services.url}/one", title="api.example.org")
    await_record(client, 0, is_up)
    page = client.get("/").text
    soup = BeautifulSoup(page, "html.parser")
    cells = [cell.get_text(" ", strip=True) for cell in soup.select("tbody tr > *")]
    assert cells[:5] == ["one Counts what there is", "up", "0.0.1", "1.0", "none"]
    assert soup.h1 is not None
    assert soup.h1.text == "api.example.org"
    (service,) = client.get("/services.json").get_json()["services"]
    assert service["metadata"] == {**GOOD, "name": "one"}
    assert service["state"] == "up"
    assert service["reason"] == ""
    assert service["latency"] > 0
    assert service["seen"] == service["checked"]
    answer = client.get("/.well-known/api-catalog")
    assert answer.headers["Content-Type"] == (
        'application/linkset+json; profile="https://www.rfc-editor.org/info/rfc9727"'
    )
    one, other = json.loads(answer.data)["linkset"]
    assert one == {
        "anchor": "http://localhost/.well-known/api-catalog",
        "item": [{"href": f"{services.url}/one", "title": "one"}],
    }
    assert other == {
        "anchor": f"{services.url}/one",
        "service-meta": [{"href": f"{services.url}/one/metadata", "type": JSON}],
        "service-doc": [{"href": "https://example.org/source"}],
    }


def test_its_own_metadata(start: Callable[..., FlaskClient]) -> None:
    own = start(description="The front page").get("/metadata").get_json()
    assert own["name"] == "apikit-catalog"
    assert own["description"] == "The front page"


def test_head_links_to_the_api_catalog(start: Callable[..., FlaskClient]) -> None:
    client = start()
    for path in ("/", "/.well-known/api-catalog"):
        answer = client.head(path)
        assert answer.status_code == 200
        assert answer.headers["Link"] == '</.well-known/api-catalog>; rel="api-catalog"'


def test_same_json_is_not_sent_twice(
    services: ManyServices, start: Callable[..., FlaskClient]
) -> None:
    client = start(f"{services.url}/one", interval=1000)
    await_record(client, 0, is_up)
    for path in ("/services.json", "/.well-known/api-catalog"):
        first = client.get(path)
        again = client.get(path, headers={"If-None-Match": first.headers["ETag"]})
        assert again.status_code == 304
        assert again.data == b""


def test_metadata_address_may_be_another(
    services: ManyServices, start: Callable[..., FlaskClient]
) -> None:
    settings = Settings((Service("https://api.example.org/x", f"{services.url}/x/metadata"),))
    app = create_app(settings)
    app.extensions["apikit.catalog"].start()
    client = app.test_client()
    record = await_record(client, 0, is_up)
    app.extensions["apikit.catalog"].stop()
    assert record.service.url == "https://api.example.org/x"


MISBEHAVIOUR = {
    "html": ((200, "text/html", b"<script>alert(1)</script>"), "it sends text/html in place"),
    "megabyte": ((200, JSON, b" " * 1_000_000), "its answer has more than 65536 bytes"),
    "list": ((200, JSON, b"[1]"), "the JSON is no object"),
    "deep": ((200, JSON, b"[" * 60_000), "what it sends is no JSON"),
    "not-json": ((200, JSON, b"{"), "what it sends is no JSON"),
    "number": ((200, JSON, json.dumps({**GOOD, "version": 1}).encode()), "'version' is no text"),
    "lacks": ((200, JSON, b'{"name": "n"}'), "'version' is missing"),
    "long": (
        (200, JSON, json.dumps({**GOOD, "description": "x" * 3000}).encode()),
        "'description' has more than 2000 characters",
    ),
    "gone": ((404, "text/plain", b""), "it answers 404 Not Found"),
    "loop": ((302, "location:/loop/metadata", b""), "it redirects more than 3 times"),
    "file": ((302, "location:file:///etc/passwd", b""), "InvalidSchema"),
    "login": ((302, "location:/html/login", b""), "in place of JSON, after a redirect to http"),
}
#: Of these, what is no answer of status 200.
DOWN = {"gone", "loop", "file"}


@pytest.mark.parametrize("name", MISBEHAVIOUR)
def test_misbehaviour_spoils_one_row_only(
    name: str, services: ManyServices, start: Callable[..., FlaskClient]
) -> None:
    services.answers = {other: answer for other, (answer, _) in MISBEHAVIOUR.items()}
    client = start(f"{services.url}/{name}", f"{services.url}/good")
    bad = await_record(client, 0, is_bad)
    await_record(client, 1, is_up)
    assert bad.state == ("down" if name in DOWN else "invalid")
    assert MISBEHAVIOUR[name][1] in bad.reason
    rows = BeautifulSoup(client.get("/").text, "html.parser").select("tbody tr")
    assert [row.get("class") for row in rows] == [[bad.state], ["up"]]
    assert MISBEHAVIOUR[name][1] in rows[0].text
    assert rows[1].select_one("th a").text == "good"  # type: ignore[union-attr]


def test_nobody_there(start: Callable[..., FlaskClient]) -> None:
    with reserve_port("nobody", 0) as port:
        client = start(f"http://{LOOPBACK}:{port}/x")
        assert "ConnectError" in await_record(client, 0, is_down).reason


def test_silent_service_delays_nobody(
    services: ManyServices, start: Callable[..., FlaskClient]
) -> None:
    services.held = {"silent"}
    client = start(f"{services.url}/silent", f"{services.url}/good", timeout=0.5)
    await_record(client, 1, is_up)
    assert await_record(client, 0, is_down).reason == "it did not answer within 0.5 s"


def test_last_good_answer_is_kept_with_its_time(
    services: ManyServices, start: Callable[..., FlaskClient]
) -> None:
    client = start(f"{services.url}/one")
    seen = await_record(client, 0, is_up).seen
    services.answers["one"] = (503, "text/plain", b"")
    record = await_record(client, 0, is_down)
    assert record.metadata is not None
    assert record.metadata.version == "0.0.1"
    assert record.seen is not None
    assert seen is not None
    assert seen <= record.seen < (record.checked or 0)
    row = BeautifulSoup(client.get("/").text, "html.parser").select_one("tbody tr")
    assert row is not None
    assert "it answers 503 Service Unavailable" in row.text
    assert "0.0.1" in row.text
    assert row.time is not None
    services.answers.clear()
    await_record(client, 0, is_up)


def test_markup_of_a_service_is_text(
    services: ManyServices, start: Callable[..., FlaskClient]
) -> None:
    evil = dict.fromkeys(GOOD, '<script>alert("x")</script>')
    services.answers = {
        "evil": (200, JSON, json.dumps(evil).encode()),
        "link": (200, JSON, json.dumps({**GOOD, "repository": "javascript:alert(1)"}).encode()),
    }
    client = start(f"{services.url}/evil", f"{services.url}/link")
    await_record(client, 0, is_up)
    await_record(client, 1, is_up)
    answer = client.get("/")
    soup = BeautifulSoup(answer.text, "html.parser")
    assert [script.get("src") for script in soup.find_all("script")] == ["/static/catalog.js"]
    assert not [link for link in soup.find_all("a") if "javascript" in str(link.get("href"))]
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]


def test_name_of_the_file_is_shown(services: ManyServices) -> None:
    app = create_app(Settings((Service(f"{services.url}/one", name="The first"),)))
    client = app.test_client()
    for wanted in (lambda record: True, is_up):
        await_record(client, 0, wanted)
        soup = BeautifulSoup(client.get("/").text, "html.parser")
        (link,) = soup.select("tbody th a")
        assert link.text == "The first"
        (service,) = client.get("/services.json").get_json()["services"]
        assert service["name"] == "The first"
    assert service["metadata"]["name"] == "one"
    app.extensions["apikit.catalog"].stop()


def test_lone_surrogate_does_not_break_the_page(
    services: ManyServices, start: Callable[..., FlaskClient]
) -> None:
    body = json.dumps({**GOOD, "name": "\ud800"}).encode()
    services.answers["odd"] = (200, JSON, body)
    client = start(f"{services.url}/odd")
    await_record(client, 0, is_up)
    assert client.get("/").status_code == 200
    assert client.get("/services.json").status_code == 200


def test_failing_service_is_asked_less_and_less(
    services: ManyServices, start: Callable[..., FlaskClient]
) -> None:
    services.answers["bad"] = (500, "text/plain", b"")
    client = start(
        f"{services.url}/bad", f"{services.url}/good", interval=0.02, longest_interval=1000
    )
    services.wait_until_asked("good", 200)
    await_record(client, 0, is_down)
    assert 2 <= services.asked.count("bad") < 15


def test_back_off_has_a_bound(services: ManyServices, start: Callable[..., FlaskClient]) -> None:
    services.answers["bad"] = (500, "text/plain", b"")
    start(f"{services.url}/bad", interval=0.01, longest_interval=0.02)
    services.wait_until_asked("bad", 100)


def test_five_hundred_services_while_the_page_answers(
    services: ManyServices, start: Callable[..., FlaskClient]
) -> None:
    names = [f"s{number}" for number in range(500)]
    services.held = {"s0", "s1", "s2"}
    client = start(*(f"{services.url}/{name}" for name in names), interval=1000, concurrency=8)
    pages = 0
    while len(set(services.asked)) < 500:
        assert client.get("/").status_code == 200
        pages += 1
    assert pages > 0
    services.release()
    for number in range(500):
        await_record(client, number, is_up)
    assert sorted(services.asked) == sorted(names)
    assert len(BeautifulSoup(client.get("/").text, "html.parser").select("tr.up")) == 500


def test_no_more_are_asked_at_once_than_allowed(
    services: ManyServices, start: Callable[..., FlaskClient]
) -> None:
    names = [f"s{number}" for number in range(10)]
    services.held = set(names)
    start(*(f"{services.url}/{name}" for name in names), concurrency=3, timeout=30)
    for name in names[:3]:
        services.wait_until_asked(name, 1)
    assert sorted(services.asked) == names[:3]


def test_stopped_poller_asks_no_more_and_starts_again(
    services: ManyServices, start: Callable[..., FlaskClient]
) -> None:
    client = start(f"{services.url}/one")
    await_record(client, 0, is_up)
    poller: Poller = client.application.extensions["apikit.catalog"]
    poller.stop()
    services.answers["one"] = (500, "text/plain", b"")
    assert poller.records()[0].state is State.UP
    poller.start()
    await_record(client, 0, is_down)


@pytest.mark.no_asan  # gunicorn forks from a process that is not instrumented
def test_each_forked_worker_asks_for_itself(services: ManyServices, tmp_path: Path) -> None:
    file = tmp_path / "services.toml"
    file.write_text(f'interval = 1000\n[[service]]\nurl = "{services.url}/one"\n')
    (tmp_path / "wsgi.py").write_text(
        "from apikit.catalog import create_app\n"
        f"app = create_app({str(file)!r})\n"
        "app.extensions['apikit.catalog'].start()  # before the fork, to see that it does no harm\n"
    )
    with start_service("wsgi:app", tmp_path, "--preload", env={}) as server:
        services.wait_until_asked("one", 2)
        until = time.monotonic() + 60
        with Session() as session:
            while session.get(server.url + "/services.json").json()["services"][0]["state"] != "up":
                assert time.monotonic() < until


GOOD_FILE = """
title = "api.example.org"
interval = 30

[[service]]
url = "https://api.example.org/one/"

[[service]]
url = "https://api.example.org/two"
metadata = "http://two.default.svc/metadata"
"""


def test_settings_of_a_file(tmp_path: Path) -> None:
    path = tmp_path / "services.toml"
    path.write_text(GOOD_FILE)
    settings = read_settings(path)
    assert settings == Settings(
        (
            Service("https://api.example.org/one/", "https://api.example.org/one/metadata"),
            Service("https://api.example.org/two", "http://two.default.svc/metadata"),
        ),
        title="api.example.org",
        interval=30,
    )


BAD_FILES = {
    "x =": "Invalid value",
    "colour = 1": "'colour' is unknown: there are service, title,",
    "interval = 0": "interval must be more than 0",
    'interval = "1"': "interval must be a number, not str",
    "concurrency = 1.5": "concurrency must be a whole number",
    "interval = nan": "interval must be more than 0",
    'title = ""': "title must not be empty",
    "service = 3": "service must be an array of tables",
    "[service]\nurl = 'http://a'": "service must be an array of tables",
    "[[service]]": "service 1: url is missing",
    "[[service]]\nurl = 'http://a'\nnome = 'b'": "service 1: 'nome' is unknown",
    "[[service]]\nurl = 'http://a'\nname = 3": "service 1: name must be a str, not int",
    "[[services]]\nurl = 'http://a'": "'services' is unknown: there are service,",
    "[[service]]\nurl = 'ftp://a'": "service 1: url must be an http or https URL, not 'ftp://a'",
    "[[service]]\nurl = 'http://ann:hush@a'": "must have no user name and password",
    "[[service]]\nurl = 'http://a?b'": "must have no query",
    "[[service]]\nurl = 3": "url must be a str, not int",
    "[[service]]\nurl='http://a'\n[[service]]\nurl='http://a'": "is there twice",
}


@pytest.mark.parametrize("text", BAD_FILES)
def test_wrong_file_is_refused_by_name(text: str, tmp_path: Path) -> None:
    path = tmp_path / "services.toml"
    path.write_text(text)
    with pytest.raises(ValueError, match=r"services\.toml: ") as caught:
        read_settings(path)
    assert BAD_FILES[text] in str(caught.value)
    assert "hush" not in str(caught.value)


def test_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        create_app(tmp_path / "nothing.toml")


def test_command_asks_once(
    services: ManyServices, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "services.toml"
    path.write_text(f"[[service]]\nurl = '{services.url}/one'\n")
    assert main(["catalog", str(path), "--once"]) == 0
    assert capsys.readouterr().out == f"up       {services.url}/one: 'one' '0.0.1'\n"
    services.answers["one"] = (500, "text/plain", b"")
    assert main(["catalog", str(path), "--once"]) == 1
    line = f"down     {services.url}/one: it answers 500 Internal Server Error\n"
    assert capsys.readouterr().out == line


def test_command_refuses_a_wrong_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["catalog", str(tmp_path / "nothing.toml")]) == 1
    assert capsys.readouterr().err.endswith(
        "nothing.toml: No such file or directory; give the path of a TOML file\n"
    )


def test_command_refuses_a_wrong_interval(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "services.toml"
    path.write_text("interval = 5\n")
    assert main(["catalog", str(path), "--interval", "0"]) == 1
    assert "interval must be more than 0" in capsys.readouterr().err
    assert main(["catalog", str(path), "--interval", "2", "--once"]) == 0


def test_command_refuses_a_port_in_use(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "services.toml"
    path.write_text("")
    with socket.create_server((LOOPBACK, 0)) as taken:
        assert main(["catalog", str(path), "--port", str(taken.getsockname()[1])]) == 1
    assert "try another --port" in capsys.readouterr().err


@pytest.mark.no_asan  # a process of its own, which is not instrumented
def test_command_serves_until_ctrl_c(services: ManyServices, tmp_path: Path) -> None:
    path = tmp_path / "services.toml"
    path.write_text(f"[[service]]\nurl = '{services.url}/one'\n")
    command = [sys.executable, "-P", "-m", "apikit", "catalog", str(path), "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        url = process.stdout.readline().split()[1]
        with Session() as session:
            assert session.get(url).status_code == 200
        process.send_signal(signal.SIGINT)
        assert process.wait(30) == 0

"""A session gets through the login proxy, in both of its modes, and a service on top of it."""

from __future__ import annotations

import http.client
import re
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from html.parser import HTMLParser

import pytest
from BitlyOAuth2ProxySession import Session

from tests.demo.caller import Credentials, call
from tests.demo.stack import SERVICE_FOLDER, run_stack
from tests.demo.story import Story
from tests.servers import (
    ANN,
    BOB,
    CORA,
    DORA,
    FAILING_JOBS,
    LOOPBACK,
    RITA,
    TESS,
    USER_HEADER,
    ZOE,
    Event,
    Kind,
    Refusal,
    Server,
    Style,
    User,
    fetch_counts,
    fetch_events,
    find_go,
    metric_value,
    start_backend,
    start_provider,
    start_proxy,
    start_service,
)

_MODES = [pytest.param(refusal, id=refusal.value) for refusal in Refusal]
_WRONG = User(ANN.name, "not-the-password")
_PARAMS = {"metric": "time", "job": "buildmyapp"}


@dataclass(frozen=True)
class _World:
    """A proxy with what stands behind it."""

    provider: Server
    backend: Server
    proxy: Server

    @property
    def api(self) -> str:
        return f"{self.proxy.url}/api"

    def log_in(self, user: User) -> Session.Session:
        return Session.Session(
            oauth2_username=user.name,
            oauth2_password=user.password,
            authentication_base_url=f"{self.proxy.url}/oauth2/start",
            authentication_session_url=f"{self.provider.url}/session",
        )

    def count(self, name: str) -> int:
        return fetch_counts(self.provider)[name]

    def posted(self) -> list[Event]:
        """Return what was posted to the provider's pages."""
        return [event for event in fetch_events(self.provider) if "posted" in event.note]


@pytest.fixture(scope="module")
def provider() -> Iterator[Server]:
    with start_provider() as server:
        yield server


@pytest.fixture(scope="module")
def backend() -> Iterator[Server]:
    with start_backend() as server:
        yield server


@pytest.fixture(scope="module", params=_MODES)
def world(request: pytest.FixtureRequest, provider: Server, backend: Server) -> Iterator[_World]:
    with start_proxy(provider, backend, refusal=request.param) as proxy:
        yield _World(provider, backend, proxy)


def test_first_call_logs_in_by_the_providers_form(world: _World) -> None:
    logins = world.count("logins")
    with world.log_in(ANN) as session:
        response = session.get(world.api, params=_PARAMS)
    assert (response.status_code, response.text) == (200, metric_value("buildmyapp", "time"))
    assert response.headers[USER_HEADER] == ANN.name
    assert world.count("logins") == logins + 1


def test_form_is_posted_whole(world: _World) -> None:
    with world.log_in(ANN):
        form = world.posted()[-1].note["posted"]
    assert form["login"] == ANN.name
    assert form["commit"] == "Sign in"
    assert form["webauthn-support"] == "unknown"
    assert "/login/oauth/authorize?" in form["return_to"]
    assert {"authenticity_token", "timestamp", "timestamp_secret", "add_account"} <= set(form)
    assert "webauthn_response" not in form
    assert "q" not in form


def test_second_call_needs_no_login(world: _World) -> None:
    with world.log_in(ANN) as session:
        session.get(world.api, params=_PARAMS)
        pages, grants = world.count("pages"), world.count("grants")
        assert session.get(world.api, params=_PARAMS).status_code == 200
    assert (world.count("pages"), world.count("grants")) == (pages, grants)


@pytest.mark.parametrize("user", [ANN, BOB, ZOE], ids=lambda user: user.name)
def test_each_user_is_answered_as_himself(world: _World, user: User) -> None:
    with world.log_in(user) as session:
        response = session.get(world.api, params=_PARAMS)
    assert (response.status_code, response.headers[USER_HEADER]) == (200, user.name)


def test_wrong_password_is_quiet_until_the_proxy_refuses(world: _World) -> None:
    logins, refused = world.count("logins"), world.count("refused")
    with world.log_in(_WRONG) as session:
        response = session.get(world.api, params=_PARAMS)
        assert session.login_state == "bad-credentials"
    assert (response.status_code, response.reason) == (403, "Forbidden")
    assert USER_HEADER not in response.headers
    assert world.count("logins") == logins
    assert world.count("refused") > refused


def test_wrong_password_is_401_for_a_client_that_wants_json(world: _World) -> None:
    with world.log_in(_WRONG) as session:
        response = session.get(world.api, headers={"Accept": "application/json"})
    assert (response.status_code, response.json()) == (401, {})


@pytest.mark.parametrize(
    ("user", "state"),
    [(TESS, "two-factor"), (DORA, "device"), (CORA, "consent"), (RITA, "rate-limited")],
    ids=lambda value: value if isinstance(value, str) else value.name,
)
def test_what_stands_in_the_way_of_a_login_is_told(world: _World, user: User, state: str) -> None:
    with world.log_in(user) as session:
        assert session.login_state == state
        assert session.get(world.api, params=_PARAMS).status_code == 403


def test_second_authentication_reads_the_form_anew(world: _World) -> None:
    with world.log_in(ANN) as session:
        session.authenticate()
        assert session.get(world.api, params=_PARAMS).status_code == 200
        forms = [event.note["posted"] for event in world.posted()[-2:]]
    assert forms[0]["authenticity_token"] != forms[1]["authenticity_token"]


def test_lost_session_is_renewed_by_one_login(world: _World) -> None:
    with world.log_in(ANN) as session:
        logins = world.count("logins")
        session.cookies.clear()
        response = session.get(world.api, params=_PARAMS)
    assert (response.status_code, response.headers[USER_HEADER]) == (200, ANN.name)
    assert world.count("logins") == logins + 1


@pytest.mark.parametrize("job", FAILING_JOBS)
def test_the_back_ends_own_failure_is_not_a_lost_session(world: _World, job: str) -> None:
    with world.log_in(ANN) as session:
        grants = world.count("grants")
        response = session.get(world.api, params={"metric": "time", "job": job})
    assert response.status_code == FAILING_JOBS[job]
    assert response.text.startswith("the back end says: ")
    assert world.count("grants") == grants


@pytest.mark.parametrize("refusal", _MODES)
def test_service_tells_the_story(refusal: Refusal) -> None:
    lines: list[str] = []
    kind = Kind.REAL if find_go() else Kind.STAND_IN
    with run_stack(
        kind=kind, refusal=refusal, style=Style.GITHUB, python=sys.executable, port=0
    ) as stack:
        right = Story(stack, Credentials(ANN.name, ANN.password), lines.append).tell()
    assert right, "\n".join(lines)


def test_threads_of_the_service_never_swap_their_callers(world: _World) -> None:
    env = {"BACKEND_URL": world.proxy.url, "SESSION_URL": f"{world.provider.url}/session"}
    users = [(ANN, BOB)[number % 2] for number in range(40)]
    with start_service("service:server()", SERVICE_FOLDER, "--threads=8", env=env) as service:
        seen = len(fetch_events(world.backend))

        def ask(user: User) -> int:
            return call(service, f"/{user.name}/time", Credentials(user.name, user.password)).status

        with ThreadPoolExecutor(8) as threads:
            statuses = set(threads.map(ask, users))
        asked = [
            (event.note["user"], event.target)
            for event in fetch_events(world.backend)[seen:]
            if event.path == "/api"
        ]
    assert statuses == {200}
    assert sorted(asked) == sorted(
        (user.name, f"/api?metric=time&job={user.name}") for user in users
    )


class _FormActions(HTMLParser):
    """Collects the method and action of a page's forms."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[tuple[str | None, str | None]] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "form":
            self.found.append((dict(attrs).get("method"), dict(attrs).get("action")))


def _probe(proxy: Server, path: str, headers: dict[str, str]) -> tuple[object, ...]:
    """Return what a client can tell a proxy's answer by, with what is random taken out."""
    connection = http.client.HTTPConnection(LOOPBACK, proxy.port, timeout=30.0)
    try:
        connection.request("GET", path, headers=headers)
        response = connection.getresponse()
        text = response.read().decode()
    finally:
        connection.close()
    location = response.getheader("Location", "").replace(str(proxy.port), "PORT")
    location = re.sub(r"state=[^&]*%3A", "state=NONCE%3A", re.sub(r"scope=[^&]*", "", location))
    cookies = [
        re.sub(r"=[^;]*", "=VALUE", re.sub(r"Expires=[^;]+", "Expires", line), count=1)
        for line in response.headers.get_all("Set-Cookie", [])
    ]
    is_page = response.getheader("Content-Type", "").startswith("text/html")
    body = _FormActions(text).found if is_page else text
    if response.status == 302:
        return response.status, location, cookies
    return response.status, response.getheader("Content-Type"), cookies, body


_BAD_COOKIE = {"Cookie": "_oauth2_proxy=made-up"}
_PROBES: list[tuple[str, dict[str, str]]] = [
    ("/api?metric=a&job=b", {}),
    ("/api?metric=a&job=b", {"Accept": "application/json"}),
    ("/api?metric=a&job=b", {"Accept": "text/plain, application/json"}),
    ("/api?metric=a&job=b", _BAD_COOKIE),
    ("/api?metric=a&job=b", _BAD_COOKIE | {"Accept": "application/json"}),
    ("/oauth2/auth", _BAD_COOKIE),
    ("/oauth2/userinfo", _BAD_COOKIE),
    ("/oauth2/start", _BAD_COOKIE),
    ("/oauth2/sign_in", _BAD_COOKIE),
    ("/oauth2/sign_out?rd=/x", _BAD_COOKIE),
    ("/oauth2/start", {}),
    ("/oauth2/start?rd=/api", {}),
    ("/oauth2/start?rd=http://elsewhere.example/", {}),
    ("/oauth2/start?rd=//elsewhere.example/", {}),
    ("/oauth2/sign_in?rd=/x", {}),
    ("/oauth2/sign_out", {}),
    ("/oauth2/auth", {}),
    ("/oauth2/userinfo", {}),
    ("/oauth2/callback?code=1&state=a:/b", {}),
    ("/oauth2/callback?error=access_denied&state=a:/b", {}),
    ("/ping", {}),
]


@pytest.mark.skipif(find_go() is None, reason="no go to build the real oauth2-proxy with")
@pytest.mark.parametrize("refusal", _MODES)
def test_stand_in_answers_as_the_real_proxy_does(
    provider: Server, backend: Server, refusal: Refusal
) -> None:
    with (
        start_proxy(provider, backend, refusal=refusal, kind=Kind.REAL) as real,
        start_proxy(provider, backend, refusal=refusal, kind=Kind.STAND_IN) as stand_in,
    ):
        for path, headers in _PROBES:
            assert _probe(stand_in, path, headers) == _probe(real, path, headers), path

"""The ways in, each through the real oauth2-proxy: a header, its own form, tokens of an issuer."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from apikit import Session
from tests.servers import (
    ANN,
    AUDIENCE,
    BOB,
    CORA,
    DORA,
    OAUTH2_PROXY_7_4,
    TESS,
    USER_HEADER,
    Kind,
    Refusal,
    Server,
    Token,
    fetch_counts,
    fetch_token,
    find_go,
    jwt_options,
    start_backend,
    start_issuer,
    start_provider,
    start_proxy,
    write_htpasswd,
)

pytestmark = [
    pytest.mark.no_asan,  # builds and runs a program of Go's
    pytest.mark.skipif(find_go() is None, reason="there is no go to build oauth2-proxy with"),
]

START = "/oauth2/start"


class World:
    """A proxy that lets people in by GitHub, by a file of passwords and by tokens."""

    def __init__(self, proxy: Server, provider: Server, issuer: Server) -> None:
        self.proxy, self.provider, self.issuer = proxy, provider, issuer

    def session(self, user: str | None, secret: str | None, **options: Any) -> Session:
        return Session(user, secret, self.proxy.url + START, f"{self.provider.url}/session",
                       **options)  # fmt: skip

    def ask(self, session: Session, job: str = "build", **options: Any) -> tuple[int, str]:
        response = session.get(f"{self.proxy.url}/api?metric=time&job={job}", **options)
        return response.status_code, response.headers.get(USER_HEADER, "nobody")

    def token(self, kind: Token = Token.GOOD) -> str:
        return fetch_token(self.issuer, ANN, kind)

    def pages(self) -> int:
        return fetch_counts(self.provider)["pages"]


@pytest.fixture(scope="module", params=Refusal, ids=lambda refusal: refusal.value)
def world(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[World]:
    passwords = tmp_path_factory.mktemp("passwords") / "htpasswd"
    with contextlib.ExitStack() as running:
        provider = running.enter_context(start_provider())
        backend = running.enter_context(start_backend())
        issuer = running.enter_context(start_issuer())
        proxy = running.enter_context(
            start_proxy(
                provider,
                backend,
                write_htpasswd(passwords, [ANN, BOB]),
                *jwt_options(issuer, AUDIENCE),
                refusal=request.param,
                kind=Kind.REAL,
                program=OAUTH2_PROXY_7_4,
            )
        )
        yield World(proxy, provider, issuer)


def test_basic_credentials_go_on_each_request(world: World) -> None:
    before = world.pages()
    with world.session(BOB.name, BOB.password, login="basic") as session:
        assert session.login_state == "ok"
        assert [world.ask(session) for _ in range(2)] == [(200, BOB.name)] * 2
        assert not session.cookies
    assert world.pages() == before


def test_a_token_goes_as_bearer_or_as_a_password(world: World) -> None:
    for login in ("bearer", "basic"):
        with world.session(ANN.name, world.token(), login=login) as session:
            status, user = world.ask(session)
            assert (status, ANN.name in user) == (200, True)
            assert not session.cookies


@pytest.mark.parametrize("accept", ["*/*", "application/json"])
@pytest.mark.parametrize("login", ["basic", "bearer"])
def test_a_refused_header_is_bad_credentials_and_nothing_is_sent_again(
    world: World, login: str, accept: str
) -> None:
    before = world.pages()
    with world.session(ANN.name, "not-the-secret", login=login) as session:
        status, user = world.ask(session, headers={"Accept": accept})
        assert (status in (401, 403), user) == (True, "nobody")
        assert session.login_state == "bad-credentials"
        assert "token" in session.login_message
        assert not session.cookies
    assert world.pages() == before


WRONG = [kind for kind in Token if kind not in (Token.GOOD, Token.NO_EMAIL)]


@pytest.mark.parametrize("kind", WRONG)
def test_a_token_that_is_wrong_in_any_way_is_bad_credentials(world: World, kind: Token) -> None:
    with world.session(None, world.token(kind), login="bearer") as session:
        assert world.ask(session) == (403, "nobody")
        assert session.login_state == "bad-credentials"


@pytest.mark.parametrize(("job", "status"), [("stranger", 401), ("secret", 403), ("missing", 404)])
def test_the_services_own_refusal_is_passed_on(world: World, job: str, status: int) -> None:
    with world.session(BOB.name, BOB.password, login="basic") as session:
        assert world.ask(session, job) == (status, BOB.name)
        assert session.login_state == "ok"


def test_a_function_is_asked_once_for_each_token_that_expires(world: World) -> None:
    given = iter([world.token(), world.token(Token.EXPIRED), world.token()])
    asked: list[tuple[str, str]] = []

    def fetch(user: str, password: str) -> str:
        asked.append((user, password))
        return f"Bearer {next(given)}"

    with world.session(ANN.name, "s3cret", login=fetch) as session:
        assert asked == [(ANN.name, "s3cret")]
        assert [world.ask(session)[0] for _ in range(2)] == [200, 200]
        assert len(asked) == 1


def test_a_functions_first_value_that_is_refused_is_bad_credentials(world: World) -> None:
    asked: list[str] = []

    def fetch(user: str, password: str) -> str:
        asked.append(user)
        return "Bearer nonsense"

    with world.session(ANN.name, "s3cret", login=fetch) as session:
        assert [world.ask(session) for _ in range(2)] == [(403, "nobody")] * 2
        assert session.login_state == "bad-credentials"
    assert len(asked) == 1


def test_githubs_code_and_consent_are_given(world: World) -> None:
    for user, options in ((TESS, {"otp": lambda user: TESS.code}), (CORA, {"consent": True})):
        with world.session(user.name, user.password, **options) as session:
            assert session.login_state == "ok", session.login_message
            assert world.ask(session) == (200, user.name)


def test_githubs_wrong_code_is_a_second_factor_and_no_code_is_sent_to_its_device_page(
    world: World,
) -> None:
    asked: list[str] = []

    def otp(user: str) -> str:
        asked.append(user)
        return f"{len(asked):06}"

    with world.session(TESS.name, TESS.password, otp=otp) as session:
        assert session.login_state == "two-factor"
    assert asked == [TESS.name] * 2
    with world.session(DORA.name, DORA.password, otp=otp, consent=True) as session:
        assert session.login_state == "device"
    assert len(asked) == 2


@pytest.fixture
def own_form(world: World) -> Callable[..., Session]:
    def make(password: str) -> Session:
        return Session(BOB.name, password, f"{world.proxy.url}/oauth2/sign_in?rd=/", login="form")

    return make


def test_the_proxys_own_form_logs_in(world: World, own_form: Callable[..., Session]) -> None:
    with own_form(BOB.password) as session:
        if session.login_state == "no-form":  # the page is skipped: so says the message
            assert "login='basic'" in session.login_message
            return
        assert session.login_state == "ok", session.login_message
        assert world.ask(session) == (200, BOB.name)
        session.cookies.clear()
        assert world.ask(session) == (200, BOB.name)


def test_the_proxys_own_form_refuses_a_wrong_password(
    world: World, own_form: Callable[..., Session]
) -> None:
    with own_form("not-the-password") as session:
        assert session.login_state in ("bad-credentials", "no-form")
        assert world.ask(session)[0] == 403

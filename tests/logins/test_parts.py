"""The real parts stand for themselves: a person with a browser gets through each of them."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.servers import (
    ANN,
    BOB,
    NELL,
    OAUTH2_PROXIES,
    OAUTH2_PROXY_7_4,
    OAUTH2_PROXY_7_15,
    TESS,
    TESS_APP,
    GoProgram,
    Server,
    Token,
    fetch_token,
    write_htpasswd,
)

from .browser import Browser
from .counting import Count
from .tokens import fill_in, get_token
from .worlds import Provider, World, obstacle_of, start_world


@contextmanager
def _world(
    request: pytest.FixtureRequest, provider: Provider, *, asks: bool = False
) -> Iterator[World]:
    obstacle = obstacle_of(provider) or OAUTH2_PROXY_7_4.obstacle()
    if obstacle is not None:
        pytest.skip(obstacle)
    keycloak: Server | None = None
    if provider is Provider.KEYCLOAK:
        keycloak = request.getfixturevalue("keycloak")
    with start_world(provider, OAUTH2_PROXY_7_4, asks=asks, keycloak=keycloak) as world:
        yield world


@pytest.mark.parametrize(
    "provider", [Provider.KEYCLOAK, Provider.OIDC_PROVIDER, Provider.DEX, Provider.HTPASSWD]
)
def test_right_password_opens_and_a_wrong_one_asks_again(
    request: pytest.FixtureRequest, provider: Provider
) -> None:
    keeps_session = provider in (Provider.KEYCLOAK, Provider.OIDC_PROVIDER)
    with _world(request, provider) as world:
        before = world.counts()
        browser = Browser()
        again = fill_in(world, browser, browser.get(world.base_url), ANN, "wrong")
        assert again.status == (401 if provider is Provider.HTPASSWD else 200)
        page = fill_in(world, browser, again, ANN, ANN.password)
        assert (page.status, page.url) == (200, f"{world.door.url}/")
        assert page.headers["GAP-Auth"] == world.identity_of(ANN)
        assert world.counts() - before == Count(passwords=2, logins=1)

        world.expire()
        assert browser.get(world.api).headers.get("GAP-Auth") is None
        page = browser.get(world.base_url)
        assert (page.headers.get("GAP-Auth") == world.identity_of(ANN)) == keeps_session


@pytest.mark.parametrize(
    ("provider", "agree", "refuse"),
    [
        (Provider.KEYCLOAK, "accept", "cancel"),
        (Provider.OIDC_PROVIDER, "prompt", None),
        (Provider.DEX, "approval", "approval"),
    ],
)
def test_provider_that_asks_is_answered(
    request: pytest.FixtureRequest, provider: Provider, agree: str, refuse: str | None
) -> None:
    with _world(request, provider, asks=True) as world:
        # The form or button that refuses is the last, and the one that agrees is the first.
        for button, index in ((refuse, -1), (agree, 0)):
            if button is None:
                continue
            browser = Browser()
            page = fill_in(world, browser, browser.get(world.base_url), BOB, BOB.password)
            forms = [form for form in page.forms() if form.find(None, {"name": button})]
            page = browser.submit(page, forms[index], {}, button=button)
            assert page.headers.get("GAP-Auth") == (None if index else BOB.email)


def test_keycloak_wants_a_code_and_takes_none_twice(request: pytest.FixtureRequest) -> None:
    with _world(request, Provider.KEYCLOAK) as world:
        before = world.counts()
        code = TESS_APP.fresh()
        for _ in range(2):
            browser = Browser()
            page = fill_in(world, browser, browser.get(world.base_url), TESS, TESS.password)
            page = browser.submit(page, page.form("otp"), {"otp": code})
        assert "GAP-Auth" not in page.headers
        page = browser.submit(page, page.form("otp"), {"otp": next(TESS_APP.wrong())})
        page = browser.submit(page, page.form("otp"), {"otp": TESS_APP.fresh()})
        assert page.headers["GAP-Auth"] == TESS.email
        assert world.counts() - before == Count(passwords=2, codes=4, logins=2)


def test_keycloak_wants_a_new_password(request: pytest.FixtureRequest) -> None:
    with _world(request, Provider.KEYCLOAK) as world:
        browser = Browser()
        page = fill_in(world, browser, browser.get(world.base_url), NELL, NELL.password)
        fields = page.form("password-new").find_all("input", {"autocomplete": "new-password"})
        assert len(fields) == 2


def test_token_of_the_password_grant_opens(request: pytest.FixtureRequest) -> None:
    with _world(request, Provider.KEYCLOAK) as world:
        before = world.counts()
        token = get_token(world, ANN, ANN.password)
        assert world.counts() - before == Count(grants=1)
        page = Browser().get(world.api, Authorization=f"Bearer {token}")
        assert page.headers["GAP-Auth"] == ANN.email


def test_token_of_the_issuer_opens(request: pytest.FixtureRequest) -> None:
    with _world(request, Provider.ISSUER) as world:
        token = fetch_token(world.provider_door, ANN)
        page = Browser().get(world.api, Authorization=f"Bearer {token}")
        assert page.headers["GAP-Auth"] == ANN.email


@pytest.mark.parametrize("falls_back", [True, False])
def test_passwords_and_tokens_beside_each_other(tmp_path: Path, falls_back: bool) -> None:
    if (obstacle := OAUTH2_PROXY_7_15.obstacle()) is not None:
        pytest.skip(obstacle)
    options = () if falls_back else ("--bearer-token-login-fallback=false",)
    passwords = write_htpasswd(tmp_path / "htpasswd", [ANN])
    basic = base64.b64encode(f"{ANN.name}:{ANN.password}".encode()).decode()
    with start_world(Provider.ISSUER, OAUTH2_PROXY_7_15, passwords, *options) as world:
        token = Browser().get(
            world.api, Authorization=f"Bearer {get_token(world, ANN, ANN.password)}"
        )
        password = Browser().get(world.api, Authorization=f"Basic {basic}")
    assert token.headers["GAP-Auth"] == ANN.email
    assert password.headers.get("GAP-Auth") == (ANN.name if falls_back else None)


@pytest.mark.parametrize("program", OAUTH2_PROXIES, ids=str)
def test_which_tokens_open(program: GoProgram) -> None:
    if (obstacle := program.obstacle()) is not None:
        pytest.skip(obstacle)
    opened: dict[Token, str | None] = {}
    with start_world(Provider.ISSUER, program) as world:
        for kind in Token:
            token = fetch_token(world.provider_door, ANN, kind)
            page = Browser().get(world.api, Authorization=f"Bearer {token}")
            opened[kind] = page.headers.get("GAP-Auth")
    good = {Token.GOOD: ANN.email, Token.NO_EMAIL: ANN.name}
    assert opened == dict.fromkeys(Token) | good

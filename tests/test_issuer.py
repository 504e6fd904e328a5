"""The issuer of the tests gives tokens that the real proxy takes, or refuses for a reason."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import requests

from tests.servers import (
    ANN,
    AUDIENCE,
    BOB,
    USER_HEADER,
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
)

pytestmark = [
    pytest.mark.skipif(find_go() is None, reason="no go to build the real oauth2-proxy with"),
    pytest.mark.no_asan,  # nothing of apikit runs here
]

_GOOD = {Token.GOOD: ANN.email, Token.NO_EMAIL: ANN.name}


@pytest.fixture(scope="module")
def issuer() -> Iterator[Server]:
    with start_issuer() as server:
        yield server


@pytest.fixture(scope="module")
def proxy(issuer: Server) -> Iterator[Server]:
    with (
        start_provider() as provider,
        start_backend() as backend,
        start_proxy(provider, backend, *jwt_options(issuer, AUDIENCE)) as server,
    ):
        yield server


@pytest.mark.parametrize("kind", Token)
def test_proxy_takes_a_good_token_and_no_other(issuer: Server, proxy: Server, kind: Token) -> None:
    token = fetch_token(issuer, ANN, kind)
    answer = requests.get(
        f"{proxy.url}/",
        headers={"Authorization": f"Bearer {token}"},
        allow_redirects=False,
        timeout=30,
    )
    assert answer.headers.get("GAP-Auth") == _GOOD.get(kind)
    assert answer.status_code == (200 if kind in _GOOD else 403)
    assert answer.headers.get(USER_HEADER) == (ANN.name if kind in _GOOD else None)
    assert not answer.cookies


def test_name_beside_a_token_proves_nothing(issuer: Server, proxy: Server) -> None:
    token = fetch_token(issuer, ANN)
    answer = requests.get(f"{proxy.url}/", auth=(BOB.name, token), timeout=30)
    assert answer.headers["GAP-Auth"] == ANN.email


@pytest.mark.parametrize(
    ("password", "status", "counted"), [(ANN.password, 200, "granted"), ("wrong", 400, "refused")]
)
def test_password_grant_is_counted(
    issuer: Server, password: str, status: int, counted: str
) -> None:
    before = fetch_counts(issuer)[counted]
    form = {"grant_type": "password", "username": ANN.name, "password": password}
    answer = requests.post(f"{issuer.url}/token", form, timeout=30)
    assert answer.status_code == status
    assert ("id_token" in answer.json()) == (status == 200)
    assert fetch_counts(issuer)[counted] == before + 1

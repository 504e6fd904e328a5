"""`Backend(bearer=True)`: a caller's token goes with his one request, and nothing is kept."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from werkzeug.test import TestResponse

from apikit import APIFlask, Backend
from tests.ways_refusals import OWN, REFUSALS
from tests.ways_world import Answer, Seen, World, running

ANNS, BOBS = "anns.token.x", "bobs.token.y"
INVALID = 'Bearer error="invalid_token"'
BASIC = "Basic " + base64.b64encode(b"ann:s3cret").decode()


class Service:
    """A service whose page passes on what its back end says, and its callers."""

    def __init__(self, world: World, **options: Any) -> None:
        self.world = world
        auth = {"type": "bitly-proxy", "data": {"endpoint": world.base_url}}
        self.app = APIFlask("service", "1", "https://github.com/example/service", "s", auth=auth)
        self.backend = Backend(options.pop("base_url", world.proxy), app=self.app,
                               session_url=world.provider, **options)  # fmt: skip

        @self.app.route("/<path:path>")
        def ask(path: str) -> str:
            return str(self.backend.get(f"/{path}").text)

    def call(self, authorization: str, path: str = "/api") -> TestResponse:
        """Call the service, which asks its back end."""
        return self.app.test_client().get(path, headers={"Authorization": authorization})


@pytest.fixture
def world() -> Iterator[World]:
    with running() as made:
        made.takes = {f"Bearer {ANNS}", f"Bearer {BOBS}"}
        yield made


@pytest.fixture
def service(world: World) -> Iterator[Service]:
    made = Service(world, bearer=True)
    with made.backend:
        yield made


def test_each_token_goes_with_its_own_request(world: World, service: Service) -> None:
    def tell(request: Seen) -> Answer | None:
        name = {f"Bearer {ANNS}": "ann", f"Bearer {BOBS}": "bob"}.get(request.authorization)
        fields = (("GAP-Auth", f"{name}"), ("Set-Cookie", f"proxy={name}; Path=/"))
        return Answer(200, name, "text/plain", fields) if name else None

    world.before = tell
    tokens = {"ann": ANNS, "bob": BOBS}
    names = ["ann", "bob"] * 100
    with ThreadPoolExecutor(16) as threads:
        answers = threads.map(lambda name: service.call(f"Bearer {tokens[name]}").text, names)
        assert list(answers) == names
    assert {(one.path, one.cookie) for one in world.requests} == {("/api", "")}


@pytest.mark.parametrize("refusal", REFUSALS)
def test_a_refusal_is_401_of_that_one_request(world: World, service: Service, refusal: str) -> None:
    make_answer, auth = REFUSALS[refusal]

    def refuse(request: Seen) -> Answer | None:
        if request.authorization == f"Bearer {ANNS}":
            return None
        return Answer(auth) if request.path == "/oauth2/auth" else make_answer(world)

    world.before = refuse
    for _ in range(2):
        answer = service.call("Bearer a.b.c")
        assert (answer.status_code, answer.headers["WWW-Authenticate"]) == (401, INVALID)
    assert (service.call(f"Bearer {ANNS}").status_code, world.at_canary()) == (200, [])
    paths = [one.path for one in world.requests]
    assert paths.count("/oauth2/auth") <= 2
    assert [path for path in paths if path != "/oauth2/auth"] == ["/api"] * 3
    assert {one.cookie for one in world.requests} == {""}


@pytest.mark.parametrize("gap_auth", [(), (("GAP-Auth", "ann@example.org"),)])
@pytest.mark.parametrize("kind", OWN)
def test_the_services_own_answer_is_no_refusal_of_the_token(
    world: World, service: Service, kind: str, gap_auth: Any
) -> None:
    own = OWN[kind]
    world.before = lambda request: (
        Answer(own.status, own.body, own.kind, own.fields + gap_auth)
        if request.path == "/api"
        else None
    )
    answer = service.call(f"Bearer {ANNS}")
    assert answer.status_code == (200 if kind == "a redirect" else own.status)
    assert answer.headers.get("WWW-Authenticate") != INVALID


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_token_does_not_go_on_with_a_redirect(
    world: World, service: Service, status: int
) -> None:
    world.before = lambda request: (
        world.redirect(f"{world.canary}/x", ("GAP-Auth", "ann"), status=status)
        if request.path == "/api"
        else None
    )
    service.call(f"Bearer {ANNS}")
    assert [(one.authorization, one.cookie) for one in world.at_canary()] == [("", "")]


def test_a_token_goes_over_https_or_to_this_machine(world: World) -> None:
    sent: list[Any] = []

    def answer(request: Any) -> bytes:
        sent.append(request)
        return b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"

    for base_url, wanted in (("http://proxy.example", 0), ("https://proxy.example", 1)):
        service = Service(world, bearer=True, base_url=base_url, transport=answer)
        with service.backend:
            assert service.call(f"Bearer {ANNS}").status_code == (200 if wanted else 400)
        assert len(sent) == wanted
    assert world.requests == []


def test_without_the_option_a_token_is_no_credential(world: World) -> None:
    service = Service(world)
    with service.backend:
        answer = service.call(f"Bearer {ANNS}")
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"].startswith("Basic")
    assert world.requests == []


@pytest.mark.parametrize(
    "authorization",
    ["Bearer", "Bearer a b", "Bearer \u00e9", "Bearer a,b", f"Bearer {'x' * 16_385}", "Token a"],
)
def test_what_is_no_token_is_refused_here(
    world: World, service: Service, authorization: str
) -> None:
    assert service.call(authorization).status_code == 401
    assert world.requests == []


def test_callers_with_a_password_log_in_beside_them(world: World) -> None:
    service = Service(world, bearer=True, login="form")
    with service.backend:
        assert service.call(BASIC).text == "data"
        assert service.call(f"Bearer {BOBS}").text == "data"
        assert service.call(BASIC).text == "data"
    assert world.posted() == [{"user": "ann", "secret": "s3cret"}]
    sent = [(one.cookie != "", one.authorization) for one in world.requests if one.path == "/api"]
    assert sent == [(True, ""), (False, f"Bearer {BOBS}"), (True, "")]


@pytest.mark.parametrize("bearer", [1, "yes", None])
def test_the_option_is_a_truth(world: World, bearer: Any) -> None:
    with pytest.raises(TypeError, match="bearer"):
        Service(world, bearer=bearer)

"""What stands before the service: the proxy, or nginx that asks it, and how it says no.

Who answered is told in each shape, whatever the way in.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.servers import (
    ANN,
    AUDIENCE,
    OAUTH2_PROXIES,
    OAUTH2_PROXY_7_15,
    AuthRequest,
    GoProgram,
    Kind,
    Refusal,
    Server,
    fetch_events,
    find_nginx,
    jwt_options,
    reserve_port,
    start_backend,
    start_issuer,
    start_nginx_auth,
    start_provider,
    start_proxy,
    start_recorder,
    write_htpasswd,
)

from .clients import SessionClient
from .counting import Count
from .leaks import Thing
from .scenes import Mode, Scene, open_for_a_moment
from .worlds import Provider, World

_NOTHING = Count()
_FORMS = (Mode.GITHUB, Mode.FORM)


@dataclass(frozen=True)
class _Shape:
    """How a request without a log-in is answered."""

    name: str
    nginx: AuthRequest | None = None
    refusal: Refusal = Refusal.SIGN_IN_PAGE
    options: tuple[str, ...] = ()
    programs: tuple[GoProgram, ...] = OAUTH2_PROXIES


_SHAPES = (
    *(_Shape(f"nginx, {form.name.lower()}", form) for form in AuthRequest),
    _Shape("nginx, 403 with a Location", AuthRequest.PAGE_WITH_403, Refusal.REDIRECT),
    _Shape("the proxy's page"),
    _Shape("a redirect to the provider", refusal=Refusal.REDIRECT),
    _Shape("401 for paths of an API", options=("--api-route=^/api",)),
    _Shape("JSON", options=("--force-json-errors",)),
    _Shape(
        "403 of text",
        options=("--bearer-token-login-fallback=false",),
        programs=(OAUTH2_PROXY_7_15,),
    ),
)
_FRONTS = [(program, shape) for shape in _SHAPES for program in shape.programs]


@dataclass(frozen=True)
class _Base:
    """What all fronts share: who logs people in, who gives tokens, and the service."""

    provider: Server
    issuer: Server
    canary: Server
    backend: Server
    options: tuple[str, ...]


@dataclass(frozen=True)
class _Front:
    """A door before nginx, which asks a proxy that lets in people and programs."""

    base: _Base
    door: Server
    program: GoProgram

    def scene(self, mode: Mode) -> Scene:
        """Return the way in, with the half of the world that it needs."""
        provider, behind = Provider.ISSUER, self.base.issuer
        if mode in _FORMS:
            provider, behind = Provider.GITHUB, self.base.provider
        world = World(provider, self.program, self.door, behind, self.base.canary, lambda: None)
        return Scene(world, mode)

    def url(self, job: str = "build") -> str:
        return f"{self.door.url}/api?metric=time&job={job}"

    def watch(self, scene: Scene) -> _Watch:
        return _Watch(self, scene, scene.world.counts(), self._asked(), self._questions())

    def _asked(self) -> int:
        return sum(event.path == "/api" for event in fetch_events(self.base.backend))

    def _questions(self) -> int:
        return sum(event.path == "/oauth2/auth" for event in fetch_events(self.door))


@dataclass(frozen=True)
class _Watch:
    """What comes to the servers from now on."""

    front: _Front
    scene: Scene
    before: Count
    asked_before: int
    questions_before: int

    def counts(self) -> Count:
        return self.scene.world.counts() - self.before

    def asked(self) -> int:
        """Return how often the service was asked."""
        return self.front._asked() - self.asked_before

    def questions(self) -> int:
        """Return how often the client asked the proxy itself."""
        return self.front._questions() - self.questions_before


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Iterator[_Base]:
    for program in OAUTH2_PROXIES:
        if (obstacle := program.obstacle()) is not None:
            pytest.skip(obstacle)
    if find_nginx() is None:
        pytest.skip("there is no nginx; install nginx-light")
    with ExitStack() as running:
        provider = running.enter_context(start_provider())
        port = running.enter_context(reserve_port("issuer"))
        issuer = running.enter_context(start_recorder(port, keeps=True))
        running.enter_context(start_issuer(port=port, public_port=issuer.port))
        behind = running.enter_context(start_recorder(provider.port, keeps=True, host="localhost"))
        path = tmp_path_factory.mktemp("nginx") / "htpasswd"
        yield _Base(
            behind,
            issuer,
            running.enter_context(start_recorder(0, keeps=True)),
            running.enter_context(start_backend()),
            _options(issuer, path),
        )


def _options(issuer: Server, path: Path) -> tuple[str, ...]:
    return "--set-xauthrequest", write_htpasswd(path, [ANN]), *jwt_options(issuer, AUDIENCE)


@pytest.fixture(
    scope="module", params=_FRONTS, ids=lambda front: f"{front[0].version}, {front[1].name}"
)
def front(request: pytest.FixtureRequest, base: _Base) -> Iterator[_Front]:
    program, shape = request.param
    with ExitStack() as running:
        with reserve_port("front") as port:
            door = running.enter_context(start_recorder(port, keeps=True))
            proxy = running.enter_context(
                start_proxy(
                    base.provider,
                    base.backend,
                    *base.options,
                    *shape.options,
                    refusal=shape.refusal,
                    kind=Kind.REAL,
                    program=program,
                    port=0 if shape.nginx else port,
                    public_port=door.port,
                )
            )
            if shape.nginx is not None:
                running.enter_context(start_nginx_auth(shape.nginx, proxy, base.backend, port=port))
        yield _Front(base, door, program)


@pytest.mark.parametrize("mode", Mode, ids=lambda mode: mode.value)
def test_what_the_service_answers_is_passed_on(front: _Front, mode: Mode) -> None:
    scene = front.scene(mode)
    with scene.open(ANN, scene.secret(ANN)) as client:
        assert client.ask(front.url()).state == "ok"
        for job, status in (("build", 200), ("stranger", 401), ("secret", 403)):
            watch = front.watch(scene)
            reply = client.ask(front.url(job))
            if isinstance(client, SessionClient):
                assert (reply.status, reply.state) == (status, "ok"), job
                assert client.ask(front.url()).status == 200
            else:
                assert (reply.state == "ok") == (status == 200), job
                assert reply.state != "bad-credentials", job
            assert watch.asked() == (2 if isinstance(client, SessionClient) else 1)
            assert watch.counts() == _NOTHING
            assert watch.questions() <= 1


@pytest.mark.parametrize("mode", _FORMS, ids=lambda mode: mode.value)
def test_a_lost_login_is_renewed_by_one(front: _Front, mode: Mode) -> None:
    scene = front.scene(mode)
    with scene.open(ANN, scene.secret(ANN)) as client:
        assert isinstance(client, SessionClient)
        client.session.cookies.clear()
        watch = front.watch(scene)
        reply = client.ask(front.url())
        assert (reply.status, reply.state) == (200, "ok")
        assert watch.counts() == Count(passwords=1, logins=1)
        assert watch.asked() == 1
        assert watch.questions() <= 1


@pytest.mark.parametrize(
    "mode", [mode for mode in Mode if mode not in _FORMS], ids=lambda mode: mode.value
)
def test_a_refused_header_is_no_answer_of_the_service(front: _Front, mode: Mode) -> None:
    scene = front.scene(mode)
    secret = scene.know(Thing.TOKEN, "head.body.signature")
    watch = front.watch(scene)
    at_provider = len(fetch_events(front.base.provider))
    with scene.open(ANN, secret) as client:
        assert client.ask(front.url()).state == "bad-credentials"
        if isinstance(client, SessionClient):
            assert not client.session.cookies
    assert watch.asked() == 0
    assert watch.counts() == _NOTHING
    assert watch.questions() <= 1
    assert len(fetch_events(front.base.provider)) == at_provider


def test_a_function_is_asked_again_when_its_token_has_expired(front: _Front) -> None:
    scene = front.scene(Mode.FUNCTION)
    client, given, _ = open_for_a_moment(scene)
    with client:
        scene.await_expiry(given[0])
        watch = front.watch(scene)
        reply = client.ask(front.url())
    assert (reply.status, reply.state) == (200, "ok")
    assert len(given) == 2
    assert watch.asked() == 1
    assert watch.counts() == Count(grants=1)
    assert watch.questions() <= 1

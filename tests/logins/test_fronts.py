"""What stands before the service: the proxy, or nginx that asks it, and how it says no.

Who answered is told in each shape, whatever the way in.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
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
    fetch_counts,
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

from .clients import Client, SessionClient
from .scenes import Mode, Scene, open_for_a_moment
from .worlds import Provider, World

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
    door_of_issuer: Server
    canary: Server
    backend: Server
    options: tuple[str, ...]

    def counts(self) -> dict[str, int]:
        """Return how often each of them was asked for what counts."""
        provider, issuer = fetch_counts(self.provider), fetch_counts(self.issuer)
        return {
            "log-ins": provider["logins"],
            "refused": provider["refused"] + issuer["refused"],
            "grants": issuer["granted"],
            "service": fetch_counts(self.backend)["requests"],
        }


@dataclass(frozen=True)
class _Front:
    """A door before nginx or a proxy that lets in people and programs.

    Attributes
    ----------
    fading, tokens
        A client whose first token expires while the tests run, and what it was given.
    """

    base: _Base
    door: Server
    program: GoProgram
    fading: Client
    tokens: list[str]

    def scene(self, mode: Mode) -> Scene:
        """Return the way in, with the half of the world that it needs."""
        return _scene(self.base, self.door, self.program, mode)

    def url(self, job: str = "build") -> str:
        return f"{self.door.url}/api?metric=time&job={job}"

    @contextmanager
    def expecting(self, **wanted: int) -> Iterator[None]:
        """See that the others were asked so often in the block, and the proxy itself once at most.

        What is not named, with a space for "_", must not have been asked for at all.
        """
        before, questions = self.base.counts(), self._questions()
        yield
        asked = {name: count - before[name] for name, count in self.base.counts().items()}
        expected = {name.replace("_", "-"): count for name, count in wanted.items()}
        assert {name: count for name, count in asked.items() if count} == expected
        assert self._questions() - questions <= 1

    def _questions(self) -> int:
        return sum(event.path == "/oauth2/auth" for event in fetch_events(self.door))


def _scene(base: _Base, door: Server, program: GoProgram, mode: Mode) -> Scene:
    provider, behind = Provider.ISSUER, base.door_of_issuer
    if mode in _FORMS:
        provider, behind = Provider.GITHUB, base.provider
    return Scene(World(provider, program, door, behind, base.canary, lambda: None), mode)


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Iterator[_Base]:
    for program in OAUTH2_PROXIES:
        if (obstacle := program.obstacle()) is not None:
            pytest.skip(obstacle)
    if find_nginx() is None:
        pytest.skip("there is no nginx; install nginx-light")
    with ExitStack() as running:
        with reserve_port("issuer") as port:
            door = running.enter_context(start_recorder(port, keeps=True))
            issuer = start_issuer(port=port, public_port=door.port)
            running.enter_context(issuer)
        yield _Base(
            running.enter_context(start_provider()),
            issuer,
            door,
            running.enter_context(start_recorder(0, keeps=True)),
            running.enter_context(start_backend()),
            _options(door, tmp_path_factory.mktemp("fronts") / "htpasswd"),
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
        fading, tokens, _ = open_for_a_moment(_scene(base, door, program, Mode.FUNCTION))
        running.enter_context(fading)
        yield _Front(base, door, program, fading, tokens)


@pytest.mark.parametrize("mode", Mode, ids=lambda mode: mode.value)
def test_what_the_service_answers_is_passed_on(front: _Front, mode: Mode) -> None:
    scene = front.scene(mode)
    with scene.open(ANN, scene.secret(ANN)) as client:
        assert client.ask(front.url()).state == "ok"
        for job, status in (("stranger", 401), ("secret", 403), ("build", 200)):
            with front.expecting(service=1):
                reply = client.ask(front.url(job))
            if isinstance(client, SessionClient):
                assert (reply.status, reply.state) == (status, "ok"), job
            else:
                assert reply.state == ("ok" if status == 200 else "error"), job


@pytest.mark.parametrize("mode", _FORMS, ids=lambda mode: mode.value)
def test_a_lost_login_is_renewed_by_one(front: _Front, mode: Mode) -> None:
    scene = front.scene(mode)
    with scene.open(ANN, scene.secret(ANN)) as client:
        assert isinstance(client, SessionClient)
        client.session.cookies.clear()
        with front.expecting(log_ins=1, service=1):
            reply = client.ask(front.url())
        assert (reply.status, reply.state) == (200, "ok")


@pytest.mark.parametrize(
    "mode", [mode for mode in Mode if mode not in _FORMS], ids=lambda mode: mode.value
)
def test_a_refused_header_is_no_answer_of_the_service(front: _Front, mode: Mode) -> None:
    # The function gets no token for such a password, and gives the proxy what is none.
    asked = {"refused": 1} if mode is Mode.FUNCTION else {}
    pages = fetch_counts(front.base.provider)["pages"]
    with (
        front.expecting(**asked),
        front.scene(mode).open(ANN, "head.body.signature") as client,
    ):
        assert client.ask(front.url()).state == "bad-credentials"
        if isinstance(client, SessionClient):
            assert not client.session.cookies
    assert fetch_counts(front.base.provider)["pages"] == pages


def test_a_function_is_asked_again_when_its_token_has_expired(front: _Front) -> None:
    front.scene(Mode.FUNCTION).await_expiry(front.tokens[0])
    with front.expecting(grants=1, service=1):
        reply = front.fading.ask(front.url())
    assert (reply.status, reply.state) == (200, "ok")
    assert len(front.tokens) == 2

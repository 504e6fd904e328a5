"""What must come of each way in, situation by situation, and what came of it."""

from __future__ import annotations

import base64
import enum
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import requests

from apikit import Session
from tests.servers import (
    ANN,
    CORA,
    OAUTH2_PROXY_7_4,
    TESS,
    TESS_APP,
    ZOE,
    Token,
    User,
    fetch_token,
)

from .clients import CallersToken, Client, Reply, SessionClient
from .counting import Count
from .leaks import Secret, Thing
from .tokens import REFUSED, get_token
from .worlds import Provider, World

__all__ = [
    "SITUATIONS",
    "Mode",
    "Outcome",
    "Scene",
    "Step",
    "find_scene",
    "open_for_a_moment",
]

_EXPIRY_SECONDS = 120.0
_POLL_SECONDS = 0.05
_BRIEF_SECONDS = 1
_MOST_TRIES = 20
_FORM = Count(passwords=1, logins=1)
_NOTHING = Count()


class Mode(enum.Enum):
    """A way in, as a program asks for it."""

    GITHUB = "github"
    FORM = "form"
    BASIC = "basic"
    BEARER = "bearer"
    FUNCTION = "a function"
    CALLERS = "Backend(bearer=True)"


_FORMS = (Mode.GITHUB, Mode.FORM)


@dataclass(frozen=True)
class Outcome:
    """What came of a call: what the client got, and what came to the doors meanwhile."""

    reply: Reply
    counts: Count

    def __str__(self) -> str:
        return f"{self.reply.status} {self.reply.state} as {self.reply.identity} [{self.counts}]"


@dataclass(frozen=True)
class Step:
    """What was wanted of a call, and what came."""

    wanted: Outcome
    came: Outcome


@dataclass(frozen=True)
class Scene:
    """A world and a way in."""

    world: World
    mode: Mode

    @property
    def is_header(self) -> bool:
        """Whether each request bears the log-in."""
        return self.mode not in _FORMS

    def open(self, user: User, secret: str, **options: Any) -> Client:
        """Return a client; `secret` is what it has, a password or a token."""
        if self.mode is Mode.CALLERS:
            return CallersToken(self.world, secret)
        options.setdefault("login", self.fetch if self.mode is Mode.FUNCTION else self.mode.value)
        where = None if self.is_header else options.pop("session_url", self._session_url())
        name = self.world.name_of(user)
        return SessionClient(Session(name, secret, self.world.base_url, where, **options))

    def _session_url(self) -> str:
        if self.mode is Mode.FORM and self.world.provider is Provider.GITHUB:
            return self.world.provider_door.url
        return self.world.session_url

    def secret(self, user: User) -> str:
        """Return what is right for this way in: a password, or a token."""
        takes_password = self.mode in (*_FORMS, Mode.FUNCTION)
        if takes_password or self.world.provider is Provider.HTPASSWD:
            return self.know(Thing.PASSWORD, user.password)
        return self.token(user)

    def know(self, thing: Thing, text: str) -> str:
        """Take note of a secret, if it is one, and return it."""
        if text == REFUSED:
            return text
        at_proxy = thing is Thing.TOKEN or self.world.provider is Provider.HTPASSWD
        home = self.world.door if at_proxy else self.world.provider_door
        self.world.secrets.append(Secret(thing, text, home.port))
        return text

    def token(self, user: User, *, brief_seconds: int | None = None, code: str = "") -> str:
        """Return a token about a user."""
        password = self.know(Thing.PASSWORD, user.password)
        token = get_token(self.world, user, password, brief_seconds=brief_seconds, code=code)
        return self.know(Thing.TOKEN, token)

    def fetch(self, user: str, password: str) -> str:
        """Be the function of ``login=``."""
        if self.world.provider is Provider.HTPASSWD:
            return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()
        found = User(user.partition("@")[0], password)
        return f"Bearer {self.know(Thing.TOKEN, get_token(self.world, found, password))}"

    def fetching(self) -> Count:
        """Return what `fetch` costs."""
        if self.world.provider is Provider.HTPASSWD:
            return _NOTHING
        by_hand = self.world.provider in (Provider.DEX, Provider.OIDC_PROVIDER)
        return _FORM if by_hand else Count(grants=1)

    def opening(self) -> Count:
        """Return what it costs to open a client with the right secret."""
        if self.mode is Mode.FUNCTION:
            return self.fetching()
        return _NOTHING if self.is_header else _FORM

    def look(self, client: Client, before: Count, url: str = "") -> Outcome:
        """Ask for a page, and return what came since the counts were `before`."""
        reply = client.ask(url or self.world.api)
        return Outcome(reply, self.world.counts() - before)

    def served(self, counts: Count, user: User = ANN) -> Outcome:
        """Return the outcome in which a user gets his page."""
        return Outcome(Reply(200, self.world.identity_of(user), "ok"), counts)

    def refused(self, counts: Count = _NOTHING, state: str = "bad-credentials") -> Outcome:
        """Return the outcome in which nobody does."""
        return Outcome(Reply(401 if self.mode is Mode.CALLERS else 403, None, state), counts)

    def await_expiry(self, token: str) -> None:
        """Wait until the proxy takes a token no more."""
        end = time.monotonic() + _EXPIRY_SECONDS
        headers = {"Authorization": f"Bearer {token}"}
        while time.monotonic() < end:
            answer = requests.get(f"{self.world.door.url}/oauth2/auth", headers=headers, timeout=60)
            if answer.status_code != 202:
                return
            time.sleep(_POLL_SECONDS)
        raise AssertionError("the token does not expire")


_Steps = Callable[[Scene], Iterator[Step]]


def _is_ok(scene: Scene) -> Iterator[Step]:
    secret = scene.secret(ANN)
    before = scene.world.counts()
    with scene.open(ANN, secret) as client:
        yield Step(scene.served(scene.opening()), scene.look(client, before))
        before = scene.world.counts()
        yield Step(scene.served(_NOTHING), scene.look(client, before))


def _is_wrong(scene: Scene) -> Iterator[Step]:
    for secret in _wrong_secrets(scene):
        before = scene.world.counts()
        with scene.open(ANN, secret) as client:
            counts = _NOTHING if scene.is_header else Count(passwords=1)
            if scene.mode is Mode.FUNCTION and scene.fetching() == _FORM:
                counts = Count(passwords=1)
            yield Step(scene.refused(counts), scene.look(client, before))
            before = scene.world.counts()
            yield Step(scene.refused(), scene.look(client, before))


def _wrong_secrets(scene: Scene) -> list[str]:
    """Return what must be refused: a password, or an altered token and other bad ones."""
    if scene.mode in (*_FORMS, Mode.FUNCTION) or scene.world.provider is Provider.HTPASSWD:
        return [scene.know(Thing.PASSWORD, "not-the-password")]
    head, _, signature = scene.token(ANN).rpartition(".")
    secrets = [f"{head}.{signature[::-1]}"]
    if scene.world.provider is Provider.ISSUER:
        good = (Token.GOOD, Token.NO_EMAIL)
        wrong = (kind for kind in Token if kind not in good)
        secrets += [fetch_token(scene.world.provider_door, ANN, kind) for kind in wrong]
    return [scene.know(Thing.TOKEN, secret) for secret in secrets]


def _is_expired(scene: Scene) -> Iterator[Step]:
    """The proxy has forgotten the session, and so has the provider."""
    with scene.open(ANN, scene.secret(ANN)) as client:
        scene.world.expire()
        client.forget_provider()
        before = scene.world.counts()
        yield Step(scene.served(_FORM), scene.look(client, before))


def _token_is_expired(scene: Scene) -> Iterator[Step]:
    client, given, fresh = open_for_a_moment(scene)
    with client:
        yield Step(scene.served(_NOTHING), fresh)
        scene.await_expiry(given[0])
        before = scene.world.counts()
        came = scene.look(client, before)
        if scene.mode is Mode.FUNCTION:
            yield Step(scene.served(scene.fetching()), came)
        else:
            yield Step(scene.refused(), came)


def open_for_a_moment(scene: Scene) -> tuple[Client, list[str], Outcome]:
    """Open a client whose token soon expires.

    Returns
    -------
    client : `Client`
        It has asked for a page.
    given : `list` [`str`]
        The tokens that there were; a function goes on with one that lasts.
    fresh : `Outcome`
        What came of it while the token was good.
    """
    given: list[str] = []
    brief = _BRIEF_SECONDS

    def give(user: str, password: str) -> str:
        given.append(scene.token(ANN, brief_seconds=None if given else brief))
        return f"Bearer {given[-1]}"

    # On a busy machine a short life may be over before the first request.
    for _ in range(_MOST_TRIES):
        given.clear()
        if scene.mode is Mode.FUNCTION:
            client = scene.open(ANN, scene.secret(ANN), login=give)
        else:
            given.append(scene.token(ANN, brief_seconds=brief))
            client = scene.open(ANN, given[0])
        before = scene.world.counts()
        fresh = scene.look(client, before)
        if len(given) == 1 and fresh.reply.status == 200:
            return client, given, fresh
        client.__exit__(None, None, None)
        brief += 1
    raise AssertionError("no token lasts until the first request")


def _is_two_factor(scene: Scene) -> Iterator[Step]:
    secret = scene.secret(TESS)
    before = scene.world.counts()
    with scene.open(TESS, secret) as client:
        came = scene.look(client, before)
        yield Step(scene.refused(Count(passwords=1), "two-factor"), came)
    wrong = TESS_APP.wrong()
    before = scene.world.counts()
    with scene.open(TESS, secret, otp=lambda user: scene.know(Thing.CODE, next(wrong))) as client:
        came = scene.look(client, before)
        yield Step(scene.refused(Count(passwords=1, codes=2), "two-factor"), came)

    def give(user: str) -> str:
        is_app = scene.world.provider is Provider.KEYCLOAK
        return scene.know(Thing.CODE, TESS_APP.fresh() if is_app else TESS.code)

    before = scene.world.counts()
    with scene.open(TESS, secret, otp=give) as client:
        wanted = scene.served(Count(passwords=1, codes=1, logins=1), TESS)
        yield Step(wanted, scene.look(client, before))
        # The provider still knows who it is: the code is asked for once in its session.
        scene.world.expire()
        before = scene.world.counts()
        yield Step(scene.served(_NOTHING, TESS), scene.look(client, before))


def _grant_is_two_factor(scene: Scene) -> Iterator[Step]:
    """The function gives the code with the password."""

    def give(user: str, password: str) -> str:
        return f"Bearer {scene.token(TESS, code=scene.know(Thing.CODE, TESS_APP.fresh()))}"

    secret = scene.secret(TESS)
    before = scene.world.counts()
    with scene.open(TESS, secret) as client:
        yield Step(scene.refused(), scene.look(client, before))
    before = scene.world.counts()
    with scene.open(TESS, secret, login=give) as client:
        yield Step(scene.served(Count(grants=1), TESS), scene.look(client, before))


def _is_consent(scene: Scene) -> Iterator[Step]:
    user = ANN
    if scene.world.provider is Provider.GITHUB:
        user = CORA
    elif scene.world.provider is Provider.KEYCLOAK and scene.world.program is OAUTH2_PROXY_7_4:
        user = ZOE  # one Keycloak serves both versions, and it remembers who agreed
    secret = scene.secret(user)
    before = scene.world.counts()
    with scene.open(user, secret) as client:
        yield Step(scene.refused(_FORM, "consent"), scene.look(client, before))
    before = scene.world.counts()
    with scene.open(user, secret, consent=True) as client:
        yield Step(scene.served(_FORM, user), scene.look(client, before))


def _is_silent(scene: Scene) -> Iterator[Step]:
    """The proxy has forgotten the session, and the provider has not, if it keeps any."""
    with scene.open(ANN, scene.secret(ANN)) as client:
        scene.world.expire()
        before = scene.world.counts()
        asks = scene.world.provider in (Provider.DEX, Provider.HTPASSWD) and not scene.is_header
        yield Step(scene.served(_FORM if asks else _NOTHING), scene.look(client, before))


def _is_astray(scene: Scene) -> Iterator[Step]:
    """What leads to another origin, by redirects or by name, takes no secret there."""
    canary = scene.world.canary.url
    with scene.open(ANN, scene.secret(ANN)) as client:
        for status in (302, 307):
            client.ask(f"{scene.world.door.url}/away/{status}?to={canary}/away")
        if isinstance(client, SessionClient):
            client.ask(f"{canary}/asked")
        before = scene.world.counts()
        yield Step(scene.served(_NOTHING), scene.look(client, before))
    if not scene.is_header:
        before = scene.world.counts()
        with scene.open(ANN, scene.secret(ANN), session_url=f"{canary}/session") as client:
            yield Step(scene.refused(_NOTHING, "no-form"), scene.look(client, before))


def _has_no_form(scene: Scene) -> Iterator[Step]:
    """The provider's page is not GitHub's: nothing is filled in."""
    secret = scene.secret(ANN)
    before = scene.world.counts()
    with scene.open(ANN, secret) as client:
        yield Step(scene.refused(_NOTHING, "no-form"), scene.look(client, before))


def _is_opaque(scene: Scene) -> Iterator[Step]:
    """A token of GitHub's is no JWT of the proxy's."""
    token = scene.know(Thing.TOKEN, "gho_" + "0123456789abcdef" * 2)
    login = (lambda user, password: f"Bearer {token}") if scene.mode is Mode.FUNCTION else None
    before = scene.world.counts()
    with scene.open(ANN, token, **({"login": login} if login else {})) as client:
        yield Step(scene.refused(), scene.look(client, before))


SITUATIONS: dict[str, _Steps] = {
    "ok": _is_ok,
    "wrong secret": _is_wrong,
    "expired": _is_expired,
    "second factor": _is_two_factor,
    "consent": _is_consent,
    "silent renewal": _is_silent,
    "astray": _is_astray,
}
"""What the columns of the table are."""


def find_scene(provider: Provider, mode: Mode, situation: str) -> _Steps | str:
    """Return what is done in a situation, or why there is nothing to do."""
    if mode is Mode.GITHUB and provider not in (Provider.GITHUB, Provider.ISSUER):
        return _has_no_form if situation == "ok" else "the form is not GitHub's"
    if provider is Provider.GITHUB and mode not in _FORMS:
        return _is_opaque if situation == "ok" else "GitHub gives no token that a proxy takes"
    for applies, situations, reason in _REASONS:
        if situation in situations and applies(provider, mode):
            return reason
    if situation == "expired" and mode not in _FORMS:
        return _token_is_expired
    if situation == "second factor" and mode is Mode.FUNCTION:
        return _grant_is_two_factor
    return SITUATIONS[situation]


_ALL = tuple(SITUATIONS)
_CODES_BY_GRANT = (Provider.KEYCLOAK, Mode.FUNCTION)

#: To which ways in, and in which situations, a reason applies; the first that does is given.
_REASONS: tuple[tuple[Callable[[Provider, Mode], bool], tuple[str, ...], str], ...] = (
    (
        lambda provider, mode: provider is Provider.ISSUER and mode in _FORMS,
        _ALL,
        "the issuer has no form; people log in at GitHub there",
    ),
    (
        lambda provider, mode: (
            provider is Provider.HTPASSWD and mode in (Mode.BEARER, Mode.CALLERS)
        ),
        _ALL,
        "a file of passwords knows no tokens",
    ),
    (
        lambda provider, mode: provider is Provider.HTPASSWD and mode not in _FORMS,
        ("expired",),
        "the password goes on each request: nothing expires",
    ),
    (
        lambda provider, mode: provider is Provider.DEX and mode not in _FORMS,
        ("expired",),
        "this Dex has one life for all tokens, a day",
    ),
    (
        lambda provider, mode: provider is Provider.HTPASSWD,
        ("second factor", "consent"),
        "a file of passwords asks for the password alone",
    ),
    (
        lambda provider, mode: mode not in _FORMS,
        ("consent",),
        "a header meets no page that could ask",
    ),
    (
        lambda provider, mode: mode not in _FORMS and (provider, mode) != _CODES_BY_GRANT,
        ("second factor",),
        "asked for, if at all, where the secret was got",
    ),
    (
        lambda provider, mode: provider in (Provider.OIDC_PROVIDER, Provider.DEX),
        ("second factor",),
        "the provider has none",
    ),
)

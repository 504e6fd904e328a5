"""The rules for credentials: where a password, a code and a token go, and what goes beside them."""

from __future__ import annotations

import base64
import contextlib
import itertools
import random
import threading
import traceback
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

import apikit
from apikit import BackendError, MemoryStore, Session, SessionPool, errors
from apikit.pool import LoginError
from tests.ways_refusals import OWN, REFUSALS
from tests.ways_world import CODE, CONSENT, PASSWORD, Answer, Seen, World, running

TOKEN = "ey.the-token.x"
BASIC = "Basic " + base64.b64encode(b"ann:s3cret").decode()


@pytest.fixture
def world() -> Iterator[World]:
    with running() as made:
        made.takes = {BASIC, f"Bearer {TOKEN}"}
        yield made


def give_token(user: str, password: str) -> str:
    return f"Bearer {TOKEN}"


#: A way that is a header -> its secret, and what is sent.
HEADERS: dict[str, tuple[Any, str, str]] = {
    "basic": ("basic", "s3cret", BASIC),
    "bearer": ("bearer", TOKEN, f"Bearer {TOKEN}"),
    "a function": (give_token, "s3cret", f"Bearer {TOKEN}"),
}


def make(world: World, name: str, **options: Any) -> Session:
    login, secret, _ = HEADERS[name]
    return Session("ann", secret, world.base_url, login=login, **options)


# 1. One origin for each secret.


@pytest.mark.parametrize("name", HEADERS)
def test_a_header_goes_to_the_base_urls_origin_and_nowhere_else(world: World, name: str) -> None:
    sent = HEADERS[name][2]
    with make(world, name) as session:
        assert world.ask(session) == 200
        session.get(f"{world.canary}/api")
        world.gap_auth = "ann@example.org"
        world.before = lambda request: (
            world.redirect(f"{world.canary}/file", ("GAP-Auth", "ann@example.org"))
            if request.path == "/moved"
            else None
        )
        assert session.get(f"{world.proxy}/moved").url == f"{world.canary}/file"
    assert {request.authorization for request in world.requests if
            request.host == world.proxy[7:]} == {sent}  # fmt: skip
    assert [request.authorization for request in world.at_canary()] == ["", ""]


def test_the_header_does_not_come_back_with_a_redirect(world: World) -> None:
    world.before = lambda request: (
        world.redirect(f"{world.proxy}/api") if request.path == "/back" else None
    )
    with make(world, "bearer") as session:
        session.get(f"{world.canary}/back")
    assert world.requests[-1].path == "/api"
    assert world.requests[-1].authorization == ""


@pytest.mark.parametrize("name", HEADERS)
def test_credentials_go_over_https_or_to_this_machine(name: str) -> None:
    login, secret, _ = HEADERS[name]
    sent: list[Any] = []
    with Session("ann", secret, "http://proxy.example/oauth2/start", login=login) as session:
        session.transport = lambda request: sent.append(request) or b"HTTP/1.1 200 OK\r\n\r\n"
        with pytest.raises(ValueError, match="https"):
            session.get("http://proxy.example/api")
    assert sent == []


#: Where a form leads, where its page is, and where it may be -> what the refusal says.
PLACES = {
    "another origin's action": (
        "{canary}/lab/x",
        "{provider}/lab/x",
        "its action leads to another",
    ),
    "another origin's page": ("{provider}/lab/x", "{canary}/lab/x", "its page came from another"),
    "an action beside the path": ("{provider}/labor", "{provider}/lab/x", "its action leads"),
    "a page beside the path": ("{provider}/lab/x", "{provider}/labor", "its page came"),
}


@pytest.mark.parametrize("secret", ["a password", "a code"])
@pytest.mark.parametrize("name", PLACES)
def test_the_core_does_not_rely_on_who_reads_the_pages(
    world: World, name: str, secret: str
) -> None:
    names = {"canary": world.canary, "provider": world.provider}
    action, page = (place.format(**names) for place in PLACES[name][:2])
    fields = [("user", ""), ("secret", "" if secret == "a password" else "123456")]
    place = -1 if secret == "a code" else 1
    with Session("ann", None, world.base_url, f"{world.provider}/lab", login="form") as session:
        session.set_oauth2_password("s3cret")
        with pytest.raises(ValueError, match=PLACES[name][2]):
            session._submit_login(action, page, fields, 0, place, session.cookies, 0)
    assert world.requests == []


@pytest.mark.parametrize("login", ["form", "github"])
def test_a_password_goes_over_https_or_to_this_machine(login: str) -> None:
    provider = "http://id.example"
    sent: list[Any] = []
    with Session(
        "ann", None, "http://proxy.example/oauth2/start", provider, login=login
    ) as session:
        session.transport = lambda request: sent.append(request) or b"HTTP/1.1 200 OK\r\n\r\n"
        session.set_oauth2_password("s3cret")
        with pytest.raises(ValueError, match="https"):
            session._submit_login(
                f"{provider}/x", f"{provider}/x", [("p", "")], -1, 0, session.cookies, 0
            )
    assert sent == []


# 2. No cookie beside a header.


@pytest.mark.parametrize("name", HEADERS)
def test_no_cookie_is_sent_or_kept_beside_a_header(world: World, name: str) -> None:
    world.before = lambda request: (
        Answer(200, "", "text/plain", (("Set-Cookie", "proxy=bob; Path=/"),))
        if request.path == "/sets"
        else None
    )
    with make(world, name) as session:
        session.get(f"{world.proxy}/sets")
        session.cookies.set("proxy", "bob", domain="127.0.0.1", path="/")
        session.headers["Cookie"] = "proxy=bob"
        session.get(f"{world.proxy}/api", cookies={"proxy": "bob"})
        session.get(f"{world.proxy}/api", headers={"Cookie": "proxy=bob"})
        session.get(f"{world.canary}/api")
    assert {request.cookie for request in world.requests} == {""}


def test_a_callers_own_credentials_do_not_replace_the_login(world: World) -> None:
    with make(world, "bearer") as session:
        session.get(f"{world.proxy}/api", auth=("bob", "other"))
        session.get(f"{world.proxy}/api", headers={"Authorization": "Bearer other"})
        session.auth = lambda prepared: prepared
        session.get(f"{world.proxy}/api")
    assert [request.authorization for request in world.requests] == [f"Bearer {TOKEN}"] * 3


# Refusals.


@pytest.mark.parametrize("refusal", REFUSALS)
@pytest.mark.parametrize("name", HEADERS)
def test_a_refusal_is_bad_credentials_without_a_replay(
    world: World, name: str, refusal: str
) -> None:
    make_answer, auth = REFUSALS[refusal]

    def refuse(request: Seen) -> Answer:
        return Answer(auth) if request.path == "/oauth2/auth" else make_answer(world)

    world.before = refuse
    with make(world, name) as session:
        assert world.ask(session) in (401, 403)
        assert session.login_state == "bad-credentials"
    paths = [request.path for request in world.requests]
    assert paths.count("/oauth2/auth") <= 1
    assert [path for path in paths if path != "/oauth2/auth"] == ["/api"]
    assert world.at_canary() == []


@pytest.mark.parametrize("gap_auth", [(), (("GAP-Auth", "ann@example.org"),)])
@pytest.mark.parametrize("kind", OWN)
def test_the_services_own_answer_is_passed_on(world: World, kind: str, gap_auth: Any) -> None:
    own = OWN[kind]
    world.before = lambda request: (
        Answer(own.status, own.body, own.kind, own.fields + gap_auth)
        if request.path == "/api"
        else None
    )
    with make(world, "bearer") as session:
        assert world.ask(session) == (200 if kind == "a redirect" else own.status)
        assert session.login_state == "ok"


def test_a_function_is_asked_once_for_each_expiry_however_many_threads_find_it(
    world: World,
) -> None:
    tokens = itertools.count(1)
    asked: list[str] = []

    def fetch(user: str, password: str) -> str:
        asked.append(password)
        return f"Bearer {next(tokens)}"

    world.takes = {"Bearer 1"}
    with Session("ann", "s3cret", world.base_url, login=fetch) as session:
        assert world.ask(session) == 200
        world.takes = {"Bearer 2"}
        with ThreadPoolExecutor(16) as threads:
            assert set(threads.map(lambda _: world.ask(session), range(64))) == {200}
        assert asked == ["s3cret"] * 2
        world.takes = set()
        assert [world.ask(session) for _ in range(3)] == [403] * 3
        assert session.login_state == "bad-credentials"
    assert len(asked) == 3


def _raise(user: str, password: str) -> str:
    raise RuntimeError(f"{user} has {password}")


@pytest.mark.parametrize(
    ("function", "says"),
    [
        (_raise, "raised RuntimeError"),
        (lambda user, password: None, "must return the whole Authorization"),
        (lambda user, password: TOKEN, "must return the whole Authorization"),
        (lambda user, password: b"Bearer x", "must return the whole Authorization"),
        (lambda user, password: "Bearer x\r\nX: y", "must return the whole Authorization"),
        (lambda user, password: "Bearer \u00e9", "must return the whole Authorization"),
        (lambda user, password: "Bearer " + "x" * 30_000, "must return the whole Authorization"),
        (lambda user: "Bearer x", "raised TypeError"),
    ],
)
def test_a_function_that_gives_no_header_is_told(
    world: World, function: Callable[..., Any], says: str
) -> None:
    with Session("ann", "s3cret", world.base_url, login=function) as session:
        assert session.login_state == "error"
        assert says in session.login_message
        assert "s3cret" not in session.login_message
        assert world.ask(session) == 403
    assert {request.authorization for request in world.requests} == {""}


def test_no_frame_shows_the_password_when_a_function_is_interrupted(world: World) -> None:
    def fetch(user: str, password: str) -> str:
        raise KeyboardInterrupt

    session = Session(None, None, world.base_url, login="github")
    with session, pytest.raises(KeyboardInterrupt) as interrupted:
        Session("ann", "s3cret", world.base_url, login=fetch)
    with SessionPool(login=fetch) as pool, pytest.raises(KeyboardInterrupt) as pooled:
        pool.get(world.base_url, "ann", "s3cret")
    # Of the function's own frame nothing is left, since the password is in it.
    for caught in (interrupted, pooled):
        _check_frames(caught)


def _check_frames(interrupted: pytest.ExceptionInfo[KeyboardInterrupt]) -> None:
    shown = [repr(frame.f_locals) for frame, _ in traceback.walk_tb(interrupted.tb)]
    assert len(shown) > 1
    assert not any("s3cret" in text for text in shown)


@pytest.mark.parametrize("token", ["a b", "a\n", "a\r\nX: y", "\u00e9", "a\0"])
def test_a_token_with_a_line_break_is_refused(world: World, token: str) -> None:
    with pytest.raises(ValueError, match="strip") as refusal:
        Session("ann", token, world.base_url, login="bearer")
    assert token not in str(refusal.value)


# 3. Whose session it is.


def test_an_answer_for_another_user_is_withheld_and_the_session_dropped(world: World) -> None:
    world.gap_auth = "ann@example.org"
    with world.session() as session:
        assert world.ask(session) == 200
        world.gap_auth = "bob@example.org"
        with pytest.raises(errors.IdentityChanged) as withheld:
            world.ask(session)
        assert withheld.value.response is None
        assert (len(session.cookies), session.login_state) == (0, "error")
        world.gap_auth = "ann@example.org"
        assert world.ask(session) == 200
        session.authenticate()
        world.gap_auth = "carol@example.org"
        session.authenticate()
        assert world.ask(session) == 200
    assert len(world.posted()) == 4


def test_a_token_of_another_user_does_not_pass_for_the_same_session(world: World) -> None:
    world.gap_auth = "ann@example.org"
    with make(world, "a function") as session:
        assert world.ask(session) == 200
        world.gap_auth = "bob@example.org"
        with pytest.raises(errors.IdentityChanged):
            world.ask(session)


def test_another_sites_word_does_not_count(world: World) -> None:
    world.gap_auth = "ann@example.org"
    world.before = lambda request: (
        Answer(200, "", "text/plain", (("GAP-Auth", "bob@example.org"),))
        if request.host == world.canary[7:]
        else None
    )
    with world.session() as session:
        assert world.ask(session) == 200
        assert session.get(f"{world.canary}/x").status_code == 200


def test_credentials_of_a_call_do_not_make_the_session_another_users(world: World) -> None:
    world.before = lambda request: (
        Answer(200, "", "text/plain", (("GAP-Auth", "bob@example.org"),))
        if request.authorization
        else None
    )
    world.gap_auth = "ann@example.org"
    with world.session() as session:
        assert world.ask(session) == 200
        assert session.get(f"{world.proxy}/api", auth=("bob", "x")).status_code == 200
        assert world.ask(session) == 200


def test_the_pool_forgets_a_session_that_became_anothers(world: World) -> None:
    auth = {"type": "bitly-proxy", "data": {"endpoint": world.base_url}}
    world.gap_auth = "ann@example.org"
    backend = apikit.Backend(world.proxy, auth=auth, session_url=world.provider, login="form")
    with backend:
        assert backend.get("/api", auth=("ann", "s3cret")).text == "data"
        world.gap_auth = "bob@example.org"
        with pytest.raises(BackendError) as withheld:
            backend.get("/api", auth=("ann", "s3cret"))
        assert withheld.value.status_code == 502
        assert "data" not in str(withheld.value.content)
        world.requests.clear()
        assert backend.get("/api", auth=("ann", "s3cret")).text == "data"
    assert world.requests[0].path == "/oauth2/start"
    assert world.requests[0].cookie == ""


def test_the_pools_key_covers_the_way_and_the_whole_secret(world: World) -> None:
    long = "x" * 16_000
    world.takes = {f"Bearer {long}1"}
    with SessionPool(login="bearer") as pool:
        first = pool.get(world.base_url, "ann", f"{long}1")
        assert pool.get(world.base_url, "ann", f"{long}2") is not first
        assert pool.get(world.base_url, "ann", f"{long}1") is first
    keys = set()
    store = MemoryStore()  # whose keys are the same for all
    for login in ("github", "form", "basic", "bearer", give_token, _raise):
        with SessionPool(login=login, store=store) as pool:
            keys.add(pool._key_of(world.base_url, apikit._credentials.Credentials("a", "b"), None))
    assert len(keys) == 6


def test_the_pool_asks_a_function_once_and_with_the_password(world: World) -> None:
    asked = []

    def give(user: str, password: str) -> str:
        asked.append((user, password))
        assert pool.stats()["size"] == 0  # it may use the pool: no lock of it is held
        return f"Bearer {TOKEN}"

    with SessionPool(login=give) as pool:
        assert world.ask(pool.get(world.base_url, "ann", "s3cret")) == 200
    assert asked == [("ann", "s3cret")]


# 4. and 5. What is remembered, and what is not.


def test_a_refused_token_is_remembered_as_a_wrong_password_is(world: World) -> None:
    auth = {"type": "bitly-proxy", "data": {"endpoint": world.base_url}}
    with apikit.Backend(world.proxy, auth=auth, login="bearer") as backend:
        for _ in range(5):
            with pytest.raises(BackendError) as refusal:
                backend.get("/api", auth=("ann", "another.token.y"))
            assert refusal.value.status_code == 401
        assert backend.get("/api", auth=("ann", TOKEN)).text == "data"
    sent = [request.authorization for request in world.requests if request.path == "/api"]
    assert sent.count("Bearer another.token.y") == 1


@pytest.mark.parametrize("pages", [[PASSWORD, CODE], [PASSWORD, CONSENT]])
def test_what_is_no_wrong_password_is_not_remembered(world: World, pages: list[str]) -> None:
    world.pages = pages
    with SessionPool(login="form") as pool:
        for _ in range(2):
            with pytest.raises(LoginError) as refusal:
                pool.get(world.base_url, "ann", "s3cret", world.provider)
            assert refusal.value.state in ("two-factor", "consent")
    assert len(world.posted()) == 2


def test_a_code_is_posted_once_by_all_sessions_of_a_pool(world: World) -> None:
    world.pages = [PASSWORD, CODE]
    with SessionPool(login="form", otp=lambda user: "123456") as pool:
        pool.get(world.base_url, "ann", "s3cret", world.provider)
        pool.clear()
        with pytest.raises(LoginError, match="used already"):
            pool.get(world.base_url, "ann", "s3cret", world.provider)
        kept = repr([vars(pool._used_codes), pool.stats()])
    assert "123456" not in kept
    assert world.posted().count({"c": "123456"}) == 1


# 7. Redirects of a log-in.


@pytest.mark.parametrize("login", ["form", "github"])
@pytest.mark.parametrize("status", [302, 303, 307])
def test_a_redirect_of_the_callback_to_another_origin_is_not_followed(
    world: World, login: str, status: int
) -> None:
    page = PASSWORD + '<input type="hidden" name="authenticity_token" value="t">'
    world.pages = [page.replace("</form><input", "<input") + "</form>"]
    world.before = lambda request: (
        world.redirect(f"{world.canary}/x", ("Set-Cookie", "proxy=1; Path=/"), status=status)
        if request.path.startswith("/oauth2/callback")
        else None
    )
    world.logins = 1
    with Session("ann", "s3cret", world.base_url, world.provider, login=login) as session:
        assert session.login_state == "ok", session.login_message
        assert world.ask(session) == 200
    assert world.at_canary() == []


# All of it at once.


def test_ways_that_are_mixed_by_threads_never_mix_a_cookie_with_a_header(world: World) -> None:
    """The short form of ``./dev prove mixing``."""
    world.takes = {BASIC, f"Bearer {TOKEN}"}
    names = ["form", *HEADERS]
    lock = threading.Lock()
    with contextlib.ExitStack() as stack:
        sessions = {
            name: stack.enter_context(make(world, name) if name in HEADERS else world.session())
            for name in names
        }
        choices = random.Random(5)

        def ask(_: int) -> int:
            with lock:
                name = choices.choice(names)
            return world.ask(sessions[name])

        with ThreadPoolExecutor(16) as threads:
            assert set(threads.map(ask, range(500))) == {200}
    assert not [one for one in world.requests if one.cookie and one.authorization]
    assert world.posted() == [{"user": "ann", "secret": "s3cret"}]

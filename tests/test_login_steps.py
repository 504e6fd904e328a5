"""What comes after the password: codes, consent, and the log-in that needs no password."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import pytest

from apikit import Backend, Session, SessionPool, errors
from tests.ways_world import CODE, CONSENT, PASSWORD, Answer, Seen, World, running

USER = {"user": "ann", "secret": "s3cret"}


@pytest.fixture
def world() -> Iterator[World]:
    with running() as made:
        yield made


def test_the_password_is_posted_once_and_to_the_provider(world: World) -> None:
    with world.session() as session:
        assert (session.login_state, world.ask(session)) == ("ok", 200)
    assert world.posted() == [USER]


def test_a_code_is_asked_for_and_posted(world: World) -> None:
    world.pages = [PASSWORD, CODE]
    asked: list[str] = []

    def otp(user: str) -> str:
        asked.append(user)
        return " 123456\n"

    with world.session(otp=otp) as session:
        assert session.login_state == "ok", session.login_message
    assert (world.posted(), asked) == ([USER, {"c": "123456"}], ["ann"])


def test_a_second_code_is_asked_for_only_after_a_refusal_and_no_third(world: World) -> None:
    world.pages = [PASSWORD, CODE]
    world.accepts = lambda page, fields: page == PASSWORD or fields["c"] == "3"
    codes = iter("123")
    with world.session(otp=lambda user: next(codes)) as session:
        assert session.login_state == "two-factor"
        assert "otp=" in session.login_message
    assert world.posted() == [USER, {"c": "1"}, {"c": "2"}]


def test_the_same_code_is_never_posted_twice(world: World) -> None:
    world.pages = [PASSWORD, CODE]
    with world.session(otp=lambda user: "123456") as session:
        assert session.login_state == "ok"
        session.authenticate()
        assert session.login_state == "two-factor"
        assert "used already" in session.login_message
    assert world.posted() == [USER, {"c": "123456"}, USER]


def _raise(user: str) -> str:
    raise RuntimeError(f"the code of {user} is 123456")


#: otp -> state, and what the message says.
OTPS: dict[str, tuple[Callable[[str], Any] | None, str, str]] = {
    "none": (None, "two-factor", "pass otp=, or use login='bearer'"),
    "gives None": (lambda user: None, "two-factor", "pass otp="),
    "raises": (_raise, "error", "otp= raised RuntimeError"),
    "gives a number": (lambda user: 123456, "error", "must return a code"),
    "gives bytes": (lambda user: b"123456", "error", "must return a code"),
    "gives nothing": (lambda user: " ", "error", "must return a code"),
    "gives a line break": (lambda user: "12\n34", "error", "must return a code"),
    "gives a page": (lambda user: "1" * 65, "error", "must return a code"),
}


@pytest.mark.parametrize("name", OTPS)
def test_what_gives_no_code_is_told_and_nothing_posted(world: World, name: str) -> None:
    otp, state, says = OTPS[name]
    world.pages = [PASSWORD, CODE]
    with world.session(otp=otp) as session:
        assert session.login_state == state
        assert says in session.login_message
        assert "123456" not in session.login_message
    assert world.posted() == [USER]


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"otp": "123456"}, TypeError),
        ({"consent": 1}, TypeError),
        ({"consent": "yes"}, TypeError),
        ({"login": 5}, TypeError),
        ({"login": None}, TypeError),
        ({"login": "Form"}, ValueError),
        ({"login": "token"}, ValueError),
        ({"login": "caller"}, ValueError),
    ],
)
@pytest.mark.parametrize(
    "make", [Session, SessionPool, partial(Backend, "https://backend.example")]
)
def test_options_of_a_wrong_kind_are_refused(
    make: Callable[..., object], options: dict[str, Any], error: type
) -> None:
    ((name, _),) = options.items()
    with pytest.raises(error, match=name):
        make(**options)


def test_consent_is_given_if_asked_to(world: World) -> None:
    world.pages = [PASSWORD, CONSENT]
    with world.session() as session:
        assert session.login_state == "consent"
        assert "consent=True" in session.login_message
    with world.session(consent=True) as session:
        assert session.login_state == "ok"
    assert world.posted() == [USER, USER, {"yes": "1"}]


def test_consent_is_given_once(world: World) -> None:
    world.pages = [PASSWORD, CONSENT]
    world.accepts = lambda page, fields: page == PASSWORD
    with world.session(consent=True) as session:
        assert session.login_state == "consent"
    assert world.posted() == [USER, {"yes": "1"}]


def test_the_password_is_not_posted_twice_in_a_login(world: World) -> None:
    world.accepts = lambda page, fields: False
    with world.session() as session:
        assert session.login_state == "bad-credentials"
    assert world.posted() == [USER]


def test_a_lost_login_is_renewed_without_the_password_if_the_provider_knows_the_user(
    world: World,
) -> None:
    world.remembers = True
    with world.session() as session:
        world.lose()
        assert world.ask(session) == 200
        assert world.posted() == [USER]
        world.lose()
        session.authenticate()
        assert session.login_state == "ok"
    assert world.posted() == [USER, USER]


@pytest.mark.parametrize("place", ["", "/", "/realms", "/realms/lab", "/realms/lab/"])
def test_it_is_so_wherever_the_providers_cookie_goes(world: World, place: str) -> None:
    world.remembers = True
    world.folder = "/realms/lab"
    world.pages = [PASSWORD.replace("/step", "/realms/lab/step")]
    with Session(
        "ann", "s3cret", world.base_url, f"{world.provider}{place}", login="form"
    ) as session:
        assert session.login_state == "ok", session.login_message
        world.lose()
        assert world.ask(session) == 200
    assert world.posted() == [USER]


def test_a_code_is_needed_once_for_a_session_of_the_provider(world: World) -> None:
    world.pages = [PASSWORD, CODE]
    world.remembers = True
    codes = iter(["1"])
    with world.session(otp=lambda user: next(codes)) as session:
        for _ in range(3):
            world.lose()
            assert world.ask(session) == 200
    assert world.posted() == [USER, {"c": "1"}]


def test_a_provider_that_forgot_the_user_gets_the_password_again(world: World) -> None:
    with world.session() as session:
        world.lose()
        assert world.ask(session) == 200
    assert world.posted() == [USER, USER]


#: What a provider does in place of the page after the password -> the state that it leads to.
TROUBLES: dict[str, tuple[Callable[[World], Answer], str]] = {
    "sent on by 307": (lambda world: world.redirect("/elsewhere", status=307), "error"),
    "sent on by 308 to another origin": (
        lambda world: world.redirect(f"{world.canary}/x", status=308),
        "error",
    ),
    "a form that leads elsewhere": (
        lambda world: Answer(200, CODE.replace('"/step"', f'"{world.canary}/"')),
        "error",
    ),
    "a page elsewhere": (lambda world: world.redirect(f"{world.canary}/x"), "error"),
    "a megabyte": (lambda world: Answer(200, "<p>" * 350_000), "error"),
    "no HTML": (lambda world: Answer(200, CODE, "text/plain"), "error"),
    "a failure": (lambda world: Answer(500, "down"), "error"),
    "a new password": (
        lambda world: Answer(200, PASSWORD.replace("name=", 'autocomplete="new-password" name=')),
        "error",
    ),
    "too many": (lambda world: Answer(429, "slow down"), "rate-limited"),
    "closed for now": (
        lambda world: Answer(503, "", fields=(("Retry-After", "9"),)),
        "rate-limited",
    ),
}


#: GitHub's form, in short, at the place where it is.
GITHUB = PASSWORD.replace("/step", "/session").replace(
    "</form>", '<input type="hidden" name="authenticity_token" value="t"></form>'
)


@pytest.mark.parametrize("login", ["form", "github"])
@pytest.mark.parametrize("name", TROUBLES)
def test_trouble_after_the_password_is_a_state_and_nothing_else_is_posted(
    world: World, name: str, login: str
) -> None:
    trouble, state = TROUBLES[name]
    world.pages = [GITHUB if login == "github" else PASSWORD]
    world.before = lambda request: trouble(world) if request.method == "POST" else None
    with world.session(login=login, otp=lambda user: "1", consent=True) as session:
        assert session.login_state == state, session.login_message
        assert session.login_message
        world.before = lambda request: None
        session.authenticate()
        assert (session.login_state, world.ask(session)) == ("ok", 200)
    assert [form.items() >= USER.items() for form in world.posted()] == [True, True]
    assert not any(request.body for request in world.at_canary())


@pytest.mark.parametrize("login", ["form", "github"])
@pytest.mark.parametrize("charset", ["iso-8859-15", "utf-16", "shift_jis"])
def test_a_page_in_another_charset_is_read(world: World, charset: str, login: str) -> None:
    letters = {"shift_jis": "\u8a9e"}.get(charset, "\u00fc\u20ac")
    world.pages = [
        (GITHUB if login == "github" else PASSWORD).replace(
            "</form>", f'<input type="hidden" name="h" value="{letters}"></form>'
        )
    ]
    world.before = lambda request: (
        Answer(200, world.pages[0], f"text/html; charset={charset}", charset=charset)
        if request.path == "/login"
        else None
    )
    with world.session(login=login) as session:
        assert session.login_state == "ok", session.login_message
    assert [form["h"] for form in world.posted()] == [letters]


@pytest.mark.parametrize("login", ["form", "github"])
def test_a_page_in_a_charset_that_is_none_is_read_as_far_as_it_can(
    world: World, login: str
) -> None:
    page = GITHUB if login == "github" else PASSWORD
    world.before = lambda request: (
        Answer(200, "<p>\u00fc</p>" + page, "text/html; charset=nonsense")
        if request.path == "/login"
        else None
    )
    with world.session(login=login) as session:
        assert session.login_state == "ok", session.login_message


@pytest.mark.parametrize("login", ["form", "github"])
@pytest.mark.parametrize("has_form", [True, False])
def test_a_first_page_of_a_megabyte_is_read(world: World, login: str, has_form: bool) -> None:
    filling = "<p class=x>text &amp; more <a href=/y>z</a>\n" * 25_000
    form = GITHUB if login == "github" else PASSWORD
    world.pages = [filling + form * has_form + filling]
    with world.session(login=login) as session:
        assert session.login_state == ("ok" if has_form else "no-form"), session.login_message
        assert session.login_message
        if not has_form:
            world.pages = [form]
            session.authenticate()
        assert (session.login_state, world.ask(session)) == ("ok", 200)
    assert len(world.posted()) == 1


@pytest.mark.parametrize("die_at", ["/oauth2/start", "/login", "/step", "/oauth2/callback"])
def test_a_death_between_two_hops_is_an_error_and_the_session_is_of_use(
    world: World, die_at: str
) -> None:
    def die(request: Seen) -> Answer | None:
        return Answer(body=None) if request.path.startswith(die_at) else None

    world.before = die
    session = Session("ann", None, world.base_url, world.provider, login="form")
    with session:
        session.set_oauth2_password("s3cret")
        with pytest.raises(errors.ConnectionError):
            session.authenticate()
        assert session.login_state == "error"
        world.before = lambda request: None
        session.authenticate()
        assert (session.login_state, world.ask(session)) == ("ok", 200)


def test_a_login_that_ends_without_the_proxys_cookie_is_none(world: World) -> None:
    pages = {"/oauth2/callback": world.redirect("/open"), "/open": Answer(200, "for all")}
    world.before = lambda request: pages.get(request.path)
    with world.session() as session:
        assert session.login_state == "error"
        assert "gave no cookie" in session.login_message
        assert world.ask(session) == 403
    assert world.posted() == [USER]


def test_a_provider_that_goes_in_circles_comes_to_an_end(world: World) -> None:
    world.before = lambda request: world.redirect("/login") if request.path == "/login" else None
    session = Session("ann", None, world.base_url, world.provider, login="form")
    with session:
        session.set_oauth2_password("s3cret")
        with pytest.raises(errors.TooManyRedirects):
            session.authenticate()
        assert session.login_state == "error"
    assert len(world.requests) < 40
    assert world.posted() == []


def test_an_account_without_an_app_is_told_so_though_the_codes_page_leads_back(
    world: World,
) -> None:
    passkey = "/sessions/two-factor/webauthn"
    pages = {
        "/session": world.redirect(passkey),
        passkey: Answer(200, "<p>touch your key"),
        "/sessions/two-factor/app": world.redirect(passkey),
    }
    world.pages = [GITHUB]
    world.before = lambda request: pages.get(request.path)
    with world.session(login="github", otp=lambda user: "123456") as session:
        assert session.login_state == "two-factor"
        assert "no code of an app" in session.login_message
    paths = [request.path for request in world.requests]
    assert paths[2:] == ["/session", passkey, "/sessions/two-factor/app", passkey]


def test_a_provider_that_asks_page_after_page_comes_to_an_end(world: World) -> None:
    world.pages = [PASSWORD, *[CONSENT, CODE] * 20]
    codes = iter(range(100))
    with world.session(otp=lambda user: str(next(codes)), consent=True) as session:
        assert session.login_state in ("consent", "two-factor")
    assert len(world.posted()) == 3

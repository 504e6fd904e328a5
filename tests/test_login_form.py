"""A form is found by what it is, whoever's it is, and tells by its fields what it wants."""

from __future__ import annotations

import pytest

from apikit.login import Form, Outcome, Page, Purpose, find_strategy

BASE_URL = "https://proxy.example/oauth2/start"
PLACE = "https://id.example/realms/lab"
PAGE_URL = f"{PLACE}/auth?x=1"

USER = '<input type="text" name="u">'
SECRET = '<input type="password" name="p">'


def form(inside: str, attributes: str = 'method="post" action="/realms/lab/login"') -> str:
    return f"<form {attributes}>{inside}</form>"


def read(
    text: str,
    *,
    url: str = PAGE_URL,
    status: int = 200,
    place: str | None = PLACE,
    html: bool = True,
) -> Form | Outcome:
    return find_strategy("form")(BASE_URL, place).read(Page(url, status, text, html), {})


#: The pages of three providers and of the proxy, as they were seen: fields and what is filled in.
SEEN = {
    "Dex": (
        (
            '<form method="post" action="/realms/lab/local?req=abc">'
            '<input id="login" name="login" type="text" autofocus/>'
            '<input id="password" name="password" type="password"/>'
            '<button id="submit-login" type="submit">Login</button></form>'
        ),
        [("login", ""), ("password", "")],
        (0, 1),
    ),
    "oidc-provider": (
        (
            '<form autocomplete="off" action="https://id.example/realms/lab/1" method="post">'
            '<input type="hidden" name="prompt" value="login"/>'
            '<input required type="text" name="login" placeholder="Enter any login">'
            '<input required type="password" name="password">'
            '<button type="submit" class="login login-submit">Sign-in</button></form>'
        ),
        [("prompt", "login"), ("login", ""), ("password", "")],
        (1, 2),
    ),
    "Keycloak": (
        (
            '<form id="kc-form-login" action="https://id.example/realms/lab/a?s=1&amp;t=2" '
            'method="post"><input name="username" value="" type="text" autocomplete="username"/>'
            '<input name="password" type="password" autocomplete="current-password"/>'
            '<button type="button" aria-label="Show password"></button>'
            '<input type="checkbox" name="rememberMe">'
            '<input type="hidden" name="credentialId"/>'
            '<button name="login" type="submit">Sign In</button></form>'
        ),
        [("username", ""), ("password", ""), ("credentialId", ""), ("login", "")],
        (0, 1),
    ),
    "the proxy's own": (
        (
            '<form method="GET" action="/realms/lab/start">'
            '<input type="hidden" name="rd" value="/"><button type="submit">Sign in</button></form>'
            '<form method="POST" action="/realms/lab/sign_in">'
            '<input type="hidden" name="rd" value="/"><input type="text" name="username">'
            '<input class="input" type="password" name="password">'
            "<button>Sign in</button></form>"
        ),
        [("rd", "/"), ("username", ""), ("password", "")],
        (1, 2),
    ),
    "an e-mail in place of a name": (
        form(
            f'<input type="text" name="x"><input type="email" name="m" autocomplete=email>{SECRET}'
        ),
        [("x", ""), ("m", ""), ("p", "")],
        (1, 2),
    ),
    "boxes that are checked, and the first button": (
        form(
            f"{USER}{SECRET}<input type=checkbox name=a value=1 checked>"
            "<input type=checkbox name=b>"
            "<button name=go value=1></button><button name=stop value=1></button>"
        ),
        [("u", ""), ("p", ""), ("a", "1"), ("go", "1")],
        (0, 1),
    ),
    "a sign-up beside it": (
        form('<input name=n><input type=password name=q autocomplete="new-password">')
        + form(USER + SECRET),
        [("u", ""), ("p", "")],
        (0, 1),
    ),
}


@pytest.mark.parametrize("name", SEEN)
@pytest.mark.parametrize("status", [200, 401, 403])
def test_a_form_is_found_whoever_shows_it(name: str, status: int) -> None:
    text, fields, places = SEEN[name]
    found = read(text, status=status)
    assert isinstance(found, Form), found
    assert list(found.fields) == fields
    assert (found.username, found.password) == places
    assert found.action.startswith(f"{PLACE}/")


def test_a_form_without_an_action_goes_to_its_page() -> None:
    found = read(form(USER + SECRET, "method=post"))
    assert isinstance(found, Form)
    assert found.action == PAGE_URL


#: What must not be filled in -> state.
NOT = {
    "no form": ("", {}, "no-form"),
    "two forms": (form(USER + SECRET) * 2, {}, "no-form"),
    "three passwords": (form(USER + SECRET * 3), {}, "error"),
    "a new password": (
        form(USER + SECRET.replace("name", 'autocomplete="new-password" name')),
        {},
        "error",
    ),
    "by GET": (form(USER + SECRET, "action=/realms/lab/x"), {}, "no-form"),
    "of several parts": (
        form(USER + SECRET, "method=post enctype=multipart/form-data"),
        {},
        "no-form",
    ),
    "no user name": (form(SECRET), {}, "no-form"),
    "two fields before the password": (form(USER + USER + SECRET), {}, "no-form"),
    "a disabled password": (form(USER + SECRET.replace("name", "disabled name")), {}, "no-form"),
    "a foreign action": (form(USER + SECRET, "method=post action=https://evil/"), {}, "error"),
    "an action beside the path": (
        form(USER + SECRET, "method=post action=/realms/laboratory"),
        {},
        "error",
    ),
    "an action that is none": (form(USER + SECRET, "method=post action=javascript:x"), {}, "error"),
    "a foreign page": (form(USER + SECRET), {"url": "https://evil.example/realms/lab"}, "no-form"),
    "a page beside the path": (form(USER + SECRET), {"url": "https://id.example/login"}, "no-form"),
    "a failure": (form(USER + SECRET), {"status": 500}, "no-form"),
    "no HTML": (form(USER + SECRET), {"html": False}, "no-form"),
    "too many": ("", {"status": 429}, "rate-limited"),
}


@pytest.mark.parametrize("name", NOT)
def test_what_is_not_the_form_is_not_filled_in(name: str) -> None:
    text, more, state = NOT[name]
    found = read(text, **more)
    assert isinstance(found, Outcome), found
    assert found.state == state
    assert found.message


CODE = '<input type="text" name="any" autocomplete="one-time-code">'

#: What a page after the password wants: a state, or the purpose and fields of its form.
NEXT = {
    "the form again": (PAGE_URL, 200, form(USER + SECRET), "bad-credentials"),
    "the form again, with 401": (PAGE_URL, 401, form(USER + SECRET), "bad-credentials"),
    "a new password": (
        PAGE_URL,
        200,
        form(SECRET.replace("name", 'autocomplete="new-password" name') * 2),
        "error",
    ),
    "two passwords that do not say they are new": (PAGE_URL, 200, form(SECRET * 2), "error"),
    "a code": (
        PAGE_URL,
        200,
        form("<input type=hidden name=h value=1>" + CODE + "<button name=login>"),
        (Purpose.CODE, [("h", "1"), ("any", ""), ("login", "")]),
    ),
    "a code by its name": (PAGE_URL, 200, form("<input name=otp>"), (Purpose.CODE, [("otp", "")])),
    "consent, Dex": (
        PAGE_URL,
        200,
        form(
            '<input type="hidden" name="req" value="r"><input type="hidden" name="approval" '
            'value="approve"><button type="submit">Grant Access</button>',
            "method=post",
        )
        + form(
            '<input type="hidden" name="req" value="r"><input type="hidden" name="approval" '
            'value="rejected"><button type="submit">Cancel</button>',
            "method=post",
        ),
        (Purpose.CONSENT, [("req", "r"), ("approval", "approve")]),
    ),
    "consent, the refusal first": (
        PAGE_URL,
        200,
        form('<input type="hidden" name="approval" value="rejected"><button></button>')
        + form('<input type="hidden" name="approval" value="approve"><button></button>'),
        (Purpose.CONSENT, [("approval", "approve")]),
    ),
    "consent, Keycloak": (
        PAGE_URL,
        200,
        form(
            '<input type="hidden" name="code" value="c">'
            '<input name="cancel" type="submit" value="No"/>'
            '<input name="accept" type="submit" value="Yes"/>'
        ),
        (Purpose.CONSENT, [("code", "c"), ("accept", "Yes")]),
    ),
    "a form that leads elsewhere": (
        PAGE_URL,
        200,
        form("<button name=ok></button>", "method=post action=https://evil/"),
        "error",
    ),
    "only a refusal": (PAGE_URL, 200, form("<button name=cancel></button>"), "error"),
    "a page of script": (PAGE_URL, 200, "<script></script>", "error"),
    "busy": (PAGE_URL, 429, "", "rate-limited"),
    "at the proxy": ("https://proxy.example/", 200, "data", "ok"),
    "at the proxy, a form of the service's": (
        "https://proxy.example/",
        200,
        form("<button></button>", "method=post"),
        "ok",
    ),
    "refused by the proxy": ("https://proxy.example/oauth2/callback?code=1", 403, "", "error"),
    "elsewhere": ("https://other.example/", 200, "", "error"),
}


@pytest.mark.parametrize("name", NEXT)
def test_the_fields_tell_what_is_wanted(name: str) -> None:
    url, status, text, wanted = NEXT[name]
    found = find_strategy("form")(BASE_URL, PLACE).judge(Page(url, status, text))
    if isinstance(wanted, str):
        assert isinstance(found, Outcome), found
        assert (found.state, bool(found.message)) == (wanted, True)
    else:
        assert isinstance(found, Form), found
        assert (found.purpose, list(found.fields)) == wanted


def test_without_a_session_url_the_place_is_the_base_urls_origin() -> None:
    own = "https://proxy.example/oauth2/sign_in?rd=/"
    text = form(USER + SECRET, "method=post action=/oauth2/sign_in")
    strategy = find_strategy("form")(own, None)
    assert isinstance(strategy.read(Page(own, 200, text), {}), Form)
    away = strategy.read(Page("https://id.example/", 200, text), {})
    assert isinstance(away, Outcome)
    assert away.state == "no-form"
    again = strategy.judge(Page("https://proxy.example/oauth2/sign_in", 401, text))
    assert isinstance(again, Outcome)
    assert again.state == "bad-credentials"
    # The service's own form, behind the proxy, is none of the log-in's.
    inside = strategy.judge(Page("https://proxy.example/", 200, text))
    assert isinstance(inside, Outcome)
    assert inside.state == "ok"


@pytest.mark.timeout(60)
def test_a_page_of_fieldsets_in_fieldsets_is_read() -> None:
    filling = "<fieldset><input>" * 120_000
    assert isinstance(read(filling + form(USER + SECRET)), Form)


def test_a_page_of_a_megabyte_is_read() -> None:
    filling = "<p class=x>text &amp; more <a href=/y>z</a>" * 25_000
    assert isinstance(read(filling + form(USER + SECRET)), Form)

"""The login form is found and filled in as a browser would, or not at all."""

import pytest

from apikit.login import Form, Link, Outcome, Page, Purpose, find_strategy, find_way
from apikit.login.forms import parse_forms

PAGE_URL = "https://github.com/login?return_to=x"
SESSION_URL = "https://github.com/session"
BASE_URL = "https://proxy.example/oauth2/start"

TOKEN = '<input type="hidden" name="authenticity_token" value="T0+k/en==">'
USER = '<input type="text" name="login">'
SECRET = '<input type="password" name="password">'
COMMIT = '<input type="submit" name="commit" value="Sign in">'
INSIDE = TOKEN + USER + SECRET + COMMIT


def form(inside=INSIDE, attributes='action="/session" method="post"'):
    return f"<form {attributes}>{inside}</form>"


def read(text, extra=None, url=PAGE_URL, status=200, session_url=SESSION_URL):
    strategy = find_strategy("github")(BASE_URL, session_url)
    return strategy.read(Page(url, status, text), extra or {})


PLAIN = [
    ("authenticity_token", "T0+k/en=="),
    ("login", ""),
    ("password", ""),
    ("commit", "Sign in"),
]

#: Pages that say the same in other words.
SAME = {
    "plain": form(),
    "attributes in another order": form(
        '<input value="T0+k/en==" name="authenticity_token" type="hidden">' + USER + SECRET + COMMIT
    ),
    "single quotes": form(INSIDE.replace('"', "'")),
    "no quotes": form(
        "<input type=hidden name=authenticity_token value=T0+k/en==>"
        "<input name=login><input type=password name=password>" + COMMIT
    ),
    "entities": form(INSIDE.replace("T0+k/en==", "&#84;0&#x2b;k&sol;en&equals;=")),
    "capitals": form(INSIDE.replace("input", "INPUT").replace("type", "TYPE")).replace(
        "form", "FORM"
    ),
    "capital values": form(
        INSIDE.replace('"hidden"', '"HIDDEN"').replace('"password" name', '"PassWord" name')
    ),
    "white space": form(INSIDE.replace("<input ", "<input\n\t  ").replace('">', '"\n/>')),
    "xhtml": form(INSIDE.replace(">", "/>")),
    "closed form tag": f'<form action="/session" method="post"/>{INSIDE}</form>',
    "no closing tag": f'<form action="/session" method="post">{INSIDE}',
    "method in capitals": form(attributes='action="/session" method="POST"'),
    "absolute action": form(attributes=f'action="{SESSION_URL}" method="post"'),
    "action with entities": form(attributes='action="/session?a=1&amp;b=2" method="post"'),
    "action without scheme": form(attributes='action="//github.com/session" method="post"'),
    "action with the port": form(attributes='action="https://GitHub.com:443/" method="post"'),
    "relative action": form(attributes='action="session" method="post"'),
    "no action": form(attributes='method="post"'),
    "empty action": form(attributes='action="" method="post"'),
    "base": '<base href="/elsewhere/">' + form(attributes='action="../session" method="post"'),
    "enctype": form(attributes='method=post enctype="application/x-www-form-urlencoded"'),
    "an attribute twice": form(attributes='method="post" method="get"'),
    "a token twice in one tag": form(
        '<input type=hidden name=authenticity_token value="T0+k/en==" value=x>'
        + USER
        + SECRET
        + COMMIT
    ),
    "a button": form(TOKEN + USER + SECRET + '<button name="commit" value="Sign in">x</button>'),
    "a button without value": form(TOKEN + USER + SECRET + '<button name="commit">x</button>'),
    "no button": form(TOKEN + USER + SECRET),
    "an e-mail": form(TOKEN + USER.replace("text", "email") + SECRET + COMMIT),
    "in divisions": form(f"<div><p>{TOKEN}<label>{USER}</label></div><table><td>{SECRET}{COMMIT}"),
    "a search before": '<form action="/search"><input name="q"></form>' + form(),
    "a form without password": form('<input type=hidden name=authenticity_token value="no">')
    + form(),
    "a password by GET": form(INSIDE, 'action="/session"') + form(),
    "a sign-up": form(
        '<input name="user[login]"><input type=password name=p autocomplete="new-password">'
    )
    + form(),
    "two passwords": form("<input type=password name=a><input type=password name=b>", "method=post")
    + form(),
    "in a comment": f"<!-- {form()} -->" + form(),
    "in a script": f"<script>var x = '{form()}';</script>" + form(),
    "in a style": f"<style>{form()}</style>" + form(),
    "in a template": f"<template>{form()}<template></template>{form()}</template>" + form(),
    "in a text area": f"<textarea>{form()}</textarea>" + form(),
    "in a title": f"<title>{form()}</title>" + form(),
    "of several parts": form(attributes='method=post enctype="multipart/form-data"') + form(),
    "disabled": form(INSIDE + "<input type=hidden name=no value=x disabled>"),
    "in a disabled fieldset": form(
        INSIDE + "<fieldset disabled><fieldset><input type=hidden name=no></fieldset></fieldset>"
    ),
    "no name": form(INSIDE + '<input type=hidden value="x">'),
    "an unchecked box": form(INSIDE + "<input type=checkbox name=no value=x>"),
    "other buttons": form(INSIDE + "<button name=no value=x></button><input type=reset name=no>"),
    "a form in the form": form(f'<form action="/elsewhere">{INSIDE}'),
    "not UTF-8": "\ufffd\ufffd" + form(),
    "nothing closed": f"<html><body><div><span><b>{form()}",
    "broken tags": f"<<<< <!> <! > </> <p <a href=>{form()}",
    "a NUL": "\0" + form(),
}


@pytest.mark.parametrize("name", SAME)
def test_the_form_is_found(name):
    found = read(SAME[name])
    assert isinstance(found, Form), found
    assert list(found.fields) == PLAIN
    assert (found.username, found.password) == (1, 2)
    assert (found.action, found.page) == (SESSION_URL, PAGE_URL)


#: Pages without a form that may be filled in.
NONE = {
    "nothing": "",
    "text": "no form here",
    "no token": form(USER + SECRET + COMMIT),
    "the token outside": TOKEN + form(USER + SECRET + COMMIT),
    "the token in another form": form(TOKEN) + form(USER + SECRET + COMMIT),
    "two forms with a password": form() + form(),
    "another form with a password": form() + form(INSIDE, 'action="/other" method="post"'),
    "two passwords": form(INSIDE + "<input type=password name=again>"),
    "a new password": form(INSIDE.replace("name=", 'autocomplete="new-password" name=')),
    "no password": form(TOKEN + USER + COMMIT),
    "a password without a name": form(TOKEN + USER + "<input type=password>"),
    "a disabled password": form(TOKEN + USER + "<input type=password name=p disabled>"),
    "no user name": form(TOKEN + SECRET + COMMIT),
    "the user name behind the password": form(TOKEN + SECRET + USER),
    "by GET": form(attributes='action="/session"'),
    "of several parts": form(attributes='method=post enctype="multipart/form-data"'),
    "in a comment": f"<!-- {form()} -->",
    "in a script": f"<script>{form()}</script>",
    "in a template": f"<template>{form()}</template>",
    "outside of the form": form("") + INSIDE,
}


@pytest.mark.parametrize("name", NONE)
def test_no_form_is_filled_in(name):
    found = read(NONE[name])
    assert isinstance(found, Outcome), found
    assert found.state == "no-form"


FOREIGN = [
    "https://evil.example/session",
    "//evil.example/session",
    "http://github.com/session",
    "https://github.com:8443/session",
    "https://github.com.evil.example/session",
    "https://github.com@evil.example/session",
    "https://gist.github.com/session",
    "javascript:alert(1)",
    "data:text/html,x",
    "mailto:x@evil.example",
    "https://",
    "https://[bad/session",
]


@pytest.mark.parametrize("action", FOREIGN)
def test_a_form_that_leads_elsewhere_is_not_filled_in(action):
    found = read(form(attributes=f'action="{action}" method="post"'))
    assert isinstance(found, Outcome)
    assert found.state == "error"


def test_a_base_that_leads_elsewhere_counts():
    found = read('<base href="https://evil.example/">' + form())
    assert found == Outcome("error", "the login form leads to another origin than the session URL")


@pytest.mark.parametrize(
    "url", ["https://evil.example/login", "http://github.com/login", "https://github.com:444/login"]
)
def test_a_page_of_another_origin_is_not_filled_in(url):
    found = read(form(attributes=f'action="{SESSION_URL}" method="post"'), url=url)
    assert isinstance(found, Outcome)
    assert found.state == "no-form"


def test_too_many_requests_is_told():
    assert read(form(), status=429).state == "rate-limited"


def test_every_hidden_input_is_sent_in_order():
    found = read(
        form(
            '<input name="utf8" type="hidden" value="&#x2713;">'
            + TOKEN
            + USER
            + SECRET
            + '<input type="hidden" name="return_to" value="/a?b=1&amp;c=2">'
            '<input type="hidden" name="empty">'
            '<input type="hidden" name="twice" value="1">'
            '<input type="hidden" name="twice" value="2">'
            '<input type="text" name="required_field_1" hidden="hidden">'
            '<input type="checkbox" name="stay" checked>'
            '<input type="radio" name="way" value="a">'
            '<input type="radio" name="way" value="b" checked>' + COMMIT
        )
    )
    assert list(found.fields) == [
        ("utf8", "\u2713"),
        PLAIN[0],
        ("login", ""),
        ("password", ""),
        ("return_to", "/a?b=1&c=2"),
        ("empty", ""),
        ("twice", "1"),
        ("twice", "2"),
        ("required_field_1", ""),
        ("stay", "on"),
        ("way", "b"),
        ("commit", "Sign in"),
    ]
    assert (found.username, found.password) == (2, 3)


def test_controls_may_name_their_form():
    found = read(
        '<form id="f" action="/session" method="post"></form>'
        + INSIDE.replace("<input", '<input form="f"')
    )
    assert list(found.fields) == PLAIN


@pytest.mark.parametrize(
    ("inputs", "place"),
    [
        ('<input type=text name="search">' + USER, 2),
        ('<input type=text name="a" autocomplete="username">' + USER, 1),
        (USER + '<input type=email name="b" autocomplete="webauthn username">', 2),
        ('<input type=text name="first"><input type=text name="second">', 1),
    ],
)
def test_the_user_names_field_is_told_from_others(inputs, place):
    assert read(form(TOKEN + inputs + SECRET)).username == place


def test_the_callers_fields_win_but_not_over_the_token():
    extra = {
        "commit": "Log in",
        "authenticity_token": "stale",
        "return_to": "/mine",
        "more": b"bytes",
        "number": 5,
        "none": None,
    }
    inside = INSIDE + '<input type=hidden name=return_to value="/page">'
    found = read(form(inside), extra)
    assert list(found.fields) == [
        ("authenticity_token", "T0+k/en=="),
        ("login", ""),
        ("password", ""),
        ("return_to", "/mine"),
        ("commit", "Log in"),
        ("more", "bytes"),
        ("number", "5"),
    ]


def test_the_callers_user_name_wins():
    found = read(form(), {"login": "somebody"})
    assert found.fields[1] == ("login", "somebody")
    assert (found.username, found.password) == (-1, 2)


@pytest.mark.parametrize("session_url", ["https://github.com", "https://github.com/"])
def test_a_session_url_without_a_path_leaves_the_choice_to_the_form(session_url):
    found = read(form(attributes='action="/there?x=1" method="post"'), session_url=session_url)
    assert found.action == "https://github.com/there?x=1"
    found = read(form(attributes='method="post"'), session_url=session_url)
    assert found.action == PAGE_URL


def test_a_page_of_a_megabyte_is_read():
    filling = '<p class="x">text &amp; more</p>\n<a href="/y">z</a>' * 20000
    found = read(filling + form() + filling)
    assert list(found.fields) == PLAIN


#: (URL, status, page) -> state.
OUTCOMES = {
    "at the proxy": ("https://proxy.example/", 200, "hello", "ok"),
    "at the proxy, not found": ("https://proxy.example/", 404, "no such page", "ok"),
    "refused by the proxy": ("https://proxy.example/oauth2/callback?code=1", 403, "", "error"),
    "failed at the proxy": ("https://proxy.example/oauth2/callback?code=1", 500, "", "error"),
    "the proxy asks again": (
        "https://proxy.example/",
        403,
        '<form method="GET" action="/oauth2/start"><button>Sign in</button></form>',
        "error",
    ),
    "somewhere else": ("https://other.example/", 200, "", "error"),
    "the form again": (SESSION_URL, 200, form(), "bad-credentials"),
    "the form again, with 422": (SESSION_URL, 422, "", "bad-credentials"),
    "too many": (SESSION_URL, 429, "", "rate-limited"),
    "a code": ("https://github.com/sessions/two-factor/app", 200, form(TOKEN), "two-factor"),
    "a device": ("https://github.com/sessions/verified-device", 200, "", "device"),
    "a consent": ("https://github.com/login/oauth/authorize?x=1", 200, "", "consent"),
    "a page like it": ("https://github.com/sessions/two-factorial", 200, "", "error"),
    "a failure there": ("https://github.com/session", 500, "", "error"),
}


@pytest.mark.parametrize("name", OUTCOMES)
def test_the_outcome_is_told(name):
    url, status, text, state = OUTCOMES[name]
    outcome = find_strategy("github")(BASE_URL, SESSION_URL).judge(Page(url, status, text))
    assert outcome.state == state
    assert outcome.message


def test_an_account_that_prefers_another_second_factor_is_asked_for_its_code():
    page = Page("https://github.com/sessions/two-factor/webauthn", 200, form(TOKEN))
    link = find_strategy("github")(BASE_URL, SESSION_URL).judge(page)
    assert isinstance(link, Link)
    assert link.url == "https://github.com/sessions/two-factor/app"
    assert (link.purpose, link.otherwise.state) == (Purpose.CODE, "two-factor")


AGREE = (
    '<button name="authorize" value="0">Cancel</button>'
    '<button name="authorize" value="1">Yes</button>'
)


def test_consent_is_found_at_its_own_page_alone():
    strategy = find_strategy("github")(BASE_URL, SESSION_URL)
    url = "https://github.com/login/oauth/authorize"
    agree = form(TOKEN + AGREE, 'method="post" action="/login/oauth/authorize"')
    found = strategy.judge(Page(f"{url}?x=1", 200, form(TOKEN, "method=post action=/x") + agree))
    assert (found.purpose, found.fields[-1]) == (Purpose.CONSENT, ("authorize", "1"))
    passkey = form(TOKEN + AGREE, 'method="post" action="/session"')
    for page in (Page("https://github.com/passkey", 200, passkey), Page(url, 200, passkey)):
        assert isinstance(strategy.judge(page), Outcome)


def test_without_a_proxy_the_login_ends_at_the_provider():
    strategy = find_strategy("github")("https://github.com/login", SESSION_URL)
    assert strategy.judge(Page("https://github.com/", 200, "hello")).state == "ok"
    assert strategy.judge(Page(SESSION_URL, 200, form())).state == "bad-credentials"
    assert strategy.judge(Page("https://github.com/x", 500, "")).state == "error"


@pytest.mark.parametrize(
    ("name", "error"), [(None, TypeError), (5, TypeError), ("", ValueError), ("gitlab", ValueError)]
)
def test_a_strategy_must_be_one(name, error):
    with pytest.raises(error, match="login must be"):
        find_way(name)


def test_forms_of_a_page_are_told_apart():
    first, second = parse_forms(
        '<form id=a><input name=x></form><form method=POST action=" /y "></form>', PAGE_URL
    )
    assert (first.action, first.method) == (PAGE_URL, "get")
    assert (second.action, second.method) == ("https://github.com/y", "post")
    assert first.named("x").kind == "text"
    assert first.named("y") is None

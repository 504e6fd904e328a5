"""Session.Session: what it takes, shows, sends and logs in with."""

from __future__ import annotations

import os
import urllib.parse
from collections.abc import Callable
from typing import Any
from unittest import mock

from BitlyOAuth2ProxySession import Session

from . import fix, keep
from .observe import outcome, outcomes, recorded, script

GITHUB = "https://github.com/session"

#: The original cuts 88 characters out of the page, so its token is that long.
TOKENS = ["A" * 86 + "==", "B" * 86 + "=="]


def _page(token: str, extra: str = "") -> dict[str, Any]:
    """Return a login page as the provider's; the original reads it by fixed offsets."""
    form = (
        '<form action="{here}/session" method="post">'
        f'<input name="authenticity_token" type="hidden" value="{token}">{extra}'
        '<input type="text" name="login"><input type="password" name="password">'
        '<input type="submit" name="commit" value="Sign in"></form>'
    )
    return {
        "headers": [["Content-Type", "text/html; charset=utf-8"]],
        "body": f"<html><body>{form}</body></html>",
    }


def _new(url: str, **changes: Any) -> Any:
    options = {
        "oauth2_username": "ann",
        "oauth2_password": "hunter2",
        "authentication_base_url": url + "/start",
        "authentication_session_url": url + "/session",
    }
    return Session.Session(**{**options, **changes})


def _form(request: dict[str, Any]) -> dict[str, list[str]]:
    return urllib.parse.parse_qs(request["body"], keep_blank_values=True)


def _trail(url: str) -> list[list[str]]:
    return [[request["method"], request["path"]] for request in recorded(url)]


def _getters(session: Any) -> list[Any]:
    return [
        session.get_oauth2_username(),
        session.get_authentication_base_url(),
        session.get_authentication_session_url(),
        session.get_authentication_postdata(),
    ]


def _attributes(session: Any) -> list[Any]:
    return [
        session.oauth2_username,
        session.authentication_base_url,
        session.authentication_session_url,
        session.authentication_postdata,
    ]


@keep("session.arguments")
def no_argument_at_all(_: str) -> Any:
    session = Session.Session()
    return [_getters(session), _attributes(session)]


@keep("session.arguments")
def every_argument_by_position(_: str) -> Any:
    session = Session.Session("u", None, "http://b.invalid", "http://s.invalid", {"a": "1"})
    return [_getters(session), _attributes(session)]


@keep("session.arguments")
def unknown_keyword_is_a_type_error(_: str) -> Any:
    return outcomes(
        {
            "unknown": lambda: Session.Session(colour="red"),
            "sixth": lambda: Session.Session(None, None, None, None, None, None),
        }
    )


@keep("session.attributes")
def attributes_can_be_assigned(_: str) -> Any:
    session = Session.Session()
    session.oauth2_username = "u"
    session.authentication_base_url = "http://b.invalid"
    session.authentication_session_url = "http://s.invalid"
    session.authentication_postdata = {"a": "1"}
    return _getters(session)


@keep("session.attributes")
def postdata_given_is_shown(_: str) -> Any:
    session = Session.Session(authentication_postdata={"login": "u", "extra": "1"})
    return [session.authentication_postdata, session.get_authentication_postdata()]


@keep("session.setters")
def setters_and_getters(_: str) -> Any:
    session = Session.Session()
    returned = [
        session.set_oauth2_username("u"),
        session.set_oauth2_password("p"),
        session.set_authentication_base_url("http://b.invalid"),
        session.set_authentication_session_url("http://s.invalid"),
    ]
    return [returned, _getters(session), _attributes(session)]


@keep("session.setters")
def setters_by_keyword(_: str) -> Any:
    session = Session.Session()
    session.set_oauth2_username(username="u")
    session.set_oauth2_password(password="p")
    session.set_authentication_base_url(url="http://b.invalid")
    session.set_authentication_session_url(url="http://s.invalid")
    return _getters(session)


@keep("session.setters")
def setters_take_none(_: str) -> Any:
    session = Session.Session("u", None, "http://b.invalid", "http://s.invalid")
    session.set_oauth2_username(None)
    session.set_oauth2_password(None)
    session.set_authentication_base_url(None)
    session.set_authentication_session_url(None)
    return _getters(session)


@keep("session.construction")
def logs_in_when_all_three_are_given(server: str) -> Any:
    url = script(server, _page(TOKENS[0]), {"body": "welcome"})
    _new(url)
    return _trail(url)


@keep("session.construction")
def does_not_log_in_when_one_is_missing(server: str) -> Any:
    url = script(server, _page(TOKENS[0]), {"body": "welcome"})
    for missing in ("oauth2_username", "oauth2_password", "authentication_base_url"):
        for nothing in (None, ""):
            _new(url, **{missing: nothing})
    return _trail(url)


@keep("session.authenticate")
def setters_and_then_authenticate(server: str) -> Any:
    url = script(server, _page(TOKENS[0]), {"body": "welcome"})
    session = Session.Session()
    session.set_oauth2_username("ann")
    session.set_oauth2_password("hunter2")
    session.set_authentication_base_url(url + "/start")
    session.set_authentication_session_url(url + "/session")
    returned = session.authenticate()
    sent = _form(recorded(url)[1])
    return [
        returned,
        _trail(url),
        {n: sent[n] for n in ("login", "password", "authenticity_token")},
    ]


@keep("session.authenticate")
def bad_credentials_do_not_raise(server: str) -> Any:
    url = script(server, _page(TOKENS[0]), _page(TOKENS[1]))
    session = _new(url, oauth2_password="wrong")
    return [type(session).__name__, _trail(url)]


@keep("session.authenticate")
def session_url_has_its_default_afterwards(server: str) -> Any:
    url = script(server, _page(TOKENS[0]), {"body": "welcome"})
    session = _new(url, oauth2_password=None, authentication_session_url=None)
    session.set_oauth2_password("hunter2")
    before = session.get_authentication_session_url()
    # Nothing leaves this machine: no proxy listens there.
    with mock.patch.dict(os.environ, {"https_proxy": "http://127.0.0.1:9"}):
        outcome(session.authenticate)
    return [before, session.get_authentication_session_url()]


@keep("session.authenticate")
def authenticate_starts_with_an_empty_jar(server: str) -> Any:
    first = {**_page(TOKENS[0])}
    first["headers"] = [*first["headers"], ["Set-Cookie", "csrf=1; Path=/"]]
    url = script(server, first, {"body": "welcome"}, first, {"body": "welcome"})
    session = _new(url)
    session.authenticate()
    return [request["headers"].get("cookie") for request in recorded(url)]


@fix("session.token", original=[True, True], ours=[True, False])
def second_login_sends_the_token_of_its_own_page(server: str) -> Any:
    url = script(server, _page(TOKENS[0]), {}, _page(TOKENS[1]), {})
    session = _new(url)
    session.authenticate()
    posted = [_form(recorded(url)[place])["authenticity_token"][0] for place in (1, 3)]
    return [token == TOKENS[0] for token in posted]


@fix("session.token", original=False, ours=True)
def token_is_read_from_the_form_whatever_its_place(server: str) -> Any:
    page = _page("short&amp;token")
    page["body"] = page["body"].replace(
        'name="authenticity_token" type="hidden" value="short&amp;token"',
        "value='short&amp;token' type=hidden name='authenticity_token'",
    )
    url = script(server, page, {})
    _new(url)
    return _form(recorded(url)[1])["authenticity_token"] == ["short&token"]


@fix("session.hidden-inputs", original=None, ours=["/back?a=1&b=2"])
def every_hidden_input_is_sent(server: str) -> Any:
    extra = '<input type="hidden" name="return_to" value="/back?a=1&amp;b=2">'
    url = script(server, _page(TOKENS[0], extra), {})
    _new(url)
    return _form(recorded(url)[1]).get("return_to")


@fix("session.commit", original=["Sign+in"], ours=["Sign in"])
def commit_is_sign_in(server: str) -> Any:
    url = script(server, _page(TOKENS[0]), {})
    _new(url)
    return _form(recorded(url)[1])["commit"]


@fix("session.postdata", original=True, ours=False)
def postdata_never_shows_the_password(server: str) -> Any:
    url = script(server, _page(TOKENS[0]), {})
    session = _new(url)
    shown = [session.get_authentication_postdata(), session.authentication_postdata]
    return "hunter2" in str(shown)


@keep("session.postdata")
def callers_postdata_is_sent(server: str) -> Any:
    url = script(server, _page(TOKENS[0]), {})
    _new(url, authentication_postdata={"login": "bob", "x": "1"})
    sent = _form(recorded(url)[1])
    return [sent["login"], sent["x"]]


@fix("session.cookies", original={"raises": "AttributeError"}, ours={"returns": {"a": "1"}})
def cookies_can_be_asked_for_a_dict_after_a_login(server: str) -> Any:
    answer = {"body": "welcome", "headers": [["Set-Cookie", "a=1; Path=/"]]}
    session = _new(script(server, _page(TOKENS[0]), answer))
    return outcome(lambda: session.cookies.get_dict())


@fix("session.cookies", original={"raises": "TypeError"}, ours={"returns": "1"})
def cookies_can_be_subscripted_after_a_login(server: str) -> Any:
    answer = {"body": "welcome", "headers": [["Set-Cookie", "a=1; Path=/"]]}
    session = _new(script(server, _page(TOKENS[0]), answer))
    return outcome(lambda: session.cookies["a"])


@fix("session.encoding", original={"raises": "UnicodeDecodeError"}, ours={"returns": 2})
def login_page_that_is_not_utf8(server: str) -> Any:
    page = _page(TOKENS[0])
    page["headers"] = [["Content-Type", "text/html; charset=iso-8859-1"]]
    page["latin1"] = "<!-- caf\u00e9 -->"
    url = script(server, page, {})

    def log_in() -> int:
        _new(url)
        return len(recorded(url))

    return outcome(log_in)


def _asked(server: str, ask: Callable[[Any, str], Any], *answers: dict[str, Any]) -> Any:
    url = script(server, *(answers or ({"body": "fine"},)))
    result = ask(Session.Session(), url)
    return [result, [[r["method"], r["path"], r["body"]] for r in recorded(url)]]


@keep("session.requests")
def get_and_its_params(server: str) -> Any:
    return [
        _asked(server, lambda s, url: s.get(url, params={"a": "1"}).status_code),
        _asked(server, lambda s, url: s.get(url, {"a": "1"}).status_code),
        _asked(server, lambda s, url: s.get(url, params=[("a", "1"), ("a", "2")]).text),
    ]


@keep("session.requests")
def post_its_data_and_json(server: str) -> Any:
    return [
        _asked(server, lambda s, url: s.post(url, data={"a": "1 2"}).text),
        _asked(server, lambda s, url: s.post(url, {"a": "1"}).text),
        _asked(server, lambda s, url: s.post(url, json={"a": 1}).text),
        _asked(server, lambda s, url: s.post(url, data=b"raw").text),
    ]


@keep("session.requests")
def headers_auth_and_cookies_of_the_session(server: str) -> Any:
    url = script(server, {})
    session = Session.Session()
    session.headers["X-A"] = "1"
    session.headers.update({"x-b": "2"})
    session.auth = ("u", "p")
    session.cookies.set("c", "3")
    session.get(url)
    headers = recorded(url)[0]["headers"]
    return {name: headers.get(name) for name in ("x-a", "x-b", "authorization", "cookie")}


@keep("session.requests")
def response_attributes(server: str) -> Any:
    answer = {
        "status": 203,
        "reason": "So So",
        "headers": [
            ["Content-Type", "application/json"],
            ["X-A", "1"],
            ["Link", '</n>; rel="next"'],
        ],
        "body": '{"a": "\u00e9"}',
    }
    url = script(server, answer)
    response = Session.Session().get(url + "/p", params={"q": "1"})
    return [
        response.status_code,
        response.reason,
        response.text,
        response.content.decode(),
        response.json(),
        response.url.replace(url, ""),
        [response.headers["x-a"], response.headers.get("X-a"), response.headers.get("none")],
        response.links,
        response.ok,
        response.raise_for_status(),
        b"".join(response.iter_content(3)).decode(),
        response.history,
        response.elapsed.total_seconds() > 0,
        response.encoding,
        response.cookies.get_dict(),
    ]


@keep("session.requests")
def status_403_of_a_service_is_passed_through(server: str) -> Any:
    return _asked(
        server, lambda s, url: [s.get(url).status_code, s.get(url).reason], {"status": 403}
    )


@keep("session.requests")
def text_decoding(server: str) -> Any:
    found = []
    for content_type in (
        "text/plain",
        "text/plain; charset=utf-8",
        "text/html; charset=latin-1",
        "application/json",
        "text/plain; charset=no-such-charset",
    ):
        url = script(server, {"headers": [["Content-Type", content_type]], "body": "caf\u00e9"})
        response = Session.Session().get(url)
        found.append([response.encoding, response.text])
    return found

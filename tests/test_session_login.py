"""A session that logs in keeps its password to itself, and to one origin."""

import logging
import pickle
import sys

import pytest

import apikit
from apikit import errors
from tests.requests_parity.sides import raw, servers

__all__ = ["servers"]

INPUTS = (
    '<input type="hidden" name="authenticity_token" value="T">'
    '<input name="login"><input type="password" name="password">'
)


def page(action):
    body = f'<form action="{action}" method="post">{INPUTS}</form>'
    return raw(f"HTTP/1.1 200 OK\nContent-Type: text/html\nContent-Length: {len(body)}\n\n{body}")


def log_in(servers, path, session_url, **more):
    return apikit.Session("ann", "s3cret", servers.here + path, session_url, **more)


def test_the_form_is_posted_with_the_secrets(servers):
    with log_in(servers, page("/session"), f"{servers.here}/session") as session:
        assert session.login_state == "ok"
        assert session.get_authentication_postdata() == {
            "authenticity_token": "T",
            "login": "ann",
            "commit": "Sign in",
        }


REFUSED = {
    "a foreign action": ("{there}/session", "{here}/session", "error"),
    "a foreign page": ("{there}/session", "{there}/session", "no-form"),
    "another port": ("/session", "{there}/session", "no-form"),
    "no form": (None, "{here}/session", "no-form"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_login_that_fails_raises_nothing_and_is_a_line_of_the_log(
    servers, name, caplog, monkeypatch
):
    monkeypatch.setitem(sys.modules, "structlog", None)  # an application may have set it up
    action, session_url, state = REFUSED[name]
    places = {"here": servers.here, "there": servers.there}
    path = "/echo" if action is None else page(action.format(**places))
    with log_in(servers, path, session_url.format(**places)) as session:
        assert session.login_state == state
        assert session.login_message
        assert "s3cret" not in session.login_message
        assert session.get_authentication_postdata() is None
    (record,) = caplog.records
    assert (record.name, record.levelname) == ("apikit.login", "WARNING")
    assert f"log-in failed: {{'login_state': '{state}', 'reason': " in record.getMessage()
    assert servers.here in record.getMessage()
    assert "s3cret" not in record.getMessage()


def test_a_failing_network_is_not_quiet():
    with pytest.raises(errors.ConnectionError):
        apikit.Session("ann", "s3cret", "http://127.0.0.1:1/", "http://127.0.0.1:1/session")


@pytest.mark.parametrize("missing", range(3))
def test_there_is_no_login_without_all_three(servers, missing):
    given = ["ann", "s3cret", servers.here]
    given[missing] = None
    with apikit.Session(*given) as session:
        assert session.login_state == "none"


def test_getters_and_setters():
    with apikit.Session() as session:
        for name, value in (
            ("oauth2_username", "ann"),
            ("authentication_base_url", "https://proxy.example/oauth2/start"),
            ("authentication_session_url", "https://provider.example/session"),
        ):
            assert getattr(session, f"get_{name}")() is None
            getattr(session, f"set_{name}")(value)
            assert getattr(session, f"get_{name}")() == value == getattr(session, name)
        session.set_oauth2_password("s3cret")
        assert not [value for value in vars(session).values() if value == "s3cret"]


def test_the_default_session_url_shows_after_a_login(servers):
    with apikit.Session("ann", "s3cret", f"{servers.here}/echo") as session:
        assert session.get_authentication_session_url() == "https://github.com/session"
        assert session.login_state == "no-form"


def test_postdata_is_a_copy_without_the_password(servers):
    postdata = {"login": "bob", "password": "s3cret", "extra": "1"}
    with log_in(
        servers,
        page("/session"),
        f"{servers.here}/session",
        authentication_postdata=postdata,
    ) as session:
        shown = session.get_authentication_postdata()
        assert shown == {"login": "bob", "extra": "1"}
        shown["extra"] = "changed"
        assert session.authentication_postdata["extra"] == "1"
        session.authentication_postdata = {"password": "other", "a": "b"}
        assert session.authentication_postdata == {"a": "b"}
    assert postdata["password"] == "s3cret"


def test_a_login_begins_with_no_cookies(servers):
    with apikit.Session() as session:
        session.cookies.set("old", "1")
        session.set_authentication_base_url(f"{servers.here}/echo")
        session.authenticate()
        assert "old" not in session.cookies


def test_the_password_is_nowhere_to_be_seen(servers, caplog):
    caplog.set_level(logging.DEBUG)
    seen = []
    with apikit.Session("ann", None, servers.here + page("/session")) as session:
        session.set_authentication_session_url(f"{servers.here}/session")
        session.set_oauth2_password("s3cret")
        session.hooks["response"].append(
            lambda response, **_: seen.append(
                (repr(response.request.__dict__), repr(response.__dict__))
            )
        )
        session.authenticate()
        assert session.login_state == "ok"
        assert len(seen) == 2
        for text in (repr(vars(session)), repr(session), str(seen), caplog.text):
            assert "s3cret" not in text
        with pytest.raises(TypeError, match="cannot be pickled or copied"):
            pickle.dumps(session)


@pytest.mark.parametrize("url", ["https://127.0.0.1:99999/", "nonsense", "ftp://x/"])
def test_a_session_url_must_be_one(servers, url):
    with pytest.raises((ValueError, errors.RequestException)):
        log_in(servers, page("/session"), url)


@pytest.mark.parametrize(
    ("options", "error"),
    [({"nonsense": 1}, TypeError), ({"login": "x"}, ValueError), ({"login": 5}, TypeError)],
)
def test_options_are_checked(options, error):
    with pytest.raises(error):
        apikit.Session(**options)


@pytest.mark.parametrize("method", ["mount", "get_adapter"])
def test_adapters_are_refused_with_advice(method):
    with apikit.Session() as session, pytest.raises(NotImplementedError, match="Session"):
        getattr(session, method)(*("https://", object())[: 2 if method == "mount" else 1])

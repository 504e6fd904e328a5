"""The metadata's answer without Flask: nobody can tell, or Flask gives it."""

from __future__ import annotations

import copy
import gc
import threading
import weakref
from collections.abc import Callable
from functools import cache
from typing import Any

import flask
import pytest
from flask import Flask, Response, request
from flask.json.provider import DefaultJSONProvider
from flask.sessions import SecureCookieSessionInterface
from hypothesis import given, settings
from hypothesis import strategies as st
from werkzeug.middleware.dispatcher import DispatcherMiddleware
from werkzeug.middleware.proxy_fix import ProxyFix
from werkzeug.routing import Rule
from werkzeug.test import create_environ

from apikit import APIFlask, set_flask_metadata
from apikit._metadata_call import METHODS_ASKED
from tests.metadata_twice import Seen, ask, ask_twice

pytestmark = pytest.mark.flask

GOOD: dict[str, Any] = {"version": "1", "repository": "r", "description": "d"}
ENVIRON = create_environ("/svc/metadata", "http://service.example/")


def _by_flask(app: Flask) -> Callable[..., Any]:
    return lambda *args: Flask.__call__(app, *args)


def _is_kept(app: APIFlask, environ: dict[str, Any] | None = None) -> bool:
    """Return whether the application answers without asking Flask."""
    asked: list[Any] = []
    environ = {**ENVIRON, **(environ or {})}
    answer = app(environ, lambda *args: asked.append(args))
    return type(answer) is list


def _make(cls: type[APIFlask] = APIFlask, **options: Any) -> APIFlask:
    return cls("n", **{**GOOD, "route": ["/", "/svc"], **options})


def _set_up_again(app: Flask) -> None:
    """Let hooks be added after the first request, as some tests of services do."""
    app._got_first_request = False


# ---- what a service may do to an application, each noting what it sees in `effects` ----


def _before_request(app: APIFlask, effects: list[str]) -> None:
    _set_up_again(app)
    app.before_request(lambda: effects.append(f"before {request.path}"))


def _before_request_answers(app: APIFlask, _effects: list[str]) -> None:
    _set_up_again(app)
    app.before_request(lambda: "in its place")


def _hook_put_in_the_dict(app: APIFlask, effects: list[str]) -> None:
    app.before_request_funcs.setdefault(None, []).append(lambda: effects.append("put"))


def _after_request(app: APIFlask, effects: list[str]) -> None:
    _set_up_again(app)

    @app.after_request
    def add_header(response: Response) -> Response:
        effects.append(f"after {response.status}")
        response.headers["X-After"] = "yes"
        return response


def _after_this_request(app: APIFlask, effects: list[str]) -> None:
    _set_up_again(app)

    @app.before_request
    def ask_for_it() -> None:
        @flask.after_this_request
        def add_header(response: Response) -> Response:
            effects.append("after this")
            response.headers["X-This"] = "yes"
            return response


def _teardown_request(app: APIFlask, effects: list[str]) -> None:
    _set_up_again(app)
    app.teardown_request(lambda error: effects.append(f"teardown {error}"))


def _teardown_appcontext(app: APIFlask, effects: list[str]) -> None:
    _set_up_again(app)
    app.teardown_appcontext(lambda error: effects.append(f"teardown of the app {error}"))


def _url_value_preprocessor(app: APIFlask, effects: list[str]) -> None:
    _set_up_again(app)
    app.url_value_preprocessor(lambda endpoint, _values: effects.append(f"values of {endpoint}"))


def _before_app_request_of_a_blueprint(app: APIFlask, effects: list[str]) -> None:
    _set_up_again(app)
    blueprint = flask.Blueprint("b", __name__)
    blueprint.before_app_request(lambda: effects.append("before, by a blueprint"))
    app.register_blueprint(blueprint)


def _before_request_of_a_blueprint(app: APIFlask, effects: list[str]) -> None:
    _set_up_again(app)
    blueprint = flask.Blueprint("b", __name__)
    blueprint.before_request(lambda: effects.append("never"))
    app.register_blueprint(blueprint)


def _signal(name: str) -> Callable[[APIFlask, list[str]], None]:
    def connect(app: APIFlask, effects: list[str]) -> None:
        signal = getattr(flask, name)
        if hasattr(signal, "receivers"):  # not without blinker

            def receiver(_sender: Any, **_more: Any) -> None:
                effects.append(name)

            signal.connect(receiver, app)
            app.extensions["disconnect"] = lambda: signal.disconnect(receiver)

    connect.__name__ = name
    return connect


def _middleware_inside(app: APIFlask, effects: list[str]) -> None:
    inner = app.wsgi_app

    def middleware(environ: Any, start_response: Any) -> Any:
        effects.append("middleware")
        return inner(environ, start_response)

    app.wsgi_app = middleware  # type: ignore[method-assign]


def _proxy_fix_inside(app: APIFlask, _effects: list[str]) -> None:
    app.wsgi_app = ProxyFix(app.wsgi_app, x_prefix=1)  # type: ignore[method-assign]


def _make_response_replaced(app: APIFlask, effects: list[str]) -> None:
    make = app.make_response

    def noted(value: Any) -> Response:
        effects.append("make_response")
        return make(value)

    app.make_response = noted  # type: ignore[method-assign]


def _view_replaced(app: APIFlask, effects: list[str]) -> None:
    view = app.view_functions["_return_metadata"]

    def noted() -> Any:
        effects.append("view")
        return view()

    app.view_functions["_return_metadata"] = noted


class _Shouting(DefaultJSONProvider):
    def dumps(self, obj: Any, **kwargs: Any) -> str:
        return super().dumps(obj, **kwargs).upper()


def _other_provider(app: APIFlask, _effects: list[str]) -> None:
    app.json = _Shouting(app)


def _provider(setting: str, value: Any) -> Callable[[APIFlask, list[str]], None]:
    def change(app: APIFlask, _effects: list[str]) -> None:
        setattr(app.json, setting, value)

    change.__name__ = setting
    return change


def _config(key: str, value: Any) -> Callable[[APIFlask, list[str]], None]:
    def change(app: APIFlask, _effects: list[str]) -> None:
        app.config[key] = value

    change.__name__ = f"{key}={value!r}"
    return change


def _auth_changed_in_place(app: APIFlask, _effects: list[str]) -> None:
    app.config["AUTH"]["type"] = "basic"


def _setting_away(app: APIFlask, _effects: list[str]) -> None:
    del app.config["SERVER_NAME"]


class _Marked(Response):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.headers["X-Marked"] = "yes"


def _response_class(app: APIFlask, _effects: list[str]) -> None:
    app.response_class = _Marked


class _Noting(SecureCookieSessionInterface):
    def __init__(self, effects: list[str]) -> None:
        self.effects = effects

    def open_session(self, app: Flask, request: Any) -> Any:
        self.effects.append("session")
        return super().open_session(app, request)


def _session_interface(app: APIFlask, effects: list[str]) -> None:
    app.session_interface = _Noting(effects)


def _catch_all_before(app: APIFlask, _effects: list[str]) -> None:
    _set_up_again(app)
    app.add_url_rule("/<path:other>", "other", lambda other: f"any {other}")


def _rule_added_to_the_map(app: APIFlask, _effects: list[str]) -> None:
    app.view_functions["other"] = lambda: "other"
    app.url_map.add(Rule("/svc/metadata/", endpoint="other", strict_slashes=False))


def _rule_added_and_map_used(app: APIFlask, effects: list[str]) -> None:
    _rule_added_to_the_map(app, effects)
    app.url_map.update()


def _debug(app: APIFlask, _effects: list[str]) -> None:
    app.debug = True


def _host_matching(app: APIFlask, _effects: list[str]) -> None:
    app.url_map.host_matching = True


def _class_swapped(app: APIFlask, effects: list[str]) -> None:
    class Service(APIFlask):
        def process_response(self, response: Response) -> Response:
            effects.append("process_response")
            return super().process_response(response)

    app.__class__ = Service


def _nothing(_app: APIFlask, _effects: list[str]) -> None:
    pass


CHANGES: list[Callable[[APIFlask, list[str]], None]] = [
    _nothing,
    _before_request,
    _before_request_answers,
    _hook_put_in_the_dict,
    _after_request,
    _after_this_request,
    _teardown_request,
    _teardown_appcontext,
    _url_value_preprocessor,
    _before_app_request_of_a_blueprint,
    _before_request_of_a_blueprint,
    *(
        _signal(name)
        for name in (
            "request_started",
            "request_finished",
            "request_tearing_down",
            "appcontext_pushed",
            "appcontext_popped",
            "appcontext_tearing_down",
        )
    ),
    _middleware_inside,
    _proxy_fix_inside,
    _make_response_replaced,
    _view_replaced,
    _other_provider,
    _provider("sort_keys", False),
    _provider("compact", False),
    _provider("ensure_ascii", False),
    _provider("mimetype", "application/x+json"),
    _provider("dumps", lambda *_args, **_more: "replaced"),
    _config("VERSION", "2"),
    _config("VERSION", ["mutable"]),
    _config("AUTH", {"type": "basic", "data": {}}),
    _config("SECRET_KEY", "secret"),
    _config("SECRET_KEY", "\ud800"),
    _config("SECRET_KEY", 5),
    _config("SECRET_KEY_FALLBACKS", 5),
    _config("SERVER_NAME", "other.example"),
    _config("TRUSTED_HOSTS", ["other.example"]),
    _config("APPLICATION_ROOT", "/root"),
    _config("PREFERRED_URL_SCHEME", "https"),
    _auth_changed_in_place,
    _setting_away,
    _response_class,
    _session_interface,
    _catch_all_before,
    _rule_added_to_the_map,
    _rule_added_and_map_used,
    _debug,
    _host_matching,
    _class_swapped,
]


def _story(
    change: Callable[[APIFlask, list[str]], None], early: bool, fast: bool, monkeypatch: Any
) -> list[Any]:
    """Return all that is seen of an application that changes before or after it has answered."""
    app, effects = _make(), []
    app.config["PROPAGATE_EXCEPTIONS"] = False
    monkeypatch.setattr(app.logger, "disabled", True)
    call = app if fast else _by_flask(app)
    seen: list[Any] = []

    def send() -> None:
        for path in ("/svc/metadata", "/metadata/", "/v1.0/metadata.json", "/none", "/svc/x"):
            for method in ("GET", "GET", "HEAD", "HEAD", "POST", "OPTIONS"):
                answer = ask(call, {**ENVIRON, "PATH_INFO": path, "REQUEST_METHOD": method})
                seen.append((answer, list(effects), app._got_first_request))
                effects.clear()

    if not early:
        send()
        assert not fast or _is_kept(app)
    change(app, effects)
    effects.clear()
    send()
    app.extensions.get("disconnect", lambda: None)()
    return seen


@pytest.mark.parametrize("early", [True, False], ids=["before", "after"])
@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.__name__.strip("_"))
def test_nobody_can_tell(
    change: Callable[[APIFlask, list[str]], None], early: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    fast = _story(change, early, True, monkeypatch)
    assert fast == _story(change, early, False, monkeypatch)


def test_first_request_goes_to_flask_and_the_next_does_not() -> None:
    app = _make()
    assert [_is_kept(app) for _time in range(3)] == [False, True, True]
    assert app._got_first_request
    assert _is_kept(app, {"PATH_INFO": "/metadata/"}) is False
    assert _is_kept(app, {"PATH_INFO": "/metadata/"}) is True
    assert _is_kept(app, {"REQUEST_METHOD": "HEAD"}) is False
    assert _is_kept(app, {"REQUEST_METHOD": "HEAD"}) is True


@pytest.mark.parametrize(
    "environ",
    [
        {"SCRIPT_NAME": "/mounted"},
        {"QUERY_STRING": "a=%FF&b"},
        {"wsgi.url_scheme": "https"},
        {"HTTP_HOST": "xn--bcher-kva.example:8443"},
        {"HTTP_COOKIE": "a=b"},
        {"HTTP_X_HTTP_METHOD_OVERRIDE": "DELETE", "HTTP_X_FORWARDED_HOST": "other"},
    ],
    ids=lambda environ: next(iter(environ)),
)
def test_answer_is_kept_whatever_else_is_asked(environ: dict[str, Any]) -> None:
    app = _make()
    _is_kept(app)
    assert _is_kept(app, environ)


@pytest.mark.parametrize(
    "environ",
    [
        {"HTTP_HOST": "a" * 64},
        {"HTTP_HOST": "a..b"},
        {"HTTP_HOST": "a:99999"},
        {"HTTP_HOST": "a:"},
        {"HTTP_HOST": "a b"},
        {"HTTP_HOST": ""},
        {"HTTP_HOST": "\u00e9"},
        {"HTTP_UPGRADE": "websocket", "HTTP_CONNECTION": "Upgrade"},
        {"wsgi.url_scheme": "ws"},
        {"SCRIPT_NAME": "\u20ac"},
        {"QUERY_STRING": "\u20ac"},
        {"PATH_INFO": "//svc/metadata"},
        {"PATH_INFO": "svc/metadata"},
        {"REQUEST_METHOD": "get"},
        {"REQUEST_METHOD": "POST"},
        {"werkzeug.debug.preserve_context": lambda _context: None},
    ],
    ids=repr,
)
def test_flask_answers_what_may_be_answered_otherwise(environ: dict[str, Any]) -> None:
    app = _make()
    _is_kept(app)
    assert _is_kept(app)
    app.logger.disabled = True
    answers = []
    for call in (app, _by_flask(app)):
        answers.append(ask(call, {**ENVIRON, **environ}))
    assert answers[0] == answers[1]
    calls: list[str] = []
    app.wsgi_app = lambda *_args: calls.append("asked") or []  # type: ignore
    app({**ENVIRON, **environ}, lambda *_args: None)
    assert calls == ["asked"]


HOSTS = st.one_of(
    st.sampled_from(["service.example", "a:80", "a:443", "[::1]:8000", "10.0.0.1:5000", "a."]),
    st.text("aZ09-.:[]\u00e9 _", max_size=70),
)
ENVIRONS = st.fixed_dictionaries(
    {
        "REQUEST_METHOD": st.sampled_from(["GET", "HEAD", "POST", "OPTIONS", "get", "DELETE"]),
        "PATH_INFO": st.one_of(
            st.sampled_from(
                ["/metadata", "/metadata/", "/svc/metadata", "/v1.0/metadata.json", "/svc/x", ""]
            ),
            st.text("/svcmetad.\u00e9|<", max_size=14),
        ),
        "wsgi.url_scheme": st.sampled_from(["http", "https", "ws", "ftp"]),
    },
    optional={
        "HTTP_HOST": HOSTS,
        "SCRIPT_NAME": st.text("/ab\u00e9\u20ac", max_size=4),
        "QUERY_STRING": st.text("a=&%F\u00e9\u20ac", max_size=5),
        "HTTP_COOKIE": st.sampled_from(["", "session=x", "a=b"]),
        "HTTP_UPGRADE": st.sampled_from(["", "websocket"]),
        "HTTP_CONNECTION": st.sampled_from(["close", "Upgrade"]),
        "SERVER_PORT": st.sampled_from(["80", "", "x"]),
        "CONTENT_LENGTH": st.sampled_from(["", "5", "-1"]),
    },
)


@cache
def _warm(secret: str | None) -> APIFlask:
    """Return an application that keeps its answer to the sampled paths."""
    app = _make()
    app.config.update(SECRET_KEY=secret, PROPAGATE_EXCEPTIONS=False)
    app.logger.disabled = True
    paths = ("/svc/metadata", "/metadata", "/metadata/", "/v1.0/metadata.json")
    # Twice: Flask 2.2 settles a setting of the session's cookie with the first request.
    for method in ("GET", "HEAD", "GET", "HEAD"):
        for path in paths:
            ask(app, {**ENVIRON, "PATH_INFO": path, "REQUEST_METHOD": method})
    return app


@pytest.mark.parametrize("secret", [None, "secret"])
@given(changes=ENVIRONS)
@settings(max_examples=400)
def test_any_environ_is_answered_as_by_flask(secret: str | None, changes: dict[str, Any]) -> None:
    app, environ = _warm(secret), {**ENVIRON, **changes}
    assert ask(app, environ) == ask(_by_flask(app), environ)
    assert _is_kept(app)


def test_mounted_and_proxied_applications_answer_alike() -> None:
    app, other = _make(), Flask("other")
    for make in (
        lambda call: DispatcherMiddleware(other, {"/mnt": call}),
        lambda call: ProxyFix(call, x_host=1, x_prefix=1, x_proto=1),
    ):
        environ = {
            **create_environ("/mnt/svc/metadata", "http://service.example/"),
            "HTTP_X_FORWARDED_HOST": "public.example",
            "HTTP_X_FORWARDED_PREFIX": "/p",
        }
        for path in ("/mnt/svc/metadata", "/svc/metadata", "/mnt/metadata/"):
            environ["PATH_INFO"] = path
            expected = ask(make(_by_flask(app)), environ)
            assert [ask(make(app), environ) for _time in range(3)] == [expected] * 3
    assert _is_kept(app)


class _Overriding(APIFlask):
    def full_dispatch_request(self) -> Response:
        response = super().full_dispatch_request()
        response.headers["X-Own"] = "yes"
        return response


class _OfOtherRequests(APIFlask):
    class request_class(flask.Request):
        pass


class _Harmless(APIFlask):
    """A subclass as services write them."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.extra = {}

    def register(self) -> None:
        pass


class _Calling(APIFlask):
    def __call__(self, environ: Any, start_response: Any) -> Any:
        environ["seen"] = "yes"
        return super().__call__(environ, start_response)


@pytest.mark.parametrize(
    ("cls", "kept"),
    [(_Overriding, False), (_OfOtherRequests, False), (_Harmless, True), (_Calling, True)],
)
def test_subclass_has_its_say(cls: type[APIFlask], kept: bool) -> None:
    app = _make(cls)
    environ = dict(ENVIRON)
    expected = ask(_by_flask(app), environ)
    if cls is _Calling:
        environ["seen"] = "yes"
        expected = ask(_by_flask(app), environ)
    assert [ask(app, environ) for _time in range(3)] == [expected] * 3
    assert _is_kept(app) is kept


@pytest.mark.parametrize("name", ["__call__", "wsgi_app", "process_response", "ensure_sync"])
def test_method_of_flask_replaced_for_all_is_called(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[str] = []
    original = getattr(Flask, name)

    def replaced(self: Any, *args: Any) -> Any:
        calls.append(name)
        return original(self, *args)

    apps = [_make(), _make()]
    _is_kept(apps[0])
    assert _is_kept(apps[0])
    monkeypatch.setattr(Flask, name, replaced)
    for app in apps:
        for _time in range(2):
            calls.clear()
            assert not _is_kept(app)
            assert calls
    monkeypatch.undo()
    for app in apps:
        _is_kept(app)
        assert _is_kept(app)


@pytest.mark.parametrize(
    ("cls", "name"),
    [(Response, "get_wsgi_headers"), (flask.Request, "close"), (flask.ctx.AppContext, "push")],
)
def test_method_of_flasks_parts_replaced_for_all_is_called(
    cls: type, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[str] = []
    original = getattr(cls, name)

    def replaced(self: Any, *args: Any) -> Any:
        calls.append(name)
        return original(self, *args)

    app = _make()
    _is_kept(app)
    monkeypatch.setattr(cls, name, replaced)
    for _time in range(3):
        calls.clear()
        _is_kept(app)
        assert calls


def test_a_hook_taken_away_again_lets_the_answer_be_kept_anew() -> None:
    app = _make()
    _is_kept(app)
    hooks = app.before_request_funcs.setdefault(None, [])
    hooks.append(lambda: None)
    assert not _is_kept(app)
    hooks.clear()
    _is_kept(app)
    assert _is_kept(app)


def test_facts_that_come_true_again_do_not_hide_a_change() -> None:
    app = _make()
    _is_kept(app)
    version = app.config["VERSION"]
    app.config["VERSION"] = "2"
    assert not _is_kept(app)
    app.config["VERSION"] = version
    assert b'"1"' in ask_twice(app).body


def test_one_who_gets_the_answer_may_change_it() -> None:
    app = _make()
    _is_kept(app)
    got: list[Any] = []
    pieces = app(dict(ENVIRON), lambda _status, headers: got.append(headers))
    expected = list(got[0]), list(pieces)
    got[0].append(("X", "y"))
    pieces.clear()
    again = app(dict(ENVIRON), lambda _status, headers: got.append(headers))
    assert (got[1], list(again)) == expected


def test_failure_of_start_response_is_the_servers() -> None:
    def start_response(_status: str, _headers: Any) -> None:
        raise OSError("gone")

    app = _make()
    _is_kept(app)
    for call in (app, _by_flask(app)):
        with pytest.raises(OSError, match="gone"):
            call(dict(ENVIRON), start_response)
    for arguments in ((), (dict(ENVIRON),), (dict(ENVIRON), start_response, 1)):
        with pytest.raises(TypeError):
            app(*arguments)


def test_arguments_by_name_and_other_mappings_go_to_flask() -> None:
    app = _make()
    _is_kept(app)
    seen: list[str] = []
    app(environ=dict(ENVIRON), start_response=lambda status, _headers: seen.append(status))

    class Environ(dict[str, Any]):
        pass

    app(Environ(ENVIRON), lambda status, _headers: seen.append(status))
    assert seen == ["200 OK", "200 OK"]


def test_copy_of_an_application_has_an_answer_of_its_own() -> None:
    app = _make()
    _is_kept(app)
    twin = copy.copy(app)
    assert vars(twin) == vars(app)
    assert twin._kept_answer is None
    twin._kept_answer = app._kept_answer
    twin.view_functions = {**app.view_functions, "_return_metadata": lambda: "twin"}
    assert ask_twice(twin).body == b"twin"
    assert _is_kept(app)


def test_application_that_answered_can_be_collected() -> None:
    class Service(APIFlask):
        pass

    app = _make(Service)
    _is_kept(app)
    assert _is_kept(app)
    gone = [weakref.ref(app), weakref.ref(Service)]
    del app, Service
    gc.collect()
    assert [reference() for reference in gone] == [None, None]


def test_plain_flask_with_metadata_is_left_to_flask() -> None:
    app = Flask("n")
    set_flask_metadata(app, **GOOD)
    assert ask_twice(app).status == "200 OK"


def test_threads_get_whole_answers_while_the_configuration_changes() -> None:
    app = _make()
    wrong: list[Seen] = []
    done = threading.Event()

    def read() -> None:
        while not done.is_set():
            answer = ask(app, ENVIRON)
            if dict(answer.headers).get("Content-Length") != str(len(answer.body)):
                wrong.append(answer)

    readers = [threading.Thread(target=read) for _reader in range(4)]
    for reader in readers:
        reader.start()
    for number in range(300):
        app.config["VERSION"] = "9" * (number % 40 + 1)
        assert app.config["VERSION"].encode() in ask(app, ENVIRON).body
    done.set()
    for reader in readers:
        reader.join()
    assert not wrong


def test_every_method_that_flask_calls_on_the_application_is_looked_at() -> None:
    import sys

    app, called = _make(), set()
    app.config["SECRET_KEY"] = "secret"
    ask(_by_flask(app), ENVIRON)
    names = {name for cls in Flask.__mro__ for name, value in vars(cls).items() if callable(value)}

    def note(frame: Any, event: str, _argument: Any) -> None:
        if event == "call" and frame.f_locals.get("self") is app:
            called.add(frame.f_code.co_name)

    sys.setprofile(note)
    try:
        Flask.__call__(app, dict(ENVIRON), lambda *_args: None)
    finally:
        sys.setprofile(None)
    assert "wsgi_app" in called
    assert (called & names) - METHODS_ASKED == set()

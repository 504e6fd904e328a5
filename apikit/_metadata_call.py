"""When an `~apikit.APIFlask` may answer for its metadata without asking Flask.

The view is asked by Flask as any other is.  If all that took part in this was
Flask's own, so that the next request can only be answered alike, the answer is
kept together with the facts that made it so; `_core.MetadataCall` compares them
before it hands the answer out.  Whatever is not known here for sure keeps nothing,
and Flask answers again.
"""

from __future__ import annotations

import sys
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from types import FunctionType
from typing import Any, Final

import flask
from flask import Config, Flask, Request, Response, request, signals
from flask.ctx import AppContext, _AppCtxGlobals
from flask.json.provider import DefaultJSONProvider
from flask.sessions import SecureCookieSessionInterface
from werkzeug.routing import Map, MapAdapter, Rule
from werkzeug.routing.matcher import StateMachineMatcher

from apikit import _core

__all__ = ["METHODS_ASKED", "keep_answer"]

_ENDPOINT: Final = "_return_metadata"

#: Hooks by blueprint; those of all requests are under None.
_HOOKS: Final = (
    "before_request_funcs",
    "after_request_funcs",
    "teardown_request_funcs",
    "url_value_preprocessors",
)

#: Signals that a request sends when nothing fails.
_SIGNALS: Final = (
    signals.request_started,
    signals.request_finished,
    signals.request_tearing_down,
    signals.appcontext_pushed,
    signals.appcontext_popped,
    signals.appcontext_tearing_down,
)

#: What Flask calls on the application while it answers; not all releases have all.
METHODS_ASKED: Final = frozenset({
    "__call__",
    "_is_setup_finished",
    "app_context",
    "create_url_adapter",
    "dispatch_request",
    "do_teardown_appcontext",
    "do_teardown_request",
    "ensure_sync",
    "finalize_request",
    "full_dispatch_request",
    "make_response",
    "preprocess_request",
    "process_response",
    "request_context",
    "should_ignore_error",
    "try_trigger_before_first_request_functions",
    "wsgi_app",
})  # fmt: skip

#: Methods of others that shape what a client or a hook sees.
_METHODS_OF_OTHERS: Final[tuple[tuple[type, tuple[str, ...]], ...]] = (
    (Response, ("__call__", "__init__", "get_app_iter", "get_wsgi_headers", "get_wsgi_response")),
    (Request, ("__init__", "close")),
    (AppContext, ("__init__", "push", "pop")),
    (SecureCookieSessionInterface, ("open_session", "save_session", "make_null_session")),
    (Map, ("bind", "bind_to_environ", "update")),
    (MapAdapter, ("__init__", "match", "get_default_redirect")),
)

#: The request's own context: newer releases have one context for both.
_REQUEST_CONTEXT: Final[type] = getattr(flask.ctx, "RequestContext", AppContext)

_TYPES: Final[tuple[type, ...]] = (
    Request,
    Response,
    _REQUEST_CONTEXT,
    AppContext,
    _AppCtxGlobals,
    Config,
    DefaultJSONProvider,
    SecureCookieSessionInterface,
    Map,
    MapAdapter,
    Rule,
    StateMachineMatcher,
)

#: What a subclass may define without a word in how a request is answered.
_HARMLESS: Final = frozenset({
    "__annotations__",
    "__dict__",
    "__doc__",
    "__eq__",
    "__firstlineno__",
    "__hash__",
    "__init__",
    "__init_subclass__",
    "__module__",
    "__orig_bases__",
    "__parameters__",
    "__repr__",
    "__slots__",
    "__static_attributes__",
    "__str__",
    "__weakref__",
    "add_url_rule",
    "config_class",
    "default_config",
    "jinja_environment",
    "jinja_options",
    "json_provider_class",
    "log_exception",
    "make_config",
    "register_blueprint",
    "run",
    "select_jinja_autoescape",
    "test_cli_runner_class",
    "test_client_class",
    "url_map_class",
    "url_rule_class",
})  # fmt: skip

_FLASK_CLASSES: Final = frozenset(Flask.__mro__)

#: Names that an application itself must not have, or it replaces one of Flask's methods.
_FLASK_METHODS: Final = frozenset(
    name for cls in Flask.__mro__ for name, value in vars(cls).items() if callable(value)
) - frozenset({"request_class", "response_class", "app_ctx_globals_class", *_HARMLESS})

#: Settings that Flask reads while it answers, but for those of the session's cookie.
_SETTINGS: Final = (
    "NAME",
    "REPOSITORY",
    "VERSION",
    "DESCRIPTION",
    "API_VERSION",
    "AUTH",
    "DEBUG",
    "SECRET_KEY",
    "SERVER_NAME",
    "TRUSTED_HOSTS",
    # These are Flask 2.2's.
    *(
        key
        for key in (
            "JSON_AS_ASCII",
            "JSON_SORT_KEYS",
            "JSONIFY_MIMETYPE",
            "JSONIFY_PRETTYPRINT_REGULAR",
        )
        if key in Flask.default_config
    ),
)

#: Settings that Flask reads as well when there is a secret key.
_SESSION_SETTINGS: Final = (
    "APPLICATION_ROOT",
    "SECRET_KEY_FALLBACKS",
    *(key for key in Flask.default_config if key.startswith("SESSION_")),
)

#: Where one of these stands in an environ, more than the metadata is asked for.
_UNLESS: Final = ("HTTP_UPGRADE", "werkzeug.debug.preserve_context")


def keep_answer(app: Any, view: Callable[[], Response], response: Response, body: bytes) -> None:
    """Keep the answer to the present request if nobody could tell who gives the next.

    Parameters
    ----------
    app
        The application, a `_core.MetadataCall` too; its JSON provider is Flask's own,
        with nothing replaced.
    view
        The metadata's view: one that a service put in its place may have asked it.
    response
        What the metadata's view returns to it.
    body
        The response's body.
    """
    kept = app._kept_answer
    if kept is None or not kept.holds(app):
        app._kept_answer = kept = _keep(app, response, body) if _is_flasks_own(app, view) else None
    if kept is not None and _is_literal():
        kept.add_path(request.environ["REQUEST_METHOD"], request.environ["PATH_INFO"])


def _is_literal() -> bool:
    """Return whether the request's path, as it came, is its rule's own text."""
    path, rule = request.environ.get("PATH_INFO"), request.url_rule
    return (
        type(path) is str
        and path.isascii()
        and rule is not None
        and path in (rule.rule, f"{rule.rule}/")
        and not any(part in rule.rule for part in ("//", "<", "|"))
    )


def _is_flasks_own(app: Flask, view: object) -> bool:
    """Return whether Flask as it was shipped answers, without hooks and receivers.

    What most often speaks against it is looked at first: that is then asked with
    each request.
    """
    return (
        not any(getattr(app, name).get(None) for name in _HOOKS)
        and not app.teardown_appcontext_funcs
        and not any(getattr(signal, "receivers", None) for signal in _SIGNALS)
        and app.view_functions.get(_ENDPOINT) is view
        and type(app.view_functions) is dict
        and _FLASK_METHODS.isdisjoint(vars(app))
        and _has_plain_settings(app)
        and _has_plain_parts(app)
        and _has_plain_class(type(app))
        and all(_is_shipped(Flask, name) for name in METHODS_ASKED)
        and all(_is_shipped(cls, name) for cls, names in _METHODS_OF_OTHERS for name in names)
    )


def _has_plain_settings(app: Flask) -> bool:
    config = app.config
    secret = config.get("SECRET_KEY")
    return (
        type(config) is Config
        and type(config["AUTH"]) is dict
        and config["SERVER_NAME"] is None
        and config.get("TRUSTED_HOSTS") is None
        and (not secret or type(secret) is bytes or (type(secret) is str and secret.isascii()))
        and not (secret and config.get("SECRET_KEY_FALLBACKS"))
    )


def _has_plain_parts(app: Flask) -> bool:
    hooks = (type(getattr(app, name)) for name in _HOOKS)
    return (
        app.response_class is Response
        and app.request_class is Request
        and getattr(Request, "trusted_hosts", None) is None
        and app.app_ctx_globals_class is _AppCtxGlobals
        and type(app.session_interface) is SecureCookieSessionInterface
        and not vars(app.session_interface)
        and type(app.json) is DefaultJSONProvider
        and type(app.url_map) is Map
        and not app.url_map.host_matching
        and not app.subdomain_matching
        and all(cls is defaultdict or cls is dict for cls in hooks)
        and type(app.teardown_appcontext_funcs) is list
        and all(type(getattr(signal, "receivers", {})) is dict for signal in _SIGNALS)
    )


def _has_plain_class(cls: type) -> bool:
    """Return whether no class of the service has a word in how Flask answers.

    A ``__call__`` of a class before `_core.MetadataCall` has run by then.
    """
    if type(cls) is not type:
        return False
    before_ours = True
    for base in cls.__mro__:
        if base is _core.MetadataCall:
            before_ours = False
        elif base not in _FLASK_CLASSES:
            words = {name for name in vars(base) if hasattr(Flask, name)} - _HARMLESS
            if before_ours:
                words.discard("__call__")
            if words or "__getattr__" in vars(base):
                return False
    return True


def _is_shipped(cls: type, name: str) -> bool:
    """Return whether a method is the one from the package that defines the class.

    A function's globals are those of the module that it was written in, whatever
    it has been told to look like.
    """
    for base in cls.__mro__:
        method = vars(base).get(name)
        if method is not None:
            module = sys.modules.get(base.__module__)
            return (
                type(method) is FunctionType
                and module is not None
                and method.__globals__ is vars(module)
                and method.__code__.co_name == name
            ) or base is object
    return True


def _keep(app: Flask, response: Response, body: bytes) -> _core.KeptAnswer:
    config, url_map = app.config, app.url_map
    unless: tuple[str, ...] = _UNLESS
    settings = _SETTINGS
    if config.get("SECRET_KEY"):
        unless += ("HTTP_COOKIE",)
        settings += _SESSION_SETTINGS
    return _core.KeptAnswer(
        app,
        response.status,
        tuple(response.get_wsgi_headers(request.environ).to_wsgi_list()),
        body,
        types=(type(app), *_TYPES),
        unchanged=(vars(app), vars(app.json), vars(app.session_interface), vars(url_map)),
        entries=(
            (app.view_functions, _ENDPOINT),
            (config["AUTH"], "type"),
            *((config, key) for key in settings),
            *((getattr(app, name), None) for name in _HOOKS),
        ),
        sizes=(*_empty(app), url_map._rules_by_endpoint, *url_map._rules_by_endpoint.values()),
        unless=unless,
    )


def _empty(app: Flask) -> Iterator[Any]:
    """Return the lists of hooks and receivers, all of them empty now."""
    yield app.teardown_appcontext_funcs
    yield from _present(getattr(app, name).get(None) for name in _HOOKS)
    yield from _present(getattr(signal, "receivers", None) for signal in _SIGNALS)


def _present(containers: Iterable[Any]) -> Iterator[Any]:
    return (container for container in containers if container is not None)

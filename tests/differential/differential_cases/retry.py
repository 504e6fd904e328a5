"""retry_request, against a server that records what arrives."""

from __future__ import annotations

import base64
import contextlib
import inspect
import os
import socket
import tempfile
from collections.abc import Iterator
from typing import Any
from unittest import mock

import requests
from requests.auth import HTTPBasicAuth

from apikit import BackendError, retry_request

from . import fix, keep
from .observe import recorded, script

OK = {"status": 200, "body": "fine"}
BAD = {"status": 503, "body": " busy\n"}

#: What each library says of itself.
_OWN_HEADERS = ("host", "user-agent", "connection", "accept", "accept-encoding")


def _sent(request: dict[str, Any]) -> list[Any]:
    """Return method, path, body and the headers that are not the library's own."""
    headers = {k: v for k, v in request["headers"].items() if k not in _OWN_HEADERS}
    return [request["method"], request["path"], request["body"], headers]


@contextlib.contextmanager
def _no_sleep() -> Iterator[list[float]]:
    """Patch the sleep as services' tests do; collect what would have been slept."""
    slept: list[float] = []
    with mock.patch("apikit.convenience.time.sleep", slept.append):
        yield slept


def _ask(server: str, *answers: dict[str, Any], method: str = "get", **options: Any) -> Any:
    """Return what retry_request does, what arrived and how it slept."""
    url = script(server, *answers)
    path = options.pop("path", "")
    with _no_sleep() as slept:
        try:
            response = retry_request(method, url + path, **options)
            result: Any = [response.status_code, response.text]
        except BackendError as error:
            content = str(error.content).replace(url, "URL")
            result = [error.status_code, error.reason, content]
        except Exception as error:
            result = _family(error)
    return [result, [_sent(request) for request in recorded(url)], slept]


def _family(error: Exception) -> str:
    """Return the widest of requests' names that catches ERROR, else its own name."""
    for name in ("TooManyRedirects", "ConnectTimeout", "ReadTimeout", "ConnectionError"):
        if isinstance(error, getattr(requests.exceptions, name)):
            return name
    if isinstance(error, requests.exceptions.RequestException):
        return "RequestException"
    return type(error).__name__


@keep("retry.method")
def method_in_any_case(server: str) -> Any:
    return [_ask(server, OK, method=method) for method in ("get", "GET", "Get", "put", "PUT")]


@keep("retry.method")
def other_methods_are_errors_and_nothing_is_sent(server: str) -> Any:
    found = []
    for method in ("delete", "head", "", "patch", " get"):
        result, sent, _slept = _ask(server, OK, method=method)
        found.append([result[:2], sent])
    return found


@keep("retry.method")
def method_that_is_no_str(server: str) -> Any:
    found = [_ask(server, OK, method=method)[:2] for method in (None, 5, ["get"])]  # type: ignore[arg-type]
    result, sent, _slept = _ask(server, OK, method=b"get")  # type: ignore[arg-type]
    return [*found, result[:2], sent]


@fix("retry.post", original="PUT", ours="POST")
def post_is_sent_as_post(server: str) -> Any:
    return _ask(server, OK, method="post", payload={"a": 1})[1][0][0]


@keep("retry.payload-get")
def get_payload_is_the_query(server: str) -> Any:
    payloads: list[Any] = [
        None,
        {},
        {"a": 1, "b": "x y"},
        {"a": ["1", "2"]},
        {"a": None, "b": ""},
        "a=1&b=2",
        b"a=1",
        [("a", "1"), ("a", "2")],
        {"\u00e9": "\u20ac&="},
        {"a": True, "b": 1.5},
    ]
    return [_ask(server, OK, path="/p", payload=payload) for payload in payloads]


@keep("retry.payload-get")
def get_payload_joins_the_urls_query(server: str) -> Any:
    return _ask(server, OK, path="/p?x=1", payload={"a": 2})


@keep("retry.payload-json")
def put_payload_is_json(server: str) -> Any:
    payloads: list[Any] = [
        {"a": 1, "b": [None, True, 1.5]},
        {},
        [],
        "text",
        "",
        0,
        False,
        None,
        {"\u00e9": "\U0001f600"},
        {1: 2},
    ]
    return [_ask(server, OK, method="put", payload=payload) for payload in payloads]


@keep("retry.payload-json")
def callers_content_type_wins(server: str) -> Any:
    return _ask(
        server, OK, method="put", payload={"a": 1}, headers={"content-type": "application/x"}
    )


@keep("retry.payload-json")
def nan_and_infinity_are_refused(server: str) -> Any:
    return [
        _ask(server, OK, method="put", payload={"a": value})
        for value in (float("nan"), float("inf"), -float("inf"))
    ]


@keep("retry.payload-json")
def what_json_does_not_know_is_a_type_error(server: str) -> Any:
    return [_ask(server, OK, method="put", payload={"a": value}) for value in ({1}, object(), b"x")]


@keep("retry.headers")
def headers_of_the_caller_are_sent(server: str) -> Any:
    headers: list[Any] = [
        {"X-A": "1", "x-b": "two words", "Accept": "application/json"},
        {"X-A": b"bytes"},
        {"X-A": None},
        {"X-Empty": ""},
    ]
    found = []
    for given in headers:
        url = script(server, OK)
        retry_request("get", url, headers=given)
        request = recorded(url)[0]
        found.append([_sent(request), request["headers"].get("accept")])
    return found


@keep("retry.headers")
def none_drops_a_default(server: str) -> Any:
    url = script(server, OK)
    retry_request("get", url, headers={"Accept": None})
    return "accept" in recorded(url)[0]["headers"]


@fix("retry.headers", original=True, ours=False)
def none_drops_the_user_agent(server: str) -> Any:
    url = script(server, OK)
    retry_request("get", url, headers={"User-Agent": None})
    return "user-agent" in recorded(url)[0]["headers"]


@keep("retry.headers")
def auth_tuple_is_basic(server: str) -> Any:
    return [
        _ask(server, OK, auth=("user", "secret")),
        _ask(server, OK, method="put", auth=("user", "")),
        _ask(server, OK, auth=HTTPBasicAuth("user", "secret")),
        _ask(server, OK, auth=None),
    ]


@keep("retry.credentials")
def credentials_in_the_url_are_basic(server: str) -> Any:
    found = []
    for userinfo in ("user:secret", "us%40er:se%3Acret"):
        url = script(server, OK)
        retry_request("get", url.replace("//", f"//{userinfo}@"))
        found.append(_sent(recorded(url)[0]))
    return found


def _basic(user: str, password: str, encoding: str) -> str:
    return "Basic " + base64.b64encode(f"{user}:{password}".encode(encoding)).decode()


@fix("retry.credentials", original="latin-1", ours="utf-8")
def credentials_beyond_ascii_go_as_utf8(server: str) -> Any:
    sent = _ask(server, OK, auth=("\u00fcser", "s\u00e9cret"))[1][0][3]["authorization"]
    encodings = ("latin-1", "utf-8")
    return next(e for e in encodings if sent == _basic("\u00fcser", "s\u00e9cret", e))


@fix("retry.credentials", original=True, ours=False)
def netrc_is_not_read(server: str) -> Any:
    with tempfile.NamedTemporaryFile("w", suffix="netrc") as netrc:
        netrc.write("machine 127.0.0.1 login user password secret\n")
        netrc.flush()
        with mock.patch.dict(os.environ, {"NETRC": netrc.name}):
            return "authorization" in _ask(server, OK)[1][0][3]


@keep("retry.success")
def below_400_is_success(server: str) -> Any:
    return [_ask(server, {"status": code}) for code in (200, 201, 204, 304, 399)]


@keep("retry.success")
def tried_again_until_success(server: str) -> Any:
    return _ask(server, BAD, {"status": 404}, OK, tries=5, initial_interval=2)


@keep("retry.schedule")
def pauses_grow_and_none_follows_the_last_try(server: str) -> Any:
    return [
        _ask(server, BAD, tries=4, initial_interval=0.5),
        _ask(server, BAD, tries=3),
        _ask(server, BAD, tries=2, initial_interval=0),
    ]


@keep("retry.schedule")
def default_is_ten_tries(server: str) -> Any:
    result, sent, slept = _ask(server, BAD)
    return [result, len(sent), slept]


@keep("retry.schedule")
def one_try_or_fewer_sends_one_request(server: str) -> Any:
    return [_ask(server, BAD, tries=tries) for tries in (1, 0, -3)]


@keep("retry.schedule")
def callback_comes_before_the_sleep_and_not_after_the_last_try(server: str) -> Any:
    url = script(server, BAD, {"status": 500, "body": "x"}, {"status": 404})
    order: list[Any] = []
    with mock.patch("apikit.convenience.time.sleep", lambda s: order.append(["sleep", s])):
        try:
            retry_request(
                "get", url, tries=3, initial_interval=1, callback=lambda **kw: order.append(kw)
            )
        except BackendError as error:
            order.append(error.status_code)
    return order


@keep("retry.schedule")
def exception_of_the_callback_ends_it(server: str) -> Any:
    def callback(**_kwargs: Any) -> None:
        raise LookupError("enough")

    return _ask(server, BAD, callback=callback)


@keep("retry.schedule")
def arguments_by_position(server: str) -> Any:
    url = script(server, BAD, OK)
    calls: list[Any] = []
    with _no_sleep() as slept:
        response = retry_request(
            "get", url, {"X-A": "1"}, {"q": "1"}, ("u", "p"), 3, 7, lambda **kw: calls.append(kw)
        )
    return [response.status_code, calls, slept, [_sent(request) for request in recorded(url)]]


@keep("retry.message")
def message_when_exhausted(server: str) -> Any:
    answers: list[dict[str, Any]] = [
        {"status": 404, "body": " not here\n"},
        {"status": 404, "reason": "Custom Phrase", "body": "x"},
        {"status": 500},
    ]
    return [_ask(server, answer, tries=2)[0] for answer in answers]


@fix("retry.mask", original=True, ours=False)
def password_in_the_url_is_masked(server: str) -> Any:
    url = script(server, BAD).replace("//", "//user:hunter2@")
    try:
        retry_request("get", url, tries=1)
    except BackendError as error:
        return "hunter2" in str(error)
    return None


@keep("retry.mask")
def empty_reason_may_be_blank(server: str) -> Any:
    result = _ask(server, {"status": 404, "reason": "", "body": "b"}, tries=1)[0]
    return any(f"'404 {reason}' [b]" in result[2] for reason in ("", "Not Found"))


@keep("retry.network")
def refused_connection_is_not_retried(_: str) -> Any:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
        with _no_sleep() as slept:
            try:
                retry_request("get", f"http://127.0.0.1:{port}/")
            except Exception as error:
                return [_family(error), isinstance(error, OSError), slept]
    return None


@keep("retry.network")
def urls_that_cannot_be_asked(_: str) -> Any:
    found = []
    for url in ("no-scheme", "ftp://127.0.0.1/", "http://", "http:///x"):
        try:
            retry_request("get", url)
        except Exception as error:
            name = next(
                (
                    n
                    for n in ("MissingSchema", "InvalidSchema", "InvalidURL")
                    if isinstance(error, getattr(requests.exceptions, n))
                ),
                type(error).__name__,
            )
            found.append(name)
    return found


@fix("retry.timeout", original={"raises": "TypeError"}, ours={"returns": 200})
def timeout_can_be_given(server: str) -> Any:
    try:
        return {"returns": retry_request("get", script(server, OK), timeout=5).status_code}
    except TypeError:
        return {"raises": "TypeError"}


@fix("retry.timeout", original=None, ours=[5, 30])
def timeout_by_default(_: str) -> Any:
    parameter = inspect.signature(retry_request).parameters.get("timeout")
    return None if parameter is None else list(parameter.default)


@fix("retry.timeout", original=None, ours="ReadTimeout")
def silent_server_ends_in_a_timeout(_: str) -> Any:
    # The original has no timeout at all: its call would never end, so it is not made.
    if "timeout" not in inspect.signature(retry_request).parameters:
        return None
    with socket.create_server(("127.0.0.1", 0)) as silent:
        try:
            retry_request("get", f"http://127.0.0.1:{silent.getsockname()[1]}/", timeout=(5, 0.2))
        except Exception as error:
            return _family(error)
    return None


def _redirect(status: int) -> dict[str, Any]:
    return {"status": status, "headers": [["Location", "{here}/next"]]}


@keep("retry.redirects")
def redirects_of_get_and_put(server: str) -> Any:
    return [
        _ask(server, _redirect(code), OK, method=method, payload={"a": "1"})
        for method in ("get", "put")
        for code in (301, 302, 303, 307, 308)
    ]


@fix(
    "retry.redirects",
    original=[["PUT", "PUT"], ["PUT", "GET"], ["PUT", "GET"], ["PUT", "PUT"], ["PUT", "PUT"]],
    ours=[["POST", "GET"], ["POST", "GET"], ["POST", "GET"], ["POST", "POST"], ["POST", "POST"]],
)
def redirects_of_post(server: str) -> Any:
    found = []
    for code in (301, 302, 303, 307, 308):
        _result, sent, _slept = _ask(server, _redirect(code), OK, method="post", payload={"a": 1})
        found.append([request[0] for request in sent])
    return found


@keep("retry.redirects")
def thirty_redirects_and_no_more(server: str) -> Any:
    result, sent, _slept = _ask(server, _redirect(302))
    return [result, len(sent)]


@keep("retry.cookies")
def cookies_reach_the_next_hop_only(server: str) -> Any:
    hop = {**_redirect(302), "headers": [["Location", "{here}/b"], ["Set-Cookie", "c=1; Path=/"]]}
    url = script(server, hop, BAD, OK, OK)
    with _no_sleep():
        retry_request("get", url + "/a", tries=2)
        retry_request("get", url + "/d")
    return [request["headers"].get("cookie") for request in recorded(url)]


def _through_proxy(server: str, environment: dict[str, str]) -> list[Any]:
    """Ask a host that has no address under ENVIRONMENT; return the outcome and who was asked."""
    url = script(server, OK)
    beyond = url.replace(server, "http://backend.invalid")
    with mock.patch.dict(os.environ, environment):
        try:
            result: Any = retry_request("get", beyond + "/x", tries=1).status_code
        except Exception as error:
            result = _family(error)
    return [result, [request["path"].replace(beyond, "") for request in recorded(url)]]


@keep("retry.proxies")
def proxy_variables(server: str) -> Any:
    environments: list[dict[str, str]] = [
        {"http_proxy": server},
        {"HTTP_PROXY": server},
        {"all_proxy": server},
        {"ALL_PROXY": server},
        {"http_proxy": server, "no_proxy": "backend.invalid"},
        {"http_proxy": server, "NO_PROXY": ".invalid"},
        {"http_proxy": server, "no_proxy": "other.invalid,kend.invalid"},
        {"https_proxy": server},
    ]
    return [_through_proxy(server, environment) for environment in environments]


@keep("retry.proxies")
def http_proxy_in_capitals_is_ignored_under_cgi(server: str) -> Any:
    cgi = {"REQUEST_METHOD": "GET"}
    return [
        _through_proxy(server, {"HTTP_PROXY": server, **cgi}),
        _through_proxy(server, {"http_proxy": server, **cgi}),
    ]

"""What a session keeps from call to call, and how a call changes it for itself."""

import copy
import pickle
from datetime import timedelta

import pytest
import requests

import apikit
from apikit.models import Request
from tests.requests_parity.sides import check, echo_of, outcome, raw, servers

__all__ = ["servers"]


def get(session, servers, **arguments):
    return echo_of(session.get(f"{servers.here}/x", **arguments))


def set_headers(s, servers):
    s.headers["X-A"] = "1"
    s.headers.update({"X-B": "2", "accept": "text/x"})
    return (
        get(s, servers),
        get(s, servers, headers={"x-a": None, "X-C": "3"}),
        dict(s.headers)["X-A"],
    )


def no_headers(s, servers):
    s.headers["Accept"] = None
    return get(s, servers)


def other_headers(s, servers):
    s.headers = {"X-A": "1"}
    return get(s, servers)


def cleared_headers(s, servers):
    s.headers.clear()
    return get(s, servers)


def params(s, servers):
    s.params = {"a": "1", "b": "2"}
    return (
        get(s, servers),
        get(s, servers, params={"b": None, "c": "3"}),
        get(s, servers, params="q"),
    )


def params_in_place(s, servers):
    s.params["a"] = "1"
    return get(s, servers)


def pair_of_the_session(s, servers):
    s.auth = ("user", "pass")
    return get(s, servers), get(s, servers, auth=("other", "x"))


def callable_of_the_session(s, servers):
    def sign(request):
        request.headers["X-Signed"] = "yes"
        return request

    s.auth = sign
    return get(s, servers)


def session_auth_and_header(s, servers):
    s.auth = ("user", "pass")
    return get(s, servers, headers={"Authorization": "Bearer x"})


def url_auth_and_session_auth(s, servers):
    s.auth = ("user", "pass")
    return echo_of(s.get(f"{servers.here}/x".replace("//", "//a:b@")))


def cookies_last(s, servers):
    s.get(servers.here + raw("HTTP/1.1 200 OK\nSet-Cookie: a=1; Path=/\nContent-Length: 0\n\n"))
    return get(s, servers), get(s, servers, cookies={"b": "2"}), s.cookies.get_dict()


def cookies_go(s, servers):
    s.cookies.set("a", "1")
    with_one = get(s, servers)
    s.cookies.clear()
    return with_one, get(s, servers), len(s.cookies)


def cookies_of_a_dict(s, servers):
    s.cookies.update({"a": "1"})
    s.cookies["b"] = "2"
    return get(s, servers), s.cookies["a"], "b" in s.cookies, sorted(s.cookies.keys())


def cookies_replaced(s, servers):
    s.cookies = requests.cookies.cookiejar_from_dict({"a": "1"})
    return get(s, servers), dict(s.cookies)


def cookies_by_path(s, servers):
    s.cookies.set("a", "1", path="/x")
    s.cookies.set("b", "2", path="/y")
    return get(s, servers)


def hooks_of_the_session(s, servers):
    seen = []
    s.hooks["response"].append(lambda r, *_, **__: seen.append(r.status_code))
    get(s, servers)
    return seen


def hooks_of_the_call(s, servers):
    seen = []
    s.hooks = {"response": lambda r, *_, **__: seen.append("session")}
    get(s, servers, hooks={"response": [lambda r, *_, **__: seen.append("call")]})
    get(s, servers, hooks={"response": []})
    return seen


def hooks_that_replace(s, servers):
    return s.get(f"{servers.here}/x", hooks={"response": lambda r, *_, **__: "replaced"})


def hooks_that_raise(s, servers):
    def hook(response, *_, **__):
        raise ZeroDivisionError

    return s.get(f"{servers.here}/x", hooks={"response": hook})


def prepared(s, servers):
    s.headers["X-S"] = "1"
    s.params = {"s": "1"}
    s.cookies.set("c", "1")
    s.auth = ("user", "pass")
    kind = Request if isinstance(s, apikit.Session) else requests.Request
    request = s.prepare_request(
        kind("POST", f"{servers.here}/x", headers={"X-R": "2"}, params={"r": "2"}, json={"a": 1})
    )
    request.headers["X-Late"] = "3"
    return request.method, request.url, request.body, repr(request), echo_of(s.send(request))


def prepared_alone(s, servers):
    s.headers["X-S"] = "1"
    kind = Request if isinstance(s, apikit.Session) else requests.Request
    return echo_of(s.send(kind("POST", f"{servers.here}/x", data={"a": "1"}).prepare()))


def sent_without_preparing(s, servers):
    kind = Request if isinstance(s, apikit.Session) else requests.Request
    return s.send(kind("GET", f"{servers.here}/x"))


def stream_of_the_session(s, servers):
    s.stream = True
    response = s.get(f"{servers.here}/x")
    return len(b"".join(response.iter_content(5))) > 0, outcome(lambda: response.content)


def elapsed(s, servers):
    response = s.get(f"{servers.here}/x")
    return type(response.elapsed), response.elapsed > timedelta(0)


def attributes_of_a_response(s, servers):
    response = s.get(f"{servers.here}/x")
    response.note = "mine"
    response.status_code = 299
    response.reason = "Changed"
    return response.note, response.status_code, response.reason, response.ok, repr(response)


def used_after_with(s, servers):
    with s as same:
        return same is s, get(s, servers)


def settings(s, servers):
    return [
        (s.auth, s.params, s.proxies, s.hooks, s.verify, s.cert, s.stream, s.max_redirects),
        dict(s.cookies),
    ]


def timeouts(s, servers):
    return [get(s, servers, timeout=value) for value in (5, 2.5, (1, 2), (None, 3), None)]


def bad_timeouts(s, servers):
    return [
        outcome(lambda value=value: get(s, servers, timeout=value))
        for value in (0, -1, (1, 2, 3), (1,))
    ]


def unknown_argument(s, servers):
    return s.get(f"{servers.here}/x", nonsense=1)


def no_url(s, servers):
    return s.get()


def request_of_a_response(s, servers):
    request = s.post(f"{servers.here}/x?a=1", data={"b": "2"}, headers={"X-A": "1"}).request
    kept = {name.lower(): value for name, value in request.headers.items()}
    return request.method, request.url, request.path_url, request.body, kept["x-a"], repr(request)


def pickled_response(s, servers):
    response = s.get(f"{servers.here}/x")
    again = pickle.loads(pickle.dumps(response))
    return (
        again.status_code,
        again.json() == response.json(),
        again.headers == response.headers,
        again.url,
        again.reason,
        again.encoding,
        again.elapsed == response.elapsed,
        again.request.method,
        copy.copy(response).text == response.text,
    )


ROWS = {function.__name__.replace("_", " "): function for function in (
    set_headers, no_headers, other_headers, cleared_headers, params, params_in_place,
    pair_of_the_session, callable_of_the_session, session_auth_and_header,
    url_auth_and_session_auth, cookies_last, cookies_go, cookies_of_a_dict, cookies_replaced,
    cookies_by_path, hooks_of_the_session, hooks_of_the_call, hooks_that_replace,
    hooks_that_raise, prepared, prepared_alone, sent_without_preparing, stream_of_the_session,
    elapsed, attributes_of_a_response, used_after_with, settings, timeouts, bad_timeouts,
    unknown_argument, no_url, request_of_a_response, pickled_response,
)}  # fmt: skip
REASONS = {
    "hooks that replace": "any-hook-result",
    "other headers": "removed-headers",
    "cleared headers": "removed-headers",
    "prepared alone": "removed-headers",
}


@pytest.mark.parametrize("name", ROWS)
def test_sessions(servers, name):
    check(servers, lambda s: ROWS[name](s, servers), REASONS.get(name))

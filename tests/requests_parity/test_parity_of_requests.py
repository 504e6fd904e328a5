"""What is sent: methods, URLs, parameters, bodies, headers, credentials, cookies."""

import io
from itertools import product

import pytest

from tests.requests_parity.sides import check, echo_of, servers

__all__ = ["servers"]

METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "CUSTOM"]


def byte_pieces():
    yield b"one"
    yield b""
    yield b"two"


#: Made anew for each side, for files and iterators are used up.
BODIES = {
    "nothing": dict,
    "bytes": lambda: {"data": b"a\0b\xff"},
    "text": lambda: {"data": "text"},
    "text beyond ASCII": lambda: {"data": "\u00fc\u20ac"},
    "no bytes": lambda: {"data": b""},
    "form": lambda: {"data": {"a": "1", "b": ["2", None, "\u00fc &"]}},
    "pairs": lambda: {"data": [("a", "1"), ("a", 2)]},
    "empty form": lambda: {"data": {}},
    "json": lambda: {"json": {"a": [1, None, "\u00fc"]}},
    "json list": lambda: {"json": []},
    "json zero": lambda: {"json": 0},
    "data and json": lambda: {"data": "x", "json": {"a": 1}},
    "file": lambda: {"data": io.BytesIO(b"content")},
    "empty file": lambda: {"data": io.BytesIO()},
    "file in the middle": lambda: {"data": _at(io.BytesIO(b"content"), 3)},
    "generator": lambda: {"data": byte_pieces()},
    "iterator": lambda: {"data": iter([b"x" * 10])},
    "no iterator": lambda: {"data": iter([])},
    "bytearray": lambda: {"data": bytearray(b"abc")},
    "files": lambda: {"files": {"f": ("n.txt", b"content", "text/plain", {"X-A": "1"})}},
    "files and form": lambda: {"data": {"a": ["1", "2"]}, "files": [("f", io.BytesIO(b"c"))]},
    "large": lambda: {"data": b"x" * 300_000},
    "own type": lambda: {"json": {}, "headers": {"content-type": "text/x"}},
    "own length": lambda: {"data": b"abc", "headers": {"Content-Length": "3"}},
    "nan": lambda: {"json": float("nan")},
    "no json": lambda: {"json": object()},
    "number": lambda: {"data": 5},
    "stream and files": lambda: {"data": io.BytesIO(b"x"), "files": {"f": b"x"}},
}


def _at(file, position):
    file.seek(position)
    return file


BODY_REASONS = {
    "nan": "nothing-was-prepared",
}


@pytest.mark.parametrize(("method", "name"), list(product(METHODS, BODIES)))
def test_bodies(servers, method, name):
    check(
        servers,
        lambda s: echo_of(s.request(method, f"{servers.here}/echo", **BODIES[name]())),
        BODY_REASONS.get(name),
    )


VERBS = {
    "get": lambda s, url: s.get(url, {"a": "1"}),
    "get by name": lambda s, url: s.get(url, params={"a": "1"}, headers={"X": "y"}),
    "options": lambda s, url: s.options(url),
    "post": lambda s, url: s.post(url, {"a": "1"}),
    "post json": lambda s, url: s.post(url, None, {"a": 1}),
    "put": lambda s, url: s.put(url, b"x"),
    "patch": lambda s, url: s.patch(url, b"x"),
    "delete": lambda s, url: s.delete(url),
    "delete with a body": lambda s, url: s.delete(url, json={"a": 1}),
    "request": lambda s, url: s.request("GET", url, {"a": "1"}, None, {"X": "y"}, {"c": "d"}),
    "lower case": lambda s, url: s.request("post", url),
    "stream": lambda s, url: s.get(url, stream=True),
}


@pytest.mark.parametrize("name", VERBS)
def test_verbs(servers, name):
    check(servers, lambda s: echo_of(VERBS[name](s, f"{servers.here}/echo")))


def test_head(servers):
    check(
        servers,
        lambda s: (s.head(f"{servers.here}/x").status_code, s.head(f"{servers.here}/x").content),
    )


PARAMS = [
    None,
    {},
    {"a": "1"},
    {"a": 1, "b": 2.5, "c": True, "d": None},
    {"a": ["1", 2, None]},
    {"a": "\u00fc &=?/#+;"},
    {"a": b"\xff"},
    {"a": ""},
    {"": "x"},
    [("a", "1"), ("a", "2")],
    "a=b&c",
    "raw \u00fc",
    "?x",
    b"a=b",
    {1: 2},
]
PATHS = [
    "",
    "/",
    "/p",
    "/p?q=1",
    "/p?q=1#frag",
    "/p#frag",
    "/p?",
    "/p%20q",
    "/p q",
    "/\u00fc?\u00fc=\u20ac",
]


@pytest.mark.parametrize(("path", "number"), list(product(PATHS, range(len(PARAMS)))))
def test_parameters(servers, path, number):
    def call(session):
        response = session.get(servers.here + path, params=PARAMS[number])
        return response.url, echo_of(response)

    check(servers, call)


TARGETS = [
    "/a/./b/../c",
    "/a//b",
    "//a",
    "/%7Euser/%41",
    "/%zz",
    "/a%2Fb",
    "/100%",
    "/a?x=%zz",
    "/a?x=a b",
    "/a?x=[1]&y={2}",
    "/a;b=c",
    "/a?b?c",
    "/a?x=%C3%BC",
    "/a?x='\"",
    "/<>",
    "/a|b^c`d",
    "/a\\b",
    "/\u65e5\u672c",
    "/a:b@c",
    "/a+b",
    "/a?x=1&x=2",
    "/..",
    "/../a",
    "/.",
    "/a/..",
    "/*",
    "/a,b!c$d(e)",
    "/a?/b?/c",
    "/a%e4",
]


@pytest.mark.parametrize("target", TARGETS)
def test_urls(servers, target):
    def call(session):
        response = session.get(servers.here + target)
        return response.url, echo_of(response)

    check(servers, call)


ODD_URLS = {
    "white space before": lambda here: f"  {here}/x",
    "bytes": lambda here: f"{here}/x".encode(),
    "capitals": lambda here: f"{here}/x".replace("http", "HTTP"),
    "user and password": lambda here: f"{here}/x".replace("//", "//user:p%40ss@"),
    "user": lambda here: f"{here}/x".replace("//", "//user@"),
    "no scheme": lambda here: here.replace("http://", ""),
    "no host": lambda _: "http://",
    "no host but a path": lambda _: "http:///x",
    "empty": lambda _: "",
    "other scheme": lambda _: "ftp://127.0.0.1/x",
    "mailto": lambda _: "mailto:x@y.z",
    "bad port": lambda _: "http://127.0.0.1:port/",
    "large port": lambda _: "http://127.0.0.1:99999/",
    "star": lambda _: "http://*/",
    "dot": lambda _: "http://.x/",
    "bad brackets": lambda _: "http://[::1/",
    "bad idna": lambda _: "http://\u2603..x/",
    "space in host": lambda _: "http://a b/",
    "nothing listens": lambda _: "http://127.0.0.1:1/",
    "None": lambda _: None,
}

ODD_REASONS = {
    "user": "user-alone",
    "no scheme": "which-url-error",
}


@pytest.mark.parametrize("name", ODD_URLS)
def test_odd_urls(servers, name):
    def call(session):
        response = session.get(ODD_URLS[name](servers.here))
        return response.url, echo_of(response)

    check(servers, call, ODD_REASONS.get(name))


HEADERS = {
    "one": {"X-A": "1"},
    "bytes": {"X-A": b"1"},
    "empty": {"X-A": ""},
    "latin-1": {"X-A": "\u00fc".encode("latin-1")},
    "None of ours": {"Accept": None},
    "None of all": {"Accept": None, "Connection": None, "Accept-Encoding": None},
    "other case": {"accept": "text/html"},
    "bytes name": {b"X-A": "1"},
    "own host": {"Host": "other.example"},
    "own cookie": {"Cookie": "a=1; b=2"},
    "own authorization": {"Authorization": "Bearer x"},
    "own agent": {"User-Agent": "me"},
    "trailing space": {"X-A": "1 "},
    "tab": {"X-A": "a\tb"},
    "leading space": {"X-A": " 1"},
    "line break": {"X-A": "1\r\nX-B: 2"},
    "line feed": {"X-A": "1\n2"},
    "number": {"X-A": 5},
    "name with a space": {"X A": "1"},
    "name with a colon": {"X:A": "1"},
    "empty name": {"": "1"},
}
HEADER_REASONS = {
    "name with a space": "not-a-token",
    "None of all": "removed-headers",
}


@pytest.mark.parametrize("name", HEADERS)
def test_headers(servers, name):
    check(
        servers,
        lambda s: echo_of(s.get(f"{servers.here}/x", headers=HEADERS[name])),
        HEADER_REASONS.get(name),
    )


def signed(request):
    request.headers["X-Signed"] = f"{request.method} {request.path_url} {request.body!r}"
    return request


def moved(request):
    request.url += "?moved=1"
    request.body = b"another body"
    return request


AUTHS = {
    "pair": ("user", "pass"),
    "bytes": (b"user", b"p\xff"),
    "empty": ("", ""),
    "latin-1": ("\u00fc", "x"),
    "callable": signed,
    "changing callable": moved,
    "list": ["user", "pass"],
    "false": (),
    "text": "user:pass",
    "number": 5,
}
AUTH_REASONS = {
    "latin-1": "utf-8-credentials",
    "list": "list-as-pair",
}


@pytest.mark.parametrize("name", AUTHS)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_credentials(servers, name, method):
    def call(session):
        data = b"body" if method == "POST" else None
        return echo_of(session.request(method, f"{servers.here}/x", auth=AUTHS[name], data=data))

    check(servers, call, AUTH_REASONS.get(name))


def jar_of_requests():
    import requests

    return requests.cookies.cookiejar_from_dict({"a": "1", "b": "2"})


COOKIES = {
    "dict": lambda: {"a": "1", "b": "x y"},
    "empty": dict,
    "jar": jar_of_requests,
    "quotes": lambda: {"a": '"q"'},
    "text": lambda: "a=1",
}


@pytest.mark.parametrize("name", COOKIES)
@pytest.mark.parametrize("session_has", [False, True])
def test_cookies(servers, name, session_has):
    def call(session):
        if session_has:
            session.cookies.set("s", "9")
        first = echo_of(session.get(f"{servers.here}/x", cookies=COOKIES[name]()))
        return first, echo_of(session.get(f"{servers.here}/x"))

    check(servers, call)

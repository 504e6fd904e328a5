"""`Request`, `PreparedRequest` and `send`: what a request is before it goes out."""

import io
import pathlib
from itertools import product

import pytest
import requests

from tests.requests_parity.sides import check, raw, request_of, servers, side_of

__all__ = ["servers"]

OK = raw("HTTP/1.1 200 OK\nContent-Length: 2\n\nok")


def at(file, position):
    file.seek(position)
    return file


class Reader:
    """A file that has nothing but `read`."""

    def __init__(self):
        self.pieces = [b"ab", b"c", b""]

    def read(self, size=-1):
        return self.pieces.pop(0)


class Named(io.BytesIO):
    name = "dir/named.txt"


class Sized:
    """An iterable that knows its length."""

    def __len__(self):
        return 3

    def __iter__(self):
        return iter([b"ab", b"c"])


#: Made anew for each side.
ARGUMENTS = {
    "nothing": dict,
    "params": lambda: {"params": {"a": ["1", "2"], "b": None, "c": "\u00fc"}},
    "params and query": lambda: {"params": [("a", "1")]},
    "form": lambda: {"data": {"a": "1", "b": ["2", "3"]}},
    "form of pairs": lambda: {"data": [("a", "1"), ("a", "2")]},
    "form of tuples": lambda: {"data": (("a", "1"), ("b", "\u20ac"))},
    "empty form": lambda: {"data": {}},
    "no pairs": lambda: {"data": []},
    "text": lambda: {"data": "text \u00fc"},
    "no text": lambda: {"data": ""},
    "bytes": lambda: {"data": b"a\0\xff"},
    "bytearray": lambda: {"data": bytearray(b"abc")},
    "memory": lambda: {"data": memoryview(b"abc")},
    "json": lambda: {"json": {"a": [1, None, "\u00fc", 1.5, True]}},
    "json text": lambda: {"json": "text"},
    "json false": lambda: {"json": False},
    "json of nothing": lambda: {"json": None},
    "data before json": lambda: {"data": {"a": "1"}, "json": {"b": 2}},
    "own type": lambda: {"json": [], "headers": {"Content-Type": "application/x"}},
    "own type, small": lambda: {"data": {"a": "1"}, "headers": {"content-type": "text/y"}},
    "file": lambda: {"data": io.BytesIO(b"content")},
    "file in the middle": lambda: {"data": at(io.BytesIO(b"content"), 3)},
    "file at its end": lambda: {"data": at(io.BytesIO(b"content"), 7)},
    "empty file": lambda: {"data": io.BytesIO()},
    "text in memory": lambda: {"data": io.StringIO("text")},
    "text in memory, in the middle": lambda: {"data": at(io.StringIO("text"), 2)},
    "reader": lambda: {"data": Reader()},
    "sized": lambda: {"data": Sized()},
    "iterator": lambda: {"data": iter([b"ab", b"", b"c"])},
    "iterator of text": lambda: {"data": iter(["ab", "c"])},
    "generator": lambda: {"data": (piece for piece in [b"ab", b"c"])},
    "set": lambda: {"data": {"a"}},
    "files": lambda: {"files": {"f": b"content"}},
    "files of text": lambda: {"files": {"f": "content \u00fc"}},
    "file of files": lambda: {"files": {"f": io.BytesIO(b"content")}},
    "named file": lambda: {"files": {"f": Named(b"content")}},
    "file in the middle of files": lambda: {"files": {"f": at(io.BytesIO(b"content"), 3)}},
    "text file of files": lambda: {"files": {"f": io.StringIO("content")}},
    "filename": lambda: {"files": {"f": ("name.txt", b"content")}},
    "filename and type": lambda: {"files": {"f": ("name.txt", b"content", "text/plain")}},
    "filename, type and headers": lambda: {
        "files": {"f": ("name.txt", b"content", "text/plain", {"X-A": "1", "X-B": "2"})}
    },
    "list as file": lambda: {"files": {"f": ["name.txt", b"content"]}},
    "no filename": lambda: {"files": {"f": (None, b"content")}},
    "no filename but a type": lambda: {"files": {"f": (None, b"content", "a/b")}},
    "empty filename": lambda: {"files": {"f": ("", b"content")}},
    "filename beyond ASCII": lambda: {"files": {"f": ("n\u00e4me.txt", b"content")}},
    "filename with quotes": lambda: {"files": {"f": ('na"me\\.txt', b"content")}},
    "filename in bytes": lambda: {"files": {"f": (b"name.txt", b"content")}},
    "name beyond ASCII": lambda: {"files": {"\u00fc": b"content"}},
    "files in pairs": lambda: {"files": [("f", b"1"), ("f", b"2"), ("g", ("n", b"3"))]},
    "file of nothing": lambda: {"files": {"f": ("name.txt", b"")}},
    "file that is None": lambda: {"files": {"f": ("name.txt", None)}},
    "None of files": lambda: {"files": {"f": None}},
    "empty files": lambda: {"files": {}},
    "empty list of files": lambda: {"files": []},
    "files and form": lambda: {"files": {"f": b"c"}, "data": {"a": ["1", "2"], "b": 3, "c": None}},
    "files and pairs": lambda: {"files": {"f": b"c"}, "data": [("a", "1"), ("a", b"\xff")]},
    "files and text": lambda: {"files": {"f": b"c"}, "data": "text"},
    "files and bytes": lambda: {"files": {"f": b"c"}, "data": b"text"},
    "files and json": lambda: {"files": {"f": b"c"}, "json": {"a": 1}},
    "files and file": lambda: {"files": {"f": b"c"}, "data": io.BytesIO(b"x")},
    "files and a type": lambda: {"files": {"f": b"c"}, "headers": {"Content-Type": "x/y"}},
    "bytearray of files": lambda: {"files": {"f": bytearray(b"abc")}},
    "number of files": lambda: {"files": {"f": ("n", 5)}},
    "one in a tuple": lambda: {"files": {"f": ("n",)}},
    "five in a tuple": lambda: {"files": {"f": ("n", b"c", "t", {}, 5)}},
    "headers": lambda: {"headers": {"X-A": "1", "x-b": "2", "User-Agent": "me"}},
    "headers of None": lambda: {"headers": {"X-A": None, "Accept": None}},
    "own host": lambda: {"headers": {"Host": "other.example"}},
    "own length": lambda: {"data": b"abc", "headers": {"Content-Length": "3"}},
    "own cookie": lambda: {"headers": {"Cookie": "a=1"}, "cookies": {"b": "2"}},
    "cookies": lambda: {"cookies": {"a": "1", "b": "x y"}},
    "pair": lambda: {"auth": ("user", "pass")},
    "basic": lambda: {"auth": requests.auth.HTTPBasicAuth("user", "p\u00fc")},
    "basic of ASCII": lambda: {"auth": requests.auth.HTTPBasicAuth("user", "pass")},
    "proxy": lambda: {"auth": requests.auth.HTTPProxyAuth("user", "pass")},
    "bytes of a pair": lambda: {"auth": (b"user", b"p\xff")},
    "colon": lambda: {"auth": ("us:er", "pass")},
    "empty user": lambda: {"auth": ("", "pass")},
    "pair of None": lambda: {"auth": (None, None)},
    "pair and header": lambda: {"auth": ("u", "p"), "headers": {"Authorization": "Bearer x"}},
    "callable": lambda: {"auth": signed},
    "callable that gives nothing": lambda: {"auth": lambda request: None},
    "callable that gives another": lambda: {"auth": replaced, "data": b"old"},
    "callable that fails": lambda: {"auth": lambda request: 1 / 0},
    "hooks": lambda: {"hooks": {"response": [lambda response, **_: None]}},
}  # fmt: skip


def signed(request):
    request.headers["X-Signed"] = f"{request.method} {request.path_url} {request.body!r}"
    return request


def replaced(request):
    other = request.copy()
    other.body = b"another body"
    other.headers["X-Replaced"] = "yes"
    return other


SESSION_REASONS = {
    "colon": "bad-credentials",
    "reader": "shows-what-was-sent",
    "proxy": "proxy-credentials",
    "callable that gives nothing": "taken",
}
ALONE_REASONS = {
    "colon": "bad-credentials",
    "reader": "shows-what-was-sent",
    "headers of None": "taken",
    "callable that gives nothing": "taken",
}
CALL_REASONS = {
    "colon": "bad-credentials",
    "reader": "shows-what-was-sent",
    "proxy": "proxy-credentials",
    "callable that gives nothing": "taken",
    "bytearray": "body-in-bytes",
    "memory": "body-in-bytes",
    "generator": "pickled-request",
    "hooks": "pickled-request",
}


@pytest.mark.parametrize(("method", "name"), list(product(["GET", "post", "DELETE"], ARGUMENTS)))
def test_prepared_by_a_session(servers, method, name):
    def call(session):
        session.headers["X-Session"] = "1"
        session.cookies.set("s", "1")
        session.params = {"s": "1"}
        request = side_of(session).request(method, f"{servers.here}{OK}?q=1", **ARGUMENTS[name]())
        prepared = session.prepare_request(request)
        return {"before": request_of(prepared), "after": session.send(prepared).text}

    check(servers, call, SESSION_REASONS.get(name))


@pytest.mark.parametrize("name", ARGUMENTS)
def test_prepared_alone(servers, name):
    def call(session):
        request = side_of(session).request("POST", f"{servers.here}/x#f", **ARGUMENTS[name]())
        return request_of(request.prepare()), repr(request)

    check(servers, call, ALONE_REASONS.get(name))


@pytest.mark.parametrize("name", ARGUMENTS)
def test_sent_by_a_call(servers, name):
    check(
        servers,
        lambda s: s.post(f"{servers.here}{OK}", **ARGUMENTS[name]()),
        CALL_REASONS.get(name),
    )


@pytest.mark.filterwarnings("ignore:Requests has determined")
@pytest.mark.parametrize("mode", ["r", "rb"])
@pytest.mark.parametrize("position", [0, 5])
def test_opened_files(servers, mode, position):
    def call(session):
        with pathlib.Path(__file__).with_name("__init__.py").open(mode) as file:
            file.seek(position)
            return session.post(f"{servers.here}{OK}", data=file)

    check(servers, call, "text-file" if mode == "r" else "pickled-request")


@pytest.mark.parametrize("mode", ["r", "rb"])
def test_opened_files_in_forms(servers, mode):
    def call(session):
        with pathlib.Path(__file__).with_name("__init__.py").open(mode) as file:
            return session.post(f"{servers.here}{OK}", files={"f": file})

    check(servers, call)


URLS = {
    "capitals": "HTTP://{here}/Path",
    "no path": "http://{here}",
    "query alone": "http://{here}?a=1",
    "fragment alone": "http://{here}#f",
    "port of nothing": "http://127.0.0.1:/x",
    "dots": "http://{here}/a/../b/./c",
    "spaces": "http://{here}/a b?c d#e f",
    "white space around": " http://{here}/x ",
    "tabs": "http://{here}/a\tb",
    "line break": "http://{here}/a\r\nb",
    "beyond ASCII": "http://{here}/\u00fc?\u00fc=\u20ac#\u00fc",
    "escapes": "http://{here}/%7e%41%2f%zz",
    "plus": "http://{here}/a+b?c+d",
    "brackets": "http://{here}/[a]?[b]",
    "user": "http://user:pa%20ss@{here}/x",
    "empty password": "http://user:@{here}/x",
    "two at signs": "http://u@v:p@{here}/x",
    "slashes": "http://{here}//a//b",
    "semicolons": "http://{here}/a;b?c;d",
    "backslash": "http://{here}/a\\b",
    "question marks": "http://{here}/?a?b",
    "name": "http://LOCALHOST:80/x",
    "IPv6": "http://[::1]:80/x",
    "IPv6 in capitals": "http://[::FFFF:1]/x",
    "no such IPv6": "http://[::z]/x",
    "scope": "http://[fe80::1%25eth0]/x",
    "IDNA": "http://b\u00fccher.example/\u00fc",
    "IDNA in capitals": "http://B\u00dcCHER.example/",
    "punycode": "http://xn--bcher-kva.example/",
    "underscore": "http://a_b.example/",
    "dot at the end": "http://example.org./x",
    "long label": f"http://{'a' * 64}.example/",
    "wildcard": "http://*.example/",
    "empty label": "http://a..b/",
    "space in the host": "http://a b/",
    "percent in the host": "http://a%20b/",
    "no host": "http:///x",
    "no slashes": "http:x",
    "one slash": "http:/x",
    "three slashes": "http:///127.0.0.1/x",
    "no scheme": "127.0.0.1/x",
    "other scheme": "ftp://127.0.0.1/x",
    "https": "https://{here}/x",
    "data": "data:text/plain,x",
    "unix": "http+unix://%2Ftmp%2Fx/y",
    "port of letters": "http://127.0.0.1:a/",
    "large port": "http://127.0.0.1:65536/",
    "port zero": "http://127.0.0.1:0/",
    "negative port": "http://127.0.0.1:-1/",
    "port with zeros": "http://127.0.0.1:00080/",
    "nothing": "",
    "slash": "/",
    "colon": ":",
    "hash": "#",
}
URL_REASONS = {
    "line break": "bad-url",
    "percent in the host": "bad-url",
    "other scheme": "bad-url",
    "data": "bad-url",
    "unix": "bad-url",
    "port zero": "bad-url",
    "colon": "bad-url",
}


@pytest.mark.parametrize("name", URLS)
@pytest.mark.parametrize("kind", [str, str.encode])
def test_urls(servers, name, kind):
    url = kind(URLS[name].format(here=servers.here.removeprefix("http://")))

    def call(session):
        return request_of(side_of(session).request("GET", url, params={"p": "1"}).prepare())

    check(servers, call, URL_REASONS.get(name))


SENDINGS = {
    "nothing": {},
    "stream": {"stream": True},
    "timeout": {"timeout": (3, 4)},
    "verify and cert": {"verify": False, "cert": None},
    "proxies": {"proxies": {}},
    "followed": {"allow_redirects": True},
    "not followed": {"allow_redirects": False},
    "nonsense": {"nonsense": 1},
}


@pytest.mark.parametrize("name", SENDINGS)
@pytest.mark.parametrize("status", [200, 302, 307])
def test_send(servers, name, status):
    path = raw(
        f"HTTP/1.1 {status} X\nLocation: {OK}\nSet-Cookie: a=1; Path=/\nContent-Length: 0\n\n"
    )

    def call(session):
        session.headers["X-Late"] = "not sent"
        request = side_of(session).request(
            "POST",
            servers.here + path,
            headers={"User-Agent": "me", "Accept-Encoding": "gzip"},
            data={"a": "1"},
        )
        return session.send(request.prepare(), **SENDINGS[name])

    reason = None
    if status != 200 and name != "nonsense":
        reason = "jar-goes-along" if name == "not followed" else "next-of-history"
    check(servers, call, reason)


@pytest.mark.parametrize("of", ["nobody", "the session"])
def test_cookies_of_what_is_sent(servers, of):
    def call(session):
        session.cookies.set("a", "1")
        request = side_of(session).request("GET", f"{servers.here}/x", headers={"User-Agent": "me"})
        if of == "nobody":
            request.headers["Accept-Encoding"] = "gzip"
            return session.send(request.prepare()).status_code
        return session.send(session.prepare_request(request)).status_code

    check(servers, call, "jar-goes-along" if of == "nobody" else None)


def prepare_all(side):
    prepared = side.prepared()
    prepared.prepare("POST", "http://h/x", {"X-A": "1"}, None, {"a": "1"}, {"b": "2"})
    return prepared


STEPS = {
    "new": lambda side: (side.prepared().method, side.prepared().url, side.prepared().body),
    "prepare": lambda side: request_of(prepare_all(side)),
    "copy": lambda side: request_of(prepare_all(side).copy()),
    "copy apart": lambda side: copied_apart(prepare_all(side)),
    "register": lambda side: registered(prepare_all(side)),
    "unknown event": lambda side: prepare_all(side).register_hook("nonsense", print),
    "hooks": lambda side: prepare_all(side).hooks,
    "no method": lambda side: side.request(None, "http://h/").prepare().method,
    "no url": lambda side: side.request("GET").prepare(),
    "headers of bytes": lambda side: side.request("GET", "http://h/", {"A": b"1"}).prepare().url,
    "request": lambda side: vars(side.request("GET", "http://h/")),
    "request with all": lambda side: vars(side.request("GET", "u", {"h": "1"}, [1], [2], {"p": "3"},
                                                       ("a", "b"), {"c": "4"}, None, {"j": 5})),
    "request with bad hooks": lambda side: side.request("GET", "u", hooks={"x": print}),
}  # fmt: skip


def copied_apart(prepared):
    other = prepared.copy()
    other.headers["X-B"] = "2"
    other.url = "http://other/"
    return request_of(prepared)


def registered(prepared):
    prepared.register_hook("response", print)
    prepared.register_hook("response", [len, "no callable"])
    before = list(prepared.hooks["response"])
    return (
        before,
        prepared.deregister_hook("response", print),
        prepared.deregister_hook("response", print),
        prepared.hooks["response"],
    )


@pytest.mark.parametrize("name", STEPS)
def test_steps(servers, name):
    check(servers, lambda s: STEPS[name](side_of(s)))

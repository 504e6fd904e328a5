"""What Set-Cookie leaves in the jar, and what goes back from there."""

from itertools import product

import pytest
import requests

from tests.requests_parity.sides import check, echo_of, raw, servers

__all__ = ["servers"]

SETTINGS = {
    "plain": "a=1",
    "no value": "a=",
    "no equals sign": "a",
    "no name": "=1",
    "empty": "",
    "spaces": " a = 1 ",
    "two equals signs": "a=b=c",
    "quotes": 'a="1"',
    "quoted semicolon": 'a="1;2"',
    "comma": "a=1,2",
    "latin-1": "a=\u00fc",
    "root": "a=1; Path=/",
    "own path": "a=1; Path=/raw",
    "path with a slash": "a=1; Path=/raw/",
    "other path": "a=1; Path=/other",
    "half a segment": "a=1; Path=/ra",
    "relative path": "a=1; Path=raw",
    "empty path": "a=1; Path=",
    "two paths": "a=1; Path=/; Path=/other",
    "own domain": "a=1; Domain=127.0.0.1",
    "own domain with a dot": "a=1; Domain=.127.0.0.1",
    "other domain": "a=1; Domain=example.org",
    "part of the address": "a=1; Domain=0.0.1",
    "empty domain": "a=1; Domain=",
    "secure": "a=1; Secure",
    "http only": "a=1; HttpOnly",
    "same site": "a=1; SameSite=Lax",
    "unknown attribute": "a=1; Color=blue",
    "max age": "a=1; Max-Age=600",
    "max age of zero": "a=1; Max-Age=0",
    "negative max age": "a=1; Max-Age=-1",
    "max age of text": "a=1; Max-Age=soon",
    "quoted max age": 'a=1; Max-Age="600"',
    "date": "a=1; Expires=Wed, 09 Jun 2060 10:18:14 GMT",
    "date with dashes": "a=1; Expires=Wed, 09-Jun-2060 10:18:14 GMT",
    "date of two digits": "a=1; Expires=Wed, 09-Jun-60 10:18:14 GMT",
    "date in the past": "a=1; Expires=Thu, 01 Jan 1970 00:00:01 GMT",
    "date of asctime": "a=1; Expires=Wed Jun  9 10:18:14 2060",
    "no date": "a=1; Expires=never",
    "age beats date": "a=1; Max-Age=600; Expires=Thu, 01 Jan 1970 00:00:01 GMT",
    "date before age": "a=1; Expires=Thu, 01 Jan 1970 00:00:01 GMT; Max-Age=600",
    "other case": "a=1; path=/; HTTPONLY; max-age=600",
    "version": "a=1; Version=1",
    "port": 'a=1; Port="80"',
    "secure prefix": "__Secure-a=1",
    "host prefix": "__Host-a=1; Path=/",
    "long": f"a={'x' * 3000}",
}
TARGETS = ["/raw/x", "/raw", "/other", "/", "/rawx"]


def setting(*values):
    fields = "".join(f"Set-Cookie: {value}\n" for value in values)
    return raw(f"HTTP/1.1 200 OK\n{fields}Content-Length: 0\n\n")


SETTING_REASONS = dict.fromkeys(
    [
        "no equals sign", "relative path", "two paths", "own domain", "own domain with a dot",
        "part of the address", "empty domain", "secure", "max age of text", "quoted max age",
        "date of asctime", "version", "port", "secure prefix", "host prefix",
    ],
    "rfc-6265",
)  # fmt: skip


@pytest.mark.parametrize("name", SETTINGS)
def test_set_cookie(servers, name):
    def call(session):
        response = session.get(servers.here + setting(SETTINGS[name]))
        return {
            "response": response.cookies.get_dict(),
            "sent": {
                target: echo_of(session.get(servers.here + target))["headers"].get("cookie")
                for target in TARGETS
            },
            "elsewhere": echo_of(session.get(f"{servers.there}/x"))["headers"].get("cookie"),
        }

    check(servers, call, SETTING_REASONS.get(name))


SEQUENCES = {
    "again": ["a=1", "a=2"],
    "two": ["a=1", "b=2"],
    "removed": ["a=1", "a=; Max-Age=0"],
    "removed by date": ["a=1", "a=; Expires=Thu, 01 Jan 1970 00:00:00 GMT"],
    "removed elsewhere": ["a=1; Path=/", "a=; Max-Age=0; Path=/other"],
    "two paths": ["a=1; Path=/", "a=2; Path=/raw"],
    "two paths, longer first": ["a=2; Path=/raw", "a=1; Path=/"],
    "order": ["c=1; Path=/", "b=2; Path=/", "a=3; Path=/"],
    "value and none": ["a=1", "a"],
    "case": ["a=1; Path=/", "A=2; Path=/"],
    "many": [f"c{number}={number}; Path=/" for number in range(50)],
}


SEQUENCE_REASONS = {
    ("removed", True): "rfc-6265",
    ("removed by date", True): "rfc-6265",
    ("value and none", True): "rfc-6265",
    ("value and none", False): "rfc-6265",
}


@pytest.mark.parametrize("together", [True, False])
@pytest.mark.parametrize("name", SEQUENCES)
def test_sequences(servers, name, together):
    def call(session):
        values = SEQUENCES[name]
        for answer in [values] if together else [[value] for value in values]:
            session.get(servers.here + setting(*answer))
        sent = echo_of(session.get(f"{servers.here}/raw/x"))["headers"].get("cookie")
        return set((sent or "").split("; "))

    check(servers, call, SEQUENCE_REASONS.get((name, together)))


def fill(session):
    session.cookies.set("a", "1", path="/raw")
    session.cookies.set("a", "2", path="/")
    session.cookies.set("b", "3", domain=".127.0.0.1")
    session.cookies.set("c", "4", domain=".example.org", path="/p")
    return session.cookies


JARS = {
    "domain without a dot": lambda jar: jar.set("s", "1", domain="x.org").domain,
    "get_dict": lambda jar: (jar.get_dict(), jar.get_dict(domain=".example.org"),
                             jar.get_dict(path="/p"), jar.get_dict(".example.org", "/x")),
    "get": lambda jar: (jar.get("b"), jar.get("x"), jar.get("x", "d"), jar.get("a", path="/raw"),
                        jar.get("c", domain=".example.org"), jar.get("c", None, "other")),
    "conflict": lambda jar: jar["a"],
    "get of a conflict": lambda jar: jar.get("a"),
    "item": lambda jar: jar["b"],
    "no item": lambda jar: jar["x"],
    "contains": lambda jar: ("a" in jar, "b" in jar, "x" in jar),
    "length": lambda jar: (len(jar), bool(jar)),
    "keys": lambda jar: sorted(jar.keys()),
    "values": lambda jar: sorted(jar.values()),
    "items": lambda jar: sorted(jar.items()),
    "iterators": lambda jar: (sorted(jar.iterkeys()), sorted(jar.itervalues()),
                              sorted(jar.iteritems())),
    "iteration": lambda jar: sorted((c.name, c.value, c.path, c.domain) for c in jar),
    "domains": lambda jar: (sorted(jar.list_domains()), sorted(jar.list_paths()),
                            jar.multiple_domains()),
    "delete": lambda jar: (jar.__delitem__("b"), sorted(jar.keys())),
    "delete of several": lambda jar: (jar.__delitem__("a"), sorted(jar.keys())),
    "delete of none": lambda jar: jar.__delitem__("x"),
    "set item": lambda jar: (jar.__setitem__("b", "9"), sorted(jar.items())),
    "set None": lambda jar: (jar.set("b", None), sorted(jar.items())),
    "set quoted": lambda jar: (jar.set("q", '"v"').value, jar["q"]),
    "set all": lambda jar: jar.set("s", "1", domain=".x.org", path="/y", secure=True,
                                   expires=4102444800, rest={"HttpOnly": None}).expires,
    "set nonsense": lambda jar: jar.set("s", "1", color="blue"),
    "pop": lambda jar: (jar.pop("b"), jar.pop("x", None), sorted(jar.keys())),
    "pop of none": lambda jar: jar.pop("x"),
    "setdefault": lambda jar: (jar.setdefault("b", "9"), jar.setdefault("n", "5"), jar["n"]),
    "update": lambda jar: (jar.update({"b": "7", "n": "8"}), sorted(jar.items())),
    "update by pairs": lambda jar: (jar.update([("n", "8")]), sorted(jar.keys())),
    "update by a jar": lambda jar: (jar.update(jar.copy()), sorted(jar.items())),
    "clear": lambda jar: (jar.clear(), len(jar)),
    "clear a domain": lambda jar: (jar.clear(".example.org"), sorted(jar.keys())),
    "clear a path": lambda jar: (jar.clear(".example.org", "/p"), sorted(jar.keys())),
    "clear a name": lambda jar: (jar.clear(".example.org", "/p", "c"), sorted(jar.keys())),
    "clear of none": lambda jar: jar.clear("x.org"),
    "clear a path alone": lambda jar: jar.clear(path="/p"),
    "copy": lambda jar: (sorted(jar.copy().items()), jar.copy() is not jar),
    "clear sessions": lambda jar: (jar.clear_session_cookies(), len(jar)),
    "clear expired": lambda jar: (jar.clear_expired_cookies(), len(jar)),
    "dict": lambda jar: (jar.__delitem__("a"), dict(jar)),
}  # fmt: skip


JAR_REASONS = {
    "domain without a dot": "shown-domain",
    "set all": "rfc-6265",
}


@pytest.mark.parametrize("name", JARS)
def test_jars(servers, name):
    check(servers, lambda s: JARS[name](fill(s)), JAR_REASONS.get(name))


def call_cookies(kind):
    if kind == "dict":
        return {"a": "call", "n": "new"}
    jar = requests.cookies.RequestsCookieJar()
    jar.set("a", "call", domain="127.0.0.1" if kind == "jar here" else "", path="/")
    jar.set("o", "other", domain=".example.org")
    jar.set("p", "path", domain="", path="/other")
    return jar


@pytest.mark.parametrize(
    ("kind", "session_has"),
    list(product(["dict", "jar", "jar here"], ["nothing", "a", "jar of requests"])),
)
def test_merging(servers, kind, session_has):
    def call(session):
        if session_has == "a":
            session.cookies.set("a", "session")
        elif session_has == "jar of requests":
            session.cookies.update(requests.cookies.cookiejar_from_dict({"a": "session"}))
        sent = [
            echo_of(session.get(f"{servers.here}{path}", cookies=cookies))["headers"].get("cookie")
            for path, cookies in [("/x", call_cookies(kind)), ("/other", call_cookies(kind)),
                                  ("/x", None)]
        ]  # fmt: skip
        return [set((one or "").split("; ")) for one in sent]

    check(servers, call)


def test_a_cookie_header_and_cookies(servers):
    def call(session):
        session.cookies.set("s", "1")
        return echo_of(
            session.get(f"{servers.here}/x", headers={"Cookie": "h=1"}, cookies={"c": "2"})
        )

    check(servers, call)

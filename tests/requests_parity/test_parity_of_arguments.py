"""What the arguments of a call may be, and what happens when they are something else."""

import datetime
import decimal
import fractions
import gc
import io
import pathlib
from collections import UserDict
from itertools import product

import pytest

from tests.requests_parity.sides import check, raw, servers, side_of

__all__ = ["servers"]

OK = raw("HTTP/1.1 200 OK\nContent-Length: 2\n\nok")


class Text(str):
    """A subclass, as enumerations and templates are."""


class Shown:
    """Something whose text is what counts."""

    def __str__(self):
        return "shown"


class Broken:
    """Something whose text cannot be had."""

    def __str__(self):
        raise ZeroDivisionError


#: Made anew for each side.
VALUES = {
    "None": lambda: None,
    "False": lambda: False,
    "zero": lambda: 0,
    "number": lambda: 7,
    "text": lambda: "text",
    "no text": lambda: "",
    "bytes": lambda: b"bytes",
    "empty dict": dict,
    "dict": lambda: {"a": "b"},
    "dict by number": lambda: {1: "a"},
    "user dict": lambda: UserDict(a="b"),
    "empty list": list,
    "list": lambda: ["a", "b"],
    "pairs": lambda: [("a", "b"), ("c", "d")],
    "triples": lambda: [("a", "b", "c")],
    "pair": lambda: ("a", "b"),
    "set": lambda: {"a"},
    "generator of pairs": lambda: (pair for pair in [("a", "b")]),
    "generator of bytes": lambda: (piece for piece in [b"ab", b"c"]),
    "file": lambda: io.BytesIO(b"file"),
    "text file": lambda: io.StringIO("text file"),
    "object": Shown,
    "function": lambda: len,
}
ARGUMENTS = [
    "params",
    "data",
    "headers",
    "cookies",
    "files",
    "auth",
    "timeout",
    "allow_redirects",
    "proxies",
    "hooks",
    "stream",
    "verify",
    "cert",
    "json",
]


FALSE = {"False", "zero", "no text", "empty list"}
NOT_EMPTY = VALUES.keys() - FALSE - {"None", "empty dict"}
PAIRS = {"pairs", "generator of pairs"}
NO_MAPPINGS = {"text", "list", "triples", "pair", "set", "generator of bytes", "file", "text file"}


def reasons_of(table):
    """Return a table of (argument, value) from one of (argument, values)."""
    return {(argument, name): reason for (argument, names), reason in table for name in names}


KIND_REASONS = reasons_of(
    [
        (("data", ["generator of bytes"]), "pickled-request"),
        (("headers", FALSE), "empty-headers"),
        (("headers", PAIRS), "taken"),
        (("cookies", PAIRS), "taken"),
        (("cookies", ["dict by number"]), "cookie-names"),
        (("files", ["dict by number"]), "taken"),
        (("auth", ["list"]), "list-as-pair"),
        (("proxies", NO_MAPPINGS | PAIRS), "wrong-type"),
        (("hooks", FALSE), "taken"),
        (("cert", NOT_EMPTY | {"empty dict", "empty list"}), "certificates-of-https"),
    ]
)


@pytest.mark.parametrize(("argument", "name"), list(product(ARGUMENTS, VALUES)))
def test_kinds(servers, argument, name):
    def call(session):
        given = {argument: VALUES[name]()}
        return session.post(f"{servers.here}{OK}", **given)

    check(servers, call, KIND_REASONS.get((argument, name)))


URL_REASONS = dict.fromkeys(
    NO_MAPPINGS - {"text", "set"}
    | PAIRS
    | {"empty list", "dict", "dict by number", "user dict"}
    | {"function"},
    "which-url-error",
)
METHOD_REASONS = {"no text": "not-a-token"}


@pytest.mark.parametrize("name", VALUES)
def test_kinds_of_urls(servers, name):
    check(servers, lambda s: s.get(VALUES[name]()), URL_REASONS.get(name))


@pytest.mark.parametrize("name", VALUES)
def test_kinds_of_methods(servers, name):
    check(
        servers,
        lambda s: s.request(VALUES[name](), f"{servers.here}{OK}"),
        METHOD_REASONS.get(name),
    )


SETTINGS = ["headers", "cookies", "auth", "params", "proxies", "hooks", "stream", "verify", "cert"]


DICTS = {"empty dict", "dict", "user dict"}
SETTING_REASONS = reasons_of(
    [
        (("headers", VALUES.keys() - DICTS), "session-headers"),
        (("headers", DICTS), "removed-headers"),
        (("cookies", VALUES.keys()), "session-cookies"),
        (("auth", ["list"]), "list-as-pair"),
        (
            ("params", NO_MAPPINGS | PAIRS | {"number", "bytes", "object", "function"}),
            "session-params",
        ),
        (("proxies", VALUES.keys() - DICTS - {"None", "dict by number"}), "wrong-type"),
        (("hooks", FALSE | {"dict", "dict by number"}), "taken"),
        (("stream", VALUES.keys() - {"False"}), "wrong-type"),
        (("cert", NOT_EMPTY | {"empty dict", "empty list"}), "certificates-of-https"),
    ]
)


@pytest.mark.parametrize(("setting", "name"), list(product(SETTINGS, VALUES)))
def test_kinds_of_settings(servers, setting, name):
    def call(session):
        setattr(session, setting, VALUES[name]())
        return session.get(f"{servers.here}{OK}")

    check(servers, call, SETTING_REASONS.get((setting, name)))


#: As the value of a parameter, of a form's field, of a header and of a cookie.
SCALARS = {
    "text": lambda: "a b&c=d",
    "beyond ASCII": lambda: "\u00fc\u20ac\U0001f600",
    "latin-1": lambda: "\u00fc",
    "surrogate": lambda: "\ud800",
    "no text": lambda: "",
    "bytes": lambda: b"a\xff",
    "no bytes": lambda: b"",
    "number": lambda: 12,
    "negative": lambda: -1,
    "large": lambda: 10**30,
    "float": lambda: 1e300,
    "nan": lambda: float("nan"),
    "True": lambda: True,
    "None": lambda: None,
    "subclass": lambda: Text("sub"),
    "decimal": lambda: decimal.Decimal("1.50"),
    "fraction": lambda: fractions.Fraction(1, 3),
    "date": lambda: datetime.date(2020, 1, 2),
    "path": lambda: pathlib.PurePosixPath("/a/b"),
    "object": Shown,
    "broken object": Broken,
    "list": lambda: ["a", 1, None, b"b"],
    "empty list": list,
    "tuple": lambda: ("a", "b"),
    "set": lambda: {"a"},
    "dict": lambda: {"a": "b"},
    "nested": lambda: [["a", "b"], ["c"]],
    "generator": lambda: (letter for letter in "ab"),
    "bytearray": lambda: bytearray(b"ab"),
    "line break": lambda: "a\r\nb",
    "NUL": lambda: "a\0b",
    "semicolon": lambda: "a; b",
    "quote": lambda: 'a"b',
}
PLACES = ["params", "data", "headers", "cookies"]
VALUE_REASONS = {
    ("data", "None"): "empty-form",
    ("data", "empty list"): "empty-form",
    ("headers", "NUL"): "bad-header",
    ("headers", "bytes"): "bytes-in-headers",
    ("headers", "no bytes"): "bytes-in-headers",
    ("cookies", "None"): "cookie-of-None",
    ("cookies", "NUL"): "cookie-names",
    ("cookies", "semicolon"): "cookie-names",
}


@pytest.mark.parametrize(("place", "name"), list(product(PLACES, SCALARS)))
def test_values(servers, place, name):
    def call(session):
        return session.post(f"{servers.here}{OK}", **{place: {"Name": SCALARS[name]()}})

    check(servers, call, VALUE_REASONS.get((place, name)))


#: Those whose text is the same on both sides.
NAMES = [name for name in SCALARS if name != "generator"]
NOT_TEXT = {name for name in NAMES if not isinstance(SCALARS[name](), str)}
NAME_REASONS = reasons_of(
    [
        (
            (
                "cookies",
                NOT_TEXT
                - {"empty list", "list", "set", "dict", "nested", "bytearray", "broken object"},
            ),
            "cookie-names",
        ),
        (("cookies", ["no text", "NUL", "semicolon"]), "cookie-names"),
        (("headers", ["text", "NUL", "semicolon", "quote"]), "not-a-token"),
    ]
)


@pytest.mark.parametrize(("place", "name"), list(product(PLACES, NAMES)))
def test_names(servers, place, name):
    def call(session):
        pairs = [(SCALARS[name](), "value")]
        given = dict(pairs) if place in ("headers", "cookies") else pairs
        return session.post(f"{servers.here}{OK}", **{place: given})

    check(servers, call, NAME_REASONS.get((place, name)))


JSON_REASONS = {"nan": "nothing-was-prepared"}


@pytest.mark.parametrize("name", SCALARS)
def test_json(servers, name):
    check(
        servers,
        lambda s: s.post(f"{servers.here}{OK}", json=[SCALARS[name]()]),
        JSON_REASONS.get(name),
    )


TIMEOUTS = {
    "seconds": 5,
    "float": 0.5,
    "large": 1e12,
    "infinite": float("inf"),
    "nan": float("nan"),
    "zero": 0,
    "negative": -1,
    "text of a number": "5",
    "pair": (5, 5),
    "pair of None": (None, None),
    "pair with text": ("5", 5),
    "pair with zero": (0, 5),
    "pair with a negative": (5, -1),
    "list": [5, 5],
    "one": (5,),
    "decimal": decimal.Decimal(5),
    "fraction": fractions.Fraction(5, 2),
    "True": True,
    "bytes": b"5",
    "timedelta": datetime.timedelta(seconds=5),
}


TIMEOUT_REASONS = {
    "large": "long-timeouts",
    "infinite": "long-timeouts",
    "decimal": "taken",
    "fraction": "taken",
}


# urllib3 forgets its socket when the timeout is none.
@pytest.mark.filterwarnings("ignore::ResourceWarning")
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("name", TIMEOUTS)
def test_timeouts(servers, name):
    check(
        servers,
        lambda s: s.get(f"{servers.here}{OK}", timeout=TIMEOUTS[name]),
        TIMEOUT_REASONS.get(name),
    )
    gc.collect()


def test_all_by_position(servers):
    def call(session):
        seen = []
        hooks = {"response": lambda response, **_: seen.append(response.status_code)}
        response = session.request(
            "PUT",
            f"{servers.here}{OK}",
            {"p": "1"},
            b"data",
            {"X-A": "1"},
            {"c": "1"},
            None,
            ("user", "pass"),
            (3, 4),
            False,
            {},
            hooks,
            True,
            True,
            None,
            None,
        )
        return seen, response.text

    check(servers, call)


TOO_MUCH = {
    "get": lambda s, url: s.get(url, None, None),
    "options": lambda s, url: s.options(url, None),
    "head": lambda s, url: s.head(url, None),
    "post": lambda s, url: s.post(url, None, None, None),
    "put": lambda s, url: s.put(url, None, None),
    "patch": lambda s, url: s.patch(url, None, None),
    "delete": lambda s, url: s.delete(url, None),
    "request": lambda s, url: s.request("GET", url, *[None] * 15),
    "twice": lambda s, url: s.get(url, url=url),
    "params twice": lambda s, url: s.get(url, {}, params={}),
    "method": lambda s, url: s.get(url, method="POST"),
    "nothing": lambda s, _: s.request(),
    "no url": lambda s, _: s.request("GET"),
    "json to put": lambda s, url: s.put(url, json=[1]),
    "data and json": lambda s, url: s.post(url, {"a": "1"}, {"b": 2}),
    "no data and json": lambda s, url: s.post(url, {}, {"b": 2}),
    "params and data": lambda s, url: s.get(url, params="a=1", data="b=2"),
}


@pytest.mark.parametrize("name", TOO_MUCH)
def test_signatures(servers, name):
    check(servers, lambda s: TOO_MUCH[name](s, f"{servers.here}{OK}"))


@pytest.mark.parametrize("follow", [True, False, None, 0, 1, "", "no"])
@pytest.mark.parametrize("verb", ["get", "head", "post", "options", "delete", "request"])
def test_following(servers, verb, follow):
    path = "/raw/" + b"HTTP/1.1 302 X\r\nLocation: /y\r\nContent-Length: 0\r\n\r\n".hex()

    def call(session):
        first = ("GET",) if verb == "request" else ()
        send = getattr(session, verb)
        return send(*first, servers.here + path, allow_redirects=follow).status_code

    check(servers, call)


def test_requests_and_sessions_are_no_arguments(servers):
    check(
        servers,
        lambda s: s.get(side_of(s).request("GET", f"{servers.here}{OK}")),
        "which-url-error",
    )

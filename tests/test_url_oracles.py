"""URLs of the C core against requests and urllib3 on generated text."""

from __future__ import annotations

import base64
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from unittest.mock import patch
from urllib.parse import quote_plus, unquote_to_bytes

import pytest
import requests
import urllib3.util.url
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from requests.exceptions import InvalidURL, MissingSchema

from tests.core_driver import Driver, build_driver

pytestmark = pytest.mark.no_asan  # programs of the C core run here, not the extension

TWICE = settings(max_examples=2 * settings.default.max_examples)

REGISTERED_NAME = re.compile(r"[A-Za-z0-9_~-][A-Za-z0-9._~-]*")


@pytest.fixture(scope="session")
def driver(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Driver]:
    folder = tmp_path_factory.mktemp("url_driver")
    with Driver(build_driver("url", folder, ("status", "alloc", "str", "buf", "url*"))) as running:
        yield running


def without_dot_segments(path: str) -> str:
    """RFC 3986, 5.2.4, of a path that begins with "/"."""
    kept: list[str] = []
    segments = path.split("/")[1:]
    for segment in segments:
        if segment == "..":
            del kept[-1:]
        elif segment != ".":
            kept.append(segment)
    if segments[-1] in (".", ".."):
        kept.append("")
    return "/" + "/".join(kept)


def without_coded_dot_segments(path: str) -> str:
    """The same, of a path whose dots may be "%2E" and which may lack its "/"."""
    rooted = path if path.startswith("/") else "/" + path
    if len(re.findall("%[0-9A-Fa-f]{2}", rooted)) < rooted.count("%"):
        return without_dot_segments(rooted)  # no "%" of it is an escape
    return without_dot_segments(re.sub("%2[eE]", ".", rooted))


def prepared(text: str) -> tuple[str, str]:
    """What requests makes of TEXT, with two differences of ours taken out.

    The dots of "%2E%2E" are dots (RFC 3986, 6.2.2.2): requests sends "/a/../b" for
    "/a/%2E%2E/b".  And "/..//b" keeps its empty segment, which urllib3 drops.
    """
    request = requests.PreparedRequest()
    module = urllib3.util.url
    try:
        with patch.object(module, "_remove_path_dot_segments", without_coded_dot_segments):
            request.prepare_url(text, None)
    except MissingSchema:
        return "error", "missing-schema"
    except InvalidURL:
        return "error", "bad-url"
    assert request.url is not None
    if not request.url.lower().startswith(("http://", "https://")):
        return "error", "bad-schema"  # requests says so when it looks for an adapter
    return "ok", request.url


def ours(driver: Driver, *request: str | bytes) -> tuple[str, str]:
    command = request[0]
    assert isinstance(command, str)
    words = driver.ask(command, *request[1:])
    return words[0], words[1]


@dataclass(frozen=True)
class Difference:
    """Where the core means to differ from requests."""

    why: str
    example: str
    requests: str  # the status, or "ok"
    core: str


DIFFERENCES = [
    Difference("a line break or NUL is refused, never coded", "http://h/\n", "ok", "bad-url"),
    Difference("and refused before white space is dropped", "\nhttp://h/", "ok", "bad-url"),
    Difference("only ASCII white space is dropped", "\u2003http://h/", "ok", "missing-schema"),
    Difference("a host that no resolver takes", "http://a!b/", "ok", "bad-url"),
    Difference("a host with escapes", "http://a%62/", "ok", "bad-url"),
    Difference("IDNA is a step of its own", "http://h\u00e9/", "ok", "bad-url"),
    Difference("port 0 does not become port 80", "http://h:0/", "ok", "bad-url"),
    Difference("an address of more than eight bits", "http://[::1.2.3.999]/", "ok", "bad-url"),
    Difference("a zone with escapes", "http://[::1%25a%41]/", "ok", "bad-url"),
    Difference("no scheme, with ':'", "//h:80/", "bad-schema", "missing-schema"),
    Difference("httpx without host is another scheme", "httpx:80/", "bad-url", "bad-schema"),
    Difference("http.x too", "http.x:80/", "missing-schema", "bad-schema"),
]


def raw_status(text: str) -> str:
    status, result = prepared(text)
    return "ok" if status == "ok" else result


@pytest.mark.parametrize("difference", DIFFERENCES, ids=lambda difference: difference.why)
def test_each_difference_is_one(driver: Driver, difference: Difference) -> None:
    assert raw_status(difference.example) == difference.requests
    status, result = ours(driver, "parse", difference.example)
    assert (result if status == "error" else "ok") == difference.core


def test_coded_dots_and_an_empty_segment_after_the_root_differ(driver: Driver) -> None:
    for text, theirs, core in [
        ("http://h/a/%2e%2E/b", "http://h/a/../b", "http://h/b"),
        ("http://h/..//b", "http://h/b", "http://h//b"),
        ("http://[fe80::1%25eth0]/%20", "http://[fe80::1%25eth0]/%2520", None),
    ]:
        request = requests.PreparedRequest()
        request.prepare_url(text, None)
        assert request.url == theirs
        assert ours(driver, "parse", text) == ("ok", core or text)


def expected(text: str) -> tuple[str, str]:
    """What the core must make of TEXT: requests' answer, or the difference's."""
    if any(c in text for c in "\r\n\0"):
        return "error", "bad-url"
    stripped = text.lstrip(" \t\v\f\x1c\x1d\x1e\x1f")
    scheme = re.match(r"([A-Za-z][A-Za-z0-9+.-]*):", stripped)
    if scheme is None:
        return "error", "missing-schema"
    if scheme[1].lower() not in ("http", "https"):
        return "error", "bad-schema"
    authority = re.match(r"//([^/\\?#]*)", stripped[scheme.end() :])
    if authority is not None:
        host_port = authority[1].rpartition("@")[2]
        host = host_port.partition(":")[0]
        if not host.startswith("[") and not REGISTERED_NAME.fullmatch(host):
            return "error", "bad-url"
        if re.search(":0+$", host_port):
            return "error", "bad-url"
    return prepared(stripped)


PIECES = st.sampled_from(
    ["%41", "%2f", "%e9", "%", "%4", "%zz", "%2e", "é", "€", "\\", " ", "\t", "\x01", "\x7f", "\r"]
)
ASCII = st.sampled_from([chr(c) for c in range(0x21, 0x7F)])
FRAGMENT = st.lists(st.one_of(PIECES, ASCII, ASCII, ASCII), max_size=8).map("".join)
PATH = st.lists(
    st.one_of(st.sampled_from(["", ".", "..", "...", "%2e", ".%2E", "a", "b;c=1"]), FRAGMENT),
    max_size=6,
).map("/".join)
NAMES = ["h", "Example.COM", "x_y", "h.", "127.0.0.1", "*.h", ".h", "", "a b", "a<b", "hé", "a%41"]
ADDRESSES = ["[::1]", "[FE80::A]", "[1:2::8]", "[1:2:3:4:5:6:7:8]", "[1::2::3]", "[::", "[::1]x"]
HOST = st.sampled_from(NAMES + ADDRESSES)
PORT = st.sampled_from(["", ":", ":80", ":0443", ":8080", ":65535", ":65536", ":x", ":0", ":1:2"])
SCHEME = st.sampled_from(
    ["http://", "https://", "HTTP://", " http://", "http:", "http:/", "ftp://", "", "//", "x:"]
)


@st.composite
def urls(draw: st.DrawFn) -> str:
    parts = [draw(SCHEME), draw(st.sampled_from(["", "", "", "@", ":@", "u:p@"])), draw(HOST)]
    if draw(st.booleans()):
        parts.insert(1, draw(FRAGMENT) + "@")
    parts.append(draw(PORT))
    parts.append(draw(st.sampled_from(["", "/", "/", "/"])) + draw(PATH))
    for mark in "?#":
        if draw(st.booleans()):
            parts.append(mark + draw(FRAGMENT))
    return "".join(parts)


@TWICE
@given(urls())
def test_a_url_becomes_what_requests_makes_of_it(driver: Driver, text: str) -> None:
    assert ours(driver, "parse", text) == expected(text)


@TWICE
@given(st.text(alphabet="htp:/s?#@[]%41.~é\\ \n", max_size=24))
def test_any_text_becomes_what_requests_makes_of_it(driver: Driver, text: str) -> None:
    assert ours(driver, "parse", text) == expected(text)


def redirected(base: str, location: str) -> str:
    """Where requests goes from BASE by LOCATION."""
    session = requests.Session()
    session.trust_env = False
    request = session.prepare_request(requests.Request("GET", base))
    response = requests.Response()
    response.request = request
    response.status_code = 302
    response.url = request.url or ""
    response.headers["Location"] = location.encode().decode("latin-1")
    response.__dict__.update(_content=b"", _content_consumed=True)
    hop = next(session.resolve_redirects(response, request, yield_requests=True))
    return hop.url or ""


SEGMENT = st.sampled_from(
    ["a", "b", "..", ".", "c;x=1", "d~", "%41", "%2F", "é", "...", " ", "q:r"]
)
REFERENCE_PATH = st.lists(SEGMENT, min_size=1, max_size=5).map("/".join)
QUERY = st.sampled_from(["", "", "?q", "?a=b&c=/../d", "?é", "?x?y", "?%20"])
HASH = st.sampled_from(["", "", "#", "#f", "#f/../g?h", "#é"])
AUTHORITY = st.sampled_from(["h", "H:80", "u:p@h", "[::1]:8", "h:", "other.org", "h:x", "*.h"])


@st.composite
def references(draw: st.DrawFn) -> str:
    start = draw(
        st.one_of(
            st.sampled_from(["", "", "/", "/", "http:", "ftp://h/", "mailto:"]),
            AUTHORITY.map(lambda authority: f"//{authority}/"),
            AUTHORITY.map(lambda authority: f"http://{authority}/"),
            AUTHORITY.map(lambda authority: f"HTTPS://{authority}/"),
        )
    )
    return start + draw(st.one_of(st.just(""), REFERENCE_PATH)) + draw(QUERY) + draw(HASH)


@st.composite
def bases(draw: st.DrawFn) -> str:
    scheme = draw(st.sampled_from(["http://", "https://"]))
    authority = draw(st.sampled_from(["h", "h:80", "h:81", "u:p%40@h", "[::1]:8"]))
    path = draw(st.lists(st.sampled_from(["a", "b;x=1", "%2F", "c%20"]), max_size=4).map("/".join))
    return scheme + authority + "/" + path + draw(QUERY) + draw(HASH)


def urljoin_differs(reference: str) -> bool:
    """Whether urljoin is known not to follow RFC 3986, 5.2, which the core does.

    - "?" alone keeps the base's query: urljoin cannot tell an empty query from none.
    - an empty Location: requests does not follow it, and the core is not asked.
    - "http:" and nothing: the same, behind a scheme.
    - "http:path": urlparse's geturl makes "http:///path" of it in some Pythons.
    """
    relative = re.sub("^http:(?!//)", "", reference)
    if relative != reference and not relative.startswith("/"):
        return True
    return relative in ("", "?") or relative.startswith("?#")


@TWICE
@given(bases(), references())
def test_a_location_leads_where_requests_goes(driver: Driver, base: str, reference: str) -> None:
    assume(not urljoin_differs(reference))
    try:
        there = redirected(base, reference)
    except ValueError:
        there = ""
    want = prepared(there) if there else ("error", "bad-url")
    got = ours(driver, "resolve", base, reference.encode())
    assert got == want


RESOLVED_DIFFERENTLY = [
    # reference, the end of requests' URL, the end of ours; the base is http://h/a/b?c
    ("?", "/a/b?c", "/a/b"),
    ("x//y", "/a/x/y", "/a/x//y"),
    # ";x" is a parameter of the segment ".": urljoin took it apart until Python 3.14.
    (".;x", "/a/.;x" if sys.version_info >= (3, 14) else "/a/;x", "/a/.;x"),
    ("/\tx", "/x", "/%09x"),
    ("%zz%41", "/a/%25zz%2541", "/a/%25zz%2541"),
    ("%41?%zz", "/a/%2541?%25zz", "/a/A?%25zz"),
]


@pytest.mark.parametrize(("reference", "theirs", "core"), RESOLVED_DIFFERENTLY)
def test_each_resolved_difference_is_one(
    driver: Driver, reference: str, theirs: str, core: str
) -> None:
    base = "http://h/a/b?c"
    assert prepared(redirected(base, reference)) == ("ok", "http://h" + theirs)
    assert ours(driver, "resolve", base, reference) == ("ok", "http://h" + core)


@TWICE
@given(st.binary(max_size=60))
def test_bytes_of_a_location_are_coded_as_they_are(driver: Driver, raw: bytes) -> None:
    printable = bytes(c for c in raw if c >= 0x80)
    coded = "".join(f"%{c:02X}" for c in printable)
    want = ("ok", f"http://h/{coded}")
    assert ours(driver, "resolve", "http://h/", b"/" + printable) == want


@TWICE
@given(st.binary(max_size=60))
def test_codings_are_the_standard_library_s(driver: Driver, raw: bytes) -> None:
    assert driver.ask("form", raw) == ["ok", quote_plus(raw)]
    assert driver.ask("base64", raw) == ["ok", base64.b64encode(raw).decode()]


@TWICE
@given(st.text(alphabet="%0aFgé+ ", max_size=20))
def test_unquoting_is_the_standard_library_s(driver: Driver, text: str) -> None:
    assert driver.ask("unquote", text) == ["ok", unquote_to_bytes(text).decode("latin-1")]


PARAMS = st.text(
    alphabet=[*sorted(set(map(chr, range(0x20, 0x7F))) - set("#[]%")), "é"], min_size=1
)


@TWICE
@given(bases(), st.lists(st.one_of(PARAMS, st.sampled_from(["%2F", "%C3"])), min_size=1))
def test_a_query_joins_as_params_do(driver: Driver, base: str, pieces: list[str]) -> None:
    """A "%2f" keeps its case in requests, and "[", "]" and "#" stay what they are."""
    request = requests.PreparedRequest()
    request.prepare_url(base, "".join(pieces))
    assert ours(driver, "query", base, "".join(pieces)) == ("ok", request.url)


def test_a_joined_query_cannot_become_a_fragment(driver: Driver) -> None:
    assert ours(driver, "query", "http://h/#f", "a#b[") == ("ok", "http://h/?a%23b%5B#f")


def test_a_reference_that_is_rooted_nowhere_is_refused(driver: Driver) -> None:
    for reference in ["///x", "//", "http:///x", "https:x"]:
        assert ours(driver, "resolve", "http://h/", reference)[0] == "error"

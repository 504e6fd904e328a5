"""The cookie jar of the C core against http.cookiejar's, as requests uses it.

Where the two differ the core follows RFC 6265 and, for Secure cookies and name
prefixes, its revision (6265bis). Jar.take tells http.cookiejar what it has to be told
to do the same, and DIFFERENCES shows for each rule there that it is needed.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from email.message import Message
from http.cookiejar import (  # type: ignore[attr-defined]
    Cookie,
    DefaultCookiePolicy,
    http2time,
)
from ipaddress import ip_address
from urllib.parse import urlsplit

import pytest
import requests
from hypothesis import given, settings
from hypothesis import strategies as st
from requests.cookies import MockRequest, MockResponse, RequestsCookieJar, get_cookie_header

from tests.core_driver import Driver, build_driver

SOURCES = ("status", "alloc", "str", "buf", "url*", "cookie*")

pytestmark = pytest.mark.no_asan  # a program of the C core runs here, not the extension

TWICE = settings(max_examples=2 * settings.default.max_examples)

CONTROL = re.compile("[\x00-\x08\x0a-\x1f\x7f]")


@pytest.fixture(scope="session")
def driver(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Driver]:
    with Driver(build_driver("cookie", tmp_path_factory.mktemp("cookie"), SOURCES)) as running:
        yield running


def is_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


def is_loopback(host: str) -> bool:
    return host == "localhost" or (is_address(host) and ip_address(host).is_loopback)


def request_for(url: str) -> requests.PreparedRequest:
    request = requests.PreparedRequest()
    request.prepare_url(url, None)
    request.prepare_headers({})
    return request


@dataclass(frozen=True)
class SetCookie:
    """A Set-Cookie value in parts."""

    pair: str
    attributes: tuple[tuple[str, str | None], ...] = ()

    def __str__(self) -> str:
        """The header's value."""
        parts = [name if value is None else f"{name}={value}" for name, value in self.attributes]
        return "; ".join([self.pair, *parts])

    def known(self) -> dict[str, str]:
        """RFC 6265, 5.2: the last of each attribute counts; wrong values count nothing."""
        known: dict[str, str] = {}
        for name, value in self.attributes:
            key, text = name.lower(), value or ""
            if key == "max-age" and not re.fullmatch("-?[0-9]+", text):
                continue
            if key == "expires" and http2time(text) is None:
                continue
            known[key] = text
        if not known.get("path", "/").startswith("/"):
            del known["path"]
        known["domain"] = known.get("domain", "").removeprefix(".").lower()
        return known


@dataclass
class Jar:
    """requests' jar, brought to RFC 6265."""

    jar: RequestsCookieJar = field(
        default_factory=lambda: RequestsCookieJar(
            # A cookie without Domain goes back to its host only (RFC 6265, 5.3, step 6).
            policy=DefaultCookiePolicy(strict_ns_domain=DefaultCookiePolicy.DomainStrictNonDomain)
        )
    )

    @staticmethod
    def safe(url: str) -> str:
        """Browsers let Secure cookies through on loopback, as if it were https."""
        loopback = is_loopback(urlsplit(url).hostname or "")
        return re.sub("^http:", "https:", url) if loopback else url

    def take(self, url: str, header: SetCookie) -> None:
        """Extract HEADER, rewritten so that http.cookiejar does what RFC 6265 says."""
        told = self.told(url, header)
        if told is not None:
            self.extract(url, told)

    def extract(self, url: str, value: str) -> None:
        message = Message()
        message["Set-Cookie"] = value
        self.jar.extract_cookies(
            MockResponse(message),  # type: ignore[arg-type]
            MockRequest(request_for(self.safe(url))),  # type: ignore[arg-type]
        )

    def told(self, url: str, header: SetCookie) -> str | None:
        """What to tell http.cookiejar; None: nothing."""
        name, equals, _ = header.pair.partition("=")
        if CONTROL.search(str(header)) or not equals or not name.strip():
            return None
        known = header.known()
        host = urlsplit(url).hostname or ""
        safe = self.safe(url).startswith("https:")
        domain = known["domain"]
        if not self.promise_holds(name.strip().lower(), known):
            return None
        if ("secure" in known and not safe) or not self.may_set(host, domain):
            return None
        if domain == host and (is_address(host) or "." not in host):
            domain = ""  # its own host, which http.cookiejar does not see
        path = known.get("path") or self.default_path(url)
        if not safe and self.touches_secure(name.strip(), domain or host, path):
            return None
        self.forget_twin(name.strip(), domain or host, path, with_dot=domain == "")
        kept = [f"path={path}"] + ([f"domain={domain}"] if domain else [])
        kept += [f"{key}={known[key]}" for key in ("max-age", "expires") if key in known]
        return "; ".join([header.pair, *kept, *(["secure"] if "secure" in known else [])])

    @staticmethod
    def promise_holds(name: str, known: dict[str, str]) -> bool:
        if name.startswith("__host-"):
            return "secure" in known and known.get("path") == "/" and known["domain"] == ""
        return "secure" in known or not name.startswith("__secure-")

    @staticmethod
    def may_set(host: str, domain: str) -> bool:
        """RFC 6265, 5.3, steps 5 and 6, with every name without an inner dot a suffix."""
        if domain in ("", host):
            return True
        return "." in domain[:-1] and host.endswith("." + domain) and not is_address(host)

    @staticmethod
    def default_path(url: str) -> str:
        return urlsplit(url).path.rpartition("/")[0] or "/"

    def cookies(self) -> list[tuple[str, Cookie]]:
        """Each cookie with its domain as RFC 6265 writes it."""
        return [
            (cookie.domain.removeprefix(".").removesuffix(".local").strip("[]"), cookie)
            for cookie in self.jar
        ]

    def touches_secure(self, name: str, domain: str, path: str) -> bool:
        """6265bis, 5.7: leave Secure cookies alone."""
        return any(
            cookie.secure
            and cookie.name == name
            and (f".{domain}".endswith(f".{other}") or f".{other}".endswith(f".{domain}"))
            and (path + "/").startswith(cookie.path.removesuffix("/") + "/")
            and (not cookie.path.endswith("/") or path.startswith(cookie.path))
            for other, cookie in self.cookies()
        )

    def forget_twin(self, name: str, domain: str, path: str, *, with_dot: bool) -> None:
        """Host-only or not, RFC 6265 has one cookie per (name, domain, path)."""
        for other, cookie in self.cookies():
            same = (cookie.name, other, cookie.path) == (name, domain, path)
            if same and cookie.domain.startswith(".") == with_dot:
                self.jar.clear(cookie.domain, cookie.path, cookie.name)

    def sent_to(self, url: str) -> list[str]:
        header = get_cookie_header(self.jar, request_for(self.safe(url)))
        return sorted(header.split("; ")) if header else []


class Core:
    """The jar of the C core."""

    def __init__(self, driver: Driver) -> None:
        self._driver = driver
        assert driver.ask("new", str(int(time.time()))) == ["ok"]

    def take(self, url: str, header: SetCookie | str) -> None:
        assert self._driver.ask("take", url, str(header))[0] == "ok"

    def sent_to(self, url: str) -> list[str]:
        status, header = self._driver.ask("send", url)
        assert status == "ok"
        return sorted(header.split("; ")) if header else []


HOSTS = ["h.org", "a.h.org", "b.a.h.org", "xh.org", "g.org", "localhost", "127.0.0.1", "10.0.0.1"]
HOSTS += ["[::1]", "com"]
PATHS = ["", "/", "/a", "/a/", "/a/b", "/a/b/c", "/ab", "/a/b?c=/d"]
URLS = st.builds(
    "{}://{}{}".format,
    st.sampled_from(["http", "https"]),
    st.sampled_from(HOSTS),
    st.sampled_from(PATHS),
)

NAMES = st.sampled_from(["n", "n", "m", "N", " n ", "__Host-n", "__Secure-n", "__host-m", "$n", ""])
VALUES = st.sampled_from(["", "1", "2", '"q w"', "a=b", "1, m=2", " 3 ", "\x01", "x\x7f", "e\t"])
PAIRS = st.one_of(
    st.builds("{}={}".format, NAMES, VALUES), st.builds("{}={}".format, NAMES, VALUES), NAMES
)
DATES = [
    "Wed, 09 Jun 2199 10:18:14 GMT",
    "Wednesday, 09-Jun-32 10:18:14 GMT",
    "Thu, 01 Jan 1970 00:00:00 GMT",
    "Sun, 06 Nov 1994 08:49:37 GMT",
    "0",
    "soon",
    "",
]
DOMAINS = ["h.org", ".h.org", "a.h.org", ".A.H.ORG", "org", "com", "localhost", "127.0.0.1"]
DOMAINS += ["0.0.1", "xh.org", "", ".", "..h.org"]
ATTRIBUTES = st.one_of(
    st.tuples(st.sampled_from(["Domain", "domain"]), st.sampled_from([*DOMAINS, None])),
    st.tuples(st.just("Path"), st.sampled_from(["/", "/a", "/a/", "/a/b", "a", "", None])),
    st.tuples(st.sampled_from(["Secure", "secure"]), st.sampled_from([None, "", "no"])),
    st.tuples(st.just("Max-Age"), st.sampled_from(["3600", "0", "-1", "+5", "x", "", None])),
    st.tuples(st.just("Expires"), st.sampled_from([*DATES, None])),
    st.tuples(
        st.sampled_from(["HttpOnly", "SameSite", "Version", "Port", "Comment", ""]),
        st.sampled_from([None, "1", "Lax", ""]),
    ),
)
SET_COOKIES = st.builds(SetCookie, PAIRS, st.lists(ATTRIBUTES, max_size=4).map(tuple))


@TWICE
@given(st.lists(st.tuples(URLS, SET_COOKIES), min_size=1, max_size=6), st.lists(URLS, max_size=6))
def test_the_jar_sends_what_requests_sends(
    driver: Driver, answers: list[tuple[str, SetCookie]], targets: list[str]
) -> None:
    core, theirs = Core(driver), Jar()
    for url, header in answers:
        core.take(url, header)
        theirs.take(url, header)
    for url in [*targets, *(url for url, _ in answers)]:
        assert core.sent_to(url) == theirs.sent_to(url), url


@dataclass(frozen=True)
class Difference:
    """Where http.cookiejar by itself, as requests uses it, does not follow RFC 6265."""

    why: str
    answers: list[tuple[str, str]]
    target: str
    cookiejar: str
    core: str


H = "http://h.org/"
S = "https://h.org/"
LOCAL = "http://localhost/"
DIFFERENCES = [
    Difference(
        "a cookie without Domain is its host's only", [(H, "n=1")], "http://a.h.org/", "n=1", ""
    ),
    Difference("a name alone is no cookie", [(H, "n")], H, "n", ""),
    Difference("control characters", [(H, "n=\x01")], H, "n=\x01", ""),
    Difference("the last attribute counts", [(H, "n=1; Path=/a; Path=/")], H, "", "n=1"),
    Difference("a Path without '/' is none", [(H, "n=1; Path=a")], H, "", "n=1"),
    Difference("a Path without value is none", [(H, "n=1; Path")], H, "", "n=1"),
    Difference("a Domain without value is none", [(H, "n=1; Domain")], H, "", "n=1"),
    Difference("a wrong Max-Age is none", [(H, "n=1; Max-Age=x")], H, "", "n=1"),
    Difference("a signed Max-Age is wrong", [(H, "n=1; Max-Age=+0")], H, "", "n=1"),
    Difference("Port is no attribute", [(H, "n=1; Port=8")], H, "", "n=1"),
    Difference("Version is no attribute", [(H, "n=1; Version=x")], H, "", "n=1"),
    Difference("'Secure=' is Secure", [(S, "n=1; Secure=")], H, "n=1", ""),
    Difference("Secure is not set by http", [(H, "n=1; Secure")], S, "n=1", ""),
    Difference("Secure travels on loopback", [(LOCAL, "n=1; Secure")], LOCAL, "", "n=1"),
    Difference("http leaves Secure alone", [(S, "n=1; Secure"), (H, "n=2")], S, "n=2", "n=1"),
    Difference("__Secure- without Secure", [(S, "__Secure-n=1")], S, "__Secure-n=1", ""),
    Difference(
        "__Host- with a Path", [(S + "a/", "__Host-n=1; Secure")], S + "a/", "__Host-n=1", ""
    ),
    Difference("a host may name itself", [(LOCAL, "n=1; Domain=localhost")], LOCAL, "", "n=1"),
    Difference(
        "an address has no parent",
        [("http://127.0.0.1/", "n=1; Domain=0.0.1")],
        "http://127.0.0.1/",
        "n=1",
        "",
    ),
    Difference(
        "a foreign host removes nothing",
        [(H, "n=1; Domain=h.org"), ("http://g.org/", "n=; Domain=h.org; Path=/; Max-Age=0")],
        H,
        "",
        "n=1",
    ),
    Difference(
        "with or without Domain it is one cookie",
        [(H, "n=1"), (H, "n=2; Domain=h.org")],
        H,
        "n=1; n=2",
        "n=2",
    ),
]


@pytest.mark.parametrize("difference", DIFFERENCES, ids=lambda difference: difference.why)
def test_each_difference_is_one(driver: Driver, difference: Difference) -> None:
    core, theirs = Core(driver), RequestsCookieJar()
    for url, header in difference.answers:
        core.take(url, header)
        message = Message()
        message["Set-Cookie"] = header
        theirs.extract_cookies(
            MockResponse(message),  # type: ignore[arg-type]
            MockRequest(request_for(url)),  # type: ignore[arg-type]
        )
    sent = get_cookie_header(theirs, request_for(difference.target)) or ""
    assert "; ".join(sorted(sent.split("; "))) == difference.cookiejar
    assert "; ".join(core.sent_to(difference.target)) == difference.core


FORMATS = ["%a, %d %b %Y %H:%M:%S GMT", "%A, %d-%b-%Y %H:%M:%S GMT", "%d %b %Y %H:%M:%S"]


@TWICE
@given(st.integers(-11644473600, 253402300799), st.sampled_from(FORMATS))
def test_a_date_is_what_http_cookiejar_reads(driver: Driver, moment: int, form: str) -> None:
    days, seconds = divmod(moment, 86400)
    calendar = time.gmtime(days * 86400 + seconds)
    text = time.strftime(form, calendar)
    assert driver.ask("date", text) == ["ok", str(moment)]
    if calendar.tm_year > 1970:  # http.cookiejar knows no earlier date
        assert http2time(text) == moment


@TWICE
@given(st.text(alphabet="0123456789:;, -/JanFebc", max_size=30))
def test_no_text_breaks_the_dates(driver: Driver, text: str) -> None:
    assert driver.ask("date", text)[0] in ("ok", "none")

"""Where redirects lead, and with what."""

import io
from itertools import product

import pytest

from tests.requests_parity.sides import check, echo_of, raw, servers, shown

__all__ = ["servers"]

STATUSES = [301, 302, 303, 307, 308]
METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]


def redirect(location, status=302, *fields):
    lines = [f"HTTP/1.1 {status} Moved", f"Location: {location}", "Content-Length: 0", *fields]
    return raw("\r\n".join(lines).encode("latin-1") + b"\r\n\r\n")


def trail(response):
    """What a redirected call shows of its way."""
    return {
        "url": response.url,
        "echo": None if response.request.method == "HEAD" else echo_of(response),
        "history": [(one.status_code, one.url, one.reason) for one in response.history],
        "requests": [(one.request.method, one.request.url) for one in response.history],
        "final": (response.request.method, response.request.url, response.request.body),
        "histories": [len(one.history) for one in response.history],
    }


METHOD_REASONS = {(301, method): "body-gone-says-0" for method in ("DELETE", "OPTIONS")}


@pytest.mark.parametrize(("status", "method"), list(product(STATUSES, METHODS)))
def test_methods_and_bodies(servers, status, method):
    def call(session):
        data = b"body" if method in ("POST", "PUT", "PATCH", "DELETE") else None
        url = servers.here + redirect("/final", status)
        return trail(session.request(method, url, data=data, allow_redirects=True))

    check(servers, call, METHOD_REASONS.get((status, method)))


BODIES = {
    "form": lambda: {"data": {"a": "1"}},
    "json": lambda: {"json": {"a": 1}},
    "file": lambda: {"data": io.BytesIO(b"content")},
    "files": lambda: {"files": {"f": b"content"}},
    "own headers": lambda: {"data": b"x", "headers": {"Content-Type": "a/b", "X-A": "1"}},
    "generator": lambda: {"data": iter([b"content"])},
}


BODY_REASONS = {(status, "generator"): "iterator-once" for status in (307, 308)}


@pytest.mark.parametrize(("status", "name"), list(product(STATUSES, BODIES)))
def test_bodies(servers, status, name):
    def call(session):
        response = session.post(servers.here + redirect("/final", status), **BODIES[name]())
        return echo_of(response)

    check(servers, call, BODY_REASONS.get((status, name)))


LOCATIONS = {
    "path": "/final?x=1",
    "relative": "final",
    "query only": "?x=1",
    "up": "../../final",
    "without scheme": "{there_netloc}/final",
    "elsewhere": "{there}/final",
    "fragment": "/final#frag",
    "space": "/a b",
    "beyond ASCII": "/\u00fc",
    "UTF-8": "/\u00c3\u00bc",
    "escapes": "/%zz%20%41",
    "empty": "",
    "capital scheme": "{capital}/final",
    "file": "file:///etc/passwd",
    "ftp": "ftp://127.0.0.1/x",
    "no host": "http://",
    "bad port": "http://127.0.0.1:x/",
    "nothing listens": "http://127.0.0.1:1/",
    "white space": "  /final  ",
    "backslashes": "\\\\final",
}


LOCATION_REASONS = {
    "beyond ASCII": "location-beyond-ascii",
    "no host": "location-without-host",
    "white space": "no-white-space",
    "bad port": "who-led-there",
}


@pytest.mark.parametrize("name", LOCATIONS)
@pytest.mark.parametrize("fragment", ["", "#first"])
def test_locations(servers, name, fragment):
    location = LOCATIONS[name].format(
        there=servers.there,
        there_netloc=servers.there.removeprefix("http:"),
        capital=servers.there.replace("http", "HTTP"),
    )

    def call(session):
        response = session.get(servers.here + redirect(location) + fragment)
        return trail(response) if location else (response.status_code, response.url)

    check(servers, call, LOCATION_REASONS.get(name))


def test_cookies_of_redirects(servers):
    def call(session):
        url = servers.here + redirect("/final", 302, "Set-Cookie: a=1; Path=/", "Set-Cookie: b=2")
        response = session.get(url, cookies={"own": "x"})
        return echo_of(response), session.cookies.get_dict(), response.cookies.get_dict()

    check(servers, call)


@pytest.mark.parametrize("status", STATUSES)
def test_redirects_that_are_not_followed(servers, status):
    def call(session):
        response = session.post(
            servers.here + redirect("/final", status), data=b"x", allow_redirects=False
        )
        following = response.next
        return shown(response), following.headers.get("Content-Length"), following.body

    check(servers, call)


def test_a_following_request_can_be_sent(servers):
    def call(session):
        response = session.get(servers.here + redirect("/final"), allow_redirects=False)
        return echo_of(session.send(response.next))

    check(servers, call)


@pytest.mark.parametrize("limit", [0, 1, 2, 3])
def test_too_many(servers, limit):
    def call(session):
        session.max_redirects = limit
        url = servers.here + redirect(redirect("/final"))
        return trail(session.get(url))

    check(servers, call)


CREDENTIALS = {
    "auth": {"auth": ("user", "pass")},
    "header": {"headers": {"Authorization": "Bearer x"}},
    "other header": {"headers": {"X-A": "1"}},
    "host": {"headers": {"Host": "other.example"}},
    "cookies": {"cookies": {"a": "1"}},
    "cookie header": {"headers": {"Cookie": "a=1"}},
}
CREDENTIAL_REASONS = {
    ("host", False): "host-stays",
    ("cookies", False): "cookies-stay",
    ("cookie header", True): "header-goes-along",
}


@pytest.mark.parametrize("name", CREDENTIALS)
@pytest.mark.parametrize("same", [True, False])
def test_credentials(servers, name, same):
    def call(session):
        target = servers.here if same else servers.there
        return echo_of(session.get(servers.here + redirect(f"{target}/final"), **CREDENTIALS[name]))

    check(servers, call, CREDENTIAL_REASONS.get((name, same)))


def test_the_sessions_credentials(servers):
    def call(session):
        session.auth = ("user", "pass")
        session.headers["X-A"] = "1"
        return echo_of(session.get(servers.here + redirect(f"{servers.there}/final")))

    check(servers, call)


def test_hooks_see_each_hop(servers):
    def call(session):
        seen = []
        session.hooks["response"].append(lambda response, **_: seen.append(response.status_code))
        session.get(servers.here + redirect("/final"))
        return seen

    check(servers, call)


@pytest.mark.parametrize(("status", "name"), list(product(STATUSES, BODIES)))
def test_bodies_to_another_origin(servers, status, name):
    def call(session):
        url = servers.here + redirect(f"{servers.there}/final", status)
        return trail(session.put(url, **BODIES[name]()))

    check(servers, call, "body-stays" if status in (307, 308) else None)


#: Where a call goes: h is its first origin, t another one.
WAYS = ["hh", "ht", "hth", "hht", "htt", "hthh", "htth"]
SECRETS = {
    "auth": {"auth": ("user", "pass")},
    "callable": {"auth": lambda request: request.headers.update(Authorization="x") or request},
    "header": {"headers": {"Authorization": "Bearer x"}},
    "proxy header": {"headers": {"Proxy-Authorization": "Basic x"}},
    "own header": {"headers": {"X-Token": "x"}},
    "nothing": {},
}
WAY_REASONS = {("proxy header", way): "proxy-credentials" for way in WAYS}


@pytest.mark.parametrize(("name", "way"), list(product(SECRETS, WAYS)))
def test_ways(servers, name, way):
    origins = {"h": servers.here, "t": servers.there}
    target = f"{origins[way[-1]]}/final"
    for place in reversed(way[:-1]):
        target = origins[place] + redirect(target, 302, f"Set-Cookie: {place}=1; Path=/")

    def call(session):
        return trail(session.get(target, **SECRETS[name]))

    check(servers, call, WAY_REASONS.get((name, way)))


@pytest.mark.parametrize("setting", ["auth", "headers", "cookies", "params"])
@pytest.mark.parametrize("way", ["hh", "ht", "hth"])
def test_what_the_session_has(servers, setting, way):
    origins = {"h": servers.here, "t": servers.there}
    target = f"{origins[way[-1]]}/final"
    for place in reversed(way[:-1]):
        target = origins[place] + redirect(target)

    def call(session):
        if setting == "auth":
            session.auth = ("user", "pass")
        elif setting == "params":
            session.params = {"a": "1"}
        else:
            getattr(session, setting)["X-A"] = "1"
        return trail(session.get(target))

    check(servers, call)

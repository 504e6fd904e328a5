"""The cookie jar has requests' interface and RFC 6265's rules."""

import copy
import http.cookiejar
import http.cookies
import pickle
import threading

import pytest
import requests
from requests.cookies import RequestsCookieJar

from apikit import errors
from apikit.cookies import CookieJar, from_any

NOW = 1_700_000_000


def filled(jar):
    jar.set("a", "1")
    jar.set("b", "2", domain=".example.com", path="/x", secure=True)
    jar.set("c", "3", domain=".example.com", path="/")
    jar.set("d", "4", domain="other.org", expires=NOW)
    return jar


#: What of the interface must give the same as requests' jar, for `filled` ones.
SAME = {
    "get_dict": lambda jar: jar.get_dict(),
    "get_dict of a domain": lambda jar: jar.get_dict(domain=".example.com"),
    "get_dict of a path": lambda jar: jar.get_dict(path="/"),
    "get_dict of both": lambda jar: jar.get_dict(".example.com", "/x"),
    "item": lambda jar: jar["b"],
    "get": lambda jar: [jar.get("a"), jar.get("nope"), jar.get("nope", 5)],
    "get of a domain": lambda jar: jar.get("b", None, ".example.com"),
    "get of another domain": lambda jar: jar.get("b", None, ".example.org"),
    "get of a path": lambda jar: [jar.get("b", path="/x"), jar.get("b", path="/")],
    "keys": lambda jar: jar.keys(),
    "values": lambda jar: jar.values(),
    "items": lambda jar: jar.items(),
    "iterkeys": lambda jar: list(jar.iterkeys()),
    "itervalues": lambda jar: list(jar.itervalues()),
    "iteritems": lambda jar: list(jar.iteritems()),
    "dict": lambda jar: dict(jar),
    "len": len,
    "in": lambda jar: ["a" in jar, "nope" in jar, 5 in jar],
    "list_paths": lambda jar: jar.list_paths(),
    "truth": bool,
    "equality": lambda jar: [jar == jar.copy(), jar == dict(jar.items()), jar == {}],
    "iteration": lambda jar: [(c.name, c.value, c.path, c.secure, c.expires) for c in jar],
    "types": lambda jar: {type(cookie) for cookie in jar},
    "clear": lambda jar: [jar.clear(), len(jar)],
    "clear a domain": lambda jar: [jar.clear(".example.com"), jar.keys()],
    "clear a path": lambda jar: [jar.clear(".example.com", "/x"), jar.keys()],
    "clear one": lambda jar: [jar.clear(".example.com", "/", "c"), jar.keys()],
    "clear one without domain": lambda jar: [jar.clear("", "/", "a"), jar.keys()],
    "clear expired": lambda jar: [jar.clear_expired_cookies(), jar.keys()],
    "delete": lambda jar: [jar.__delitem__("b"), jar.keys()],
    "set None": lambda jar: [jar.set("b", None), jar.keys()],
    "set None elsewhere": lambda jar: [jar.set("b", None, domain=".q.org"), jar.keys()],
    "item None": lambda jar: [jar.__setitem__("b", None), jar.keys()],
    "replace": lambda jar: [jar.__setitem__("a", "new"), jar.items()],
    "update": lambda jar: [jar.update({"a": "9", "e": "5"}), jar.get_dict()],
    "update by pairs": lambda jar: [jar.update([("e", "5")]), jar.get_dict()],
    "pop": lambda jar: [jar.pop("b"), jar.pop("b", "gone"), jar.keys()],
    "setdefault": lambda jar: [jar.setdefault("a", "x"), jar.setdefault("f", "y")],
    "multiple": lambda jar: jar.get("a", domain=""),
}
KEY_ERRORS = {
    "item": lambda jar: jar["nope"],
    "clear": lambda jar: jar.clear("nope.org"),
    "clear a path": lambda jar: jar.clear(".example.com", "/nope"),
    "clear a name": lambda jar: jar.clear(".example.com", "/x", "nope"),
    "pop": lambda jar: jar.pop("nope"),
}


@pytest.mark.parametrize("name", SAME)
def test_does_what_requests_does(name):
    assert SAME[name](filled(CookieJar())) == SAME[name](filled(RequestsCookieJar()))


@pytest.mark.parametrize("name", KEY_ERRORS)
def test_raises_what_requests_raises(name):
    for jar in (filled(CookieJar()), filled(RequestsCookieJar())):
        with pytest.raises(KeyError):
            KEY_ERRORS[name](jar)


@pytest.mark.parametrize(
    "arguments", [(None, "/x"), (None, None, "b"), (".example.com", None, "b")]
)
def test_clear_needs_the_wider_before_the_narrower(arguments):
    for jar in (filled(CookieJar()), filled(RequestsCookieJar())):
        with pytest.raises(ValueError, match=r".+"):
            jar.clear(*arguments)


def test_a_name_in_two_places_is_a_conflict():
    jar = CookieJar()
    jar.set("a", "1", domain="x.org", path="/")
    jar.set("a", "2", domain="y.org", path="/")
    for look in (lambda: jar["a"], lambda: jar.get("a")):
        with pytest.raises(errors.CookieConflictError, match="2 cookies named 'a'"):
            look()
        with pytest.raises(requests.cookies.CookieConflictError):
            look()
    assert jar.get("a", domain="x.org") == "1"
    assert jar.get("a", domain=".y.org") == "2"
    assert "a" in jar
    assert jar.get_dict() == {"a": "2"}
    assert jar.multiple_domains()
    jar.clear("x.org")
    assert not jar.multiple_domains()


def test_cookies_of_answers_show_as_in_requests():
    jar = CookieJar()
    jar._take(b"host=1", "http://www.example.com/a/b", NOW)
    jar._take(b"wide=2; Domain=example.com; HttpOnly; Max-Age=9", "http://www.example.com/", NOW)
    host, wide = jar
    assert (host.domain, host.path, host.domain_specified) == ("www.example.com", "/a", False)
    assert (wide.domain, wide.path, wide.domain_specified) == (".example.com", "/", True)
    assert (host.expires, host.discard, wide.expires, wide.discard) == (None, True, NOW + 9, False)
    assert wide.has_nonstandard_attr("HttpOnly")
    assert not host.has_nonstandard_attr("HttpOnly")
    assert jar.list_domains() == ["www.example.com", ".example.com"]


@pytest.mark.parametrize(
    "make",
    [CookieJar, lambda: CookieJar().copy(), lambda: pickle.loads(pickle.dumps(CookieJar()))],
    ids=["new", "copy", "pickle"],
)
def test_no_cookie_is_taken_for_a_public_suffix(make):
    jar = make()
    for domain in ("co.uk", ".co.uk", "uk"):
        jar._take(f"a=1; Domain={domain}".encode(), "https://a.co.uk/", NOW)
        assert len(jar) == 0
    jar._take(b"b=2; Domain=example.co.uk", "https://a.example.co.uk/", NOW)
    assert jar._header("https://b.example.co.uk/", NOW) == b"b=2"
    jar._take(b"c=3; Domain=github.io", "https://github.io/", NOW)
    assert jar._header("https://github.io/", NOW) == b"c=3"
    assert jar._header("https://a.github.io/", NOW) == b""


def test_assigned_cookies_leave_the_rule_as_it_is():
    jar = CookieJar()
    jar._assign(filled(CookieJar()))
    before = len(jar)
    jar._take(b"a=1; Domain=co.uk", "https://a.co.uk/", NOW)
    assert len(jar) == before


def test_session_cookies_are_those_without_a_date():
    jar = filled(CookieJar())
    jar.clear_session_cookies()
    assert jar.keys() == ["d"]


def test_cookies_go_through_the_standard_library_and_back():
    jar = CookieJar()
    jar._take(b"host=1", "http://www.example.com/a/b", NOW)
    jar._take(b"wide=2; Domain=example.com; Secure", "https://www.example.com/", NOW)
    theirs = http.cookiejar.CookieJar()
    for cookie in jar:
        theirs.set_cookie(cookie)
    back = from_any(theirs)
    for url in ("https://www.example.com/a/", "https://example.com/", "http://www.example.com/a"):
        assert back._header(url, NOW) == jar._header(url, NOW)


@pytest.mark.parametrize("cookies", [None, {}, [], CookieJar(), http.cookiejar.CookieJar()])
def test_from_any_of_nothing_is_empty(cookies):
    jar = from_any(cookies)
    assert isinstance(jar, CookieJar)
    assert len(jar) == 0


@pytest.mark.parametrize(
    "cookies",
    [
        {"a": "1", "b": "2"},
        [("a", "1"), ("b", "2")],
        requests.cookies.cookiejar_from_dict({"a": "1", "b": "2"}),
        CookieJar({"a": "1", "b": "2"}),
    ],
)
def test_from_any_takes_what_callers_have(cookies):
    assert from_any(cookies).get_dict() == {"a": "1", "b": "2"}


def test_from_any_leaves_a_jar_as_it_is():
    jar = CookieJar()
    assert from_any(jar) is jar


@pytest.mark.parametrize("cookies", ["a=1", b"a=1", 5, True])
def test_from_any_refuses_the_rest(cookies):
    with pytest.raises(TypeError, match="must be a mapping of name to value or a cookie jar"):
        from_any(cookies)


@pytest.mark.parametrize("duplicate", [copy.copy, copy.deepcopy, CookieJar.copy, CookieJar])
def test_a_copy_is_independent(duplicate):
    jar = filled(CookieJar())
    other = duplicate(jar)
    assert other.items() == jar.items()
    other["a"] = "changed"
    assert jar["a"] == "1"


@pytest.mark.parametrize("protocol", range(2, pickle.HIGHEST_PROTOCOL + 1))
def test_survives_pickling(protocol):
    jar = filled(CookieJar())
    jar._take(b"host=1; HttpOnly", "http://www.example.com/a/b", NOW)
    again = pickle.loads(pickle.dumps(jar, protocol))
    assert again._rows() == jar._rows()


def test_repr_shows_names_and_domains_only():
    jar = filled(CookieJar())
    jar["session"] = "s3cret"
    assert repr(jar) == (
        "<CookieJar[a for all, b for .example.com, c for .example.com, d for .other.org, "
        "session for all]>"
    )


@pytest.mark.parametrize("name", ["", "a\r\nb", "a\nb", "a\0b", "a\x01", "a;b"])
def test_a_name_that_cannot_be_sent_is_refused(name):
    jar = CookieJar()
    with pytest.raises(ValueError, match="a cookie needs a name"):
        jar.set(name, "s3cret")
    assert len(jar) == 0


@pytest.mark.parametrize(
    "value", ["s3cret\r\nX: y", "s3cret\n", "s3cret\0", "s3cret\u20ac", "s3cret; admin=1"]
)
def test_a_value_that_cannot_be_sent_is_refused_and_not_shown(value):
    jar = CookieJar()
    with pytest.raises(ValueError, match="cookie") as caught:
        jar["a"] = value
    assert "s3cret" not in str(caught.value)
    assert caught.value.__cause__ is None
    assert len(jar) == 0


def test_an_unknown_field_is_a_type_error():
    with pytest.raises(TypeError, match="badarg"):
        CookieJar().set("a", "1", badarg="x")


def test_the_quotes_of_a_value_stay():
    for jar in (CookieJar(), RequestsCookieJar()):
        jar.set("a", '"quo\\"ted"')
        assert jar["a"] == '"quoted"'


def test_morsels_are_taken():
    simple = http.cookies.SimpleCookie()
    simple.load("a=1; Domain=example.com; Path=/x; Secure; HttpOnly; Max-Age=100")
    simple.load("b=2; expires=Tue, 15-Nov-2033 22:00:00 GMT")
    jars = CookieJar(), RequestsCookieJar()
    for jar in jars:
        for morsel in simple.values():
            jar.set(morsel.key, morsel)
    ours, theirs = ([(c.name, c.value, c.path, c.secure) for c in jar] for jar in jars)
    assert sorted(ours) == sorted(theirs)
    dates = [{cookie.name: cookie.expires for cookie in jar} for jar in jars]
    assert abs(dates[0]["a"] - dates[1]["a"]) <= 60
    assert dates[0]["b"] == dates[1]["b"]


def test_a_morsel_with_a_wrong_age_is_a_type_error():
    morsel = http.cookies.SimpleCookie("a=1")["a"]
    morsel["max-age"] = "soon"
    for jar in (CookieJar(), RequestsCookieJar()):
        with pytest.raises(TypeError, match="must be integer"):
            jar.set("a", morsel)


def test_each_change_gives_another_generation():
    jar = CookieJar()
    seen = [jar.generation]
    for change in (
        lambda: jar.set("a", "1"),
        lambda: jar.set("a", "1"),
        lambda: jar.update({"b": "2"}),
        lambda: jar._take(b"c=3", "http://x.org/", NOW),
        lambda: jar._assign(CookieJar()),
        lambda: jar._assign(filled(CookieJar())),
        lambda: jar.clear(),
    ):
        change()
        seen.append(jar.generation)
    assert seen == sorted(set(seen))


@pytest.mark.parametrize("url", ["www.example.com", "ftp://x/", "http://", "http://a b/"])
def test_a_url_must_be_one(url):
    with pytest.raises(ValueError, match="URL"):
        CookieJar()._header(url, NOW)
    with pytest.raises(ValueError, match="URL"):
        CookieJar()._take(b"a=1", url, NOW)


def test_threads_may_share_a_jar():
    jar = CookieJar()
    begin = threading.Barrier(8)
    counts = []

    def work(number):
        begin.wait()
        for i in range(200):
            jar.set(f"n{number}", str(i))
            jar.set("shared", str(i))
            counts.append(len(list(jar)))
            jar.copy()
            jar._header("http://x.org/", NOW)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert jar.get_dict() == {**{f"n{n}": "199" for n in range(8)}, "shared": "199"}
    assert max(counts) == 9

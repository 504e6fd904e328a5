"""Bodies read in pieces, hooks, credentials in the URL, threads, copies and pickles."""

import codecs
import copy
import csv
import functools
import gzip
import io
import json
import pickle
import shutil
import sys
import threading
import zlib
from itertools import product

import brotli
import pytest
import requests

from tests.requests_parity.sides import check, echo_of, outcome, raw, request_of, servers, side_of

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

__all__ = ["servers"]

TEXT = "first line\nsecond \u00fc\u20ac\r\nthird\x0bfourth\n\nlast".encode()


def answer(body, *fields, status="200 OK"):
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *fields]
    return raw("\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + body)


def chunked(*pieces, fields=()):
    head = "\r\n".join(["HTTP/1.1 200 OK", "Transfer-Encoding: chunked", *fields]).encode()
    body = b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces)
    return raw(head + b"\r\n\r\n" + body + b"0\r\n\r\n")


ANSWERS = {
    "plain": answer(TEXT, "Content-Type: text/plain; charset=utf-8"),
    "empty": answer(b"", "Content-Type: text/plain; charset=utf-8"),
    "chunked": chunked(TEXT[:9], TEXT[9:20], TEXT[20:], fields=["Content-Type: text/plain"]),
    "gzip": answer(gzip.compress(TEXT), "Content-Encoding: gzip", "Content-Type: text/x"),
    "deflate": answer(zlib.compress(TEXT), "Content-Encoding: deflate"),
    "br": answer(brotli.compress(TEXT), "Content-Encoding: br", "Content-Type: text/x"),
    "zstd": answer(zstd.compress(TEXT), "Content-Encoding: zstd", "Content-Type: text/x"),
    "bytes": answer(bytes(range(256)) * 40, "Content-Type: application/octet-stream"),
    "no charset": answer(TEXT, "Content-Type: application/x"),
    "UTF-16": answer("a\nb\u20ac\n".encode("utf-16"), "Content-Type: text/x; charset=utf-16"),
    "until the end": raw(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" + TEXT),
    "error": answer(TEXT, status="500 Oops"),
}
READERS = {
    "content": lambda r: r.content,
    "text": lambda r: r.text,
    "pieces of 1": lambda r: list(r.iter_content()),
    "pieces of 7": lambda r: list(r.iter_content(7)),
    "pieces of text": lambda r: "".join(map(str, r.iter_content(7, decode_unicode=True))),
    "pieces by name": lambda r: list(r.iter_content(chunk_size=4096)),
    "pieces as they come": lambda r: b"".join(r.iter_content(None)),
    "lines": lambda r: list(r.iter_lines()),
    "lines of text": lambda r: list(map(str, r.iter_lines(decode_unicode=True))),
    "lines in small pieces": lambda r: list(r.iter_lines(chunk_size=3)),
    "lines by a delimiter": lambda r: list(r.iter_lines(delimiter=b"\n")),
    "iteration": lambda r: list(r),
    "next": lambda r: next(iter(r.iter_content(4)), None),
    "part, then the rest": lambda r: partly(r),
    "part, then content": lambda r: [next(r.iter_content(4), None), outcome(lambda: r.content)],
    "content twice": lambda r: [r.content is r.content, r.text, r.apparent_encoding],
    "encoding first": lambda r: [r.encoding, r.content, r.encoding],
    "raw": lambda r: r.raw.read(decode_content=True),
    "raw in two": lambda r: [r.raw.read(4, decode_content=True), r.raw.read(decode_content=True)],
    "raw as it is": lambda r: r.raw.read(),
    "raw to a file": lambda r: copied(r),
    "raw by stream": lambda r: b"".join(r.raw.stream(16, decode_content=True)),
    "raw after content": lambda r: [r.content, r.raw.read()],
    "raw status": lambda r: [r.raw.status, r.raw.reason, dict(r.raw.headers) == dict(r.headers)],
    "raw closed": lambda r: [r.close(), r.raw.closed],
    "raw as lines": lambda r: r.raw.readline(),
    "raw as CSV": lambda r: list(csv.reader(codecs.iterdecode(r.iter_lines(), "latin-1"))),
    "bad size": lambda r: list(r.iter_content("7")),
    "negative size": lambda r: b"".join(r.iter_content(-1)),
    "closed": lambda r: [r.close(), outcome(lambda: r.content)],
    "closed twice": lambda r: [r.close(), r.close()],
    "with": lambda r: entered(r),
    "json": lambda r: r.json(),
    "raise_for_status": lambda r: r.raise_for_status(),
    "truth": lambda r: [bool(r), r.ok, r.status_code],
    "facts": lambda r: [r.url, r.reason, r.history, r.is_redirect, type(r.elapsed), repr(r)],
    "pickle": lambda r: [pickle.loads(pickle.dumps(r)).content, r.content],
}


def partly(response):
    pieces = response.iter_content(4)
    return next(pieces, None), b"".join(pieces)


def copied(response):
    file = io.BytesIO()
    response.raw.decode_content = True
    shutil.copyfileobj(response.raw, file)
    return file.getvalue()


def entered(response):
    with response as same:
        return same is response, next(response.iter_content(4), None)


#: By the reader, whether the body is streamed, and with which answers.
READER_REASONS = {
    **{
        ("raw closed", name, stream): "raw-stays-open"
        for name in ANSWERS
        for stream in (True, False)
    },
    **{("part, then content", name, True): "no-half-body" for name in ANSWERS.keys() - {"empty"}},
    **{("closed", name, True): "no-half-body" for name in ANSWERS},
    **{
        (reader, name, True): "raw-is-decoded"
        for reader in ("raw as it is", "raw as lines")
        for name in ("gzip", "deflate", "br", "zstd")
    },
}


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize(("name", "reader"), list(product(ANSWERS, READERS)))
def test_reading(servers, name, reader, stream):
    def call(session):
        response = session.get(servers.here + ANSWERS[name], stream=stream)
        first = READERS[reader](response)
        response.close()
        return first, session.get(f"{servers.here}/next").status_code

    check(servers, call, READER_REASONS.get((reader, name, stream)))


def two(servers):
    """A redirect and where it leads."""
    final = answer(b"final", "Set-Cookie: b=2; Path=/")
    return servers.here + raw(
        f"HTTP/1.1 302 Found\nLocation: {final}\nSet-Cookie: a=1; Path=/\nContent-Length: 3\n\nxyz"
    )


def hooked(*hooks):
    def call(session, servers):
        seen = []
        given = [lambda r, *_, hook=hook, **__: hook(seen, r, session, servers) for hook in hooks]
        response = session.get(two(servers), hooks={"response": given})
        return seen, getattr(response, "status_code", response)

    return call


HOOKS = {
    "none": hooked(),
    "sees each hop": hooked(
        lambda seen, r, *_: seen.append((r.status_code, r.url, len(r.history)))
    ),
    "two": hooked(lambda seen, *_: seen.append(1), lambda seen, *_: seen.append(2)),
    "changes a response": hooked(lambda seen, r, *_: setattr(r, "status_code", 299)),
    "gives a response": hooked(lambda seen, r, *_: r),
    "reads the body": hooked(lambda seen, r, *_: seen.append(r.content)),
    "reads cookies": hooked(lambda seen, r, *_: seen.append(r.cookies.get_dict())),
    "raises": hooked(lambda seen, r, *_: r.headers["none"]),
    "raises for status": hooked(lambda seen, r, *_: r.raise_for_status()),
    "calls again": hooked(
        lambda seen, r, session, servers: seen.append(
            session.get(f"{servers.there}/again", hooks={"response": []}).status_code
        )
    ),
    "request of the response": hooked(lambda seen, r, *_: seen.append(request_of(r.request))),
}  # fmt: skip
HOOK_REASONS = {
    "sees each hop": "hooks-see-history",
    "raises": "cookies-before-hooks",
    "calls again": "cookies-before-hooks",
}


@pytest.mark.parametrize("name", HOOKS)
def test_hooks(servers, name):
    check(servers, lambda s: HOOKS[name](s, servers), HOOK_REASONS.get(name))


def test_what_hooks_get(servers):
    def call(session):
        seen = []
        hooks = {"response": lambda response, **given: seen.append(sorted(given))}
        session.get(f"{servers.here}/x", hooks=hooks)
        return seen

    check(servers, call, "hooks-get-no-settings")


LOGINS = {
    "user and password": "user:pass@",
    "escapes": "us%65r:p%40%3a%2f@",
    "beyond ASCII": "us\u00e9r:p\u00fc@",
    "escapes beyond ASCII": "%C3%BC:%E2%82%AC@",
    "empty password": "user:@",
    "empty user": ":pass@",
    "both empty": ":@",
    "at sign alone": "@",
    "two colons": "user:pa:ss@",
}
OWN = {
    "nothing": {},
    "auth": {"auth": ("own", "x")},
    "header": {"headers": {"Authorization": "Bearer x"}},
    "no auth": {"auth": ()},
    "callable": {"auth": lambda request: request},
}
LOGIN_REASONS = {
    (name, own): "utf-8-credentials"
    for name in ("beyond ASCII", "escapes beyond ASCII")
    for own in ("nothing", "header")
}


@pytest.mark.parametrize(("name", "own"), list(product(LOGINS, OWN)))
def test_user_information(servers, name, own):
    url = f"{servers.here}/x".replace("//", f"//{LOGINS[name]}")

    def call(session):
        response = session.get(url, **OWN[own])
        return response.url, request_of(response.request), echo_of(response)

    check(servers, call, LOGIN_REASONS.get((name, own)))


DIGEST = 'WWW-Authenticate: Digest realm="r", nonce="n", qop="auth"'
AUTH_OBJECTS = {
    "basic": lambda: requests.auth.HTTPBasicAuth("user", "pass"),
    "basic in bytes": lambda: requests.auth.HTTPBasicAuth(b"user", b"pass"),
    "digest that is not asked for": lambda: requests.auth.HTTPDigestAuth("user", "pass"),
}


@pytest.mark.parametrize("of_session", [True, False])
@pytest.mark.parametrize("name", AUTH_OBJECTS)
def test_objects_of_requests(servers, name, of_session):
    def call(session):
        auth = AUTH_OBJECTS[name]()
        session.auth = auth if of_session else None
        return echo_of(session.post(f"{servers.here}/x", data={"a": "1"},
                                    auth=None if of_session else auth))  # fmt: skip

    check(servers, call)


class _Digest(requests.auth.HTTPDigestAuth):
    """Makes no random numbers, so that both sides send the same."""

    def build_digest_header(self, method, url):
        return f"Digest of {method} {url}"


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize("fields", [[], ["Set-Cookie: a=1"], ["Location: /x"]], ids=repr)
def test_digest(servers, method, stream, fields):
    refusal = answer(b"no", DIGEST, *fields, status="401 No")

    def call(session):
        auth = _Digest("user", "pass")
        data = b"body" if method == "POST" else None
        given = session.request(method, servers.here + refusal, data=data, auth=auth, stream=stream)
        history = [(one.status_code, request_of(one.request)) for one in given.history]
        return given.reason, given.content, history, request_of(given.request)

    check(servers, call)


@pytest.mark.parametrize("status", [302, 307])
def test_digest_before_a_redirect(servers, status):
    to = answer(b"", "Location: /x", status=f"{status} Moved")

    def call(session):
        given = session.get(servers.here + to, auth=_Digest("user", "pass"))
        return given.reason, [one.status_code for one in given.history], request_of(given.request)

    check(servers, call)


def test_threads(servers):
    def call(session):
        results = {}

        def work(number):
            for turn in range(5):
                response = session.post(f"{servers.here}/x", json=[number, turn])
                results[number, turn] = json.loads(echo_of(response)["body"]) == [number, turn]

        threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        servers.take_log()
        return len(results), all(results.values())

    check(servers, call)


def changed(response):
    response.encoding = "utf-16"
    response.reason = "Changed"
    response.note = "mine"
    again = pickle.loads(pickle.dumps(response))
    return again.encoding, again.reason, again.ok


COPIES = {
    "pickle": lambda r: facts(pickle.loads(pickle.dumps(r))),
    "pickle of pickle": lambda r: facts(pickle.loads(pickle.dumps(pickle.loads(pickle.dumps(r))))),
    "copy": lambda r: facts(copy.copy(r)),
    "deep copy": lambda r: facts(copy.deepcopy(r)),
    "changed": changed,
    "headers": lambda r: dict(pickle.loads(pickle.dumps(r.headers))),
    "cookies": lambda r: pickle.loads(pickle.dumps(r.cookies)).get_dict(),
    "copied cookies": lambda r: copy.deepcopy(r.cookies).get_dict(),
    "exception": lambda r: pickled_error(r),
}


def facts(response):
    return {
        "status": (response.status_code, response.reason, response.ok),
        "url": response.url,
        "headers": {name.lower(): value for name, value in response.headers.items()},
        "content": (response.content, response.text, response.encoding),
        "history": [(one.status_code, one.url, one.content) for one in response.history],
        "cookies": response.cookies.get_dict(),
        "elapsed": type(response.elapsed),
        "request": (response.request.method, response.request.url),
        "pieces": list(response.iter_content(2)),
        "lines": list(response.iter_lines()),
        "repr": repr(response),
        "closed": response.close(),
    }


def pickled_error(response):
    response.status_code = 404
    try:
        response.raise_for_status()
    except OSError as error:
        again = pickle.loads(pickle.dumps(error))
        return str(again) == str(error), again.args == error.args


@pytest.mark.parametrize("name", COPIES)
def test_copies(servers, name):
    check(servers, lambda s: COPIES[name](s.get(two(servers))))


SESSION_STEPS = {
    "copy": lambda s, _: type(copy.copy(s)),
    "deep copy": lambda s, _: type(copy.deepcopy(s)),
    "pickle": lambda s, _: type(pickle.loads(pickle.dumps(s))),
    "closed": lambda s, here: [s.close(), s.get(here).status_code],
    "truth": lambda s, _: bool(s),
    "with": lambda s, here: s.__enter__() is s,
    "subclass": lambda s, here: subclassed(side_of(s).session, here),
    "send of its own": lambda s, here: sent_otherwise(side_of(s).session, here),
    "request of its own": lambda s, here: patched(s, here),
    "attributes": lambda s, _: [setattr(s, "note", 1), s.note],
    "defaults": lambda s, _: (s.auth, s.proxies, s.hooks, s.params, s.verify, s.cert, s.stream,
                              s.max_redirects, len(s.cookies), len(s.headers)),
    "headers by case": lambda s, _: (s.headers["ACCEPT"], "accept" in s.headers,
                                     s.headers.get("none"), s.headers.pop("Accept")),
    "headers as a mapping": lambda s, _: (sorted(k.lower() for k in s.headers),
                                          s.headers == dict(s.headers),
                                          s.headers.copy() == s.headers,
                                          s.headers.setdefault("X-A", "1")),
    "lower items": lambda s, _: sorted(key for key, _ in s.headers.lower_items()),
}  # fmt: skip
SESSION_STEP_REASONS = {
    "copy": "session-is-not-copied",
    "deep copy": "session-is-not-copied",
    "pickle": "session-is-not-copied",
    "closed": "closed-is-closed",
    "send of its own": "send-stands-alone",
}


def subclassed(base, here):
    class Own(base):
        def request(self, method, url, *args, **kwargs):
            kwargs["headers"] = {"X-Own": "yes"}
            return super().request(method, here + url, *args, **kwargs)

    with Own() as session:
        session.trust_env = False
        return [
            echo_of(call("/x"))["headers"].get("x-own")
            for call in (session.get, session.post, session.delete, session.options)
        ]


def sent_otherwise(base, here):
    class Own(base):
        def send(self, request, **kwargs):
            request.headers["X-Own"] = "yes"
            return super().send(request, **kwargs)

    with Own() as session:
        session.trust_env = False
        return echo_of(session.get(f"{here}/x"))["headers"].get("x-own")


def patched(session, here):
    session.request = functools.partial(session.request, headers={"X-Own": "yes"})
    return [
        echo_of(call(f"{here}/x"))["headers"].get("x-own")
        for call in (session.get, session.put, session.patch, session.delete)
    ]


@pytest.mark.parametrize("name", SESSION_STEPS)
def test_sessions(servers, name):
    check(
        servers,
        lambda s: SESSION_STEPS[name](s, servers.here),
        SESSION_STEP_REASONS.get(name),
    )

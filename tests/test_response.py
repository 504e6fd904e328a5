"""A Response beyond what it shares with requests': text, files, pickles, secrets."""

import encodings
import gc
import io
import pickle
import shutil
import sys
import weakref

import pytest
import requests

from apikit import Session, _text, errors
from apikit.structures import CaseInsensitiveDict
from tests.requests_parity.sides import raw, servers

__all__ = ["servers"]

PLAIN = "HTTP/1.1 200 OK\nContent-Type: text/plain\nContent-Length: 11\n\nline1\nline2"


@pytest.fixture
def session():
    with Session() as session:
        session.trust_env = False
        yield session


def test_the_body_is_a_file(session, servers):
    with session.get(servers.here + raw(PLAIN), stream=True) as response:
        kept = io.BytesIO()
        shutil.copyfileobj(response.raw, kept)
    assert kept.getvalue() == b"line1\nline2"


def test_the_body_is_a_text_file(session, servers):
    response = session.get(servers.here + raw(PLAIN), stream=True)
    with io.TextIOWrapper(response.raw, encoding="utf-8") as lines:
        assert list(lines) == ["line1\n", "line2"]


def test_the_body_fills_buffers(session, servers):
    response = session.get(servers.here + raw(PLAIN), stream=True)
    buffer = bytearray(8)
    assert response.raw.readinto(buffer) == 8
    assert buffer == b"line1\nli"
    assert response.raw.data == b"ne2"
    assert response.raw.readinto(buffer) == 0


def test_a_closed_file_is_not_read(session, servers):
    response = session.get(servers.here + raw(PLAIN), stream=True)
    response.raw.close()
    response.raw.close()
    assert response.raw.closed
    assert not response.is_stream
    with pytest.raises(ValueError, match="closed"):
        response.raw.read()


def test_a_stream_is_consumed_once(session, servers):
    response = session.get(servers.here + raw(PLAIN), stream=True)
    assert b"".join(response) == b"line1\nline2"
    with pytest.raises(errors.StreamConsumedError) as caught:
        response.iter_content()
    assert isinstance(caught.value, requests.exceptions.StreamConsumedError)
    assert caught.value.response is response
    assert caught.value.__cause__ is None


def test_an_error_of_the_status_shows_no_password(session, servers):
    url = servers.here.replace("//", "//ann:s3cret@") + raw(PLAIN.replace("200 OK", "404 Gone"))
    response = session.get(url)
    with pytest.raises(errors.HTTPError, match="404 Client Error: Gone for url: ") as caught:
        response.raise_for_status()
    assert "s3cret" not in str(caught.value)
    assert isinstance(caught.value, requests.HTTPError)
    assert caught.value.request.method == "GET"


def test_json_errors_are_caught_by_both_classes(session, servers):
    response = session.get(servers.here + raw(PLAIN))
    with pytest.raises(errors.JSONDecodeError) as caught:
        response.json()
    assert isinstance(caught.value, requests.JSONDecodeError)
    assert caught.value.response is response
    again = pickle.loads(pickle.dumps(caught.value))
    assert again.response.text == "line1\nline2"


def test_a_pickle_has_all_but_credentials(session, servers):
    target = raw(PLAIN.replace("\n", "\nSet-Cookie: a=1\nX-A: 1\n", 1))
    url = servers.here.replace("//", "//ann:s3cret@") + raw(
        f"HTTP/1.1 302 Found\nLocation: {target}\nContent-Length: 0\n\n"
    )
    response = session.get(url, headers={"X-Mine": "yes"}, cookies={"c": "c00kie"})
    response.note = "mine"
    response.encoding = "latin-1"
    data = pickle.dumps(response)
    for secret in (b"s3cret", b"c00kie", b"YW5uOnMzY3JldA=="):
        assert secret not in data
    again = pickle.loads(data)
    for name in ("status_code", "reason", "headers", "content", "text", "encoding", "elapsed"):
        assert getattr(again, name) == getattr(response, name)
    assert again.note == "mine"
    assert again.cookies.get_dict() == {"a": "1"}
    assert again.history[0].status_code == 302
    assert again.request.headers["x-mine"] == "yes"
    assert "authorization" not in again.request.headers
    assert again.raw.read() == b""


def test_a_pickle_reads_the_body(session, servers):
    response = session.get(servers.here + raw(PLAIN), stream=True)
    assert pickle.loads(pickle.dumps(response)).content == b"line1\nline2"


def test_a_consumed_response_cannot_be_pickled(session, servers):
    response = session.get(servers.here + raw(PLAIN), stream=True)
    list(response)
    with pytest.raises(RuntimeError, match="already read"):
        pickle.dumps(response)


def test_a_response_with_its_file_is_collected(session, servers):
    response = session.get(servers.here + raw(PLAIN), stream=True)
    response.raw.read(1)
    reference = weakref.ref(response)
    del response
    gc.collect()
    assert reference() is None


def test_text_pieces_are_cut_at_characters(session, servers):
    body = "h\u00e9\u20ac\U0001f600" * 20
    url = servers.here + raw(
        b"HTTP/1.1 200 OK\r\nContent-Type: text/x; charset=utf-8\r\nContent-Length: %d\r\n\r\n%s"
        % (len(body.encode()), body.encode())
    )
    pieces = list(session.get(url, stream=True).iter_content(1, decode_unicode=True))
    assert "".join(pieces) == body
    assert "\ufffd" not in "".join(pieces)


@pytest.mark.parametrize(
    "charset", ["hex", "no-such", "idna", "a\\0b", "rot13", "undefined", "punycode"]
)
def test_a_charset_that_gives_no_text_is_passed_over(session, servers, charset):
    url = servers.here + raw(PLAIN.replace("text/plain", f"text/plain; charset={charset}"))
    response = session.get(url)
    assert response.text == "line1\nline2"
    assert "".join(response.iter_content(3, decode_unicode=True)) == "line1\nline2"


def test_a_charset_with_a_long_name_is_not_looked_for(session, servers):
    """Python would keep the name for good."""
    name = "x" * 41
    url = servers.here + raw(PLAIN.replace("text/plain", f"text/plain; charset={name}"))
    response = session.get(url)
    assert response.encoding == name
    assert response.text == "line1\nline2"
    assert name not in encodings._cache


@pytest.mark.parametrize(
    ("content", "charset"),
    [(b"plain", "utf-8"), ("gr\u00fc\u00df".encode(), "utf-8"), (b"gr\xfc\xdf", "windows-1252")],
)
def test_a_charset_is_guessed_without_a_library_too(content, charset, monkeypatch):
    monkeypatch.setitem(sys.modules, "chardet", None)
    monkeypatch.setitem(sys.modules, "charset_normalizer", None)
    monkeypatch.setattr(_text, "_detector", _text._detector.__wrapped__)
    assert _text.guess_charset(content) == charset


def test_headers_of_an_answer_are_a_case_insensitive_dict(session, servers):
    response = session.get(servers.here + raw(PLAIN))
    assert type(response.headers) is CaseInsensitiveDict
    assert response.headers["content-TYPE"] == "text/plain"
    assert response.headers is response.headers


def test_next_takes_no_credentials_to_another_origin(session, servers):
    answer = f"HTTP/1.1 307 X\nLocation: {servers.there}/x\nContent-Length: 0\n\n"
    response = session.post(
        servers.here + raw(answer),
        data=b"body",
        auth=("ann", "s3cret"),
        cookies={"a": "1"},
        headers={"Host": "other.example", "X-A": "1", "Proxy-Authorization": "s3cret"},
        allow_redirects=False,
    )
    following = response.next
    assert (following.method, following.url, following.body) == ("POST", f"{servers.there}/x", None)
    assert following.headers["x-a"] == "1"
    for name in ("Authorization", "Proxy-Authorization", "Cookie", "Host", "Content-Length"):
        assert name not in following.headers


def test_next_keeps_body_and_credentials_at_the_same_origin(session, servers):
    answer = "HTTP/1.1 307 X\nLocation: /x\nContent-Length: 0\n\n"
    response = session.post(
        servers.here + raw(answer), data=b"body", auth=("ann", "pw"), allow_redirects=False
    )
    method, target, fields, body = session.send(response.next).json()
    assert (method, target, body) == ("POST", "/x", "body")
    assert dict(fields)["Authorization"] == "Basic YW5uOnB3"

"""What a request is made of follows requests' rules; requests is the oracle."""

import io
import os
import re
import sys
import tarfile
from contextlib import ExitStack
from types import SimpleNamespace

import pytest
import requests
import requests.utils
from hypothesis import given
from hypothesis import strategies as st
from requests.models import RequestEncodingMixin

from apikit import Session, _certificates, _multipart, _prepare, errors
from apikit.cookies import CookieJar
from apikit.structures import CaseInsensitiveDict

PARAMS = [
    {},
    [],
    "a=b&c",
    "",
    b"a=b",
    {"a": "1"},
    {"a": 1, "b": 2.5, "c": True},
    {"a": None, "b": "x"},
    {"a": ["1", 2, None, "3"]},
    {"a": ("1", "2")},
    {"a": {"k": "v"}},
    {"a": []},
    {"a": b"bytes"},
    {b"a": "1"},
    {1: 2},
    [("a", "1"), ("a", "2"), ("b", None)],
    (("a", "1"),),
    {"sp ace": "ü €&=?/:;+~"},
    {"a": iter(["1", "2"])},
    {"a": ""},
    [("a", ["x", "y"])],
]
names = st.one_of(st.text(max_size=5), st.integers())
values = st.one_of(st.none(), st.text(max_size=5), st.integers(), st.binary(max_size=5))
mappings = st.dictionaries(names, st.one_of(values, st.lists(values, max_size=3)), max_size=4)


def fresh(data):
    """Give each side its own iterator."""
    if isinstance(data, dict) and any(hasattr(value, "__next__") for value in data.values()):
        return {"a": iter(["1", "2"])}
    return data


@pytest.mark.parametrize("params", PARAMS, ids=repr)
def test_parameters_are_coded_as_in_requests(params):
    theirs = RequestEncodingMixin._encode_params(fresh(params))
    theirs = theirs.decode() if isinstance(theirs, bytes) else theirs
    assert _prepare.encode_params(fresh(params)) == theirs


@given(st.one_of(mappings, mappings.map(lambda mapping: list(mapping.items()))))
def test_any_parameters_are_coded_as_in_requests(params):
    assert _prepare.encode_params(params) == RequestEncodingMixin._encode_params(params)


@pytest.mark.parametrize("params", [5, object(), 1.5])
def test_parameters_of_another_type_are_a_type_error(params):
    with pytest.raises(TypeError, match="params must be a mapping"):
        _prepare.encode_params(params)


@pytest.mark.parametrize("params", [["a"], ["abc"], [("a", "b", "c")]])
def test_parameters_that_are_no_pairs_are_a_value_error(params):
    for encode in (_prepare.encode_params, RequestEncodingMixin._encode_params):
        with pytest.raises(ValueError, match=r"unpack|another length than 2"):
            encode(params)


@pytest.mark.parametrize(
    ("session", "call"),
    [
        ({"a": "1", "b": "2"}, {"b": "3", "c": "4"}),
        ({"a": "1", "b": "2"}, {"b": None}),
        ({"a": "1"}, None),
        ({"a": "1"}, {}),
        ({"a": "1"}, [("b", "2")]),
        ({"a": "1"}, "b=2"),
        ([("a", "1")], {"b": "2"}),
        ({"a": None}, {"b": "2"}),
    ],
)
def test_parameters_are_merged_as_in_requests(session, call):
    theirs = requests.sessions.merge_setting(call, session)
    assert _prepare.merge_params(session, call) == theirs


@pytest.mark.parametrize(
    ("session", "call"),
    [
        ({"A": "1", "b": "2"}, {"B": "3", "c": b"4"}),
        ({"A": "1", "b": "2"}, {"a": None}),
        ({"A": "1", "b": "2"}, {"x": None}),
        ({"A": "1"}, {}),
        ({}, {"a": "1", "A": "2"}),
    ],
)
def test_headers_are_merged_as_in_requests(session, call):
    theirs = requests.sessions.merge_setting(
        call, session, dict_class=requests.structures.CaseInsensitiveDict
    )
    own = CaseInsensitiveDict(session)
    merged = _prepare.merge_headers(own, call)
    assert dict(merged) == dict(theirs)
    assert dict(own) == session
    assert merged is not own


@pytest.mark.parametrize("call", [[("B", "3")], {b"B": "3"}, (("B", "3"),)])
def test_headers_may_be_pairs_and_their_names_bytes(call):
    assert dict(_prepare.merge_headers(None, call)) == {"B": "3"}


@pytest.mark.parametrize("call", [5, "text", [1]])
def test_headers_of_another_type_are_refused(call):
    with pytest.raises((TypeError, ValueError)):
        _prepare.merge_headers(None, call)


def test_a_session_begins_with_the_headers_of_requests():
    ours = _prepare.default_headers(None, "gzip, deflate")
    theirs = requests.utils.default_headers()
    assert ours.keys() == theirs.keys()
    differ = {name for name in ours if ours[name] != theirs[name]}
    assert differ <= {"User-Agent", "Accept-Encoding"}
    assert _prepare.default_headers("me/1", "gzip")["user-agent"] == "me/1"


def test_cookies_of_the_call_win():
    session = CookieJar({"a": "1", "b": "2"})
    jar = _prepare.merge_cookies(session, {"b": "3"})
    assert jar.get_dict() == {"a": "1", "b": "3"}
    assert session.get_dict() == {"a": "1", "b": "2"}
    assert _prepare.merge_cookies(None, None).get_dict() == {}


def prepared(**arguments):
    request = requests.Request("POST", "http://host/", **arguments).prepare()
    return request.body, request.headers.get("Content-Type")


BODIES = {
    "nothing": {},
    "bytes": {"data": b"x\0y"},
    "no bytes": {"data": b""},
    "text": {"data": "text ü"},
    "no text": {"data": ""},
    "form": {"data": {"a": "1", "b": ["2", "3"], "c": None}},
    "form of pairs": {"data": [("a", "1"), ("a", "2")]},
    "form of a tuple": {"data": (("a", "1"),)},
    "empty form": {"data": {}},
    "form beyond ASCII": {"data": {"ü": "€ &="}},
    "json": {"json": {"a": [1, None, "ü"]}},
    "json list": {"json": []},
    "json dict": {"json": {}},
    "json zero": {"json": 0},
    "json false": {"json": False},
    "json text": {"json": "x"},
    "data before json": {"data": {"a": "1"}, "json": {"b": 2}},
    "json for empty data": {"data": {}, "json": {"b": 2}},
    "json for empty text": {"data": "", "json": {"b": 2}},
}


@pytest.mark.parametrize("name", BODIES)
def test_bodies_are_coded_as_in_requests(name):
    arguments = {"data": None, "files": None, "json": None, **BODIES[name]}
    assert _prepare.encode_body(**arguments) == prepared(**BODIES[name])


@given(st.recursive(values.filter(lambda v: not isinstance(v, bytes)), st.lists, max_leaves=5))
def test_json_is_written_as_in_requests(value):
    if value is not None:
        assert _prepare.encode_body(None, None, value) == prepared(json=value)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), [float("-inf")]])
def test_json_without_a_text_is_an_invalid_json_error(value):
    with pytest.raises(errors.InvalidJSONError, match="not JSON compliant"):
        _prepare.encode_body(None, None, value)


def test_json_of_unknown_objects_is_the_type_error_of_json():
    with pytest.raises(TypeError, match="not JSON serializable"):
        _prepare.encode_body(None, None, {"a": object()})


def test_data_of_another_type_is_a_type_error():
    with pytest.raises(TypeError, match="data must be"):
        _prepare.encode_body(5, None, None)


class Reader:
    def read(self, size=-1):
        return b""


@pytest.mark.parametrize(
    "make",
    [
        lambda: io.BytesIO(b"x"),
        lambda: iter([b"x"]),
        Reader,
        lambda: {b"x"},
        lambda: bytearray(b"x"),
    ],
)
def test_files_and_iterators_go_as_they_are(make):
    data = make()
    body, content_type = _prepare.encode_body(data, None, None)
    assert body is data
    assert content_type is None
    with pytest.raises(NotImplementedError):
        _prepare.encode_body(data, {"f": b"x"}, None)


@pytest.fixture
def opened(tmp_path):
    """A function that gives a new open file, closed after the test."""
    with ExitStack() as stack:

        def open_file(content=b"content"):
            path = tmp_path / "file.bin"
            path.write_bytes(content)
            return stack.enter_context(path.open("rb"))

        yield open_file


FILES = {
    "bytes": lambda _: {"f": b"content"},
    "text": lambda _: {"f": "content ü"},
    "file": lambda opened: {"f": opened()},
    "file without a name": lambda _: {"f": io.BytesIO(b"content")},
    "text file": lambda _: {"f": io.StringIO("content ü")},
    "filename": lambda _: {"f": ("na me.txt", b"content")},
    "filename beyond ASCII": lambda _: {"f": ("n\u00e4me\u20ac.txt", b"content")},
    "filename with quotes": lambda _: {"f": ('a"b\r\nc.txt', b"content")},
    "no filename": lambda _: {"f": (None, b"content")},
    "content type": lambda _: {"f": ("n", b"content", "text/plain")},
    "headers": lambda _: {"f": ("n", b"content", "text/plain", {"X-A": "1"})},
    "own disposition": lambda _: {"f": ("n", b"c", "text/x", {"Content-Disposition": "q"})},
    "own type": lambda _: {"f": ("n", b"c", None, {"Content-Type": "text/y"})},
    "list": lambda _: {"f": ["n", b"content"]},
    "pairs": lambda _: [("f", ("n", b"1")), ("f", ("m", b"2"))],
    "nothing": lambda _: {"f": ("n", None), "g": b"x"},
    "bytearray": lambda _: {"f": bytearray(b"content")},
    "a file in a tuple": lambda opened: {"f": ("n", opened(), "text/plain")},
}
FIELDS = [None, {}, {"a": "1"}, [("a", "1"), ("a", 2)], {"a": ["x", b"y", None]}, {b"a": "ü"}]


def without_boundary(body, content_type):
    boundary = re.fullmatch(r"multipart/form-data; boundary=(\w+)", content_type).group(1)
    assert body.count(boundary.encode()) >= 2
    return body.replace(boundary.encode(), b"BOUNDARY")


@pytest.mark.parametrize("fields", FIELDS, ids=repr)
@pytest.mark.parametrize("name", FILES)
def test_files_are_coded_as_in_requests(name, fields, opened):
    ours = _prepare.encode_body(fields, FILES[name](opened), None)
    theirs = prepared(data=fields, files=FILES[name](opened))
    assert without_boundary(*ours) == without_boundary(*theirs)


def test_each_form_has_a_boundary_of_its_own():
    types = {_multipart.encode_multipart([], [("f", b"x")])[1] for _ in range(50)}
    assert len(types) == 50


@pytest.mark.parametrize("data", ["text", b"bytes"])
def test_files_beside_text_are_a_value_error(data):
    with pytest.raises(ValueError, match="must be a mapping or pairs"):
        _prepare.encode_body(data, {"f": b"x"}, None)


class Sized:
    def __init__(self, length):
        self.length = length

    def __len__(self):
        return self.length

    def __iter__(self):
        return iter([b"x" * self.length])


class WithLen:
    len = 7

    def read(self, size=-1):
        return b""


class NoTell(io.RawIOBase):
    def tell(self):
        raise OSError("a pipe")


class InTar:
    """As what TarFile.extractfile gives: a fileno that raises AttributeError."""

    def __init__(self, content):
        self.file = io.BytesIO(content)

    def __getattr__(self, name):
        if name == "fileno":
            return self.no_number
        return getattr(self.file, name)

    def no_number(self):
        raise AttributeError("fileno")


def at(file, position):
    file.seek(position)
    return file


LENGTHS = {
    "BytesIO": lambda _: io.BytesIO(b"content"),
    "BytesIO in the middle": lambda _: at(io.BytesIO(b"content"), 3),
    "BytesIO at the end": lambda _: at(io.BytesIO(b"content"), 7),
    "BytesIO behind the end": lambda _: at(io.BytesIO(b"content"), 9),
    "empty BytesIO": lambda _: io.BytesIO(),
    "file": lambda opened: opened(),
    "file in the middle": lambda opened: at(opened(), 2),
    "empty file": lambda opened: opened(b""),
    "iterator": lambda _: iter([b"x"]),
    "sized": lambda _: Sized(5),
    "sized nothing": lambda _: Sized(0),
    "len": lambda _: WithLen(),
    "reader": lambda _: Reader(),
    "no tell": lambda _: NoTell(),
    "in a tar file": lambda _: InTar(b"content"),
    "bytearray": lambda _: bytearray(b"abc"),
}


@pytest.mark.parametrize("name", LENGTHS)
def test_lengths_are_those_of_requests(name, opened):
    body = LENGTHS[name](opened)
    position = None if name == "no tell" or not hasattr(body, "tell") else body.tell()
    assert (_prepare.body_length(body) or 0) == requests.utils.super_len(body)
    assert position is None or body.tell() == position


def test_a_file_inside_a_tar_file_has_its_length(tmp_path):
    with tarfile.open(tmp_path / "t.tar", "w") as archive:
        info = tarfile.TarInfo("inner")
        info.size = 7
        archive.addfile(info, io.BytesIO(b"content"))
    with tarfile.open(tmp_path / "t.tar") as archive:
        assert _prepare.body_length(archive.extractfile("inner")) == 7


def test_the_length_of_a_text_file_is_not_known(tmp_path):
    (tmp_path / "t").write_text("ü\n")
    with (tmp_path / "t").open() as file:
        assert _prepare.body_length(file) is None


def test_the_length_of_text_in_memory_is_that_of_its_bytes():
    text = io.StringIO("aüb")
    assert _prepare.body_length(text) == 4
    text.read(1)
    assert _prepare.body_length(text) == 3
    text.read()
    assert _prepare.body_length(text) is None


def test_a_file_is_put_back_to_where_it_stood():
    file = at(io.BytesIO(b"content"), 3)
    file.read()
    _prepare.rewind(file, 3)
    assert file.read() == b"tent"


class Broken(io.BytesIO):
    def seek(self, *_):
        raise OSError("the tape is torn")


@pytest.mark.parametrize(
    ("body", "position", "why"),
    [
        (iter([b"x"]), None, "only once"),
        (io.BytesIO(b"x"), None, "only once"),
        (Reader(), 0, "only once"),
        (Broken(b"x"), 0, "the tape is torn"),
    ],
)
def test_what_cannot_be_put_back_says_so(body, position, why):
    with pytest.raises(errors.UnrewindableBodyError, match=why) as caught:
        _prepare.rewind(body, position)
    assert isinstance(caught.value, requests.exceptions.UnrewindableBodyError)


@pytest.mark.parametrize(
    "host", ["bücher.example", "BÜCHER.example", "日本語.jp", "faß.de", "☃.net"]
)
def test_host_names_are_coded_as_in_requests(host):
    try:
        theirs = requests.Request("GET", f"http://{host}/").prepare().url
    except requests.exceptions.InvalidURL:
        with pytest.raises(errors.InvalidURL):
            _prepare.idna_host(host)
    else:
        assert f"http://{_prepare.idna_host(host)}/" == theirs


@pytest.mark.parametrize("host", ["ü..x", "\u200d.x", "ü" * 64, "*ü.x", "\udcfcx"])
def test_a_host_that_is_none_is_an_invalid_url(host):
    with pytest.raises(errors.InvalidURL, match="is no host name"):
        _prepare.idna_host(host)


@pytest.mark.parametrize(
    ("user", "password", "header"),
    [
        ("ann", "pw", "Basic YW5uOnB3"),
        (b"ann", b"p\xff", "Basic YW5uOnD/"),
        ("ü", "€", "Basic w7w64oKs"),
        ("", "", "Basic Og=="),
    ],
)
def test_basic_credentials_go_as_utf_8(user, password, header):
    assert _prepare.basic_auth(user, password) == header


CONNECTION = SimpleNamespace(cookies="a jar")


def answer():
    return SimpleNamespace(request=SimpleNamespace(), tags=[])


def tag(name):
    """Make a hook that puts another answer in the place of the one that it gets."""
    return lambda response, **_: SimpleNamespace(
        **{**vars(response), "tags": [*response.tags, name]}
    )


def look(response, **kwargs):
    """A hook that changes nothing."""


HOOKS = [
    None,
    {},
    {"response": []},
    {"response": tag("a")},
    {"response": [tag("a"), look, tag("b")]},
    {"response": look},
    {"other": tag("c")},
]


@pytest.mark.parametrize("session", range(len(HOOKS)))
@pytest.mark.parametrize("call", range(len(HOOKS)))
def test_hooks_are_called_as_in_requests(session, call):
    merged = requests.sessions.merge_hooks(HOOKS[call], HOOKS[session])
    expected = requests.hooks.dispatch_hook("response", merged, answer())
    shown = _prepare.dispatch_hooks(HOOKS[session], HOOKS[call], None, answer(), CONNECTION)
    assert shown.tags == expected.tags
    assert shown.connection is CONNECTION


def test_a_hook_that_raises_is_heard():
    def hook(response):
        raise LookupError("of the hook")

    with pytest.raises(LookupError, match="of the hook"):
        _prepare.dispatch_hooks(None, {"response": hook}, None, answer(), CONNECTION)


@pytest.fixture
def no_certificates(monkeypatch):
    """Make the search depend on what a test adds."""
    monkeypatch.delenv("SSL_CERT_FILE", raising=False)
    monkeypatch.delenv("SSL_CERT_DIR", raising=False)
    paths = type("Paths", (), {"openssl_cafile": "/none/cert.pem", "openssl_capath": "/none"})
    monkeypatch.setattr("ssl.get_default_verify_paths", paths)
    monkeypatch.setitem(sys.modules, "certifi", None)
    monkeypatch.setattr("apikit._certificates._SYSTEMS", ("/none/bundle.crt",))
    return paths


def test_certificates_of_the_environment_come_first(no_certificates, tmp_path, monkeypatch):
    file = tmp_path / "ca.pem"
    file.write_text("PEM")
    monkeypatch.setenv("SSL_CERT_FILE", str(file))
    assert _prepare.ca_locations(True)[:2] == (str(file), None)
    with pytest.raises(errors.SSLError):
        _prepare.ca_locations(False)


def test_a_folder_of_hashed_certificates_serves(no_certificates, tmp_path, monkeypatch):
    monkeypatch.setenv("SSL_CERT_DIR", str(tmp_path))
    with pytest.raises(errors.SSLError):
        _prepare.ca_locations(True)
    (tmp_path / "1a2b3c4d.0").write_text("PEM")
    assert _prepare.ca_locations(True)[:2] == (None, str(tmp_path))


def test_a_bundle_in_the_folder_is_preferred(no_certificates, tmp_path):
    (tmp_path / "1a2b3c4d.0").write_text("PEM")
    (tmp_path / "ca-certificates.crt").write_text("PEM")
    no_certificates.openssl_capath = str(tmp_path)
    found = _prepare.ca_locations(True)
    assert found == (str(tmp_path / "ca-certificates.crt"), None, "OpenSSL's default")


def test_certifi_comes_last(no_certificates, tmp_path, monkeypatch):
    file = tmp_path / "certifi.pem"
    file.write_text("PEM")
    monkeypatch.setitem(
        sys.modules, "certifi", type("certifi", (), {"where": staticmethod(lambda: str(file))})
    )
    assert _prepare.ca_locations(True) == (str(file), None, "certifi")
    bundle = tmp_path / "bundle.pem"
    bundle.write_text("PEM")
    monkeypatch.setattr("apikit._certificates._SYSTEMS", ("/none/bundle.crt", str(bundle)))
    assert _prepare.ca_locations(True) == (str(bundle), None, "the system's bundle")
    default = tmp_path / "cert.pem"
    default.write_text("PEM")
    no_certificates.openssl_cafile = str(default)
    assert _prepare.ca_locations(True) == (str(default), None, "OpenSSL's default")


def test_no_certificates_is_an_error_that_says_what_was_tried(no_certificates, monkeypatch):
    monkeypatch.setenv("SSL_CERT_FILE", "/nowhere/ca.pem")
    with pytest.raises(errors.SSLError) as caught:
        _prepare.ca_locations(True)
    for tried in ("/nowhere/ca.pem", "/none/cert.pem", "/none/bundle.crt", "certifi", "verify="):
        assert tried in str(caught.value)


@pytest.mark.parametrize("convert", [str, os.fsencode, lambda path: path])
def test_a_folder_is_told_from_a_file(convert, tmp_path):
    file = tmp_path / "ca.pem"
    file.write_text("PEM")
    assert _certificates.is_folder(convert(tmp_path)) is True
    assert _certificates.is_folder(convert(file)) is False
    with pytest.raises(OSError, match=r"no CA certificates at b?'.*missing"):
        _certificates.is_folder(convert(tmp_path / "missing"))


NO_PAIRS = {
    "a number": (3, TypeError, "not int"),
    "numbers": ([3], TypeError, "not an iterable of int"),
    "triples": ([("a", "b", "c")], ValueError, "an item of another length than 2"),
}


@pytest.mark.parametrize("name", NO_PAIRS)
@pytest.mark.parametrize("argument", ["headers", "params", "data", "files"])
def test_what_holds_no_pairs_is_named(argument, name):
    value, error, says = NO_PAIRS[name]
    with Session() as session, pytest.raises(error) as caught:
        session.post("http://127.0.0.1:1/", **{argument: value})
    assert str(caught.value).startswith(f"{argument} must be a ")
    assert str(caught.value).endswith(says)


def test_hooks_are_a_dict():
    with pytest.raises(TypeError, match=r"hooks must be a dict such as .*, not int"):
        Session().get("http://127.0.0.1:1/", hooks=3)

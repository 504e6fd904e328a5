"""Headers are a mapping that knows no case, as requests' CaseInsensitiveDict."""

import copy
import gc
import pickle
import subprocess
import sys
import threading
import weakref

import pytest
from hypothesis import given
from hypothesis import strategies as st
from requests.structures import CaseInsensitiveDict as Theirs

from apikit import _core
from apikit.structures import CaseInsensitiveDict

NAMES = ["Accept", "ACCEPT", "accept", "X-A", "x-a", "Content-Type", "content-type", ""]
STEPS = st.one_of(
    st.tuples(st.just("set"), st.sampled_from(NAMES), st.sampled_from(["v", b"b", None, 5])),
    st.tuples(st.just("delete"), st.sampled_from(NAMES), st.none()),
    st.tuples(st.just("pop"), st.sampled_from(NAMES), st.just("default")),
    st.tuples(st.just("setdefault"), st.sampled_from(NAMES), st.just("d")),
)


def carry_out(headers, steps):
    said = []
    for action, name, value in steps:
        try:
            if action == "set":
                headers[name] = value
            elif action == "delete":
                del headers[name]
            else:
                said.append(getattr(headers, action)(name, value))
        except KeyError:
            said.append("KeyError")
        said.append((list(headers.items()), len(headers), list(headers.lower_items())))
        said.append([(key in headers, headers.get(key, "no")) for key in NAMES])
    return said


@given(st.lists(STEPS, max_size=30))
def test_does_what_requests_does(steps):
    assert carry_out(CaseInsensitiveDict(), steps) == carry_out(Theirs(), steps)


@pytest.mark.parametrize("data", [None, {}, {"A": "1", "b": "2"}, [("A", "1"), ("a", "2")]])
def test_is_made_as_in_requests(data):
    for keywords in ({}, {"c": "3"}):
        ours, theirs = CaseInsensitiveDict(data, **keywords), Theirs(data, **keywords)
        assert list(ours.items()) == list(theirs.items())
        assert ours == theirs
        assert theirs == ours


@pytest.mark.parametrize(
    ("other", "equal"),
    [
        ({"a": "1"}, True),
        ({"A": "1"}, True),
        ({"a": "2"}, False),
        ({"a": "1", "b": "1"}, False),
        ({}, False),
        ([("a", "1")], False),
        (None, False),
    ],
)
def test_equality_knows_no_case(other, equal):
    assert (CaseInsensitiveDict({"A": "1"}) == other) is equal
    assert (CaseInsensitiveDict({"A": "1"}) != other) is not equal


def test_only_ascii_letters_have_two_cases():
    headers = CaseInsensitiveDict({"Ä-A": "1"})
    assert headers["Ä-a"] == "1"
    assert "ä-a" not in headers
    headers["\U0001f600A"] = "2"
    assert headers["\U0001f600a"] == "2"


@pytest.mark.parametrize("name", [5, b"Accept", None, ("a",)])
def test_a_name_is_a_str(name):
    headers = CaseInsensitiveDict({"Accept": "1"})
    with pytest.raises(TypeError, match="must be a str"):
        headers[name] = "x"
    with pytest.raises(KeyError):
        headers[name]
    with pytest.raises(KeyError):
        del headers[name]
    assert name not in headers
    assert headers.get(name) is None


def test_is_not_hashable():
    with pytest.raises(TypeError):
        hash(CaseInsensitiveDict())


@pytest.mark.parametrize("duplicate", [copy.copy, copy.deepcopy, CaseInsensitiveDict.copy])
def test_a_copy_is_independent(duplicate):
    headers = CaseInsensitiveDict({"Accept": "1"})
    other = duplicate(headers)
    other["accept"] = "2"
    assert type(other) is CaseInsensitiveDict
    assert list(headers.items()) == [("Accept", "1")]
    assert list(other.items()) == [("accept", "2")]


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_survives_pickling(protocol):
    headers = CaseInsensitiveDict([("B", "1"), ("a", b"2"), ("C", None)])
    again = pickle.loads(pickle.dumps(headers, protocol))
    assert list(again.items()) == list(headers.items())


def test_repr_shows_no_credentials():
    names = ["Authorization", "proxy-authorization", "COOKIE", "Set-Cookie"]
    shown = repr(CaseInsensitiveDict({**dict.fromkeys(names, "s3cret"), "Accept": "*/*"}))
    assert "s3cret" not in shown
    assert all(name in shown for name in names)
    assert "'Accept': '*/*'" in shown


def test_changes_do_not_disturb_a_walk():
    headers = CaseInsensitiveDict({"a": 1, "b": 2})
    seen = []
    for name in headers:
        seen.append(name)
        headers["c"] = 3
        headers.pop("b", None)
    assert seen == ["a", "b"]
    assert list(headers) == ["a", "c"]


def test_many_headers_keep_their_order():
    headers = CaseInsensitiveDict((f"name-{i}", i) for i in range(1000))
    for i in range(0, 1000, 3):
        del headers[f"NAME-{i}"]
    assert list(headers.values()) == [i for i in range(1000) if i % 3]


class Value:
    """Something that changes the headers when it goes."""

    def __init__(self, headers):
        self.headers = headers

    def __del__(self):
        self.headers["gone"] = "yes"


def test_a_value_may_change_the_headers_when_it_goes():
    headers = CaseInsensitiveDict()
    headers["a"] = Value(headers)
    headers["a"] = "new"
    assert dict(headers) == {"a": "new", "gone": "yes"}
    headers["b"] = Value(headers)
    headers["gone"] = "no"
    del headers["b"]
    assert dict(headers) == {"a": "new", "gone": "yes"}


def test_cycles_are_collected():
    class Held(CaseInsensitiveDict):
        __slots__ = ("__weakref__",)

    headers = Held()
    headers["self"] = headers
    reference = weakref.ref(headers)
    del headers
    gc.collect()
    assert reference() is None


def test_threads_may_share_headers():
    headers = CaseInsensitiveDict()
    begin = threading.Barrier(8)

    def work(number):
        begin.wait()
        for i in range(500):
            headers[f"n{number}-{i % 7}"] = i
            assert len(list(headers)) <= 8 * 7
            headers.pop(f"n{number}-{i % 5}", None)
            headers.get("n0-0")

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    kept = [f"n{number}-{last}" for number in range(8) for last in (5, 6)]
    assert all(name in headers for name in kept)


def test_setting_and_reading_leak_nothing():
    code = (
        "import sys\n"
        "from apikit.structures import CaseInsensitiveDict\n"
        "name, value = 'na' + 'me-' * 2, object()\n"
        "before = sys.getrefcount(name), sys.getrefcount(value)\n"
        "for i in range(1000):\n"
        "    h = CaseInsensitiveDict({name: value})\n"
        "    h[name] = value; h[name.upper()] = value\n"
        "    h.get(name); h[name]; name in h; list(h); h.copy(); del h[name]\n"
        "    h.get('x', value)\n"
        "del h\n"
        "print(before == (sys.getrefcount(name), sys.getrefcount(value)))\n"
    )
    answer = subprocess.run([sys.executable, "-P", "-c", code], capture_output=True, text=True)
    assert (answer.stdout, answer.stderr) == ("True\n", "")


def test_get_takes_one_default():
    with pytest.raises(TypeError, match="not 0 arguments"):
        _core.Headers().get()
    with pytest.raises(TypeError, match="not 3 arguments"):
        _core.Headers().get("a", "b", "c")

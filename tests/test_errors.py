"""Errors are requests' where requests is loaded, and survive pickling."""

import copy
import json
import pickle
import subprocess
import sys
import traceback

import pytest
import requests

from apikit import errors

NAMES = [name for name in errors.__all__ if name not in {"build", "joined", "mask_url"}]
#: What has no class of that name in requests, and the one that catches it.
OURS = {
    "BodyTooLarge": requests.exceptions.RequestException,
    "DeadlineExceeded": requests.exceptions.ReadTimeout,
    "ConnectError": requests.exceptions.ConnectionError,
    "IdentityChanged": requests.exceptions.RequestException,
    "PoolBusy": requests.exceptions.ConnectionError,
    "UnsafeRedirect": requests.exceptions.RequestException,
}
SIMPLE = [name for name in NAMES if name not in {"JSONDecodeError", "CookieConflictError"}]


def make(name):
    if name == "JSONDecodeError":
        return errors.build(name, "Expecting value", "{\n x}", 3)
    if name == "CookieConflictError":
        return errors.joined(errors.CookieConflictError)("two")
    return errors.build(name, "a message", request="the request", response=None)


@pytest.mark.parametrize("name", NAMES)
def test_is_caught_by_both_classes_of_its_name(name):
    theirs = OURS.get(name) or getattr(requests.exceptions, name, None)
    theirs = theirs or requests.cookies.CookieConflictError
    exception = make(name)
    assert isinstance(exception, theirs)
    assert isinstance(exception, getattr(errors, name))
    assert type(exception).__name__ == name


@pytest.mark.parametrize("name", NAMES)
def test_derives_as_in_requests(name):
    theirs = getattr(requests.exceptions, name, None)
    if theirs is None:
        theirs = OURS.get(name, requests.cookies.CookieConflictError)
    bases = {cls.__name__ for cls in theirs.__mro__} - {theirs.__name__, "HTTPError"}
    assert bases <= {cls.__name__ for cls in getattr(errors, name).__mro__}


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_survives_pickling(name, protocol):
    exception = make(name)
    exception.add_note("a note")
    exception.extra = 5
    again = pickle.loads(pickle.dumps(exception, protocol))
    assert type(again) is type(exception)
    assert (str(again), again.args, again.extra) == (str(exception), exception.args, 5)
    assert again.__notes__ == ["a note"]
    assert str(copy.copy(exception)) == str(exception)


def test_json_position_survives_pickling():
    again = pickle.loads(pickle.dumps(make("JSONDecodeError")))
    assert isinstance(again, json.JSONDecodeError)
    assert (again.msg, again.doc, again.pos) == ("Expecting value", "{\n x}", 3)
    assert (again.lineno, again.colno) == (2, 2)
    assert str(again) == "Expecting value: line 2 column 2 (char 3)"


class Answer:
    def __init__(self, *, is_stream):
        self.request = "the request of the answer"
        self.is_stream = is_stream
        self.content = b"body"


@pytest.mark.parametrize("name", SIMPLE)
def test_carries_request_and_response(name):
    response = Answer(is_stream=False)
    exception = errors.build(name, "text", response=response)
    assert exception.response is response
    assert exception.request == "the request of the answer"
    assert errors.build(name, "text", request="mine", response=response).request == "mine"


@pytest.mark.parametrize("is_stream", [True, False])
def test_a_pickle_keeps_a_read_response_and_no_request(is_stream):
    exception = errors.build("HTTPError", "404", response=Answer(is_stream=is_stream))
    again = pickle.loads(pickle.dumps(exception))
    assert again.request is None
    assert (again.response is None) == is_stream


def test_a_traceback_shows_the_plain_name():
    text = "".join(traceback.format_exception(make("ReadTimeout")))
    assert text == "apikit.errors.ReadTimeout: a message\n"


def test_an_os_error_keeps_its_number():
    exception = errors.joined(errors.ConnectionError)(104, "reset")
    again = pickle.loads(pickle.dumps(exception))
    assert (again.errno, again.strerror, str(again)) == (104, "reset", "[Errno 104] reset")


def run(code):
    answer = subprocess.run([sys.executable, "-P", "-c", code], capture_output=True, text=True)
    assert answer.returncode == 0, answer.stderr
    return answer.stdout.split()


def test_requests_loaded_after_the_first_failure():
    said = run(
        "import pickle, sys\n"
        "from apikit import errors\n"
        "first = errors.build('ConnectTimeout', 'x')\n"
        "print('requests' in sys.modules, type(first) is errors.ConnectTimeout)\n"
        "early = pickle.dumps(first)\n"
        "import requests\n"
        "second = errors.build('ConnectTimeout', 'x')\n"
        "print(isinstance(second, requests.ConnectTimeout), isinstance(first, requests.Timeout))\n"
        "print(isinstance(pickle.loads(early), requests.Timeout))\n"
        "print(type(pickle.loads(pickle.dumps(second))) is type(second))\n"
        "print(type(second) is type(errors.build('ConnectTimeout', 'y')))\n"
    )
    assert said == ["False", "True", "True", "False", "True", "True", "True"]


def test_a_joined_exception_is_unpickled_where_requests_is_not_loaded():
    data = pickle.dumps(make("SSLError"))
    said = run(
        "import pickle, sys\n"
        f"exception = pickle.loads({data!r})\n"
        "from apikit import errors\n"
        "print(type(exception) is errors.SSLError, 'requests' in sys.modules, *exception.args)\n"
    )
    assert said == ["True", "False", "a", "message"]


class Own(errors.ConnectionError):
    def __init__(self, *, detail):
        super().__init__(f"own {detail}", request="r")
        self.detail = detail


def test_a_subclass_with_an_init_of_its_own_survives_pickling():
    again = pickle.loads(pickle.dumps(Own(detail=3)))
    assert (type(again), str(again), again.detail, again.request) == (Own, "own 3", 3, None)


def test_conflicting_cookies_are_a_runtime_error():
    assert issubclass(errors.CookieConflictError, RuntimeError)
    assert not issubclass(errors.CookieConflictError, OSError)


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("http://host/path?q=1", "http://host/path?q=1"),
        ("http://user:s3cret@host:80/p#frag", "http://***@host:80/p"),
        ("http://s3cret@host", "http://***@host"),
        ("//user:s3cret@host/x", "//***@host/x"),
        ("user:s3cret@host", "***@host"),
        ("user:s3//cret@host", "***@host"),
        ("http://user:s3/cret@host/x", "http://***@host/x"),
        ("http://user:s3?cret@host/x", "http://***@host/x"),
        ("http://user:s3#cret@host/x", "http://***@host/x"),
        ("http://user:s3@cret@host/x", "http://***@host/x"),
        ("http://user:s3\\cret@host/x", "http://***@host/x"),
        ("http://host:8080/a@b", "http://host:8080/a@b"),
        ("http://[::1]:80/a@b", "http://[::1]:80/a@b"),
        ("http://[::1]/a@b", "http://[::1]/a@b"),
        ("http://u:s3cret@[::1]/a@b", "http://***@[::1]/a@b"),
        ("  http://u:s3cret@h/", "  http://***@h/"),
        (b"http://u:s3cret@h/", "http://***@h/"),
        ("", ""),
        (None, "None"),
    ],
)
def test_a_masked_url_shows_no_password(url, shown):
    assert errors.mask_url(url) == shown

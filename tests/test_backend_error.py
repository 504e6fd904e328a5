"""BackendError, raise_ise and raise_from_response."""

from __future__ import annotations

import copy
import gc
import http
import inspect
import json
import pickle
import subprocess
import sys
import textwrap
import types
import weakref
from collections.abc import Callable
from typing import Any

import pytest

from apikit import BackendError, raise_from_response, raise_ise
from tests.core_leaks import count_leaks

MIXED_IN = [OSError, ImportError, AttributeError, StopIteration, KeyError, UnicodeError, SystemExit]


class Teapot(BackendError):
    status_code = 418


class Costly(BackendError):
    """Its own signature, and an __init__ that must not run again."""

    made = 0

    def __init__(self, what: str) -> None:
        type(self).made += 1
        super().__init__(reason=f"no {what}", status_code=402, content=what)
        self.what = what


class Shouting(BackendError):
    def __str__(self) -> str:
        return str(self.reason).upper()


class Reduced(BackendError):
    """Pickles itself in the way that most advice on pickling shows."""

    def __reduce__(self) -> Any:
        return type(self), (self.reason,), self.__dict__


class MixedOS(BackendError, OSError):
    pass


class MixedImport(BackendError, ImportError):
    pass


class MixedAttribute(BackendError, AttributeError):
    pass


class MixedStop(BackendError, StopIteration):
    pass


MIXED = [MixedOS, MixedImport, MixedAttribute, MixedStop]
CLASSES = [BackendError, Teapot, Shouting, Reduced, *MIXED]
COPIES: list[Callable[[Any], Any]] = [
    copy.copy,
    copy.deepcopy,
    *(
        lambda exc, protocol=protocol: pickle.loads(pickle.dumps(exc, protocol))
        for protocol in range(pickle.HIGHEST_PROTOCOL + 1)
    ),
]


class Status(int):
    pass


class Reason(str):
    __slots__ = ()


def test_fields_are_attributes_of_the_instance() -> None:
    exc = BackendError("Not Found", 404, "no such page")
    assert vars(exc) == {"reason": "Not Found", "status_code": 404, "content": "no such page"}
    assert (exc.reason, exc.status_code, exc.content) == ("Not Found", 404, "no such page")
    exc.reason, exc.status_code, exc.content = "a", 1, None
    assert (exc.reason, exc.status_code, exc.content) == ("a", 1, None)


@pytest.mark.parametrize(
    ("args", "kwargs"),
    [
        (("r", 404, "c"), {}),
        (("r", 404), {"content": "c"}),
        (("r",), {"content": "c", "status_code": 404}),
        ((), {"content": "c", "status_code": 404, "reason": "r"}),
    ],
)
@pytest.mark.parametrize("cls", [BackendError, Teapot])
def test_every_way_of_passing_arguments(cls: Any, args: Any, kwargs: Any) -> None:
    exc = cls(*args, **kwargs)
    assert exc.args == ("r", 404, "c")
    assert vars(exc) == {"reason": "r", "status_code": 404, "content": "c"}


def test_keyword_that_was_made_at_run_time() -> None:
    name = "".join(["rea", "son"])
    assert name is not sys.intern("reason")
    assert BackendError(**{name: "r"}).reason == "r"


def test_class_attributes() -> None:
    assert (BackendError.reason, BackendError.content, BackendError.headers) == (None, None, None)
    assert BackendError.status_code == 400


def test_status_code_left_out_stays_the_class_attribute() -> None:
    for cls, status in ((BackendError, 400), (Teapot, 418)):
        exc = cls("r")
        assert exc.status_code == status
        assert vars(exc) == {"reason": "r", "content": None}
    exc = Teapot("r")
    Teapot.status_code = 419
    try:
        assert exc.status_code == 419
    finally:
        Teapot.status_code = 418


def test_content_left_out_is_none_on_the_instance() -> None:
    class Worded(BackendError):
        content = "of the class"

    assert Worded("r").content is None


def test_deleted_field_falls_back_to_the_class() -> None:
    exc = BackendError("r", 404, "c")
    del exc.reason, exc.status_code, exc.content
    assert (exc.reason, exc.status_code, exc.content) == (None, 400, None)
    assert str(exc) == "BackendError: 400 None [None]"
    assert repr(exc) == "BackendError(reason=None, status_code=400, content=None)"


def test_args_are_the_arguments_as_given() -> None:
    assert BackendError("r").args == ("r", None, None)
    assert Costly("x").args == ("no x", 402, "x")
    exc = Teapot("r", content="c")
    assert exc.args == ("r", None, "c")
    again = type(exc)(*exc.args)
    assert (type(again), vars(again)) == (Teapot, vars(exc))


def test_args_outlive_json() -> None:
    exc = Teapot("r", 404, "c")
    assert vars(Teapot(*json.loads(json.dumps(exc.args)))) == vars(exc)


@pytest.mark.parametrize(
    "status", [0, -1, 922, 10**30, True, http.HTTPStatus.NOT_FOUND, Status(5)], ids=repr
)
def test_any_int_is_a_status_code(status: int) -> None:
    assert BackendError("r", status).status_code is status


@pytest.mark.parametrize("content", ["", "text", b"", b"\xff", Reason("x"), None], ids=repr)
def test_str_and_bytes_are_content(content: Any) -> None:
    assert BackendError("r", 1, content).content is content


@pytest.mark.parametrize("cls", [BackendError, Teapot])
@pytest.mark.parametrize(
    ("args", "says"),
    [
        ((None,), "reason must be a str such as 'Not Found', not NoneType"),
        ((b"r", "x", 5), "reason .* not bytes"),
        ((404,), "reason .* not int"),
        (("r", "404", 5), "status_code must be an int such as 404 or None, not str"),
        (("r", 404.0), "status_code .* not float"),
        (("r", 404, bytearray(b"c")), "content must be a str, bytes or None, not bytearray"),
        (("r", None, 5), "content .* not int"),
        ((), "reason"),
        (("r", 404, "c", 1), "4 given"),
    ],
)
def test_wrong_arguments_in_order(cls: Any, args: tuple[Any, ...], says: str) -> None:
    with pytest.raises(TypeError, match=says):
        cls(*args)


@pytest.mark.parametrize("kwargs", [{"other": 1}, {"reason": "again"}])
@pytest.mark.parametrize("cls", [BackendError, Teapot])
def test_wrong_keywords(cls: Any, kwargs: dict[str, Any]) -> None:
    with pytest.raises(TypeError, match="|".join(kwargs)):
        cls("r", **kwargs)


def test_refused_init_leaves_the_fields() -> None:
    exc = BackendError("r", 404, "c")
    with pytest.raises(TypeError):
        exc.__init__("other", "404")  # type: ignore[misc]
    assert exc.args == ("r", 404, "c")
    assert vars(exc) == {"reason": "r", "status_code": 404, "content": "c"}


def test_init_again_keeps_what_it_does_not_set() -> None:
    exc = BackendError("r", 404, "c")
    exc.__init__("other")  # type: ignore[misc]
    assert vars(exc) == {"reason": "other", "status_code": 404, "content": None}
    assert exc.args == ("other", None, None)


@pytest.mark.parametrize(
    ("exc", "text"),
    [
        (BackendError("r"), "BackendError: 400 r [None]"),
        (BackendError("r", 404, "c"), "BackendError: 404 r [c]"),
        (BackendError("r", 404, b"x"), "BackendError: 404 r [b'x']"),
        (BackendError("r", True, ""), "BackendError: 1 r []"),
        (BackendError("é", http.HTTPStatus.NOT_FOUND), "BackendError: 404 é [None]"),
        (Teapot("%s"), "BackendError: 418 %s [None]"),
        (Shouting("loud"), "LOUD"),
    ],
)
def test_str(exc: BackendError, text: str) -> None:
    assert str(exc) == text


def test_str_of_a_status_that_is_no_number() -> None:
    exc = BackendError("r")
    exc.status_code = None  # type: ignore[assignment]
    with pytest.raises(TypeError, match="%d format"):
        str(exc)


def test_repr() -> None:
    exc = Teapot("it's", 404, b"\xff")
    assert repr(exc) == "Teapot(reason=\"it's\", status_code=404, content=b'\\xff')"
    assert vars(eval(repr(exc))) == vars(exc)
    assert repr(BackendError("r")) == "BackendError(reason='r', status_code=400, content=None)"


def test_repr_of_an_error_that_holds_itself() -> None:
    exc = BackendError("r")
    exc.content = exc  # type: ignore[assignment]
    assert "content=BackendError(...)" in repr(exc)


@pytest.mark.parametrize(
    ("content", "shown"),
    [("text", "text"), (None, None), (b"caf\xc3\xa9", "café"), (b"\xff!", "\ufffd!")],
)
def test_to_dict(content: Any, shown: str | None) -> None:
    exc = Teapot("r", content=content)
    exc.headers = {"Retry-After": "1"}
    assert exc.to_dict() == {"reason": "r", "status_code": 418, "error_content": shown}
    assert list(exc.to_dict()) == ["reason", "status_code", "error_content"]
    json.dumps(exc.to_dict())


def test_fields_may_be_properties_of_a_subclass() -> None:
    class Noted(BackendError):
        @property
        def content(self) -> Any:  # type: ignore[override]
            return f"<{self._content}>"

        @content.setter
        def content(self, value: Any) -> None:
            self._content = value

    exc = Noted("r", 404, "c")
    assert str(exc) == "BackendError: 404 r [<c>]"
    assert exc.to_dict()["error_content"] == "<c>"


def test_method_put_on_the_class_later_counts() -> None:
    program = """
        from apikit import BackendError
        made = []
        old = BackendError.__init__
        def init(self, *args, **kwargs):
            made.append((args, kwargs))
            old(self, *args, **kwargs)
        BackendError.__init__ = init
        assert BackendError("r", content="c").content == "c"
        assert made == [(("r",), {"content": "c"})], made
        del BackendError.__init__
        BackendError.__new__ = staticmethod(lambda cls, *args, **kwargs: 5)
        assert BackendError("r", status_code=1) == 5
    """
    subprocess.run([sys.executable, "-c", textwrap.dedent(program)], check=True)


def test_names() -> None:
    assert BackendError.__module__ == "apikit.convenience"
    assert BackendError.__qualname__ == "BackendError"
    assert BackendError.__bases__ == (Exception,)


@pytest.mark.parametrize("base", MIXED_IN)
def test_every_exception_can_be_mixed_in(base: type[BaseException]) -> None:
    for bases in ((BackendError, base), (base, BackendError)):
        cls: Any = types.new_class("Mixed", bases)
        assert issubclass(cls, BackendError)
    exc = types.new_class("Mixed", (BackendError, base))("r", 404, "c")
    assert vars(exc) == {"reason": "r", "status_code": 404, "content": "c"}
    assert (exc.args, str(exc)) == (("r", 404, "c"), "BackendError: 404 r [c]")
    again = copy.copy(exc)
    assert (type(again), again.args, vars(again)) == (type(exc), exc.args, vars(exc))


@pytest.mark.parametrize("duplicate", COPIES)
@pytest.mark.parametrize("cls", CLASSES)
def test_copy_keeps_class_fields_args_and_attributes(cls: Any, duplicate: Any) -> None:
    exc = cls("r", 404, b"c")
    exc.headers = {"WWW-Authenticate": "Basic"}
    exc.user = ["nested"]
    exc.add_note("a note")
    again = duplicate(exc)
    assert type(again) is cls
    assert again is not exc
    assert vars(again) == vars(exc)
    assert again.__notes__ == ["a note"]
    if cls is not Reduced:
        assert again.args == ("r", 404, b"c")


@pytest.mark.parametrize("duplicate", COPIES)
def test_copy_does_not_run_the_init_of_a_subclass(duplicate: Any) -> None:
    exc = Costly("money")
    made = Costly.made
    again = duplicate(exc)
    assert Costly.made == made
    assert (type(again), again.args, vars(again)) == (Costly, exc.args, vars(exc))


@pytest.mark.parametrize("duplicate", COPIES)
def test_copy_keeps_a_field_that_was_left_out_left_out(duplicate: Any) -> None:
    assert vars(duplicate(Teapot("r"))) == {"reason": "r", "content": None}


@pytest.mark.parametrize("duplicate", COPIES)
def test_copy_keeps_what_a_mixed_in_class_pickles(duplicate: Any) -> None:
    exc = MixedImport("r")
    exc.name, exc.path = "module", "/path"
    again = duplicate(exc)
    assert (again.name, again.path) == ("module", "/path")


def test_deep_copy_shares_nothing() -> None:
    exc = BackendError("r")
    exc.user = ["nested"]  # type: ignore[attr-defined]
    assert copy.deepcopy(exc).user is not exc.user  # type: ignore[attr-defined]
    assert copy.copy(exc).user is exc.user  # type: ignore[attr-defined]


def test_pickle_names_the_public_module() -> None:
    assert b"apikit.convenience" in pickle.dumps(BackendError("r"), 0)


@pytest.mark.parametrize(
    "state", [None, {}, {"reason": "s"}, (("a",), None), ((), {"reason": "s"})]
)
def test_setstate_takes(state: Any) -> None:
    exc = BackendError("r")
    exc.__setstate__(state)
    attributes = state[1] if isinstance(state, tuple) else state
    assert exc.reason == ("s" if attributes and "reason" in attributes else "r")
    assert exc.args == (state[0] if isinstance(state, tuple) else ("r", None, None))


@pytest.mark.parametrize("state", [5, (), ((),), ([], {}), ((), 5), ((), {}, 1)])
def test_setstate_refuses(state: Any) -> None:
    with pytest.raises(TypeError):
        BackendError("r").__setstate__(state)


def test_instance_and_class_are_collected() -> None:
    class Local(BackendError):
        pass

    for cls in (BackendError, Local):
        exc = cls("r")
        exc.itself = exc
        gone = weakref.ref(exc)
        del exc
        gc.collect()
        assert gone() is None
    gone_class = weakref.ref(Local)
    del Local, cls
    gc.collect()
    assert gone_class() is None


def test_class_can_be_assigned_to_an_instance() -> None:
    exc = BackendError("r")
    exc.__class__ = Teapot
    assert exc.status_code == 418


@pytest.mark.parametrize(
    ("text", "content"),
    [
        ("text", "text"),
        ("", ""),
        (b"bytes", b"bytes"),
        (None, None),
        (ValueError("wrong"), "wrong"),
        (BackendError("r", 404, "c"), "BackendError: 404 r [c]"),
        (StopIteration(), ""),
    ],
    ids=repr,
)
def test_raise_ise(text: Any, content: Any) -> None:
    for call in (lambda: raise_ise(text), lambda: raise_ise(text=text)):
        with pytest.raises(BackendError) as caught:
            call()
        assert type(caught.value) is BackendError
        assert caught.value.args == ("Internal Server Error", 500, content)


@pytest.mark.parametrize("text", [5, ["x"], bytearray(b"x"), ValueError, KeyboardInterrupt()])
def test_raise_ise_of_a_wrong_type(text: Any) -> None:
    with pytest.raises(TypeError, match="text must be a str, bytes, an Exception or None, not "):
        raise_ise(text)


class Response:
    def __init__(self, status_code: Any, reason: Any = "Custom", text: Any = "body") -> None:
        self.status_code, self.reason, self.text = status_code, reason, text


@pytest.mark.parametrize("status", [0, 100, 200, 399, 399.5, http.HTTPStatus.OK, True])
def test_response_that_is_no_failure(status: Any) -> None:
    bare = types.SimpleNamespace(status_code=status)
    assert raise_from_response(bare) is None  # type: ignore[func-returns-value]


@pytest.mark.parametrize("status", [400, 404, 503, 599, 922, http.HTTPStatus.GONE])
@pytest.mark.parametrize("text", ["body", b"body", "", None])
def test_response_that_is_a_failure(status: int, text: Any) -> None:
    for call in (
        lambda: raise_from_response(Response(status, "Custom", text)),
        lambda: raise_from_response(resp=Response(status, "Custom", text)),
    ):
        with pytest.raises(BackendError) as caught:
            call()
        assert type(caught.value) is BackendError
        assert caught.value.args == ("Custom", status, text)


def reason_of(status: int, reason: Any) -> Any:
    with pytest.raises(BackendError) as caught:
        raise_from_response(Response(status, reason))
    return caught.value.reason


@pytest.mark.parametrize("empty", [None, "", b""])
def test_empty_reason_becomes_the_standard_phrase(empty: Any) -> None:
    known = {status.value: status.phrase for status in http.HTTPStatus if status >= 400}
    # The names of RFC 9110, which http.HTTPStatus has from Python 3.13 on.
    known |= {413: "Content Too Large", 414: "URI Too Long", 416: "Range Not Satisfiable"}
    known |= {422: "Unprocessable Content"}
    phrases = {status: reason_of(status, empty) for status in range(400, 1000)}
    assert phrases == {status: known.get(status, "Unknown") for status in range(400, 1000)}


@pytest.mark.parametrize("status", [499, 599, 922, 10**30])
def test_empty_reason_of_a_code_without_a_phrase(status: int) -> None:
    assert reason_of(status, "") == "Unknown"


@pytest.mark.parametrize(
    ("response", "exception", "says"),
    [
        (types.SimpleNamespace(), AttributeError, "status_code"),
        (types.SimpleNamespace(status_code=404), AttributeError, "reason"),
        (types.SimpleNamespace(status_code=404, reason=""), AttributeError, "text"),
        (Response("404"), TypeError, "'<' not supported"),
        (Response(404.0), TypeError, "status_code must be an int"),
        (Response(404, 5), TypeError, "reason must be a str"),
        (Response(404, b"Gone"), TypeError, "reason must be a str"),
        (Response(404, text=5), TypeError, "content must be a str"),
    ],
)
def test_response_that_is_none(response: Any, exception: type[Exception], says: str) -> None:
    with pytest.raises(exception, match=says):
        raise_from_response(response)


@pytest.mark.parametrize(
    ("function", "signature"),
    [
        (BackendError, "(reason, status_code=None, content=None)"),
        (BackendError.to_dict, "(self, /)"),
        (BackendError.__reduce__, "(self, /)"),
        (BackendError.__setstate__, "(self, state, /)"),
        (raise_ise, "(text)"),
        (raise_from_response, "(resp)"),
    ],
)
def test_signature_and_documentation(function: Any, signature: str) -> None:
    assert str(inspect.signature(function)) == signature
    assert inspect.getdoc(function)


def test_str_of_bytes_under_the_strictest_option() -> None:
    program = "from apikit import BackendError; print(BackendError('r', 1, b'x'))"
    result = subprocess.run(
        [sys.executable, "-bb", "-c", program], capture_output=True, text=True, check=True
    )
    assert result.stdout.strip() == "BackendError: 1 r [b'x']"


SETUP = """
import copy, pickle, types
from apikit import BackendError, raise_from_response, raise_ise
class Sub(BackendError):
    def __init__(self, what):
        super().__init__(reason=what, status_code=status, content=content)
class Mixed(BackendError, OSError):
    pass
reason, status, content = "a reason", 404404, b"some content"
exc, wrong = Sub(reason), object()
response = types.SimpleNamespace(status_code=status, reason=reason, text=content)
bare = types.SimpleNamespace(status_code=599, reason="", text=content)
def fails(function, *args, **kwargs):
    try:
        function(*args, **kwargs)
    except (BackendError, TypeError, AttributeError):
        return
    raise AssertionError("it did not fail")
"""


@pytest.mark.parametrize(
    "body",
    [
        "BackendError(reason, status, content)",
        "BackendError(reason, content=content, status_code=status)",
        "BackendError(**{''.join(['rea', 'son']): reason})",
        "Sub(reason)",
        "Mixed(reason, status, content)",
        "fails(BackendError, reason, wrong)",
        "fails(BackendError, reason, reason=reason)",
        "fails(BackendError, reason, other=wrong)",
        "fails(Mixed, reason, status, wrong)",
        "exc.__init__(reason)",
        "str(exc), repr(exc), exc.to_dict()",
        "again = BackendError(reason)\nagain.itself = again\ndel again",
        "copy.copy(exc), copy.copy(Mixed(reason))",
        "pickle.loads(pickle.dumps(BackendError(reason, status, content)))",
        "fails(exc.__setstate__, 5)",
        "fails(raise_ise, content)",
        "fails(raise_ise, exc)",
        "fails(raise_ise, wrong)",
        "fails(raise_from_response, response)",
        "fails(raise_from_response, bare)",
        "fails(raise_from_response, wrong)",
        "type('Local', (BackendError,), {})(reason)",
    ],
)
def test_nothing_leaks(body: str) -> None:
    watched = "[BackendError, Sub, Mixed, reason, status, content, exc, wrong, response, None]"
    assert count_leaks(SETUP, body, watched) == 0

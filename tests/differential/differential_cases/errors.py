"""BackendError, raise_ise and raise_from_response."""

from __future__ import annotations

import copy
import json
import pickle
from http import HTTPStatus
from types import SimpleNamespace
from typing import Any

from apikit import BackendError, raise_from_response, raise_ise

from . import fix, keep
from .observe import answer, new_app, outcome


class Teapot(BackendError):
    """A subclass as services write them."""

    status_code = 418

    def __init__(self, detail: str) -> None:
        super().__init__(reason="Teapot", content=detail)
        self.detail = detail


class Mixed(BackendError, OSError):
    """One that is an OSError as well."""


def _fields(error: BackendError) -> list[Any]:
    return [error.reason, error.status_code, error.content]


def _shown(*args: Any, **kwargs: Any) -> Any:
    return outcome(lambda: str(BackendError(*args, **kwargs)))


@keep("error.subclass")
def subclass_with_keyword_init(_: str) -> Any:
    error = Teapot("hot")
    return [
        *_fields(error),
        str(error),
        error.to_dict(),
        error.detail,
        [c.__name__ for c in type(error).__mro__],
    ]


@keep("error.subclass")
def is_an_exception_and_no_more(_: str) -> Any:
    return [BackendError.__mro__[1].__name__, issubclass(BackendError, ValueError)]


@keep("error.checks")
def reason_must_be_str(_: str) -> Any:
    return [outcome(lambda r=r: _fields(BackendError(r))) for r in (None, 1, b"x", "", "x")] + [
        outcome(lambda: BackendError())
    ]


@keep("error.checks")
def status_code_must_be_int(_: str) -> Any:
    codes = (True, False, 0, -1, 922, 10**30, None, HTTPStatus.NOT_FOUND, "404", 404.0, b"404")
    return [outcome(lambda c=c: BackendError("r", c).status_code == c) for c in codes]


@keep("error.checks")
def content_must_be_str_or_bytes(_: str) -> Any:
    contents = (None, "", "x", b"", bytearray(b"x"), memoryview(b"x"), 1, ["x"], {"a": 1})
    return [outcome(lambda c=c: BackendError("r", 500, c).content == c) for c in contents]


@keep("error.checks")
def only_the_three_arguments(_: str) -> Any:
    return [
        outcome(lambda: _fields(BackendError("r", 1, "c", "d"))),
        outcome(lambda: _fields(BackendError(reason="r", status_code=2, content="c"))),
        outcome(lambda: _fields(BackendError("r", colour="c"))),
    ]


@keep("error.class-attributes")
def class_attributes_and_defaults(_: str) -> Any:
    class Gone(BackendError):
        status_code = 410
        content = "class content"
        reason = "class reason"

    error = BackendError("r")
    return [
        [BackendError.reason, BackendError.status_code, BackendError.content],
        _fields(error),
        _fields(Gone("g")),
        _fields(Gone("g", 500)),
        sorted(vars(Gone("g"))),
    ]


@keep("error.dict")
def fields_live_in_the_instance_dict(_: str) -> Any:
    error = BackendError("r", 404, "c")
    before = dict(vars(error))
    del error.status_code
    del error.reason
    return [before, error.status_code, error.reason, vars(error)]


@keep("error.dict")
def mixes_with_exceptions_that_have_c_fields(_: str) -> Any:
    found = []
    for other in (OSError, ImportError, AttributeError, StopIteration, UnicodeError, KeyError):
        mixed = type("Mixed", (BackendError, other), {})
        found.append(outcome(lambda mixed=mixed: _fields(mixed("r", 404, "c"))))
    return found


@keep("error.text")
def text_of_the_error(_: str) -> Any:
    return [
        _shown("r"),
        _shown("r", 404),
        _shown("r", 404, "c"),
        _shown("r", 404, b"x"),
        _shown("", 0, ""),
        _shown("\u00e9", 922, "\u20ac"),
    ]


@keep("error.text")
def text_uses_the_fields_as_they_are_now(_: str) -> Any:
    error = BackendError("r")
    error.reason, error.status_code, error.content = "new", 503, None
    found = [str(error)]
    error.status_code = "not a number"
    return [*found, outcome(lambda: str(error))]


@keep("error.to-dict")
def to_dict_has_three_keys(_: str) -> Any:
    return [BackendError("r").to_dict(), BackendError("r", 404, "c").to_dict()]


@keep("error.to-dict")
def attributes_are_mutable(_: str) -> Any:
    error = BackendError("r")
    error.reason, error.status_code, error.content = "x", 1, "y"
    error.extra = 5
    return [error.to_dict(), error.extra]


@fix("error.args", original=[], ours=["r", 404, "c"])
def args_hold_the_three_fields(_: str) -> Any:
    return list(BackendError("r", 404, "c").args)


@fix("error.args", original={"raises": "TypeError"}, ours={"returns": ["r", 404, "c"]})
def class_can_be_made_again_from_args(_: str) -> Any:
    error = BackendError("r", 404, "c")
    return outcome(lambda: _fields(type(error)(*error.args)))


def _survivors(copied: Any, error: Any) -> list[Any]:
    same = vars(copied) == vars(error)
    return [type(copied) is type(error), same, _fields(copied), list(copied.args)]


@fix(
    "error.pickle",
    original={"raises": "TypeError"},
    ours={"returns": [True, True, ["Teapot", 418, "hot"], ["Teapot", None, "hot"]]},
)
def subclass_survives_pickle(_: str) -> Any:
    error = Teapot("hot")
    return outcome(lambda: _survivors(pickle.loads(pickle.dumps(error)), error))


@fix(
    "error.pickle",
    original={"raises": "TypeError"},
    ours={"returns": [True, True, ["Teapot", 418, "hot"], ["Teapot", None, "hot"]]},
)
def subclass_survives_copy(_: str) -> Any:
    error = Teapot("hot")
    return outcome(lambda: _survivors(copy.deepcopy(error), error))


@fix(
    "error.pickle",
    original={"raises": "TypeError"},
    ours={"returns": [True, True, ["r", 404, "c"], ["r", 404, "c"]]},
)
def mixture_with_oserror_survives_pickle(_: str) -> Any:
    error = Mixed("r", 404, "c")
    return outcome(lambda: _survivors(pickle.loads(pickle.dumps(error)), error))


@fix("error.pickle", original={"raises": "TypeError"}, ours={"returns": ["a note"]})
def notes_survive_pickle(_: str) -> Any:
    error = BackendError("r")
    error.add_note("a note")
    return outcome(lambda: pickle.loads(pickle.dumps(error)).__notes__)


@fix("error.repr", original=[False, False], ours=[True, True])
def repr_shows_the_fields(_: str) -> Any:
    shown = repr(BackendError("r-e-a-s-o-n", 404, "c"))
    return ["r-e-a-s-o-n" in shown, "404" in shown]


@fix("error.bytes", original=[500, "bytes"], ours=[200, "str"])
def bytes_content_can_be_jsonified(_: str) -> Any:
    error = BackendError("r", 404, b"caf\xe9")
    app = new_app()
    app.add_url_rule("/e", "e", lambda: __import__("flask").jsonify(error.to_dict()))
    return [answer(app, "/e")[0], type(error.to_dict()["error_content"]).__name__]


@keep("error.bytes")
def str_content_stays_in_the_dict(_: str) -> Any:
    return json.dumps(BackendError("r", 404, "caf\u00e9").to_dict())


@fix(
    "error.headers",
    original={"raises": "AttributeError"},
    ours={"returns": [None, ["error_content", "reason", "status_code"]]},
)
def headers_are_ours_and_not_in_the_dict(_: str) -> Any:
    error = BackendError("r")
    return outcome(lambda: [BackendError.headers, sorted(error.to_dict())])


@keep("error.module")
def module_is_the_known_one(_: str) -> Any:
    return [BackendError.__module__, BackendError.__qualname__]


@keep("error.module")
def own_str_of_a_subclass_counts(_: str) -> Any:
    class Loud(BackendError):
        def __str__(self) -> str:
            return f"LOUD {self.reason}"

    return [str(Loud("r")), f"{Loud('r')}"]


def _raised(call: Any) -> Any:
    try:
        return {"returns": call()}
    except BackendError as error:
        content = error.content
        text = repr(content) if isinstance(content, bytes) else content
        return {"raises": [error.reason, error.status_code, text]}
    except Exception as error:
        return {"raises": type(error).__name__}


@keep("raise-ise.text")
def raise_ise_takes_text_exceptions_none_and_bytes(_: str) -> Any:
    texts: list[Any] = ["text", "", None, b"bytes", ValueError("v"), OSError(2, "no"), KeyError(1)]
    return [_raised(lambda text=text: raise_ise(text)) for text in texts]


@keep("raise-ise.text")
def raise_ise_takes_a_backend_error_as_its_text(_: str) -> Any:
    return _raised(lambda: raise_ise(BackendError("r", 404, "c")))


@keep("raise-ise.text")
def raise_ise_refuses_the_rest(_: str) -> Any:
    texts: list[Any] = [1, 1.5, [], {}, bytearray(b"x"), KeyboardInterrupt("k"), ValueError]
    return [_raised(lambda text=text: raise_ise(text)) for text in texts]


@keep("raise-ise.text")
def raise_ise_by_keyword(_: str) -> Any:
    return [_raised(lambda: raise_ise(text="t")), _raised(lambda: raise_ise())]


def _response(status_code: Any, reason: Any = "Why", text: Any = "body") -> Any:
    return SimpleNamespace(status_code=status_code, reason=reason, text=text)


@keep("raise-from-response.duck")
def below_400_is_none(_: str) -> Any:
    return [_raised(lambda c=c: raise_from_response(_response(c))) for c in (0, 200, 304, 399)]


@keep("raise-from-response.duck")
def at_400_and_above_raises(_: str) -> Any:
    return [_raised(lambda c=c: raise_from_response(_response(c))) for c in (400, 404, 500, 922)]


@keep("raise-from-response.duck")
def only_the_status_is_read_below_400(_: str) -> Any:
    return [
        _raised(lambda: raise_from_response(SimpleNamespace(status_code=200))),
        _raised(lambda: raise_from_response(SimpleNamespace(status_code=404))),
        _raised(lambda: raise_from_response(object())),
        _raised(lambda: raise_from_response(_response("404"))),
    ]


@keep("raise-from-response.duck")
def fields_of_a_wrong_type(_: str) -> Any:
    return [
        _raised(lambda: raise_from_response(_response(404, reason=5))),
        _raised(lambda: raise_from_response(_response(404, text=5))),
        _raised(lambda: raise_from_response(_response(404, text=b"x"))),
        _raised(lambda: raise_from_response(_response(404.5))),
        _raised(lambda: raise_from_response(resp=_response(404))),
    ]


@fix(
    "raise-from-response.reason",
    original=["", "", "TypeError", "", "", ""],
    ours=["Not Found", "Service Unavailable", "Not Found", "Unknown", "Unknown", "Unknown"],
)
def empty_reason_becomes_the_standard_phrase(_: str) -> Any:
    given = [(404, ""), (503, ""), (404, None), (499, ""), (599, ""), (922, "")]
    found = []
    for code, reason in given:
        raised = _raised(lambda c=code, r=reason: raise_from_response(_response(c, r)))["raises"]
        found.append(raised if isinstance(raised, str) else raised[0])
    return found

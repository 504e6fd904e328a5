"""check_metadata, check_route and expand_routes: the rules and what their errors say."""

from __future__ import annotations

import collections
import inspect
import itertools
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apikit import _core
from tests.core_leaks import count_leaks

GOOD: dict[str, Any] = {
    "version": "0.0.1",
    "repository": "https://github.com/o/r",
    "description": "What it does",
    "api_version": "1.0",
    "name": "uservice-x",
    "auth": None,
}
# In the order in which they are looked at.
TEXTS = ("name", "description", "repository", "version", "api_version")
SECRET = "correct-horse-battery"


class Text(str):
    __slots__ = ()


class Same:
    """Equal to one text without being one, and without a hash."""

    __hash__ = None  # type: ignore[assignment]

    def __init__(self, text: str) -> None:
        self.text = text

    def __eq__(self, other: object) -> bool:
        return other == self.text


class Told(dict[str, Any]):
    """A dict whose own methods say what it holds."""

    def __contains__(self, key: object) -> bool:
        return key in ("type", "data")

    def __getitem__(self, key: str) -> Any:
        return {"type": "basic", "data": {}}[key]


class Broken(dict[str, Any]):
    def __contains__(self, key: object) -> bool:
        raise LookupError("no contains")


class BrokenItem(dict[str, Any]):
    def __getitem__(self, key: str) -> Any:
        raise LookupError("no getitem")


def check(**changes: Any) -> dict[str, Any]:
    return _core.check_metadata(**{**GOOD, **changes})


def refusal(exception: type[Exception], **changes: Any) -> str:
    with pytest.raises(exception) as caught:
        check(**changes)
    assert type(caught.value) is exception
    message = str(caught.value)
    assert 0 < len(message) <= 400
    return message


@pytest.mark.parametrize("argument", TEXTS)
@pytest.mark.parametrize("value", [None, 1, 1.0, b"x", ["x"], object()], ids=ascii)
def test_text_of_a_wrong_type(argument: str, value: Any) -> None:
    message = refusal(TypeError, **{argument: value})
    assert message.startswith(f"{argument} must be a str")
    assert message.endswith(f"not {type(value).__name__}")


@pytest.mark.parametrize("argument", TEXTS)
def test_empty_text(argument: str) -> None:
    assert refusal(ValueError, **{argument: ""}).startswith(f"{argument} must not be empty")


@pytest.mark.parametrize(("empty", "wrong"), list(itertools.permutations(TEXTS, 2)))
def test_type_beats_value(empty: str, wrong: str) -> None:
    assert refusal(TypeError, **{empty: "", wrong: 7}).startswith(wrong)


@pytest.mark.parametrize(("first", "second"), list(itertools.combinations(TEXTS, 2)))
def test_first_wrong_text_is_named(first: str, second: str) -> None:
    assert refusal(TypeError, **{first: 1, second: 1}).startswith(first)
    assert refusal(ValueError, **{first: "", second: ""}).startswith(first)


@pytest.mark.parametrize("auth", [7, {"data": 1}, Broken()])
def test_texts_are_looked_at_before_auth(auth: Any) -> None:
    assert refusal(ValueError, version="", auth=auth).startswith("version")


def test_subclass_of_str_passes() -> None:
    assert check(**{name: Text("x") for name in TEXTS}) == {"type": "none", "data": None}


@pytest.mark.parametrize("auth", [None, "", "none", Text(""), Text("none")])
def test_no_auth_is_a_new_dict(auth: Any) -> None:
    first, second = check(auth=auth), check(auth=auth)
    assert first == {"type": "none", "data": None}
    assert first is not second
    assert list(first) == ["type", "data"]


@pytest.mark.parametrize(
    "auth",
    [
        {"type": "none"},
        {"type": "none", "data": None},
        {"type": "basic", "data": {}},
        {"type": "basic", "data": None},
        {"type": "bitly-proxy", "data": {"username": "u", "password": SECRET}},
        {"type": "bitly-proxy", "data": {}, "more": 1},
        {"type": Text("basic"), "data": {}},
        {"type": Same("basic"), "data": {}},
        {"type": Same("none")},
        collections.OrderedDict(type="basic", data=1),
        collections.defaultdict(dict, type="basic", data=1),
        Told(),
    ],
    ids=ascii,
)
def test_good_dict_is_given_back_itself(auth: dict[str, Any]) -> None:
    before = list(auth.items())
    assert check(auth=auth) is auth
    assert list(auth.items()) == before


@pytest.mark.parametrize(
    "auth",
    [
        *("NONE", "None", "basic", " ", f"user:{SECRET}", False, 0, 1, 1.5, b"", b"none"),
        *([], (), set(), collections.UserDict(type="none"), object()),
    ],
    ids=ascii,
)
def test_auth_of_a_wrong_type(auth: Any) -> None:
    message = refusal(TypeError, auth=auth)
    assert message.startswith("auth must be")
    assert type(auth).__name__ in message
    assert SECRET not in message


@pytest.mark.parametrize(
    ("auth", "says"),
    [
        ({}, "'type'"),
        ({"data": {"password": SECRET}}, "'type'"),
        ({"Type": "basic", "data": {"password": SECRET}}, "'type'"),
        ({"type": "Basic", "data": {"password": SECRET}}, "'Basic'"),
        ({"type": "", "data": SECRET}, "''"),
        ({"type": None, "data": SECRET}, "NoneType"),
        ({"type": b"basic", "data": SECRET}, "bytes"),
        ({"type": ["basic"], "data": SECRET}, "list"),
        ({"type": {"password": SECRET}, "data": SECRET}, "dict"),
        ({"type": {SECRET}}, "set"),
        ({"type": "basic"}, "'data'"),
        ({"type": "bitly-proxy", "Data": SECRET}, "'data'"),
        ({"type": "é\ud800\n", "data": SECRET}, r"'\xe9\ud800\n'"),
        ({"type": "x" * 10_000, "data": SECRET}, "'xxx"),
    ],
    ids=ascii,
)
def test_dict_that_breaks_a_rule(auth: dict[str, Any], says: str) -> None:
    message = refusal(ValueError, auth=auth)
    assert message.startswith("auth")
    assert says in message
    assert SECRET not in message


@pytest.mark.parametrize(
    ("auth", "says"),
    [(Broken(), "no contains"), (BrokenItem(type="basic", data=1), "no getitem")],
)
def test_error_of_the_dicts_own_method_comes_through(auth: dict[str, Any], says: str) -> None:
    with pytest.raises(LookupError, match=says):
        check(auth=auth)


def test_error_of_a_comparison_comes_through() -> None:
    class Odd:
        def __eq__(self, other: object) -> bool:
            raise LookupError("no comparison")

        __hash__ = None  # type: ignore[assignment]

    with pytest.raises(LookupError, match="no comparison"):
        check(auth={"type": Odd(), "data": 1})


def test_long_class_name_is_cut_between_characters() -> None:
    for shift in range(4):
        wrong = type("N" * shift + "\U0001f600" * 200, (), {})()
        refusal(TypeError, name=wrong)
        refusal(TypeError, auth=wrong)


@pytest.mark.parametrize("left_out", GOOD)
def test_every_argument_is_required(left_out: str) -> None:
    arguments = {name: value for name, value in GOOD.items() if name != left_out}
    with pytest.raises(TypeError, match=left_out):
        _core.check_metadata(**arguments)


def rules(route: Any, api_version: Any = "1.0") -> list[str]:
    return _core.expand_routes(route, api_version)


def expected_rules(prefixes: list[str], api_version: str) -> list[str]:
    found = []
    for prefix in prefixes:
        inner = prefix.strip("/")
        canonical = f"/{inner}" if inner else ""
        for base in ("/metadata", f"/v{api_version}/metadata"):
            found += [canonical + base, canonical + base + ".json"]
    return found


ROUTES = st.text(st.sampled_from("/ab <é😀\ud800"), max_size=12)


@given(prefixes=st.lists(ROUTES), api_version=st.text(st.characters()))
def test_rules_of_any_prefixes(prefixes: list[str], api_version: str) -> None:
    assert rules(prefixes, api_version) == expected_rules(prefixes, api_version)
    for prefix in prefixes:
        assert rules(prefix, api_version) == expected_rules([prefix], api_version)


@pytest.mark.parametrize("route", [None, "", "/", "///", [""], ["/"]])
def test_root(route: Any) -> None:
    assert rules(route) == ["/metadata", "/metadata.json", "/v1.0/metadata", "/v1.0/metadata.json"]


def test_no_prefix_gives_no_rule() -> None:
    assert rules([]) == []


def test_duplicate_prefixes_duplicate_rules() -> None:
    assert rules(["/a", "a/"]) == 2 * rules("a")


def test_subclasses_of_list_and_str_pass() -> None:
    class Prefixes(list[str]):
        def __iter__(self) -> Any:
            return iter([Text("/own")])

    assert rules(Prefixes(["/ignored"])) == rules("/own")


def test_argument_is_left_alone() -> None:
    prefixes = ["/a/"]
    rules(prefixes)
    assert prefixes == ["/a/"]


WRONG_ROUTES: list[tuple[Any, str]] = [
    (("/a",), "not tuple"),
    ({"/a"}, "not set"),
    ({"/a": 1}, "not dict"),
    (b"/a", "not bytes"),
    (0, "not int"),
    (False, "not bool"),
    (iter(["/a"]), "not list_iterator"),
    (["/a", 1], "item 1 is int"),
    ([None], "item 0 is NoneType"),
    (["", "b", b"/a"], "item 2 is bytes"),
    ([["/a"]], "item 0 is list"),
]


@pytest.mark.parametrize("function", [lambda route: rules(route, 5), _core.check_route])
@pytest.mark.parametrize(("route", "says"), WRONG_ROUTES, ids=ascii)
def test_wrong_route(function: Any, route: Any, says: str) -> None:
    with pytest.raises(TypeError, match=rf"^route must be .*{says}$"):
        function(route)


@pytest.mark.parametrize("route", [None, "", "/a", [], ["/a", "b"]])
def test_good_route_is_no_news(route: Any) -> None:
    assert _core.check_route(route) is None


@pytest.mark.parametrize("api_version", [None, 1, 1.0, b"1.0", ["1.0"]])
@pytest.mark.parametrize("route", [None, "/a", []])
def test_api_version_of_a_wrong_type(route: Any, api_version: Any) -> None:
    with pytest.raises(TypeError, match="API_VERSION must be a str"):
        rules(route, api_version)


def test_prefix_beyond_reason_is_refused() -> None:
    longest = "x" * (1 << 20)
    assert rules(longest, "1")[0] == f"/{longest}/metadata"
    for arguments in ((longest + "x", "1"), ("a", longest + "x"), ("é" * (1 << 20), "1")):
        with pytest.raises(ValueError, match="at most 1048576 bytes"):
            rules(*arguments)


FUNCTIONS = ("check_metadata", "check_route", "expand_routes", "dump_metadata")


@pytest.mark.parametrize("name", FUNCTIONS)
def test_function_has_signature_and_documentation(name: str) -> None:
    function = getattr(_core, name)
    assert list(inspect.signature(function).parameters)
    for heading in ("Parameters\n----------", "Raises\n------"):
        assert heading in (inspect.getdoc(function) or "")


def test_signatures() -> None:
    assert str(inspect.signature(_core.check_metadata)) == f"({', '.join(GOOD)})"
    assert str(inspect.signature(_core.expand_routes)) == "(route, api_version)"
    assert str(inspect.signature(_core.check_route)) == "(route, /)"
    assert str(inspect.signature(_core.dump_metadata)) == (
        "(fields, /, *, sort_keys=True, compact=True, ensure_ascii=True)"
    )


SETUP = """
from apikit import _core
texts = ["0.0.1", "https://github.com/o/r", "What it does", "1.0", "uservice-x"]
auth = {"type": "basic", "data": {}}
bad = {"type": ["basic"]}
prefixes = ["/a-prefix", "/b\\ud800", ""]
wrong = ["/a-prefix", object()]
fields = tuple(t + c for t, c in zip(["none", *texts], "abcde\\u00e9"))
def fails(function, *args, **kwargs):
    try:
        function(*args, **kwargs)
    except (TypeError, ValueError):
        return
    raise AssertionError("it did not fail")
"""


@pytest.mark.parametrize(
    "body",
    [
        "_core.check_metadata(*texts, auth)",
        "_core.check_metadata(*texts, None)",
        "fails(_core.check_metadata, *texts, bad)",
        "fails(_core.check_metadata, *texts, {})",
        "fails(_core.check_metadata, *texts, 'basic')",
        "fails(_core.check_metadata, *texts[:4], b'', auth)",
        "_core.check_route(prefixes)",
        "fails(_core.check_route, wrong)",
        "_core.expand_routes(prefixes, texts[3])",
        "fails(_core.expand_routes, prefixes, None)",
        "_core.dump_metadata(fields, compact=False)",
        "_core.dump_metadata(fields, ensure_ascii=False)",
        "_core.dump_metadata((auth,) * 6)",
        "fails(_core.dump_metadata, tuple(['\\ud800'] * 6), ensure_ascii=False)",
        "fails(_core.dump_metadata, fields, indent=2)",
    ],
)
def test_nothing_leaks(body: str) -> None:
    watched = "[auth, bad, prefixes, wrong, wrong[1], fields, texts[3], None, *prefixes]"
    assert count_leaks(SETUP, body, watched) == 0

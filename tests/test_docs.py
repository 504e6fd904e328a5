"""The pages build without a warning, their examples hold, and what they name exists."""

from __future__ import annotations

import re
import subprocess
import sys
from functools import cache
from importlib import import_module
from pathlib import Path

import pytest

import apikit
from tests.faults.handle import FaultServer
from tests.faults.steps import answer
from tests.prove.__main__ import PROMISES
from tests.requests_parity.reasons import REASONS
from tests.tools import docs
from tests.tools.pages import DOCS, tables_of
from tests.tools.project import ROOT, Refusal

pytest_plugins = ("tests.faults.fixtures",)

TESTS = ROOT / "tests"
PAGES = sorted(page.name for page in DOCS.glob("*.rst"))
SECRET = "hunter2-and-more"


def _text(page: str) -> str:
    return (DOCS / page).read_text(encoding="utf-8")


@pytest.mark.no_asan  # Sphinx runs here, not the extension
def test_pages_build_without_a_warning(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert docs.main([], tmp_path) == 0, capsys.readouterr().err
    assert capsys.readouterr().out == f"{tmp_path / 'html'}\n"
    made = {page.stem for page in (tmp_path / "html").glob("*.html")}
    assert made >= {page.removesuffix(".rst") for page in PAGES}


@pytest.mark.no_asan
@pytest.mark.parametrize(
    ("page", "wrong"),
    [(":doc:`nowhere`", "unknown document"), (">>> 1 + 1\n3", "Expected:\n    3\nGot:\n    2")],
)
def test_page_that_is_wrong_fails(
    page: str,
    wrong: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "conf.py").write_text((DOCS / "conf.py").read_text())
    (tmp_path / "docs" / "index.rst").write_text(f"Title\n=====\n\n{page}\n")
    monkeypatch.setattr(docs, "ROOT", tmp_path)
    assert docs.main([], tmp_path / "made") == 1
    assert wrong in capsys.readouterr().err


def test_docs_takes_no_arguments() -> None:
    with pytest.raises(Refusal, match="no arguments, got html"):
        docs.main(["html"])


@cache
def _lines_of_the_contract() -> dict[str, bool]:
    """Return each line of the differential suite, and whether a case of it differs."""
    script = (
        "from contract_lines import LINES; from run_cases import load_cases\n"
        "differing = {case.line for case in load_cases().values() if case.differs}\n"
        "for line in LINES: print(line, line in differing)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=TESTS / "differential",
        env={"PYTHONPATH": "."},
        capture_output=True,
        text=True,
        check=True,
    )
    return {line: differs == "True" for line, differs in map(str.split, done.stdout.splitlines())}


def _proofs(page: str) -> set[str]:
    """Return what the last column of the page's tables with proofs names, and its fault rows."""
    found = set(re.findall(r"``(fault \d+)``", _text(page)))
    for rows in re.findall(r'"Shown by"\n(.*?)(?:\n\n\S|\Z)', _text(page), re.DOTALL):
        for row in re.findall(r'^   ".*"$', rows, re.MULTILINE):
            found |= set(re.findall(r"``([^`]+)``", row.rpartition('", "')[2]))
    return found


def _exists(proof: str) -> bool:
    if proof in _lines_of_the_contract():
        return True
    if proof.startswith("parity "):
        return proof.removeprefix("parity ") in REASONS
    if proof.startswith("fault "):
        number = proof.removeprefix("fault ")
        sources = [path.read_text() for path in (TESTS / "faults").glob("*_rows.py")]
        return any(re.search(rf"(?:case|scenario)\(\s*{number},", text) for text in sources)
    file, _, test = proof.partition("::")
    name = file if file.endswith((".py", ".c")) else f"{file}.py"
    path = TESTS / "c" / name if name.endswith(".c") else TESTS / name
    if not path.exists():
        return False
    definition = rf"^{test} = \{{" if test.isupper() else rf"\b{test}\("
    return not test or re.search(definition, path.read_text(), re.MULTILINE) is not None


@pytest.mark.parametrize(
    ("page", "least"),
    [
        ("differences", 40),
        ("session", 25),
        ("deploying", 15),
        ("backend", 20),
        ("security", 25),
        ("ways_in", 10),
        ("stores", 15),
    ],
)
def test_what_shows_a_statement_exists(page: str, least: int) -> None:
    proofs = _proofs(f"{page}.rst")
    assert len(proofs) >= least
    assert not {proof for proof in proofs if not _exists(proof)}


def test_proof_that_does_not_exist_is_found_out() -> None:
    assert not _exists("metadata.no-such-line")
    assert not _exists("fault 99")
    assert not _exists("parity no-such-reason")
    assert not _exists("test_docs::test_of_another_name")
    assert not _exists("test_no_such_file.c")


def test_no_difference_is_missing() -> None:
    differing = {line for line, differs in _lines_of_the_contract().items() if differs}
    assert len(differing) > 25
    assert not differing - _proofs("differences.rst")


def test_no_reason_of_the_comparison_with_requests_is_missing() -> None:
    assert not {f"parity {name}" for name in REASONS} - _proofs("session.rst")


@pytest.mark.parametrize("page", PAGES)
def test_rows_are_as_wide_as_their_headings(page: str) -> None:
    headings = re.findall(r'^   :header: (".*")$', _text(page), re.MULTILINE)
    tables = tables_of(page)
    assert len(headings) == len(tables)
    for heading, (_, rows) in zip(headings, tables, strict=True):
        assert rows
        assert {len(row) for row in rows} == {heading.count('", "') + 1}


def test_files_of_the_architecture_exist() -> None:
    named = re.findall(r"``((?:csrc|apikit|tests)/[\w./]+)``", _text("architecture.rst"))
    assert len(named) > 30
    assert not [name for name in named if not (ROOT / name).exists()]


@pytest.mark.parametrize("layer", ["core", "net", "python"])
def test_readme_of_a_layer_names_its_files(layer: str) -> None:
    folder = ROOT / "csrc" / layer
    rows = re.findall(r"^\| (`.*?) \|", (folder / "README.md").read_text(), re.MULTILINE)
    named = set(re.findall(r"`(\w+)`", " ".join(rows)))
    for source in folder.glob("*.c"):
        concept = next((name for name in named if f"{source.stem}_".startswith(f"{name}_")), None)
        assert concept, source.name
    for name in named:
        assert list(folder.glob(f"{name}*.[ch]")), name


def test_promises_are_those_that_can_be_proved() -> None:
    _, rows = tables_of("architecture.rst")[-1]
    assert {name.strip("`"): says for name, says in rows} == {
        promise.name: promise.says for promise in PROMISES.values()
    }


def test_names_of_the_package_are_in_the_reference() -> None:
    documented = re.findall(r"^\.\. auto\w+:: (\w+)$", _text("reference.rst"), re.MULTILINE)
    assert set(documented) == set(apikit.__all__)


@pytest.mark.parametrize("module", ["catalog", "models", "pool", "session", "stores", "telemetry"])
def test_names_of_a_module_are_in_the_reference(module: str) -> None:
    named = re.findall(r"^\.\. auto\w+:: (?:[\w.]+\.)?(\w+)$", _text("reference.rst"), re.MULTILINE)
    assert not set(import_module(f"apikit.{module}").__all__) - set(named)


# What the pages say of the password and no other test shows.

PAGE = (
    '<form action="/session" method="post">'
    '<input type="hidden" name="authenticity_token" value="t">'
    '<input name="login"><input type="password" name="password"></form>'
)


def _log_in(server: FaultServer, origin: str, **proxies: str) -> apikit.Session:
    """Log in at a provider of that origin, all in plain http."""
    server.script("/start", [answer(PAGE.encode(), "Content-Type: text/html")])
    server.script("/session", [answer(b"welcome")])
    return apikit.Session(
        "ann", SECRET, f"{origin}/start", f"{origin}/session", proxies=proxies, trust_env=False
    )


@pytest.mark.parametrize("host", ["provider.example", "localhost"])
def test_password_goes_by_no_proxy_in_plain_http(server: FaultServer, host: str) -> None:
    with _log_in(server, f"http://{host}", http=server.url("")) as session:
        assert session.login_state == "error"
        assert ("https" if host == "provider.example" else "proxy") in session.login_message
    assert server.seen("/start")
    assert server.seen("/session") == []


def test_password_goes_in_plain_http_to_loopback(server: FaultServer) -> None:
    with _log_in(server, server.url("")) as session:
        assert session.login_state == "ok"
    (posted,) = server.seen("/session")
    assert f"password={SECRET}".encode() in posted.body


def test_password_is_in_no_attribute_and_no_text(server: FaultServer) -> None:
    with _log_in(server, server.url("")) as session:
        assert session.login_state == "ok"
        names = [name for name in dir(session) if not callable(getattr(session, name))]
        shown = [repr(session), str(vars(session)), session.get_authentication_postdata()]
        shown += [getattr(session, name) for name in names]
    assert len(names) > 15
    assert SECRET not in str(shown)

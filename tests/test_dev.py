"""The `dev` script's refusals, and that its checks can fail."""

from __future__ import annotations

import os
import shutil
import subprocess
import tarfile
from pathlib import Path

import pytest

from tests.tools.builds import copy_checkout
from tests.tools.c_rules import broken_rules
from tests.tools.project import Refusal
from tests.tools.results import Result, format_table, read_cmocka, read_junit
from tests.tools.run_tests import choose
from tests.tools.sdist import normalise

pytestmark = pytest.mark.no_asan  # shells and pip run here, not the extension

SHELL = "/bin/sh"


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A copy without an environment, so that nothing here touches the real one."""
    copy = tmp_path / "checkout"
    copy_checkout(copy, ("dev", "tests/requirements.txt"))
    return copy


def dev(checkout: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [SHELL, checkout / "dev", *arguments],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
    )


def test_help_names_every_command(checkout: Path) -> None:
    done = dev(checkout, "help")
    assert done.returncode == 0
    names = ("demo [--once]", "test [SUITE", "lint", "bench", "count", "prove", "matrix", "ways")
    commands = (*names, "release", "help")
    for command in commands:
        assert f"\n  {command}" in done.stdout


def test_unknown_command_is_refused(checkout: Path) -> None:
    done = dev(checkout, "tset")
    assert done.returncode == 1
    assert done.stderr.endswith("dev: unknown command: tset\n")


def test_unsuitable_python_is_refused(checkout: Path) -> None:
    done = dev(checkout, "test", PYTHON="/bin/false")
    assert done.returncode == 1
    assert done.stderr == (
        "dev: PYTHON=/bin/false is no Python 3.11 or newer with headers and venv\n"
    )


def test_missing_packages_are_one_line_to_run(checkout: Path, tmp_path: Path) -> None:
    tools = tmp_path / "tools"
    tools.mkdir()
    for name in ("cat", "dirname", "id", "sh"):
        (tools / name).symlink_to(str(shutil.which(name)))
    done = dev(checkout, "demo", PATH=str(tools), PYTHON="")
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert line.startswith("dev: missing: gcc pkg-config ")
    packages = line.partition("; ")[0].removeprefix("dev: missing:")
    assert line.endswith(f"; run as root: apt-get install --no-install-recommends{packages}")
    assert "libcurl4-openssl-dev" in packages.split()


def test_package_index_out_of_reach_is_said(checkout: Path) -> None:
    (checkout / "tests" / "requirements.txt").write_text("no-such-package==1.0\n")
    done = dev(checkout, "test", PIP_NO_INDEX="1", PIP_FIND_LINKS=str(checkout))
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1] == (
        "dev: pip could not install tests/requirements.txt: is the package index in reach?"
    )
    assert not (checkout / ".venv" / "stamp").exists()


def test_arguments_choose_suites_or_go_to_pytest() -> None:
    def names(*arguments: str) -> tuple[list[str], list[str]]:
        suites, rest = choose(arguments)
        return [suite.name for suite in suites], rest

    assert names("py", "py-asan", "-k", "x") == (["py", "py-asan"], ["-k", "x"])
    assert names("tests/test_build.py") == (["py"], ["tests/test_build.py"])
    assert len(names()[0]) > 5


def test_suite_of_heavy_parts_runs_only_when_named() -> None:
    by_default, _ = choose([])
    assert "logins" not in {suite.name for suite in by_default}
    named, rest = choose(["logins", "-k", "dex"])
    assert ([suite.name for suite in named], rest) == (["logins"], ["-k", "dex"])


def test_suite_that_takes_no_arguments_refuses_them() -> None:
    with pytest.raises(Refusal, match="c takes no arguments, got -k x"):
        choose(["c", "-k", "x"])


def test_table_tells_each_skip_and_ends_with_the_counts(tmp_path: Path) -> None:
    report = tmp_path / "report.xml"
    report.write_text(
        "<testsuites><testsuite>"
        '<testcase classname="a" name="good"/>'
        '<testcase classname="a" name="bad"><failure message="no"/></testcase>'
        '<testcase classname="a" name="left"><skipped type="pytest.skip" message="why"/></testcase>'
        "</testsuite></testsuites>"
    )
    result = Result("py", budget=10, seconds=1.0)
    read_junit(report, result)
    table = format_table([result])
    assert "skipped: py: a::left: why" in table
    assert table.endswith("\n1 passed, 1 failed, 1 skipped")


def test_skip_is_a_failure_where_none_is_allowed() -> None:
    result = Result("c", budget=10)
    read_cmocka(
        "test_x", "[  PASSED  ] 2 test(s).\n[  SKIPPED ] 1 test(s), l\n[  SKIPPED ] a\n", result
    )
    assert (result.passed, result.skips) == (2, ["test_x::a: skip()"])
    assert result.is_good(skips_allowed=True)
    assert not result.is_good(skips_allowed=False)


def test_archives_that_differ_in_order_and_times_become_the_same_bytes(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("one")
    (tmp_path / "b").write_text("two")
    made = []
    for names, time in (("ab", 1_000_000_000), ("ba", 1_500_000_000)):
        archive = tmp_path / f"{names}.tar.gz"
        with tarfile.open(archive, "w:gz") as target:
            for name in names:
                os.utime(tmp_path / name, (time, time))
                target.add(tmp_path / name, name)
        normalise(archive, tmp_path / f"{names}.normal")
        made.append((tmp_path / f"{names}.normal").read_bytes())
    assert made[0] == made[1]
    with tarfile.open(tmp_path / "ab.normal") as read:
        assert [(item.name, item.size, item.uid) for item in read] == [("a", 3, 0), ("b", 3, 0)]


@pytest.mark.parametrize(
    ("layer", "text", "broken"),
    [
        ("core", "#include <Python.h>\n", "csrc/core/x.c:1: this layer must not include Python.h"),
        ("core", '#include "net/a.h"\n', "csrc/core/x.c:1: this layer must not include net/a.h"),
        ("net", "#include <Python.h>\n", "csrc/net/x.c:1: this layer must not include Python.h"),
        (
            "python",
            "#include <curl/curl.h>\n",
            "csrc/python/x.c:1: this layer must not include curl/curl.h",
        ),
        ("core", "\n" * 451, "csrc/core/x.c: 451 lines, at most 450"),
        (
            "core",
            "int\nf(void)\n{\n" + "    g();\n" * 61 + "}\n",
            "csrc/core/x.c:3: function of 61 lines, at most 60",
        ),
    ],
)
def test_broken_rule_of_csrc_is_told(tmp_path: Path, layer: str, text: str, broken: str) -> None:
    source = tmp_path / "csrc" / layer / "x.c"
    source.parent.mkdir(parents=True)
    source.write_text(text)
    assert list(broken_rules(tmp_path / "csrc")) == [broken]

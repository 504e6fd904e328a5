"""`doctor` says who owns the package `apikit` on disk, with the real originals beside ours."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import zipfile
from importlib.metadata import PathDistribution
from pathlib import Path
from typing import Any

import pytest

from tests.tools.builds import wheel
from tests.tools.project import neutral_environment

pytestmark = [pytest.mark.differential, pytest.mark.no_asan]  # interpreters of their own

ORIGINALS = ("sqre-apikit", "bitly-oauth2-proxy-session")


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """The packages of an environment with both originals, as a folder of its own."""
    python = Path(os.environ["APIKIT_ORACLE_PYTHON"])
    (packages,) = python.parents[1].glob("lib/python3.*/site-packages")
    copy = tmp_path / "site"
    shutil.copytree(packages, copy, ignore=shutil.ignore_patterns("__pycache__", "*.pth"))
    return copy


def record(site: Path, name: str) -> Path:
    """Return where an installer wrote down what it did: older ones in an ``.egg-info``."""
    (found,) = site.glob(f"{name.replace('-', '_')}-*-info")
    return found


def files(site: Path, name: str) -> list[Path]:
    """Return the files of a distribution, from the folder of the packages."""
    found = PathDistribution(record(site, name)).files or ()
    return [Path(path) for path in found if (site / path).is_file()]


def install_ours(site: Path) -> None:
    """Put our files there, over others of the same names without a word, as pip does."""
    with zipfile.ZipFile(wheel()) as archive:
        archive.extractall(site)


def uninstall(site: Path, name: str) -> None:
    for path in files(site, name):
        (site / path).unlink()
    shutil.rmtree(record(site, name))


def examine(site: Path) -> tuple[int, dict[str, Any]]:
    done = subprocess.run(
        [sys.executable, "-S", "-P", "-m", "apikit", "doctor", "--json"],
        env=neutral_environment({"PYTHONPATH": str(site), "PYTHONDONTWRITEBYTECODE": "1"}),
        capture_output=True,
        text=True,
        cwd=site.parent,
    )
    assert done.stdout, done.stderr
    return done.returncode, json.loads(done.stdout)


def names(found: dict[str, Any], package: str) -> set[str]:
    return set(found["owners"][package]["distributions"])


def test_ours_over_the_originals(site: Path) -> None:
    install_ours(site)
    status, found = examine(site)
    assert status == 1
    assert names(found, "apikit") == {"sqre-apikit", "sqre-apikit-c"}
    assert found["owners"]["apikit"]["changed"] == []
    for problem, original in zip(found["problems"], ORIGINALS, strict=True):
        assert "both own the package" in problem
        assert problem.endswith(
            f"pip uninstall --yes {original} && "
            "pip install --force-reinstall --no-deps sqre-apikit-c"
        )


def test_originals_over_ours(site: Path, tmp_path: Path) -> None:
    kept = tmp_path / "originals"
    for name in ORIGINALS:
        for path in files(site, name):
            (kept / path).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(site / path, kept / path)
    install_ours(site)
    shutil.copytree(kept, site, dirs_exist_ok=True)
    status, found = examine(site)
    assert status == 1
    assert set(found["owners"]["apikit"]["changed"]) == {
        "apikit/__init__.py",
        "apikit/convenience.py",
    }
    assert "whose files win: apikit/__init__.py, apikit/convenience.py" in found["problems"][0]


def test_originals_taken_away_from_ours(site: Path) -> None:
    install_ours(site)
    for name in ORIGINALS:
        uninstall(site, name)
    status, found = examine(site)
    assert status == 1
    assert names(found, "apikit") == {"sqre-apikit-c"}
    assert "files of apikit are missing or not those of sqre-apikit-c" in found["problems"][0]
    install_ours(site)
    assert examine(site) == (0, {**examine(site)[1], "problems": []})


def test_copy_that_hides_the_installed_one(site: Path, tmp_path: Path) -> None:
    for name in ORIGINALS:
        uninstall(site, name)
    install_ours(site)
    shutil.copytree(site / "apikit", tmp_path / "copy" / "apikit")
    done = subprocess.run(
        [sys.executable, "-S", "-m", "apikit", "doctor", "--json"],
        env=neutral_environment({"PYTHONPATH": str(site), "PYTHONSAFEPATH": ""}),
        capture_output=True,
        text=True,
        cwd=tmp_path / "copy",
    )
    (problem,) = json.loads(done.stdout)["problems"]
    assert problem.startswith(f"apikit is imported from {tmp_path / 'copy' / 'apikit'}, not from")

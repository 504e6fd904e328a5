"""Wheels and virtual environments, made again only when their inputs changed."""

from __future__ import annotations

import os
import shutil
import sys
import zipfile
from pathlib import Path

from tests.tools.project import CACHE, ROOT, Refusal, digest, is_current, locked, remember, run

__all__ = ["copy_checkout", "install_into", "make_venv", "own_python", "unpack_wheel", "wheel"]

WHEEL_INPUTS = ("setup.py", "pyproject.toml", "README.md", "LICENSE", "csrc", "apikit")
SWITCHES = ("APIKIT_CURL_CONFIG", "APIKIT_COVERAGE", "APIKIT_DEBUG", "APIKIT_SANITIZE")
TOOLCHAIN = ("CC", "CFLAGS", "LDFLAGS", "PKG_CONFIG", "PKG_CONFIG_PATH")
NOT_SOURCES = shutil.ignore_patterns(
    ".git", ".cache", ".venv", ".*_cache", "__pycache__", "build", "dist", "*.egg-info", "*.so"
)


def files_of(name: str) -> list[Path]:
    path = ROOT / name
    if path.is_file():
        return [path]
    kept = (".c", ".h", ".py", ".pyi", ".j2", ".html", ".css", ".js", ".svg")
    return [found for found in path.rglob("*") if found.suffix in kept or found.name == "py.typed"]


def copy_checkout(target: Path, names: tuple[str, ...] | None = None) -> None:
    """Copy the sources (of `names` alone, or all) to `target`, which is emptied before."""
    shutil.rmtree(target, ignore_errors=True)
    if names is None:
        shutil.copytree(ROOT, target, ignore=NOT_SOURCES)
        return
    for name in names:
        source, copy = ROOT / name, target / name
        copy.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, copy, ignore=NOT_SOURCES)
        else:
            shutil.copy2(source, copy)


@locked()
def wheel(variant: str = "plain", **switches: str) -> Path:
    """Return the wheel of the checkout, built with APIKIT_ `switches` in a copy of its sources."""
    environment = {**os.environ, **switches}
    facts = [environment.get(name) for name in (*SWITCHES, *TOOLCHAIN)]
    key = digest((path for name in WHEEL_INPUTS for path in files_of(name)), *facts)
    place = CACHE / "wheels" / variant
    if not is_current(place, key):
        copy_checkout(place / "src", WHEEL_INPUTS)
        for stale in place.glob("*.whl"):
            stale.unlink()
        # The source tree comes first on the path of a build: without -P it would be an import.
        build = [sys.executable, "-P", "-m", "pip", "wheel", "-q", "--no-deps", "--no-index"]
        build += ["--no-build-isolation", "-w", str(place), str(place / "src")]
        run(build, "the build failed: see above", environment=environment)
        shutil.rmtree(place / "src")
        remember(place, key)
    (built,) = place.glob("*.whl")
    return built


@locked()
def unpack_wheel(built: Path) -> Path:
    """Return the folder that `built` is unpacked into, for PYTHONPATH."""
    folder = built.parent / "unpacked"
    key = built.parent.with_name(built.parent.name + ".stamp").read_text()
    if not is_current(folder, key):
        shutil.rmtree(folder, ignore_errors=True)
        with zipfile.ZipFile(built) as archive:
            archive.extractall(folder)
        remember(folder, key)
    return folder


@locked()
def make_venv(name: str) -> Path:
    """Return the interpreter of the virtual environment with tests/requirements-NAME.txt."""
    requirements = ROOT / "tests" / f"requirements-{name}.txt"
    folder = CACHE / "venvs" / name
    python = folder / "bin" / "python"
    key = digest([requirements], ROOT)
    if not is_current(folder, key):
        shutil.rmtree(folder, ignore_errors=True)
        run([sys.executable, "-m", "venv", folder], f"{folder} cannot be made")
        refusal = f"pip could not install {requirements.relative_to(ROOT)}: is the index in reach?"
        run([python, "-m", "pip", "install", "-q", "--no-deps", "-r", requirements], refusal)
        checkout_last_on_path(folder)
        remember(folder, key)
    return python


def checkout_last_on_path(folder: Path) -> None:
    """Let `tests` be found in the checkout, and apikit where it was installed."""
    (packages,) = folder.glob("lib/python3.*/site-packages")
    (packages / "checkout.pth").write_text(f"{ROOT}\n")


@locked()
def install_into(python: Path, built: Path) -> None:
    """Install the wheel `built` in place of the one that was there."""
    mark = python.parents[1] / "apikit"
    key = built.parent.with_name(built.parent.name + ".stamp").read_text()
    if not is_current(mark, key):
        install = [str(python), "-m", "pip", "install", "-q", "--no-deps", "--no-index"]
        run([*install, "--force-reinstall", built], f"pip could not install {built.name}")
        mark.touch()
        remember(mark, key)


def own_python() -> Path:
    """Return the interpreter of the checkout's environment, not the one it is a link to."""
    if sys.prefix == sys.base_prefix:
        raise Refusal("run this by ./dev: it wants the checkout's own environment")
    return Path(sys.prefix) / "bin" / "python"

"""What cannot be built says in one line what was tried and what to install."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.tools.builds import WHEEL_INPUTS, copy_checkout

pytestmark = pytest.mark.no_asan  # compilers and pip run here, not the extension

COMPILER = "/usr/bin/gcc"


@pytest.fixture(scope="module")
def sources(tmp_path_factory: pytest.TempPathFactory) -> Path:
    copy = tmp_path_factory.mktemp("sources") / "apikit"
    copy_checkout(copy, WHEEL_INPUTS)
    return copy


def script(path: Path, text: str) -> str:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return str(path)


def fake_curl_config(path: Path, version: str) -> str:
    return script(
        path, f'case $1 in --version) echo "libcurl {version}" ;; --libs) echo -lcurl; esac'
    )


def compiler_without(header: str, path: Path) -> str:
    """Return a compiler that finds every header but one."""
    return script(
        path,
        f"""case " $* " in
*" -E "*)
    source=$(cat)
    case $source in *"<{header}>"*) exit 1 ;; esac
    printf '%s\\n' "$source" | {COMPILER} "$@" ;;
*) exec {COMPILER} "$@" ;;
esac""",
    )


def error_of_build(sources: Path, **environment: str) -> str:
    """Return the one line by which pip's build ends."""
    build = [sys.executable, "-P", "-m", "pip", "wheel", "--no-deps", "--no-build-isolation"]
    done = subprocess.run(
        [*build, "--no-index", "-w", str(sources / "wheels"), str(sources)],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
    )
    assert done.returncode != 0, done.stdout
    lines = [line.strip() for line in (done.stdout + done.stderr).splitlines()]
    errors = [line for line in lines if line.startswith("error: apikit")]
    assert len(errors) == 1, done.stdout + done.stderr
    assert not [line for line in lines if line.startswith("Traceback")]
    return errors[0]


def test_missing_compiler_is_named(sources: Path) -> None:
    error = error_of_build(sources, CC="no-such-compiler")
    assert error.startswith("error: apikit needs a C compiler (tried no-such-compiler); install ")
    assert "gcc (apt, dnf), build-base (apk)" in error


@pytest.mark.parametrize(
    ("header", "package"),
    [
        ("Python.h", "python3-dev (apt, apk), python3-devel (dnf)"),
        (
            "curl/curl.h",
            "libcurl4-openssl-dev (apt), libcurl-devel (dnf), curl-dev (apk)",
        ),
        ("zlib.h", "zlib1g-dev (apt), zlib-devel (dnf), zlib-dev (apk), zlib (brew)"),
    ],
)
def test_missing_header_is_named(sources: Path, tmp_path: Path, header: str, package: str) -> None:
    error = error_of_build(sources, CC=compiler_without(header, tmp_path / "cc"))
    assert error.startswith(f"error: apikit needs {header} (tried -I")
    assert package in error


def test_no_libcurl_says_what_was_tried_in_order(sources: Path, tmp_path: Path) -> None:
    error = error_of_build(sources, CC=COMPILER, PATH=str(tmp_path))
    assert "of libcurl 7.87 or newer" in error
    assert "tried pkg-config: nothing found, curl-config: nothing found" in error
    assert "libcurl4-openssl-dev (apt)" in error


def test_old_libcurl_is_refused_wherever_it_is_found(sources: Path, tmp_path: Path) -> None:
    old = script(tmp_path / "pkg-config", "echo 7.74.0")
    fake_curl_config(tmp_path / "curl-config", "7.86.0")
    error = error_of_build(sources, CC=COMPILER, PATH=str(tmp_path), PKG_CONFIG=old)
    assert f"tried {old}: 7.74.0 is too old, curl-config: 7.86.0 is too old" in error


def test_chosen_curl_config_is_the_only_one_asked(sources: Path, tmp_path: Path) -> None:
    old = fake_curl_config(tmp_path / "chosen", "7.74.0")
    error = error_of_build(sources, CC=COMPILER, APIKIT_CURL_CONFIG=old)
    assert f"tried {old}: 7.74.0 is too old)" in error


def test_chosen_curl_config_that_is_missing_is_named(sources: Path, tmp_path: Path) -> None:
    absent = str(tmp_path / "absent")
    error = error_of_build(sources, CC=COMPILER, APIKIT_CURL_CONFIG=absent)
    assert f"tried {absent}: nothing found)" in error


def test_old_pkg_config_answer_gives_way_to_a_newer_curl_config(
    sources: Path, tmp_path: Path
) -> None:
    fake_curl_config(tmp_path / "curl-config", "8.99.0")
    error = error_of_build(
        sources,
        CC=compiler_without("curl/curl.h", tmp_path / "cc"),
        PATH=f"{tmp_path}{os.pathsep}/usr/bin{os.pathsep}/bin",
        PKG_CONFIG=script(tmp_path / "old-pkg-config", "echo 7.74.0"),
    )
    assert error.startswith("error: apikit needs curl/curl.h (tried -I")

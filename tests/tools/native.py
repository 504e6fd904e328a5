"""The C tests and the replays of the fuzzers: compiled side by side, again only when changed."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from tests.tools.project import CACHE, ROOT, Refusal, digest, is_current, locked, remember, run

__all__ = ["ASAN", "PLAIN", "TSAN", "Variant", "build_programs", "optional_macros", "package_flags"]

WARNINGS = ("-std=c11", "-Wall", "-Wextra", "-Werror")
OPTIONAL = {"AK_HAVE_BROTLI": "libbrotlidec", "AK_HAVE_ZSTD": "libzstd", "AK_HAVE_PSL": "libpsl"}


@dataclass(frozen=True)
class Variant:
    """One way of compiling: its name and the flags of both compiler and linker."""

    name: str
    flags: tuple[str, ...]


PLAIN = Variant("plain", ("-O2", "-g"))
ASAN = Variant(
    "asan",
    (
        "-O1",
        "-g",
        "-fno-omit-frame-pointer",
        "-fsanitize=address,undefined",
        "-fno-sanitize-recover=undefined",
    ),
)
TSAN = Variant("tsan", ("-O1", "-g", "-fsanitize=thread"))


def package_flags(question: str, package: str) -> list[str]:
    """Return what pkg-config says of an installed package, or an empty list without it."""
    asked = subprocess.run(["pkg-config", question, package], capture_output=True, text=True)
    return shlex.split(asked.stdout) if asked.returncode == 0 else []


def optional_macros() -> list[str]:
    """Return the definitions for the optional libraries that are here."""
    return [f"-D{macro}=1" for macro, name in OPTIONAL.items() if package_flags("--libs", name)]


def compiler_flags() -> list[str]:
    flags = ["-Icsrc", "-Itests/c", "-DAK_TEST_ALLOC", *WARNINGS, *optional_macros()]
    return flags + package_flags("--cflags", "libcurl")


def library_flags() -> list[str]:
    found = [package_flags("--libs", package) for package in ("libcurl", *OPTIONAL.values())]
    return [*(flag for flags in found for flag in flags), "-lz", "-lpthread", "-ldl"]


def compiler() -> str:
    chosen = os.environ.get("CC", "gcc")
    if shutil.which(shlex.split(chosen)[0]) is None:
        raise Refusal(f"no C compiler: {chosen} was tried; install gcc or set CC")
    return chosen


def build_layer(layer: str, variant: Variant) -> Path:
    """Return the archive of all files of a layer of csrc."""
    command = [*shlex.split(compiler()), *compiler_flags(), *variant.flags]
    folder = CACHE / "native" / variant.name / layer
    archive = folder.with_suffix(".a")
    inputs = [path for path in (ROOT / "csrc").rglob("*.[ch]") if path.parent.name != "python"]
    key = digest(inputs, command)
    if not is_current(archive, key):
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        archive.unlink(missing_ok=True)
        sources = sorted((ROOT / "csrc" / layer).glob("*.c"))
        objects = [folder / f"{source.stem}.o" for source in sources]
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            list(
                pool.map(
                    lambda pair: compile_one(command, *pair), zip(sources, objects, strict=True)
                )
            )
        run(["ar", "rcs", archive, *objects], f"{archive.name} cannot be made")
        remember(archive, key)
    return archive


def compile_one(command: list[str], source: Path, target: Path) -> None:
    relative = source.relative_to(ROOT)
    run([*command, "-c", str(relative), "-o", target], f"{relative} does not compile: see above")


@locked()
def build_programs(
    tests: Iterable[Path], variant: Variant, *, beside: tuple[Path, ...] = (), libraries: str = ""
) -> list[Path]:
    """Return a program for each C file of `tests`, linked with the layers that it includes.

    Parameters
    ----------
    tests
        Files with one program each.
    variant
        How they and csrc are compiled.
    beside
        More C files for each program.
    libraries
        The pkg-config name of one more library.
    """
    sources = sorted(tests)
    needs_net = any(includes_net(source) for source in sources)
    core = build_layer("core", variant)
    net = build_layer("net", variant) if needs_net else None

    def build(source: Path) -> Path:
        layers = [net, core] if net and includes_net(source) else [core]
        target = CACHE / "native" / variant.name / "bin" / source.stem
        target.parent.mkdir(parents=True, exist_ok=True)
        command = [*shlex.split(compiler()), *compiler_flags(), *variant.flags]
        command += [str(path.relative_to(ROOT)) for path in (source, *beside)]
        command += [*map(str, layers), "-o", str(target)]
        command += package_flags("--libs", libraries) if libraries else []
        command += library_flags() if len(layers) > 1 else ["-lpthread"]
        headers = [*(ROOT / "csrc").rglob("*.h"), *source.parent.glob("*.h")]
        archives = [path.with_name(path.name + ".stamp") for path in layers if path]
        key = digest([source, *beside, *headers, *archives], command)
        if not is_current(target, key):
            run(command, f"{source.relative_to(ROOT)} does not build: see above")
            remember(target, key)
        return target

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        return list(pool.map(build, sources))


def includes_net(source: Path) -> bool:
    return '#include "net/' in source.read_text()

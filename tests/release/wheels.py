"""Wheels that need nothing of the system but its C library, the same bytes at each build."""

from __future__ import annotations

import base64
import hashlib
import os
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.release.pins import Pins, fetch
from tests.release.sbom import sbom
from tests.release.toolchain import Target, make_toolchain
from tests.tools.builds import WHEEL_INPUTS, copy_checkout, files_of
from tests.tools.project import CACHE, Refusal, digest, is_current, remember, run

__all__ = ["Kind", "build_wheel", "find_installed", "finish", "kinds_of"]

DATE = (1980, 1, 1, 0, 0, 0)
EXPORTS = "{ global: PyInit__core; local: *; };\n"
#: The versions that pins have headers of, and those that only an installed Python has.
INSTALLED_ONLY = ("3.12",)


@dataclass(frozen=True)
class Kind:
    """A Python and a machine: what one wheel is for."""

    python: str
    target: Target
    include: tuple[Path, ...]

    @property
    def tag(self) -> str:
        """The tag of an interpreter and of its ABI."""
        return f"cp{self.python.replace('.', '')}"

    @property
    def suffix(self) -> str:
        """How an extension module's file is called."""
        return f".cpython-{self.tag.removeprefix('cp')}-{self.target.triple}.so"


def find_installed(python: str) -> tuple[Path, Path] | None:
    """Return the prefix and the headers of an installed Python, on the path or of pyenv."""
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
    found = shutil.which(f"python{python}")
    candidates = [*([Path(found)] if found else []), *pyenv.glob(f"versions/{python}.*/bin/python")]
    question = "import sys, sysconfig; print(sys.base_prefix, sysconfig.get_path('include'))"
    for candidate in candidates:
        asked = subprocess.run([candidate, "-c", question], capture_output=True, text=True)
        prefix, _, headers = asked.stdout.strip().partition(" ")
        if headers.endswith(f"/python{python}") and Path(headers, "Python.h").exists():
            return Path(prefix), Path(headers)
    return None


def kinds_of(target: Target, pins: Pins) -> list[Kind]:
    """Return the wheels that can be made for `target`, oldest Python first."""
    kinds = []
    for pin in pins.headers:
        if pin.machine == target.machine:
            archive = fetch(pin, pins.mirrors)
            folder = CACHE / "release" / "headers" / archive.stem
            if not folder.exists():
                folder.mkdir(parents=True)
                run(["dpkg-deb", "-x", archive, folder], f"{archive.name} cannot be unpacked")
            include = folder / "usr" / "include"
            kinds.append(Kind(pin.python, target, (include / f"python{pin.python}", include)))
    if target.machine == os.uname().machine:
        for python in INSTALLED_ONLY:
            installed = find_installed(python)
            if installed:
                kinds.append(Kind(python, target, (installed[1],)))
            else:
                print(f"no wheel for Python {python}: it is not installed here", flush=True)
    return sorted(kinds, key=lambda kind: [int(part) for part in kind.python.split(".")])


def build_wheel(kind: Kind, prefix: Path, pins: Pins, name: str) -> Path:
    """Return the wheel of `kind` that build NAME made, with the libraries of `prefix`."""
    place = CACHE / "release" / name / f"{kind.tag}-{kind.target.machine}"
    tools = make_toolchain(kind.target, place / "tools")
    code = [Path(__file__), Path(sbom.__code__.co_filename)]
    sources = [path for entry in WHEEL_INPUTS for path in files_of(entry)]
    made_from = prefix.with_name(prefix.name + ".stamp").read_text()
    key = digest([*sources, *code], made_from, str(kind), tools.version)
    if is_current(place, key):
        return next(place.glob("*.whl"))
    for stale in place.glob("*.whl"):
        stale.unlink()
    copy_checkout(place / "src", WHEEL_INPUTS)
    for licence in (prefix / "licenses").iterdir():
        shutil.copy2(licence, place / "src")
    shutil.rmtree(place / "raw", ignore_errors=True)
    compile_wheel(kind, prefix, place, tools.environment)
    (raw,) = (place / "raw").glob("*.whl")
    distribution, version = raw.name.split("-")[:2]
    bill = sbom(distribution.replace("_", "-"), version, pins, tools.version)
    made = finish(raw, place, kind, pins, bill)
    for leftover in ("src", "raw", "tools"):
        shutil.rmtree(place / leftover)
    remember(place, key)
    return made


def compile_wheel(kind: Kind, prefix: Path, place: Path, environment: Mapping[str, str]) -> None:
    """Let setuptools make the wheel; its tags are this interpreter's still."""
    exports = place / "tools" / "exports"
    exports.write_text(EXPORTS)
    include = " ".join(f"-I{folder}" for folder in kind.include)
    switches = {
        "CFLAGS": f"{include} -DAK_TLS_WITHIN",
        "LDSHARED": "apikit-cc -shared",
        "LDFLAGS": f"-L{prefix}/lib -s -Wl,--version-script={exports}",
        "PKG_CONFIG_LIBDIR": str(prefix / "lib" / "pkgconfig"),
        "SETUPTOOLS_EXT_SUFFIX": kind.suffix,
    }
    # The source tree comes first on the path of a build: without -P it would be an import.
    build = [sys.executable, "-P", "-m", "pip", "wheel", "-q", "--no-deps", "--no-index"]
    build += ["--no-build-isolation", "-w", str(place / "raw"), str(place / "src")]
    run(build, f"{kind.tag} cannot be built", environment={**environment, **switches})


def finish(raw: Path, folder: Path, kind: Kind, pins: Pins, bill: str) -> Path:
    """Write the wheel anew into `folder`: its true tags, its bill of materials, no times."""
    name, version = raw.name.split("-")[:2]
    info = f"{name}-{version}.dist-info"
    with zipfile.ZipFile(raw) as archive:
        files = {item: archive.read(item) for item in archive.namelist() if item[-1] != "/"}
    files[f"{info}/WHEEL"] = retag(files[f"{info}/WHEEL"], kind)
    files[f"{info}/METADATA"] = relicense(files[f"{info}/METADATA"], pins)
    files[f"{info}/sboms/{name}.cdx.json"] = bill.encode()
    record = f"{info}/RECORD"
    del files[record]
    lines = [f"{item},{hash_of(content)},{len(content)}" for item, content in sorted(files.items())]
    files[record] = "\n".join([*lines, f"{record},,", ""]).encode()
    target = folder / f"{name}-{version}-{kind.tag}-{kind.tag}-{kind.target.platform}.whl"
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for item, content in sorted(files.items()):
            entry = zipfile.ZipInfo(item, DATE)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.create_system = 3  # Unix, whose modes follow
            entry.external_attr = (0o755 if item.endswith(".so") else 0o644) << 16
            archive.writestr(entry, content)
    return target


def hash_of(content: bytes) -> str:
    encoded = base64.urlsafe_b64encode(hashlib.sha256(content).digest())
    return f"sha256={encoded.decode().rstrip('=')}"


def retag(wheel: bytes, kind: Kind) -> bytes:
    kept = [line for line in wheel.decode().splitlines() if line and not line.startswith("Tag: ")]
    tag = f"Tag: {kind.tag}-{kind.tag}-{kind.target.platform}"
    return "\n".join([*kept, tag, ""]).encode()


def relicense(metadata: bytes, pins: Pins) -> bytes:
    """Let the metadata tell the licences of all that is in the wheel, not of the project alone."""
    own = b"License-Expression: MIT\n"
    if own not in metadata:
        raise Refusal(f"the wheel's metadata lacks {own.decode().strip()!r}")
    terms = [term for library in pins.libraries.values() for term in library.license.split(" AND ")]
    expression = " AND ".join(["MIT", *sorted(set(terms) - {"MIT"})])
    return metadata.replace(own, f"License-Expression: {expression}\n".encode())

"""What a wheel must be: it needs the C library alone, shows one symbol, tells nobody's paths."""

from __future__ import annotations

import io
import json
import re
import subprocess
import tempfile
import zipfile
from pathlib import Path

from tests.release.pins import Pins
from tests.release.wheels import Kind, hash_of
from tests.tools.builds import make_venv
from tests.tools.project import ROOT, Refusal

__all__ = ["examine"]

#: The C library in its parts, as they were in the oldest glibc.
C_LIBRARY = {"libc.so.6", "libpthread.so.0", "libdl.so.2", "libm.so.6", "librt.so.1"}
LOADER = re.compile(r"ld-linux-[\w-]+\.so\.\d")


def examine(wheel: Path, kind: Kind, pins: Pins) -> None:
    """Look into a wheel.

    Raises
    ------
    Refusal
        Of all that is not as it must be, one line each.
    """
    content = zipfile.ZipFile(io.BytesIO(wheel.read_bytes()))
    with tempfile.TemporaryDirectory() as folder:
        (name,) = (name for name in content.namelist() if name.endswith(".so"))
        module = Path(content.extract(name, folder))
        wrong = [*faults_of_module(module), *faults_of_files(content, pins)]
    wrong += faults_of_platform(wheel, kind)
    if not name.endswith(f"/_core{kind.suffix}"):
        wrong.append(f"the module is called {name}")
    if wrong:
        raise Refusal("\n".join(f"{wheel.name}: {line}" for line in wrong))


def faults_of_module(module: Path) -> list[str]:
    def ask(option: str) -> str:
        command = ["readelf", "--wide", option, str(module)]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout

    dynamic = ask("--dynamic")
    needed = set(re.findall(r"\(NEEDED\).*\[(.+)\]", dynamic))
    foreign = {name for name in needed - C_LIBRARY if not LOADER.fullmatch(name)}
    shown = re.findall(r" (?:GLOBAL|WEAK) +\w+ +(?!UND)\S+ (\S+)", ask("--dyn-syms"))
    wrong = []
    if foreign:
        wrong.append(f"it needs {', '.join(sorted(foreign))}")
    if shown != ["PyInit__core"]:
        wrong.append(f"it shows {', '.join(shown) or 'no symbol'}")
    if re.search(r"\((?:RPATH|RUNPATH)\)", dynamic):
        wrong.append("it has a search path for libraries")
    if ".debug_info" in ask("--section-headers"):
        wrong.append("it is not stripped")
    if str(ROOT).encode() in module.read_bytes():
        wrong.append(f"it names {ROOT}")
    return wrong


def faults_of_files(content: zipfile.ZipFile, pins: Pins) -> list[str]:
    names = set(content.namelist())
    (record,) = (name for name in names if name.endswith(".dist-info/RECORD"))
    info = record.removesuffix("/RECORD")
    lines = [line.rsplit(",", 2) for line in content.read(record).decode().splitlines()]
    wrong = []
    if {name for name, _, _ in lines} != names:
        wrong.append("RECORD does not list what is there")
    wrong += [
        f"RECORD is wrong of {name}"
        for name, digest, _ in lines
        if name != record and digest != hash_of(content.read(name))
    ]
    metadata = content.read(f"{info}/METADATA").decode()
    for library in pins.libraries.values():
        licence = f"LICENSE.{library.name}"
        if f"License-File: {licence}\n" not in metadata:
            wrong.append(f"METADATA does not name {licence}")
        if f"{info}/licenses/{licence}" not in names:
            wrong.append(f"{licence} is missing")
    bills = [name for name in names if name.startswith(f"{info}/sboms/")]
    listed = {
        (component["name"], component["version"])
        for bill in bills
        for component in json.loads(content.read(bill))["components"]
    }
    if listed != {(library.name, library.version) for library in pins.libraries.values()}:
        wrong.append("the bill of materials does not list what is linked in")
    return wrong


def faults_of_platform(wheel: Path, kind: Kind) -> list[str]:
    """Ask auditwheel which glibc the wheel runs with."""
    tool = make_venv("release").with_name("auditwheel")
    asked = subprocess.run([tool, "show", "--json", wheel], capture_output=True, text=True)
    if asked.returncode != 0:
        return [f"auditwheel: {(asked.stderr or asked.stdout).strip()}"]
    found = re.fullmatch(r"manylinux_(\d+)_(\d+)_(\w+)", json.loads(asked.stdout)["overall_tag"])
    if found is None or found[3] != kind.target.machine:
        return [f"auditwheel: {asked.stdout.strip()}"]
    if (int(found[1]), int(found[2])) > kind.target.glibc:
        return [f"its tag is {kind.target.platform}, auditwheel says {found[0]}"]
    return []

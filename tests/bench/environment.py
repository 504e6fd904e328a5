"""What the peers run with: their packages, the C programs, and few environment variables."""

from __future__ import annotations

import shlex
import shutil
import subprocess
import sys
from pathlib import Path

from tests.bench.model import Program, Venv
from tests.tools.builds import checkout_last_on_path, make_venv, own_python
from tests.tools.native import WARNINGS, compiler, package_flags
from tests.tools.project import CACHE, ROOT, Refusal, digest, is_current, locked, remember, run

__all__ = ["bare_environment", "build_program", "python_of"]

HERE = Path(__file__).resolve().parent
REQUIREMENTS = HERE / "requirements.txt"


def bare_environment(variables: int = 0) -> dict[str, str]:
    """Return the least that a program needs, and a number of variables that it does not."""
    bare = {"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8", "HOME": "/nonexistent"}
    bare["PYTHONHASHSEED"] = "0"
    extra = {
        f"SERVICE_{i}_PORT_80_TCP_ADDR": f"10.0.{i // 250}.{i % 250}" for i in range(variables)
    }
    return {**bare, **extra}


def python_of(venv: Venv) -> Path:
    """Return the interpreter of an environment, which is made if need be."""
    if venv is Venv.ORIGINALS:
        return make_venv("originals")
    return peers_python() if venv is Venv.BENCH else own_python()


@locked()
def peers_python() -> Path:
    folder = CACHE / "bench-venv"
    python = folder / "bin" / "python"
    key = digest([REQUIREMENTS], ROOT)
    if is_current(folder, key):
        return python
    print("bench: installing the peers", file=sys.stderr)
    shutil.rmtree(folder, ignore_errors=True)
    run([sys.executable, "-m", "venv", folder], f"{folder} cannot be made")
    checkout_last_on_path(folder)
    install = [str(python), "-m", "pip", "install", "-q", "--no-deps"]
    if subprocess.run([*install, "-r", REQUIREMENTS]).returncode == 0:
        remember(folder, key)
        return python
    # One of them cannot be had here: the others still can, and its row will say so.
    lines = [line for line in REQUIREMENTS.read_text().splitlines() if not line.startswith("#")]
    for requirement in lines:
        subprocess.run([*install, requirement], stderr=subprocess.DEVNULL)
    return python


@locked()
def build_program(program: Program) -> Path:
    """Return the compiled program of the folder limits."""
    sources = [HERE / "limits" / name for name in ("main.c", "answer.c", f"{program.source}.c")]
    target = CACHE / "bench" / program.source
    target.parent.mkdir(parents=True, exist_ok=True)
    command = [*shlex.split(compiler()), *WARNINGS, "-O2", *map(str, sources), "-o", str(target)]
    command += [*package_flags("--cflags", "libcurl"), *package_flags("--libs", "libcurl")]
    command.append("-lpthread")
    key = digest([*sources, *HERE.glob("limits/*.h")], command)
    if not is_current(target, key):
        run(command, f"{program.source}.c does not build: see above")
        remember(target, key)
    if not target.exists():
        raise Refusal(f"{program.source} was not built")
    return target

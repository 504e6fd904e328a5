"""What a number of instructions depends on beside the sources."""

from __future__ import annotations

import platform
import shlex
import subprocess
import sysconfig
from importlib.metadata import version

from tests.tools.native import compiler, package_flags

__all__ = ["toolchain"]


def toolchain() -> str:
    """Return the machine, the interpreter and its build, the compiler, libcurl and Flask.

    Distributions patch all of these without another version, which changes next to nothing; the
    flags that the interpreter was compiled with change much.
    """
    level = [flag for flag in (sysconfig.get_config_var("PY_CFLAGS") or "").split() if "-O" in flag]
    build = [platform.python_compiler(), *level[-1:]]
    build += [
        name
        for name in ("--enable-optimizations", "--with-lto", "--with-pydebug", "--disable-gil")
        if name in (sysconfig.get_config_var("CONFIG_ARGS") or "")
    ]
    build += ["shared"] if sysconfig.get_config_var("Py_ENABLE_SHARED") else []
    curl = package_flags("--modversion", "libcurl")
    return ", ".join(
        (
            platform.machine(),
            f"{platform.python_implementation()} {platform.python_version()} ({' '.join(build)})",
            compiler_version(),
            f"libcurl {' '.join(curl)}",
            f"Flask {version('flask')}",
        )
    )


def compiler_version() -> str:
    command = shlex.split(compiler())
    asked = subprocess.run([*command, "-dumpfullversion"], capture_output=True, text=True)
    return f"{command[0]} {asked.stdout.strip()}"

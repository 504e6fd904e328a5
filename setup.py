"""The extension module and the finding of libcurl; the metadata is in pyproject.toml.

Environment: APIKIT_CURL_CONFIG (the curl-config to ask, in place of pkg-config), APIKIT_SANITIZE
("address,undefined" or "thread"), APIKIT_COVERAGE=1, APIKIT_DEBUG=1 (-O0, warnings are errors).
"""

import os
import shlex
import shutil
import subprocess
from concurrent.futures import ThreadPoolExecutor
from glob import glob
from itertools import chain

import setuptools
from setuptools.command.build_ext import build_ext
from setuptools.errors import SetupError

PKG_CONFIG = os.environ.get("PKG_CONFIG", "pkg-config")
OLDEST_CURL = (7, 87)
OPTIONAL = {"AK_HAVE_BROTLI": "libbrotlidec", "AK_HAVE_ZSTD": "libzstd", "AK_HAVE_PSL": "libpsl"}
REMEDIES = {
    "a C compiler": "gcc (apt, dnf), build-base (apk), xcode-select --install (macOS)",
    "Python.h": "python3-dev (apt, apk), python3-devel (dnf), python (brew)",
    "curl/curl.h": "libcurl4-openssl-dev (apt), libcurl-devel (dnf), curl-dev (apk), curl (brew)",
    "zlib.h": "zlib1g-dev (apt), zlib-devel (dnf), zlib-dev (apk), zlib (brew)",
}
ALIASES = "apikit/_aliases"  # folders that are installed beside apikit, not inside it


def missing(what, tried):
    return SetupError(f"apikit needs {what} ({tried}); install {REMEDIES[what]}")


def ask(*command):
    """Return what COMMAND prints as a list of words, or None where it is missing or fails."""
    if shutil.which(command[0]) is None:
        return None
    answer = subprocess.run(command, capture_output=True, text=True)
    return shlex.split(answer.stdout) if answer.returncode == 0 else None


def find_curl():
    """Return the compiler's and the linker's flags of the first libcurl that is new enough."""
    chosen = os.environ.get("APIKIT_CURL_CONFIG")
    tried = []
    for tool in [[chosen]] if chosen else [[PKG_CONFIG, "libcurl"], ["curl-config"]]:
        version = ask(*tool, "--modversion" if "libcurl" in tool else "--version")
        if not version:
            tried.append(f"{tool[0]}: nothing found")
        elif tuple(int(part) for part in version[-1].split(".")[:2]) < OLDEST_CURL:
            tried.append(f"{tool[0]}: {version[-1]} is too old")
        else:
            return ask(*tool, "--cflags"), ask(*tool, "--libs")
    oldest = ".".join(map(str, OLDEST_CURL))
    raise missing("curl/curl.h", f"of libcurl {oldest} or newer; tried {', '.join(tried)}")


class BuildCore(build_ext):
    """Looks for all that the extension needs first, so that what lacks is one line."""

    def build_extensions(self):
        (module,) = self.extensions
        if shutil.which(self.compiler.compiler_so[0]) is None:
            raise missing("a C compiler", f"tried {self.compiler.compiler_so[0]}")
        curl_cflags, curl_libs = find_curl()
        module.extra_compile_args += curl_cflags
        module.extra_link_args += curl_libs
        for header in ("Python.h", "curl/curl.h", "zlib.h"):
            self.require(header, module.extra_compile_args)
        for macro, package in OPTIONAL.items():
            if ask(PKG_CONFIG, "--exists", package) is not None:
                module.define_macros.append((macro, "1"))
                module.extra_compile_args += ask(PKG_CONFIG, "--cflags", package)
                module.extra_link_args += ask(PKG_CONFIG, "--libs", package)
        compile_some = self.compiler.compile
        with ThreadPoolExecutor() as pool:  # one source a thread: each waits for its compiler
            self.compiler.compile = lambda sources, **options: list(
                chain(*pool.map(lambda source: compile_some([source], **options), sources))
            )
            super().build_extensions()

    def require(self, header, flags):
        folders = [f"-I{folder}" for folder in self.compiler.include_dirs]
        probe = [*self.compiler.compiler_so, *flags, *folders, "-E", "-x", "c", "-"]
        found = subprocess.run(
            probe, input=f"#include <{header}>\n", capture_output=True, text=True
        )
        if found.returncode != 0:
            raise missing(header, f"tried {' '.join(folders)} and the compiler's own folders")


compile_flags = ["-std=c11", "-O2", "-fvisibility=hidden", "-Wall", "-Wextra"]
compile_flags += ["-Werror=implicit-function-declaration", "-Werror=int-conversion"]
link_flags = []
if sanitizers := os.environ.get("APIKIT_SANITIZE"):
    link_flags += [f"-fsanitize={sanitizers}", "-fno-sanitize-recover=undefined"]
    compile_flags += ["-O1", "-g", "-fno-omit-frame-pointer", *link_flags]
if os.environ.get("APIKIT_COVERAGE"):
    compile_flags += ["-O0", "-g", "--coverage"]
    link_flags += ["--coverage"]
if os.environ.get("APIKIT_DEBUG"):
    compile_flags += ["-O0", "-g", "-UNDEBUG", "-Werror"]

own = setuptools.find_packages(include=["apikit", "apikit.*"], exclude=["apikit._aliases*"])
aliases = {name: f"{ALIASES}/{name}" for name in setuptools.find_packages(ALIASES)}
knows_expressions = int(setuptools.__version__.split(".")[0]) >= 77
core = setuptools.Extension(
    "apikit._core",
    sorted(glob("csrc/core/*.c") + glob("csrc/net/*.c") + glob("csrc/python/*.c")),
    include_dirs=["csrc"],
    libraries=["z", "pthread", "dl"],
    extra_compile_args=compile_flags,
    extra_link_args=link_flags,
)
setuptools.setup(
    **{"license_expression" if knows_expressions else "license": "MIT"},
    packages=[*own, *aliases],
    package_dir=aliases,
    ext_modules=[core],
    cmdclass={"build_ext": BuildCore},
)

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

import setuptools
from setuptools.command.build_ext import build_ext
from setuptools.errors import SetupError

OLDEST_CURL = (7, 87)
OPTIONAL = {
    "AK_HAVE_BROTLI": "libbrotlidec",
    "AK_HAVE_ZSTD": "libzstd",
    "AK_HAVE_PSL": "libpsl",
}
PACKAGES = {
    "a C compiler": "gcc (apt, dnf), build-base (apk), xcode-select --install (brew)",
    "Python.h": "python3-dev (apt), python3-devel (dnf), python3-dev (apk), python (brew)",
    "curl/curl.h": "libcurl4-openssl-dev (apt), libcurl-devel (dnf), curl-dev (apk), curl (brew)",
    "zlib.h": "zlib1g-dev (apt), zlib-devel (dnf), zlib-dev (apk), zlib (brew)",
}
ALIASES = "apikit/_aliases"


def ask(*command):
    """Return what COMMAND prints, or None where it is missing or fails."""
    if shutil.which(command[0]) is None:
        return None
    answer = subprocess.run(command, capture_output=True, text=True)
    return answer.stdout.strip() if answer.returncode == 0 else None


def missing(what, tried):
    return SetupError(f"apikit needs {what} ({tried}); install {PACKAGES[what]}")


def pkg_config(*question):
    return ask(os.environ.get("PKG_CONFIG", "pkg-config"), *question)


def find_curl():
    """Return the compiler's and the linker's flags of the first libcurl that is new enough."""
    chosen = os.environ.get("APIKIT_CURL_CONFIG")
    curl_config = chosen or "curl-config"
    places = [(curl_config, lambda flag: ask(curl_config, f"--{flag}"), "version")]
    if not chosen:
        places.insert(
            0, ("pkg-config", lambda flag: pkg_config(f"--{flag}", "libcurl"), "modversion")
        )
    tried = []
    for name, get, version_flag in places:
        version = get(version_flag)
        if version is None:
            tried.append(f"{name}: nothing found")
            continue
        version = version.split()[-1]
        if tuple(int(part) for part in version.split(".")[:2]) >= OLDEST_CURL:
            return shlex.split(get("cflags")), shlex.split(get("libs"))
        tried.append(f"{name}: {version} is too old")
    oldest = ".".join(map(str, OLDEST_CURL))
    raise missing("curl/curl.h", f"libcurl {oldest} or newer; tried {', '.join(tried)}")


def build_flags():
    """Return the compiler's and the linker's flags that the APIKIT_ switches ask for."""
    compile_flags = "-std=c11 -O2 -fvisibility=hidden -Wall -Wextra".split()
    link_flags = []
    sanitize = os.environ.get("APIKIT_SANITIZE")
    if sanitize:
        link_flags += [f"-fsanitize={sanitize}", "-fno-sanitize-recover=undefined"]
        compile_flags += ["-O1", "-g", "-fno-omit-frame-pointer", *link_flags]
    if os.environ.get("APIKIT_COVERAGE"):
        compile_flags += ["-O0", "-g", "--coverage"]
        link_flags += ["--coverage"]
    if os.environ.get("APIKIT_DEBUG"):
        compile_flags += ["-O0", "-g", "-UNDEBUG", "-Werror"]
    return compile_flags, link_flags


class BuildCore(build_ext):
    """Looks for all that the extension needs first, so that what lacks is one line."""

    def build_extensions(self):
        (core,) = self.extensions
        compiler = self.compiler.compiler_so
        if shutil.which(compiler[0]) is None:
            raise missing("a C compiler", f"tried {compiler[0]}")
        curl_cflags, curl_libs = find_curl()
        core.extra_compile_args += curl_cflags
        core.extra_link_args += curl_libs
        for header in ("Python.h", "curl/curl.h", "zlib.h"):
            self.require(header, core.extra_compile_args)
        for macro, package in OPTIONAL.items():
            if pkg_config("--exists", package) is not None:
                core.define_macros.append((macro, "1"))
                core.extra_compile_args += shlex.split(pkg_config("--cflags", package))
                core.extra_link_args += shlex.split(pkg_config("--libs", package))
        compile_all = self.compiler.compile

        def compile_side_by_side(sources, **options):
            with ThreadPoolExecutor(os.cpu_count()) as pool:
                objects = pool.map(lambda source: compile_all([source], **options), sources)
                return [name for names in objects for name in names]

        self.compiler.compile = compile_side_by_side
        super().build_extensions()

    def require(self, header, flags):
        includes = [f"-I{folder}" for folder in self.compiler.include_dirs]
        probe = [*self.compiler.compiler_so, *flags, *includes, "-E", "-x", "c", "-"]
        source = f"#include <{header}>\n"
        if subprocess.run(probe, input=source, capture_output=True, text=True).returncode != 0:
            raise missing(header, f"tried {' '.join(includes)} and the compiler's own folders")


compile_args, link_args = build_flags()
aliases = {name: f"{ALIASES}/{name}" for name in sorted(os.listdir(ALIASES))} if (
    os.path.isdir(ALIASES)
) else {}
new_license = int(setuptools.__version__.split(".")[0]) >= 77
setuptools.setup(
    **{"license_expression" if new_license else "license": "MIT"},
    packages=[
        *setuptools.find_packages(include=["apikit", "apikit.*"], exclude=["apikit._aliases*"]),
        *aliases,
    ],
    package_dir=aliases,
    ext_modules=[
        setuptools.Extension(
            "apikit._core",
            sorted(glob("csrc/core/*.c") + glob("csrc/net/*.c") + glob("csrc/python/*.c")),
            include_dirs=["csrc"],
            depends=sorted(glob("csrc/*/*.h")),
            libraries=["z", "pthread", "dl"],
            extra_compile_args=compile_args,
            extra_link_args=link_args,
        )
    ],
    cmdclass={"build_ext": BuildCore},
)

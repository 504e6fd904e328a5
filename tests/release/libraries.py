"""The static libraries of the wheels: an HTTP-only libcurl, OpenSSL and what decodes bodies."""

from __future__ import annotations

import glob
import os
import shutil
import sys
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from tests.release.pins import PINS, Library, Pins, fetch, unpack
from tests.release.toolchain import Target, Toolchain, make_toolchain
from tests.tools.project import CACHE, digest, is_current, remember, run

__all__ = ["build_cmocka", "build_libraries"]

FLAGS = ("-O2", "-fPIC", "-fvisibility=hidden")

# What a client of HTTP over TLS has no use for, or nobody should use any more.
OPENSSL_WITHOUT = (
    "apps aria async autoload-config bf camellia cast cmp cms comp ct docs dso dtls ec2m engine "
    "gost http idea legacy md4 mdc2 module ocsp quic rc2 rc4 rfc3779 rmd160 seed shared sm2 sm3 "
    "sm4 srp ssl-trace ssl3 tests ts ui-console whirlpool"
)
CURL_WITHOUT = (
    "ca-bundle ca-path zlib brotli zstd libpsl libidn2 nghttp2 libssh2 librtmp libgsasl gssapi"
)
CURL_DISABLED = (
    "shared docs manual libcurl-option dict file ftp gopher imap ipfs ldap ldaps mqtt pop3 rtsp "
    "smb smtp telnet tftp websockets alt-svc aws cookies dateparse doh form-api hsts mime netrc "
    "ntlm negotiate-auth kerberos-auth progress-meter unix-sockets openssl-auto-load-config "
    "dependency-tracking"
)
PKG_CONFIG = """\
Name: {name}
Description: {name}, linked into the wheels
Version: {version}
Cflags: -I{prefix}/include
Libs: -L{prefix}/lib {libraries}
"""


@dataclass(frozen=True)
class Build:
    """One library's turn: its sources, who compiles them, and where the results go."""

    library: Library
    source: Path
    tools: Toolchain
    prefix: Path

    def run(self, *command: str | Path) -> None:
        """Run a step in the sources."""
        refusal = f"{self.library.name} cannot be built for {self.tools.target.machine}"
        run(command, refusal, cwd=self.source, environment=self.tools.environment)

    def archive(self, name: str, sources: Iterable[str], *flags: str) -> None:
        """Compile `sources`, patterns below the library's folder, to libNAME.a."""
        files = sorted(
            found
            for pattern in sources
            for found in glob.glob(pattern, root_dir=self.source)  # noqa: PTH207 - relative names
        )
        objects = [f"{file}.o" for file in files]
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            compiled = pool.map(
                lambda file: self.run("apikit-cc", *FLAGS, *flags, "-c", file, "-o", f"{file}.o"),
                files,
            )
            list(compiled)
        self.run("apikit-ar", "rcs", self.prefix / "lib" / f"lib{name}.a", *objects)

    def headers(self, folder: str, *names: str) -> None:
        """Copy public headers, or folders of them, from `folder` of the sources."""
        for name in names:
            source, target = self.source / folder / name, self.prefix / "include" / name
            if source.is_dir():
                shutil.copytree(source, target, ignore=shutil.ignore_patterns("*.in"))
            else:
                shutil.copy2(source, target)

    def describe(self, package: str, libraries: str) -> None:
        """Let pkg-config know `package`, as setup.py asks for it."""
        folder = self.prefix / "lib" / "pkgconfig"
        folder.mkdir(exist_ok=True)
        text = PKG_CONFIG.format(
            name=package,
            version=self.library.version,
            prefix=self.prefix,
            libraries=libraries,
        )
        (folder / f"{package}.pc").write_text(text)


def build_zlib(build: Build) -> None:
    build.archive("z", ["adler32.c", "crc32.c", "inf*.c", "zutil.c", "deflate.c", "trees.c"])
    build.headers(".", "zlib.h", "zconf.h")


def build_brotli(build: Build) -> None:
    build.archive("brotlidec", ["c/common/*.c", "c/dec/*.c"], "-Ic/include")
    build.headers("c/include", "brotli")
    build.describe("libbrotlidec", "-lbrotlidec")


def build_zstd(build: Build) -> None:
    """Compile what compresses too, for the C tests: no wheel needs it, so none gets it."""
    sources = ["lib/common/*.c", "lib/compress/*.c", "lib/decompress/*.c"]
    build.archive("zstd", sources, "-DZSTD_DISABLE_ASM", "-DZSTD_LEGACY_SUPPORT=0")
    build.headers("lib", "zstd.h", "zstd_errors.h")
    build.describe("libzstd", "-lzstd")


def keep_suffixes(build: Build) -> None:
    """Keep the list, which is no library, for libpsl, whose turn comes next."""
    shutil.copy2(build.source / "public_suffix_list.dat", build.prefix)


def build_psl(build: Build) -> None:
    """Compile the list in; names come as A-labels, so that no library for IDNA is wanted."""
    version = build.library.version
    header = build.source / "include" / "libpsl.h"
    text = header.with_name("libpsl.h.in").read_text(encoding="utf-8")
    major, minor, patch = version.split(".")
    for name, value in {"": version, "_MAJOR": major, "_MINOR": minor, "_PATCH": patch}.items():
        text = text.replace(f"@LIBPSL_VERSION{name}@", value)
    number = f"0x{int(major):02x}{int(minor):02x}{int(patch):02x}"
    header.write_text(text.replace("@LIBPSL_VERSION_NUMBER@", number), encoding="utf-8")
    compiled = build.source / "src" / "suffixes_dafsa.h"
    generator = build.source / "src" / "psl-make-dafsa"
    listed = build.prefix / "public_suffix_list.dat"
    build.run(sys.executable, generator, "--output-format=cxx+", listed, compiled)
    flags = [f'-DPACKAGE_VERSION="{version}"', "-DENABLE_BUILTIN", "-Iinclude", "-Isrc"]
    build.archive("psl", ["src/psl.c", "src/lookup_string_in_fixed_set.c"], *flags)
    build.headers("include", "libpsl.h")
    build.describe("libpsl", "-lpsl")


def build_openssl(build: Build) -> None:
    """Compile OpenSSL, which reads no file of the machine but those that it is told to."""
    without = [f"no-{feature}" for feature in OPENSSL_WITHOUT.split()]
    places = ["--prefix=/usr", "--libdir=lib", "--openssldir=/etc/ssl"]
    target = f"linux-{build.tools.target.machine}"
    build.run("perl", "Configure", target, *without, *places, f"CFLAGS={' '.join(FLAGS)}")
    build.run("make", f"-j{os.cpu_count()}", "build_libs")
    build.headers("include", "openssl")
    for library in ("libssl.a", "libcrypto.a"):
        shutil.copy2(build.source / library, build.prefix / "lib")


def build_curl(build: Build) -> None:
    """Compile libcurl for http and https; it decodes nothing and knows no CA file."""
    options = [
        f"--host={build.tools.target.triple}",
        "--prefix=/usr",
        f"--with-openssl={build.prefix}",
        *(f"--without-{package}" for package in CURL_WITHOUT.split()),
        *(f"--disable-{feature}" for feature in CURL_DISABLED.split()),
        f"CFLAGS={' '.join(FLAGS)}",
        "PKG_CONFIG=false",
    ]
    build.run("sh", "configure", "--quiet", *options)
    build.run("make", "--silent", f"-j{os.cpu_count()}", "-C", "lib", "libcurl.la")
    build.headers("include", "curl")
    shutil.copy2(build.source / "lib" / ".libs" / "libcurl.a", build.prefix / "lib")
    build.describe("libcurl", "-lcurl -lssl -lcrypto -lpthread")


#: In the order of building.
RECIPES: dict[str, Callable[[Build], None]] = {
    "zlib": build_zlib,
    "brotli": build_brotli,
    "zstd": build_zstd,
    "publicsuffix": keep_suffixes,
    "libpsl": build_psl,
    "openssl": build_openssl,
    "curl": build_curl,
}


def keep_licences(library: Library, source: Path, prefix: Path) -> None:
    """Copy a library's licences to prefix/licenses, named after it."""
    folder = prefix / "licenses"
    folder.mkdir(exist_ok=True)
    for number, name in enumerate(library.license_files):
        suffix = f"-{number + 1}" if number else ""
        shutil.copy2(source / name, folder / f"LICENSE.{library.name}{suffix}")


def build_cmocka(tools: Toolchain, pins: Pins, prefix: Path) -> None:
    """Compile the library of the C tests to `prefix`, anew each time: it is one file."""
    shutil.rmtree(prefix, ignore_errors=True)
    for folder in ("include", "lib"):
        (prefix / folder).mkdir(parents=True)
    source = unpack(fetch(pins.cmocka, pins.mirrors), prefix / "src")
    build = Build(pins.cmocka, source, tools, prefix)
    headers = ("MALLOC_H", "INTTYPES_H", "SIGNAL_H", "STRINGS_H")
    features = ("GCC_THREAD_LOCAL_STORAGE", "SIGLONGJMP", "STRSIGNAL", "CLOCK_REALTIME")
    flags = [f"-DHAVE_{name}=1" for name in (*headers, *features, "STRUCT_TIMESPEC")]
    build.archive("cmocka", ["src/cmocka.c"], "-Iinclude", "-D_GNU_SOURCE", *flags)
    public = [path.name for path in (source / "include").glob("cmocka*.h")]
    build.headers("include", *public)
    build.describe("cmocka", "-lcmocka")


def build_libraries(target: Target, pins: Pins, place: Path | None = None) -> Path:
    """Return the folder with include, lib and licenses for `target`, built once in `place`.

    Its .stamp file names what it was made from.
    """
    place = place or CACHE / "release" / "libraries" / target.machine
    tools = make_toolchain(target, place / "tools")
    prefix = place / "prefix"
    inputs: Sequence[Path] = [PINS, Path(__file__), Path(make_toolchain.__code__.co_filename)]
    key = digest(inputs, target, tools.version)
    if is_current(prefix, key):
        return prefix
    shutil.rmtree(prefix, ignore_errors=True)
    for folder in ("include", "lib"):
        (prefix / folder).mkdir(parents=True)
    for name, recipe in RECIPES.items():
        library = pins.libraries[name]
        print(f"{target.machine}: {name} {library.version}", flush=True)
        source = unpack(fetch(library, pins.mirrors), place / "src" / name)
        recipe(Build(library, source, tools, prefix))
        keep_licences(library, source, prefix)
    # Of its run-time support, which the linker adds where code needs it.
    shutil.copy2(tools.licence, prefix / "licenses" / "LICENSE.zig")
    shutil.rmtree(place / "src")
    shutil.rmtree(tools.folder / "cache", ignore_errors=True)
    remember(prefix, key)
    return prefix

"""A Debian with Python and nothing else, where a wheel is installed and used."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import trustme

from tests.release.pins import Pins
from tests.release.wheels import Kind, find_installed
from tests.tools.project import CACHE, ROOT, Refusal, is_current, remember, run

__all__ = ["DEPENDENCIES", "System", "installed", "make_system", "try_wheel"]

#: The suite whose python3 is of that version; of 3.12 there is none.
SUITES = {"3.11": "bookworm", "3.13": "trixie", "3.14": "forky"}
SUITE_OF_OTHERS = "bookworm"
DEBIAN_MACHINES = {"x86_64": "amd64", "aarch64": "arm64"}
#: What the wheel requires, as tests/requirements.txt pins it.
DEPENDENCIES = (
    "blinker",
    "click",
    "flask",
    "idna",
    "itsdangerous",
    "jinja2",
    "markupsafe",
    "structlog",
    "werkzeug",
)
PLACE = CACHE / "release" / "bare"
TRIAL = Path(__file__).with_name("trial.py")
HOSTS = "127.0.0.1 localhost xn--bcher-kva.example shop.example.co.uk\n"
NAMES = ("localhost", "127.0.0.1", "xn--bcher-kva.example")


@dataclass(frozen=True)
class System:
    """A root, and how commands are run in it."""

    PYTHON: ClassVar = "/trial/venv/bin/python"
    root: Path

    @property
    def name(self) -> str:
        """The suite and the machine."""
        return self.root.name.removesuffix(".trial")

    def run(self, *command: str, cwd: str = "/") -> str:
        """Return what a command prints that is run in the system."""
        environment = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C.UTF-8"}
        # In a process namespace of its own: nothing outlives the command.
        enter = ["unshare", "--mount", "--pid", "--fork", f"--mount-proc={self.root}/proc"]
        done = subprocess.run(
            [*enter, "chroot", self.root, "env", "-C", cwd, *command],
            env={**environment, "HOME": "/root"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
        )
        if done.returncode != 0:
            failed = f"failed in {self.name}: {' '.join(command)}"
            raise Refusal(f"{done.stdout}{done.stderr}\n{failed}")
        return done.stdout


def make_system(suite: str, machine: str, pins: Pins) -> Path:
    """Return the root of a minimal Debian, made once."""
    root = PLACE / f"{suite}-{machine}"
    key = f"{suite} {machine} python3 ca-certificates"
    if not is_current(root, key):
        if os.geteuid() != 0 or shutil.which("debootstrap") is None:
            raise Refusal("a bare Debian wants root and debootstrap: run as root, install it")
        emulator = Path("/proc/sys/fs/binfmt_misc") / f"qemu-{machine}"
        if machine != os.uname().machine and not emulator.exists():
            raise Refusal(
                f"{emulator} is missing, by which programs for {machine} run: install "
                "qemu-user-static and binfmt-support, mount binfmt_misc"
            )
        # What a debootstrap that was interrupted left mounted.
        subprocess.run(["umount", "--quiet", root / "proc", root / "sys"], capture_output=True)
        shutil.rmtree(root, ignore_errors=True)
        root.parent.mkdir(parents=True, exist_ok=True)
        print(f"debootstrap: {suite} for {machine}", flush=True)
        command: list[str | Path] = ["debootstrap", "--variant=minbase"]
        command += [f"--arch={DEBIAN_MACHINES[machine]}", "--include=python3,ca-certificates"]
        mirror = os.environ.get("APIKIT_DEBIAN_MIRROR", pins.mirrors[0])
        # A debootstrap that is older than the suite has no script of its name: sid's serves.
        script = Path("/usr/share/debootstrap/scripts") / suite
        command += [suite, root, mirror, *([] if script.exists() else [script.with_name("sid")])]
        run(command, f"{suite} cannot be made for {machine}")
        remember(root, key)
    return root


def equip(root: Path, packages: Sequence[str]) -> Path:
    """Return a copy of a system that has more packages, made once."""
    equipped = root.with_name(f"{root.name}-equipped")
    key = " ".join(packages)
    if not is_current(equipped, key):
        shutil.rmtree(equipped, ignore_errors=True)
        copy_system(root, equipped)
        system = System(equipped)
        system.run("apt-get", "update", "-q")
        system.run("apt-get", "install", "-q", "-y", "--no-install-recommends", *packages)
        remember(equipped, key)
    return equipped


def copy_system(root: Path, target: Path) -> None:
    options = ["--archive", "--one-file-system", "--reflink=auto"]
    run(["cp", *options, root, target], f"{root} cannot be copied")


@contextmanager
def fresh_copy(root: Path) -> Iterator[Path]:
    """Give a copy of a system, which is thrown away afterwards."""
    copy = root.with_name(f"{root.name}.trial")
    shutil.rmtree(copy, ignore_errors=True)
    copy_system(root, copy)
    try:
        yield copy
    finally:
        shutil.rmtree(copy)


def wheelhouse(kind: Kind, names: Sequence[str]) -> Path:
    """Return a folder with pip and the pinned distributions of `names`, for `kind`."""
    folder = PLACE / "wheels" / f"{kind.tag}-{kind.target.machine}-{len(names)}"
    pinned = (ROOT / "tests" / "requirements.txt").read_text().splitlines()
    wanted = [line for line in pinned if line.partition("==")[0].lower() in names]
    key = "\n".join(wanted)
    if not is_current(folder, key):
        shutil.rmtree(folder, ignore_errors=True)
        command = [sys.executable, "-P", "-m", "pip", "download", "-q", "--no-deps"]
        command += ["--only-binary=:all:", "--implementation=cp", f"--python-version={kind.python}"]
        for glibc in (17, 28, 34):
            command += ["--platform", f"manylinux_2_{glibc}_{kind.target.machine}"]
        command += ["-d", str(folder), *wanted, "pip"]
        run(command, "pip could not download what the wheel requires: is the index in reach?")
        remember(folder, key)
    return folder


def certificates(folder: Path) -> None:
    """Write two CAs, one of which the system shall trust, and a server's certificate of each."""
    folder.mkdir()
    for name in ("known", "unknown"):
        authority = trustme.CA(organization_name=f"apikit's {name} CA")
        authority.cert_pem.write_to_path(str(folder / f"{name}-ca.pem"))
        server = authority.issue_cert(*NAMES)
        server.private_key_and_cert_chain_pem.write_to_path(str(folder / f"{name}.pem"))


@contextmanager
def installed(
    wheel: Path,
    kind: Kind,
    pins: Pins,
    *,
    names: Sequence[str] = DEPENDENCIES,
    packages: Sequence[str] = (),
) -> Iterator[System]:
    """Give a system where `wheel` and the distributions of `names` are in an environment.

    It is bare but for Debian's `packages`.

    Raises
    ------
    Refusal
        When the system is not bare.
    """
    suite = SUITES.get(kind.python, SUITE_OF_OTHERS)
    base = make_system(suite, kind.target.machine, pins)
    with fresh_copy(equip(base, packages) if packages else base) as root:
        found = [path for name in ("libcurl*", "*bin/gcc*", "*bin/cc") for path in root.rglob(name)]
        if found and not packages:
            raise Refusal(f"{suite} is not bare: it has {', '.join(map(str, found))}")
        shutil.copytree(wheelhouse(kind, names), root / "trial" / "wheels")
        shutil.copy2(wheel, root / "trial" / "wheels")
        (root / "etc" / "hosts").write_text(HOSTS)
        system = System(root)
        (pip,) = (root / "trial" / "wheels").glob("pip-*.whl")
        install = [System.PYTHON, f"/trial/wheels/{pip.name}/pip", "install", "--no-index", "-q"]
        install += ["--find-links=/trial/wheels", "--root-user-action=ignore", "--no-compile"]
        system.run(interpreter(kind, root), "-m", "venv", "--without-pip", "/trial/venv")
        system.run(*install, f"/trial/wheels/{wheel.name}", *names)
        yield system


def try_wheel(wheel: Path, kind: Kind, pins: Pins) -> None:
    """Install `wheel` into an empty environment of a bare system and use it there.

    Raises
    ------
    Refusal
        When something of tests/release/trial.py fails.
    """
    with installed(wheel, kind, pins) as system:
        trial = system.root / "trial"
        shutil.copy2(TRIAL, trial)
        certificates(trial / "certificates")
        trusted = system.root / "usr" / "local" / "share" / "ca-certificates" / "apikit.crt"
        shutil.copy2(trial / "certificates" / "known-ca.pem", trusted)
        system.run("update-ca-certificates")
        print(f"{wheel.name} in a bare {system.name}:", flush=True)
        print(system.run(System.PYTHON, "/trial/trial.py"), end="", flush=True)


def interpreter(kind: Kind, root: Path) -> str:
    """Return the Python in `root`: its own, or a copy of the one that gave the headers."""
    if kind.python in SUITES:
        return "/usr/bin/python3"
    installed = find_installed(kind.python)
    if installed is None:
        raise Refusal(f"Python {kind.python} is not installed here any more")
    prefix, _ = installed
    copy = root / prefix.relative_to("/")
    not_needed = shutil.ignore_patterns("test", "site-packages", "__pycache__", "*.a")
    shutil.copytree(prefix, copy, symlinks=True, ignore=not_needed)
    return str(prefix / "bin" / f"python{kind.python}")

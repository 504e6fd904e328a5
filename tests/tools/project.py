"""The checkout: where things are, what a build depends on, how a command is run."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

__all__ = [
    "CACHE",
    "ROOT",
    "Refusal",
    "digest",
    "is_current",
    "locked",
    "neutral_environment",
    "remember",
    "run",
]

ROOT = Path(__file__).resolve().parents[2]
CACHE = ROOT / ".cache"

# Presets of the machine that would change which certificates or proxies the tests see.
PRESETS = (
    "CURL_CA_BUNDLE",
    "REQUESTS_CA_BUNDLE",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "PYTHONPATH",
    *(f"{scheme}_proxy" for scheme in ("http", "https", "all", "no")),
    *(f"{scheme}_PROXY" for scheme in ("HTTP", "HTTPS", "ALL", "NO")),
)


class Refusal(Exception):
    """What stands in the way, as one line that says what to do."""


def neutral_environment(extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return the environment without the machine's presets, and with `extra`."""
    kept = {name: value for name, value in os.environ.items() if name not in PRESETS}
    return {**kept, **(extra or {})}


def digest(paths: Iterable[Path], *facts: object) -> str:
    """Return a short hash of the names and contents of `paths` and of all `facts`."""
    state = hashlib.sha256(repr((sys.version, *facts)).encode())
    for path in sorted(paths):
        content = hashlib.sha256(path.read_bytes()).hexdigest()
        state.update(f"{path.relative_to(ROOT)}\0{content}\n".encode())
    return state.hexdigest()[:20]


def is_current(target: Path, wanted: str) -> bool:
    """Whether `target` was made from the inputs whose hash is `wanted`; see `remember`."""
    stamp = target.with_name(target.name + ".stamp")
    return target.exists() and stamp.exists() and stamp.read_text() == wanted


def remember(target: Path, made: str) -> None:
    """Remember that `target` is made from the inputs whose hash is `made`."""
    target.with_name(target.name + ".stamp").write_text(made)


@contextlib.contextmanager
def locked() -> Iterator[None]:
    """Keep other runs in the same checkout from building at the same time; not to be nested."""
    CACHE.mkdir(exist_ok=True)
    with (CACHE / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def run(
    command: Sequence[str | Path],
    refusal: str,
    *,
    cwd: Path = ROOT,
    environment: Mapping[str, str] | None = None,
) -> None:
    """Run a command whose output only matters when it fails.

    Raises
    ------
    Refusal
        When it exits non-zero: `refusal`, below what the command printed.
    """
    done = subprocess.run(
        command,
        cwd=cwd,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    if done.returncode != 0:
        sys.stderr.write(done.stdout)
        raise Refusal(refusal)

"""The service that ``python -m apikit new`` writes: the rules of its names, and its files."""

from __future__ import annotations

import os
import re
import shutil
import tempfile
import unicodedata
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from apikit import _core

__all__ = ["AUTH_TYPES", "Plan", "check", "write_service"]

AUTH_TYPES: Final = ("none", "basic", "bitly-proxy")

#: A name of Kubernetes has at most 63 characters (RFC 1035), "uservice-" among them.
_LONGEST_NAME: Final = 54
_LONGEST_PREFIX: Final = 64
_LONGEST: Final = 200
_NAME: Final = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_SEGMENT: Final = re.compile(r"[A-Za-z0-9_~-][A-Za-z0-9._~-]*")

#: Template -> where it goes; "package" stands for the name of the package.
_FILES: Final = {
    "README.md": "README.md",
    "pyproject.toml": "pyproject.toml",
    "gunicorn.conf.py": "gunicorn.conf.py",
    "Dockerfile": "Dockerfile",
    "dockerignore": ".dockerignore",
    "gitignore": ".gitignore",
    "package/__init__.py": "package/__init__.py",
    "package/server.py": "package/server.py",
    "package/py.typed": "package/py.typed",
    "tests/test_server.py": "tests/test_server.py",
    "kubernetes/deployment.yaml": "kubernetes/deployment.yaml",
    "kubernetes/service.yaml": "kubernetes/service.yaml",
    "kubernetes/ingress.yaml": "kubernetes/ingress.yaml",
    "kubernetes/autoscaler.yaml": "kubernetes/autoscaler.yaml",
}


@dataclass(frozen=True)
class Plan:
    """What a service is to be; each value must pass `check`.

    Attributes
    ----------
    name
        The distribution is ``uservice-NAME``, the package ``uservice_NAME``.
    auth
        One of `AUTH_TYPES`.
    backend
        URL of the back end, or of the proxy before it.
    prefix
        The path that its routes are under, where an ingress leaves it there.
    description
        What it does.
    repository
        URL of its source.
    """

    name: str
    auth: str
    backend: str
    prefix: str
    description: str
    repository: str

    @property
    def package(self) -> str:
        """The name to import."""
        return f"uservice_{self.name.replace('-', '_')}"


def check(option: str, value: str) -> None:
    """Refuse a value that no service could have.

    Parameters
    ----------
    option
        An attribute of `Plan`.
    value
        What was given for it.

    Raises
    ------
    ValueError
        In one line: what was wrong, and what to give.
    """
    _CHECKS[option](option, value)


def write_service(plan: Plan, folder: Path) -> list[str]:
    """Write a service: all of it, or nothing.

    Parameters
    ----------
    plan
        What it is.
    folder
        Where to; must not exist, or be empty.

    Returns
    -------
    list of str
        The files, as paths below the folder.

    Raises
    ------
    ValueError
        If a value of the plan is none that a service could have.
    OSError
        If the folder cannot be written; the text says what to do.
    """
    for option, value in asdict(plan).items():
        check(option, value)
    rendered = _render(plan)
    target = folder.resolve()
    _refuse_what_is_there(folder, target)
    try:
        # Beside the target, and renamed to it when it is whole.
        made = Path(tempfile.mkdtemp(prefix=f".{target.name}-", dir=target.parent))
    except OSError as exception:
        raise OSError(
            f"{target.parent} cannot be written to ({exception.strerror}): "
            "choose another place with --output"
        ) from exception
    try:
        for name, text in rendered.items():
            path = made / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        made.chmod(0o777 & ~_umask())
        made.replace(target)
    except OSError as exception:
        raise OSError(
            f"{folder} cannot be written ({exception.strerror}): nothing was left there; choose "
            "another place with --output"
        ) from exception
    finally:
        shutil.rmtree(made, ignore_errors=True)
    return list(rendered)


def _render(plan: Plan) -> dict[str, str]:
    """Return the text of each file by its path."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("apikit"),
        undefined=StrictUndefined,
        autoescape=False,  # noqa: S701 - no HTML; what is quoted is quoted by a filter
        keep_trailing_newline=True,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["quoted"] = _quoted
    values = {**asdict(plan), "package": plan.package}
    return {
        target.replace("package/", f"{plan.package}/"): environment.get_template(
            f"{template}.j2"
        ).render(values)
        for template, target in _FILES.items()
    }


def _refuse_what_is_there(folder: Path, target: Path) -> None:
    if not target.parent.is_dir():
        raise OSError(f"there is no folder {target.parent}: make it first, or choose another place")
    if not target.exists():
        return
    if not target.is_dir():
        raise OSError(f"{folder} is there and no folder: move it away, or give another --output")
    if any(target.iterdir()):
        raise OSError(f"{folder} is there and not empty: empty it, or give another --output")
    if target == Path.cwd():
        raise OSError(f"{folder} is the current folder: leave it, and name it from outside")


def _umask() -> int:
    mask = os.umask(0o077)
    os.umask(mask)
    return mask


def _quoted(text: str) -> str:
    """Return the text as a string of TOML and of Python, in double quotes."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


# What a value may be.


def _check_name(_option: str, value: str) -> None:
    if _NAME.fullmatch(value) and len(value) <= _LONGEST_NAME:
        return
    if len(value) > _LONGEST_NAME:
        raise ValueError(f"the name has {len(value)} characters: give at most {_LONGEST_NAME}")
    plain = unicodedata.normalize("NFKD", value).encode("ascii", "ignore").decode().lower()
    better = re.sub(r"[^a-z0-9]+", "-", plain).strip("-")
    hint = f", such as {better!r}" if better else ""
    raise ValueError(
        f"{value!r} is no name for a service: give a lower-case word of letters, digits and "
        f"single hyphens{hint}"
    )


def _check_auth(_option: str, value: str) -> None:
    if value not in AUTH_TYPES:
        raise ValueError(f"--auth must be one of {', '.join(AUTH_TYPES)}, not {value!r}")


def _check_url(option: str, value: str) -> None:
    what = f"--{option} must be an http or https URL"
    try:
        _core.normalize_url(value)
        parts = urlsplit(value)
        has_credentials = "@" in parts.netloc
    except ValueError:  # without the URL: there may be a password in it
        raise ValueError(f"{what} such as https://host.example.org") from None
    if has_credentials:
        raise ValueError(f"--{option} must have no user name or password: files would show them")
    if not value.isascii() or re.search(r"[\s\"'\\<>`{}|^]", value):
        raise ValueError(f"{what} without spaces, quotes and other special characters")
    if parts.query or parts.fragment:
        raise ValueError(f"{what} without ? and #")
    if len(value) > _LONGEST:
        raise ValueError(f"{what} of at most {_LONGEST} characters")


def _check_prefix(_option: str, value: str) -> None:
    segments = value.removeprefix("/").split("/")
    good = value == "/" or (value[:1] == "/" and all(map(_SEGMENT.fullmatch, segments)))
    if not good or len(value) > _LONGEST_PREFIX:
        raise ValueError(
            "--prefix must be a path of letters, digits, '.', '_', '~' and '-', with one slash "
            f"before each segment and at most {_LONGEST_PREFIX} characters, not {value!r}"
        )


def _check_description(_option: str, value: str) -> None:
    kinds = {unicodedata.category(character) for character in value}
    if not value.strip() or len(value) > _LONGEST or kinds & {"Cc", "Cs", "Zl", "Zp"}:
        raise ValueError(
            f"--description must be one line of 1 to {_LONGEST} characters, without control "
            "characters"
        )


_CHECKS: Final[dict[str, Callable[[str, str], None]]] = {
    "name": _check_name,
    "auth": _check_auth,
    "backend": _check_url,
    "prefix": _check_prefix,
    "description": _check_description,
    "repository": _check_url,
}

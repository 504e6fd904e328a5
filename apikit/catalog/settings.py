"""What the catalog shows and how often it asks, read from a TOML file."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

__all__ = ["Service", "Settings", "read_settings"]

_SCHEMES: Final = ("http", "https")


@dataclass(frozen=True)
class Service:
    """A service that the catalog shows.

    Parameters
    ----------
    url
        Where its users find it.
    metadata
        Where the catalog asks; ``url`` with ``/metadata`` behind it if "".  Another
        address is of use where the catalog stands behind the front end itself.
    name
        What the page calls it; what the service calls itself if "".

    Raises
    ------
    TypeError
        If an argument is no string.
    ValueError
        If one is no http or https URL, or has credentials in it: they would be shown.
    """

    url: str
    metadata: str = ""
    name: str = ""

    def __post_init__(self) -> None:
        """Check the URLs and fill in the second."""
        if self.name != "":
            _check_text("name", self.name)
        _check_url("url", self.url)
        if not self.metadata:
            object.__setattr__(self, "metadata", self.url.rstrip("/") + "/metadata")
        _check_url("metadata", self.metadata)


@dataclass(frozen=True)
class Settings:
    """All that `create_app` wants to know.

    Parameters
    ----------
    services
        Whom to ask, in the order of the page.
    title, description
        What stands above the table, and in the catalog's own metadata.
    repository
        Where the catalog's own source or configuration is; in its metadata.
    interval
        Seconds between two questions to a service that answers; up to 15 % more or
        less, so that not all are asked at once.
    longest_interval
        Seconds between two questions to a service that goes on failing, at most: the
        interval is doubled at each failure after the first.
    timeout
        Seconds that a service may take to answer.
    concurrency
        How many are asked at the same time, at most.

    Raises
    ------
    TypeError, ValueError
        If an argument is wrong.
    """

    services: tuple[Service, ...]
    title: str = "Services"
    description: str = "The front page of these services"
    repository: str = "https://github.com/example/api-catalog"
    interval: float = 30.0
    longest_interval: float = 300.0
    timeout: float = 10.0
    concurrency: int = 16

    def __post_init__(self) -> None:
        """Check what was given."""
        for name in ("title", "description", "repository"):
            _check_text(name, getattr(self, name))
        for name in ("interval", "longest_interval", "timeout"):
            _check_number(name, getattr(self, name), int | float)
        _check_number("concurrency", self.concurrency, int)
        urls = [service.url for service in self.services]
        twice = sorted({url for url in urls if urls.count(url) > 1})
        if twice:
            raise ValueError(f"the service {twice[0]!r} is there twice: name each URL once")


def read_settings(path: str | os.PathLike[str]) -> Settings:
    """Read a TOML file: the settings by their names, and a table ``[[service]]`` for each.

    Parameters
    ----------
    path
        Of the file.

    Raises
    ------
    OSError
        If it cannot be read.
    ValueError
        If it is no TOML, or says something that is unknown or wrong: the text names the
        file and the place.
    """
    try:
        with Path(path).open("rb") as file:
            return _settings_of(tomllib.load(file))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, TypeError, ValueError) as error:
        raise ValueError(f"{os.fspath(path)}: {error}") from error


def _settings_of(table: Mapping[str, Any]) -> Settings:
    given = dict(table)
    listed = given.pop("service", [])
    if not isinstance(listed, list) or not all(isinstance(one, dict) for one in listed):
        raise TypeError("service must be an array of tables: write [[service]] above each")
    _refuse_unknown(given, (field.name for field in fields(Settings)), "")
    services = []
    for number, one in enumerate(listed, 1):
        where = f"service {number}: "
        _refuse_unknown(one, (field.name for field in fields(Service)), where)
        if "url" not in one:
            raise ValueError(f"{where}url is missing")
        try:
            services.append(Service(**one))
        except (TypeError, ValueError) as error:
            raise ValueError(f"{where}{error}") from error
    return Settings(tuple(services), **given)


def _refuse_unknown(table: Mapping[str, Any], known: Iterable[str], where: str) -> None:
    names = ["service" if name == "services" else name for name in known]
    for name in table:
        if name not in names:
            raise ValueError(f"{where}{name!r} is unknown: there are {', '.join(names)}")


def _check_text(name: str, value: object) -> None:
    if not isinstance(value, str):
        raise TypeError(f"{name} must be a str, not {type(value).__name__}")
    if not value:
        raise ValueError(f"{name} must not be empty")


def _check_number(name: str, value: object, kind: Any) -> None:
    if not isinstance(value, kind) or isinstance(value, bool):
        wanted = "a whole number" if kind is int else "a number"
        raise TypeError(f"{name} must be {wanted}, not {type(value).__name__}")
    if not 0 < value < 1e6:
        raise ValueError(f"{name} must be more than 0 and less than 1000000, not {value!r}")


def _check_url(name: str, url: object) -> None:
    _check_text(name, url)
    parts = urlsplit(str(url))
    if parts.scheme not in _SCHEMES or not parts.hostname:
        raise ValueError(f"{name} must be an http or https URL, not {url!r}")
    if parts.username is not None or parts.password is not None:
        raise ValueError(f"{name} must have no user name and password: the page would show them")
    if parts.query or parts.fragment:
        raise ValueError(f"{name} must have no query and no fragment, not {url!r}")

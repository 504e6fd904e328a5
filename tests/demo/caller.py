"""A caller of the service: one HTTP request with its credentials, and its curl line."""

from __future__ import annotations

import base64
import http.client
import json
import shlex
from dataclasses import dataclass
from typing import Any

from tests.servers import LOOPBACK, Server

__all__ = ["Credentials", "Reply", "Token", "call", "curl_line"]

_TIMEOUT_SECONDS = 60.0


@dataclass(frozen=True)
class Credentials:
    """A user name and a password."""

    name: str
    password: str

    def header(self) -> str:
        """Return the value of the Authorization header (RFC 7617, in UTF-8)."""
        pair = f"{self.name}:{self.password}".encode()
        return f"Basic {base64.b64encode(pair).decode()}"

    def curl_options(self) -> list[str]:
        """Return curl's options for it."""
        return ["-u", f"{self.name}:{self.password}"]


@dataclass(frozen=True)
class Token:
    """A token of an issuer, such as a program has."""

    text: str

    def header(self) -> str:
        """Return the value of the Authorization header (RFC 6750)."""
        return f"Bearer {self.text}"

    def curl_options(self) -> list[str]:
        """Return curl's options for it; the token is long, and its middle tells nothing."""
        return ["-H", f"Authorization: Bearer {self.text[:8]}...{self.text[-8:]}"]


@dataclass(frozen=True)
class Reply:
    """What the service answered."""

    status: int
    content_type: str
    text: str

    def json(self) -> Any:
        """Return the decoded body, or None if it is not JSON."""
        if self.content_type != "application/json":
            return None
        try:
            return json.loads(self.text)
        except ValueError:
            return None

    def __str__(self) -> str:
        return f"{self.status} {self.content_type}: {self.text.strip()}"


def call(service: Server, path: str, credentials: Credentials | Token | None = None) -> Reply:
    """Send a GET request to the service."""
    headers = {} if credentials is None else {"Authorization": credentials.header()}
    connection = http.client.HTTPConnection(LOOPBACK, service.port, timeout=_TIMEOUT_SECONDS)
    try:
        connection.request("GET", path, headers=headers)
        response = connection.getresponse()
        text = response.read().decode(errors="replace")
        return Reply(response.status, response.getheader("Content-Type", ""), text)
    finally:
        connection.close()


def curl_line(service: Server, path: str, credentials: Credentials | Token | None = None) -> str:
    """Return the command line that sends the same request."""
    options = [] if credentials is None else credentials.curl_options()
    return shlex.join(["curl", *options, service.url + path])

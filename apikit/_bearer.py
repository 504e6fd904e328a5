"""A caller's token, passed on with the one request that it came with."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import urljoin, urlsplit

from flask import request

from apikit import _core
from apikit._pooled import LoginError
from apikit.login import BY_CALLER
from apikit.models import PreparedRequest
from apikit.session import Session

__all__ = ["Bearer", "BearerSessions", "read_bearer"]

#: RFC 6750, section 2.1; as long as a password may be.
_HEADER: Final = re.compile(r"bearer +([A-Za-z0-9._~+/-]{1,16384}=*) *", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Bearer:
    """A token, as ``auth=`` of a session takes it.

    Attributes
    ----------
    token
        Not in the repr.
    """

    token: str = field(repr=False)

    def __call__(self, prepared: PreparedRequest) -> PreparedRequest:
        """Put the token into a request."""
        prepared.headers["Authorization"] = f"Bearer {self.token}"
        return prepared


def read_bearer() -> Bearer | None:
    """Return the token of the running Flask request; None if it has none that is one."""
    found = _HEADER.fullmatch(request.headers.get("Authorization", ""))
    return None if found is None else Bearer(found[1])


class _CallerSession(Session):
    """One for all callers: it keeps no cookies, and remembers no refusal."""

    def _note_refusal(self, logins: int) -> None:
        """Refuse the one call that was refused."""
        del logins
        raise LoginError(
            "the proxy refused the token: get a new one, made for the proxy", "bad-credentials"
        )


class BearerSessions:
    """What sends callers' tokens, for each way that an application has.

    Parameters
    ----------
    base_url
        Where the back end is: the tokens go to its origin alone.
    **options
        As `Session` takes them.
    """

    def __init__(self, base_url: str, **options: Any) -> None:
        self._base_url = base_url
        self._options = {**options, "login": BY_CALLER}
        self._sessions: dict[str | None, Session] = {}

    def find(self, auth: Mapping[str, Any]) -> Session:
        """Return what serves an application.

        Parameters
        ----------
        auth
            Its ``config["AUTH"]``.
        """
        endpoint = None
        if auth["type"] == "bitly-proxy":
            endpoint = auth["data"]["endpoint"]
            if not _core.same_origin(endpoint, self._base_url):
                # The proxy stands before the back end's own host, too: it is asked there.
                endpoint = urljoin(self._base_url, urlsplit(endpoint).path)
        if endpoint not in self._sessions:
            made = _CallerSession(None, None, endpoint, **self._options)
            if self._sessions.setdefault(endpoint, made) is not made:
                made.close()
        return self._sessions[endpoint]

    def set_hook(self, name: str, hook: object) -> None:
        """Let the sessions have a hook.

        Parameters
        ----------
        name
            As of the attribute of a session.
        hook
            The callable, or None.
        """
        self._options[name] = hook
        for session in list(self._sessions.values()):
            setattr(session, name, hook)

    def close(self) -> None:
        """Close the sessions."""
        for session in list(self._sessions.values()):
            session.close()

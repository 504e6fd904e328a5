"""How an exchange that the servers logged is told in one line."""

from __future__ import annotations

from urllib.parse import urlsplit

from tests.servers import PROVIDER_HOST, Event

__all__ = ["describe_hop", "is_back_channel"]

_LONGEST_QUERY = 40
_BACK_CHANNEL = ("/", "/user", "/login/oauth/access_token")


def is_back_channel(event: Event) -> bool:
    """Tell whether the proxy asked the provider, behind the client's back."""
    return event.server == "provider" and (
        event.path in _BACK_CHANNEL or event.path.startswith("/user/")
    )


def describe_hop(event: Event) -> str:
    """Return a line with who was asked, for what, and the answer."""
    indent = "  " if event.server == "backend" or is_back_channel(event) else ""
    asked = f"{indent}{event.server:<10}{event.method:<5}{_shorten(event.target)}"
    return f"{asked:<58} {event.status} {_remark(event)}".rstrip()


def _shorten(target: str) -> str:
    path, _, query = target.partition("?")
    if not query:
        return path
    return f"{path}?{query if len(query) <= _LONGEST_QUERY else '...'}"


def _remark(event: Event) -> str:
    remarks = []
    posted = event.note.get("posted")
    if posted:
        remarks.append(f"({len(posted)} inputs posted)")
    if event.location is not None:
        remarks.append(f"-> {_where(event)}")
    elif event.content_type:
        remarks.append(event.content_type.partition(";")[0])
    if event.server == "backend":
        remarks.append(f"for {event.note['user']}")
    return " ".join(remarks)


def _where(event: Event) -> str:
    """Return where a redirect leads: a server's name when it leaves the one that answered."""
    parts = urlsplit(event.location or "")
    server = "provider" if parts.hostname == PROVIDER_HOST else "proxy"
    away = bool(parts.hostname) and server != event.server
    return f"{server} {parts.path}" if away else parts.path

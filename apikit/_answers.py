"""What an answer shows of the login: the facts from which the C half decides who gave it."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final, NamedTuple, TypedDict
from urllib.parse import urljoin, urlsplit

from apikit import _core
from apikit.cookies import CookieJar
from apikit.login import Page
from apikit.response import Response

__all__ = [
    "Places",
    "Shown",
    "find_sent",
    "find_shown",
    "is_from_elsewhere",
    "last_at_proxy",
    "page_of",
]

#: The statuses with which a page for people may want a login.
_PAGES: Final = (200, 401, 403)

#: What nginx makes of a redirect, which keeps its Location, by ``error_page 401 =403``.
_WITH_LOCATION: Final = (401, 403)


#: The kinds of a page that holds forms.
_HTML: Final = ("text/html", "application/xhtml+xml")


class Shown(TypedDict):
    """What `_core.who_answered` wants to know of an answer besides its status."""

    html: bool
    gap_auth: bool
    at_provider: bool
    at_sign_in: bool
    form: bool
    credential: bool


class Places(NamedTuple):
    """Where a login begins and where it leads.

    Attributes
    ----------
    base_url
        Where the proxy begins a login.
    session_url
        Where the provider takes the form; empty if that is not known, and then what is not
        of the base URL's origin may be the provider's.
    """

    base_url: str
    session_url: str

    @property
    def auth_url(self) -> str:
        """Where the proxy says whether a request is logged in."""
        return urljoin(self.base_url, "auth")

    def is_proxy(self, url: str) -> bool:
        """Whether a URL is of the origin of the base URL."""
        return _same_origin(url, self.base_url)

    def is_provider(self, url: str) -> bool:
        """Whether a URL is the provider's; who that is may not be known."""
        if not self.session_url:
            return not self.is_proxy(url)
        return _same_origin(url, self.session_url)

    def is_sign_in(self, url: str) -> bool:
        """Whether a URL is the proxy's own, by which a login goes: nothing of a service's."""
        if not self.is_proxy(url):
            return False
        begin = urlsplit(self.base_url).path
        own = (begin, *(urljoin(begin, name) for name in ("start", "sign_in", "callback")))
        return urlsplit(url).path in own

    def is_own(self, url: str) -> bool:
        """Whether a URL is one of the proxy's own, where nothing of a service's can be."""
        folder = urljoin(urlsplit(self.base_url).path or "/", ".")
        below = folder != "/" and self.is_proxy(url) and urlsplit(url).path.startswith(folder)
        return below or self.is_sign_in(url)

    def came_by_callback(self, response: Response) -> bool:
        """Whether the provider sent the user back, and the proxy did not refuse it."""
        callback = urlsplit(urljoin(self.base_url, "callback")).path
        return any(
            self.is_proxy(one.url) and urlsplit(one.url).path == callback
            for one in (*response.history, response)
        )

    def location_of(self, response: Response) -> str:
        """Return where an answer redirects to; its own URL if nowhere."""
        return _resolve(response.url, response.headers.get("Location", ""))


def find_shown(
    response: Response,
    places: Places,
    offers_login: Callable[[Page], bool],
    *,
    is_header: bool,
) -> Shown:
    """Gather what an answer shows of the login.

    Parameters
    ----------
    response
        The answer; its body is read only if it may be the proxy's page, and of a stream
        that is to be had with a good status never.
    places
        Where the login is.
    offers_login
        Whether a page has a form that leads to the login.
    is_header
        Whether each request bears the login.
    """
    answers = [*response.history, response]
    urls = [answer.url for answer in answers]
    if response.is_redirect or response.status_code in _WITH_LOCATION:
        urls.append(places.location_of(response))
    at_provider = not places.is_provider(urls[0]) and places.is_provider(urls[-1])
    guards = [url for url in urls if not (at_provider and places.is_provider(url))]
    at_sign_in = not places.is_sign_in(urls[0]) and places.is_sign_in(guards[-1])
    html = response.headers.get("Content-Type", "").lower().startswith("text/html")
    known = at_provider or at_sign_in
    return {
        "html": html,
        "gap_auth": "GAP-Auth" in last_at_proxy(response, places).headers,
        "at_provider": at_provider,
        "at_sign_in": at_sign_in,
        "form": html and not known and _has_form(response, places, offers_login),
        "credential": is_header,
    }


def last_at_proxy(response: Response, places: Places) -> Response:
    """Return the last answer that is not the provider's; if all are, the last."""
    answers = [*response.history, response]
    own = [answer for answer in answers if not places.is_provider(answer.url)]
    return own[-1] if own else response


def is_from_elsewhere(response: Response, places: Places) -> bool:
    """Whether an answer is to another request, since the one that was asked went by the provider.

    The provider still knew the user: the login was renewed on the way, but what was
    a POST came back as a GET, and the URL is the one that the proxy remembered.
    """
    passed = [one.url for one in response.history[1:]]
    if not (any(map(places.is_provider, passed)) and any(map(places.is_sign_in, passed))):
        return False
    first = response.history[0]
    asked = (first.request.method, first.url)
    return asked != (response.request.method, response.url) and not (
        places.is_provider(response.url) or places.is_sign_in(response.url)
    )


def find_sent(response: Response, places: Places, jar: CookieJar) -> dict[str, str]:
    """Return the fields that the proxy must judge: cookies and credentials.

    A service on another host than the proxy's was sent other cookies: there those of
    the session for the proxy serve.
    """
    if places.is_proxy(response.url):
        sent = response.request.headers
        return {name: sent[name] for name in ("Cookie", "Authorization") if name in sent}
    cookies = jar._header(places.auth_url, int(time.time())).decode("latin-1")
    return {"Cookie": cookies} if cookies else {}


def page_of(response: Response) -> Page:
    """Return an answer as strategies read it; its body is read when it is asked for."""
    headers = response.headers
    return Page(
        response.url,
        response.status_code,
        lambda: response.text,
        is_html=headers.get("Content-Type", "").strip().lower().startswith(_HTML),
        location=_resolve(response.url, headers["Location"]) if "Location" in headers else "",
        is_busy=response.status_code == 503 and "Retry-After" in headers,
    )


def _has_form(response: Response, places: Places, offers_login: Callable[[Page], bool]) -> bool:
    if response.status_code not in _PAGES:
        return False
    if response.status_code == 200 and (
        response.is_stream or urlsplit(places.base_url).path not in response.text
    ):
        return False
    return offers_login(page_of(response))


def _same_origin(first: str, second: str) -> bool:
    try:
        return _core.same_origin(first, second)
    except ValueError:  # one of them is no URL
        return False


def _resolve(base: str, reference: str) -> str:
    try:
        return _core.resolve_url(base, reference)
    except ValueError:
        return base

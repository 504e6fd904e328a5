"""A person with a browser: follows links and fills in forms, and knows nothing of apikit."""

from __future__ import annotations

import urllib.error
import urllib.request
from collections.abc import Mapping
from http.cookiejar import CookieJar, DefaultCookiePolicy
from urllib.parse import urlencode, urljoin

from bs4 import BeautifulSoup, Tag

__all__ = ["Browser", "Page"]

_TIMEOUT_SECONDS = 60.0


class Page:
    """An answer as a person sees it."""

    def __init__(self, url: str, status: int, headers: Mapping[str, str], text: str) -> None:
        self.url = url
        self.status = status
        self.headers = headers
        self.text = text
        self._forms = BeautifulSoup(text, "html.parser").find_all("form")

    def form(self, name: str) -> Tag:
        """Return the one form that holds a field or button of that name."""
        (form,) = (form for form in self._forms if form.find(None, {"name": name}) is not None)
        assert isinstance(form, Tag)
        return form

    def forms(self) -> list[Tag]:
        """Return all forms."""
        return list(self._forms)


class Browser:
    """Cookies, redirects and forms.

    Browsers send Secure cookies over http to loopback, which requests does not.
    """

    def __init__(self) -> None:
        policy = DefaultCookiePolicy(secure_protocols=("https", "http"))
        self._jar = CookieJar(policy)
        self._opener = urllib.request.build_opener(
            urllib.request.ProxyHandler({}), urllib.request.HTTPCookieProcessor(self._jar)
        )

    def get(self, url: str, **headers: str) -> Page:
        """Go to an address."""
        return self._open(urllib.request.Request(url, headers=headers))

    def _open(self, request: urllib.request.Request) -> Page:
        try:
            answer = self._opener.open(request, timeout=_TIMEOUT_SECONDS)
        except urllib.error.HTTPError as refusal:
            answer = refusal
        with answer:
            text = answer.read().decode(errors="replace")
            return Page(answer.url, answer.status, answer.headers, text)

    def submit(self, page: Page, form: Tag, values: Mapping[str, str], button: str = "") -> Page:
        """Fill in a form and press a button: the first, or the one of that name.

        Raises
        ------
        KeyError
            The form has no field of a name in `values`.
        """
        fields: list[tuple[str, str]] = []
        left = dict(values)
        pressed = False
        for field in form.find_all(["input", "button"]):
            name, kind = field.get("name"), field.get("type") or _kind(field)
            if kind == "submit":
                wanted = not pressed and (not button or name == button)
                pressed = pressed or wanted
                if not (wanted and name):
                    continue
            elif not name or kind in ("button", "checkbox"):
                continue
            value = str(field.get("value") or "")
            fields.append((str(name), left.pop(str(name), value)))
        if left:
            raise KeyError(f"the form has no {', '.join(left)}")
        action = urljoin(page.url, str(form.get("action") or page.url))
        return self._open(urllib.request.Request(action, urlencode(fields).encode()))

    def forget(self, host: str) -> None:
        """Forget the cookies of a host."""
        for cookie in list(self._jar):
            if cookie.domain in (host, f"{host}.local"):
                self._jar.clear(cookie.domain, cookie.path, cookie.name)


def _kind(field: Tag) -> str:
    return "submit" if field.name == "button" else "text"

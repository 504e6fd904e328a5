"""How a program gets a token: by the password grant, or by hand where there is no such grant."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import requests

from tests.servers import User

from .browser import Browser, Page
from .worlds import Provider, World

__all__ = ["REFUSED", "fill_in", "get_token"]

REFUSED = "refused"
"""What stands for a token that the provider did not give: no proxy takes it."""

#: The field of the user's name.
_USER_FIELD = {Provider.KEYCLOAK: "username", Provider.HTPASSWD: "username"}
_BY_HAND = (Provider.DEX, Provider.OIDC_PROVIDER)
_TIMEOUT_SECONDS = 60.0


def fill_in(world: World, browser: Browser, page: Page, user: User, password: str) -> Page:
    """Fill in the log-in form of a page as a person does, and return the page that follows."""
    field = _USER_FIELD.get(world.provider, "login")
    values = {field: world.name_of(user), "password": password}
    return browser.submit(page, page.form("password"), values)


def get_token(
    world: World, user: User, password: str, *, brief_seconds: int | None = None, code: str = ""
) -> str:
    """Return a token of a user from the provider, or `REFUSED`.

    Parameters
    ----------
    world : `World`
        Whose provider is asked.
    user : `User`
        Whom the token is about.
    password : `str`
        What the provider is told.
    brief_seconds : `int`, optional
        Get one that is good for so long: the scripted issuer does as it is told, the others
        have a client with two seconds.
    code : `str`, optional
        A one-time code.
    """
    client = "proxy" if brief_seconds is None else "brief-proxy"
    form = {"client_id": client, "client_secret": "of-the-tests", "scope": "openid email"}
    if world.provider in _BY_HAND:
        callback = f"{world.door.url}/oauth2/callback"
        found = _code_by_hand(world, user, password, client, callback)
        if found is None:
            return REFUSED
        form |= {"grant_type": "authorization_code", "code": found, "redirect_uri": callback}
    else:
        form |= {"grant_type": "password", "username": user.name, "password": password}
        if code:
            form["totp"] = code
        if brief_seconds is not None:
            form["seconds"] = str(brief_seconds)
    answer = requests.post(_discover(world)["token_endpoint"], form, timeout=_TIMEOUT_SECONDS)
    return str(answer.json().get("id_token", REFUSED))


def _discover(world: World) -> dict[str, Any]:
    url = f"{world.issuer}/.well-known/openid-configuration"
    found: dict[str, Any] = requests.get(url, timeout=_TIMEOUT_SECONDS).json()
    return found


def _code_by_hand(
    world: World, user: User, password: str, client: str, callback: str
) -> str | None:
    """Log in with a browser up to the callback, at which the proxy, who began nothing, refuses."""
    query = {
        "client_id": client,
        "response_type": "code",
        "scope": "openid email",
        "redirect_uri": callback,
        "state": "of-the-tests",
    }
    browser = Browser()
    page = browser.get(f"{_discover(world)['authorization_endpoint']}?{urlencode(query)}")
    page = fill_in(world, browser, page, user, password)
    return parse_qs(urlsplit(page.url).query).get("code", [None])[0]

"""The cases of the canary proof: every way that a redirect or a form may lead a password astray."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from html import escape
from itertools import product
from typing import Final

from tests.prove.canary_net import Answer, Net, answer, login_form

__all__ = ["CASES", "HEADERS", "STATUSES", "Case"]

STATUSES: Final = (301, 302, 303, 307, 308)
HEADERS: Final = ("header basic", "header bearer", "header of a function", "caller's bearer")
_STRANGERS: Final = ("port", "host", "twin")

Routes = Mapping[tuple[str, str], Answer]

#: URLs that lead astray, or nowhere: {provider} and so on are the ports of `Net`.
_FOREIGN: Final = {
    "another port": "http://localhost:{port}/session",
    "the provider by its address": "http://127.0.0.1:{provider}/session",
    "another address": "http://127.0.0.2:{host}/session",
    "the same port elsewhere": "http://127.0.0.3:{provider}/session",
    "no scheme": "//127.0.0.2:{host}/session",
    "no scheme, a user": "//localhost:{provider}@127.0.0.2:{host}/session",
    "a user like the host": "http://localhost:{provider}@127.0.0.2:{host}/session",
    "a user like the URL": "http://http%3A%2F%2Flocalhost@127.0.0.2:{host}/session",
    "two users": "http://a@localhost:{provider}@127.0.0.2:{host}/session",
    "backslashes": "http:\\\\127.0.0.2:{host}\\session",
    "a backslash before the user": "http://127.0.0.2:{host}\\@localhost:{provider}/session",
    "slash and backslash": "/\\127.0.0.2:{host}/session",
    "backslash and slash": "\\/127.0.0.2:{host}/session",
    "two backslashes": "\\\\127.0.0.2:{host}\\session",
    "three slashes": "///127.0.0.2:{host}/session",
    "one slash": "http:/127.0.0.2:{host}/session",
    "no slash": "http:127.0.0.2:{host}/session",
    "a name below": "http://evil.localhost:{port}/session",
    "a name that begins alike": "http://localhost.evil.localhost:{port}/session",
    "a dot behind the name": "http://localhost.:{provider}/session",
    "a large scheme": "HTTP://127.0.0.2:{host}/session",
    "https": "https://localhost:{provider}/session",
    "https elsewhere": "https://127.0.0.2:{host}/session",
    "a decimal address": "http://2130706434:{host}/session",
    "a hexadecimal address": "http://0x7f000002:{host}/session",
    "an octal address": "http://0177.0.0.2:{host}/session",
    "a short address": "http://127.2:{host}/session",
    "wide digits": "http://\uff11\uff12\uff17.0.0.2:{host}/session",
    "a wide dot": "http://127\u30020.0.2:{host}/session",
    "a mapped address": "http://[::ffff:127.0.0.2]:{host}/session",
    "a tab in it": "ht\ttp://127.0.0.2:{host}/session",
    "a tab between the slashes": "/\t/127.0.0.2:{host}/session",
    "space around it": "  http://127.0.0.2:{host}/session  ",
    "a query at once": "http://127.0.0.2:{host}?@localhost:{provider}/session",
    "a fragment at once": "http://127.0.0.2:{host}#@localhost:{provider}/session",
    "a coded slash": "http://127.0.0.2:{host}%2f@localhost:{provider}/session",
    "zeros before the port": "http://localhost:000{port}/session",
    "javascript": "javascript:location='http://127.0.0.2:{host}/session'",
    "data": "data:text/html,http://127.0.0.2:{host}/session",
    "file": "file:///etc/hostname",
    "ftp": "ftp://127.0.0.2:{host}/session",
    "ws": "ws://127.0.0.2:{host}/session",
    "view-source": "view-source:http://127.0.0.2:{host}/session",
}
#: Those of them that lead to somebody for certain.
_REACHED: Final = (
    "another port",
    "the provider by its address",
    "another address",
    "the same port elsewhere",
    "no scheme",
    "no scheme, a user",
    "a user like the host",
    "a name below",
)


@dataclass(frozen=True)
class Case:
    """A case.

    Attributes
    ----------
    name
        What leads where.
    way
        What the client does: "log in", "renew" (the log-in is lost and found to be so), each
        also "by any form"; "basic" and "basic post" (a back end is called with Basic
        credentials); or one of `HEADERS`, by which each request bears the secret.
    routes
        What the listeners answer.
    is_honest
        Whether the password must come where it belongs, since nothing is wrong.
    """

    name: str
    way: str
    routes: Callable[[Net], Routes]
    is_honest: bool = False


def _place(net: Net, name: str) -> str:
    return _FOREIGN[name].format(**net.ports)


def _redirect(net: Net, status: int, name: str) -> bytes:
    return answer(status, f"Location: {_place(net, name)}")


def _one_route(who: str, path: str, make: Callable[[Net], Answer]) -> Callable[[Net], Routes]:
    """Return the routes of a case that differs from an honest log-in in one place."""
    return lambda net: {(who, path): make(net)}


def _page(make: Callable[[Net], str]) -> Callable[[Net], Routes]:
    """Return the routes of a case in which the provider's page is another one."""
    return _one_route("provider", "/login", lambda net: answer(200, body=make(net)))


def _honest_cases() -> Iterator[Case]:
    yield Case("nothing is wrong", "log in", lambda net: {}, is_honest=True)
    for action in ("/session", "session", "./session", "?a=b", "#x", ""):
        form = login_form(action)
        yield Case(f"the action {action!r}", "log in", _page(partial(_same, html=form)), True)
    in_full = _page(lambda net: login_form(net.url("provider", "/session").upper()))
    yield Case("the action in full", "log in", in_full, is_honest=True)
    for status in STATUSES:
        routes = _one_route("proxy", "/oauth2/start", partial(_lead_home, status=status))
        yield Case(f"a {status} to the provider's page", "log in", routes, is_honest=True)


def _same(net: Net, html: str) -> str:
    return html


def _lead_home(net: Net, status: int) -> bytes:
    return answer(status, f"Location: {net.url('provider', '/login')}")


def _redirected_forms() -> Iterator[Case]:
    """The provider redirects the posted form."""
    for status, name in product(STATUSES, _FOREIGN):
        astray = partial(_redirect, status=status, name=name)
        routes = _one_route("provider", "/session", astray)
        yield Case(f"{status} of the form to {name}", "log in", routes)


def _redirected_twice() -> Iterator[Case]:
    """It does so by way of a page of its own, or home by way of a stranger."""
    for first, second, name in product(STATUSES, STATUSES, ("another port", "another address")):
        routes = partial(_by_next, first=first, second=second, name=name)
        yield Case(f"{first} and {second} of the form to {name}", "log in", routes)
    for first, second in product(STATUSES, STATUSES):
        routes = partial(_by_a_stranger, first=first, second=second)
        yield Case(f"{first} of the form to a stranger, {second} home", "log in", routes)


def _by_next(net: Net, first: int, second: int, name: str) -> Routes:
    return {
        ("provider", "/session"): answer(first, "Location: /next"),
        ("provider", "/next"): _redirect(net, second, name),
    }


def _by_a_stranger(net: Net, first: int, second: int) -> Routes:
    return {
        ("provider", "/session"): _redirect(net, first, "another address"),
        ("host", "*"): answer(second, f"Location: {net.url('provider', '/session')}"),
    }


#: What of a page leads astray; {evil} is where to.
_ASTRAY: Final = {
    "the action is": login_form("{evil}"),
    "the action of the button is": login_form(
        "/session", '<button formaction="{evil}">Go</button>'
    ),
    "the action is /session, the base is": '<base href="{evil}">' + login_form("/session"),
    "the action is session, the base is": '<base href="{evil}">' + login_form("session"),
}


def _foreign_actions() -> Iterator[Case]:
    """The form of the provider's page leads elsewhere."""
    for name, (what, html) in product(_FOREIGN, _ASTRAY.items()):
        routes = _page(partial(_with_evil, html=html, name=name))
        yield Case(f"{what} {name}", "log in", routes)


def _with_evil(net: Net, html: str, name: str) -> str:
    evil = _place(net, name)
    return html.format(
        evil=escape(evil),
        entities="".join(f"&#{ord(letter)};" for letter in evil),
        form=login_form("/session"),
    )


def _foreign_pages() -> Iterator[Case]:
    """The proxy sends the client to a stranger's page, whose form leads home or not."""
    for status, name, home in product(STATUSES, _REACHED, (True, False)):
        routes = partial(_at_a_strangers, status=status, name=name, home=home)
        yield Case(f"{status} to a page of {name}, its form leads {home=}", "log in", routes)


def _at_a_strangers(net: Net, status: int, name: str, home: bool) -> Routes:
    form = login_form(net.url("provider", "/session") if home else "")
    everybody = ("port", "host", "twin", "provider")
    return {
        **{(who, "*"): answer(200, body=form) for who in everybody},
        ("proxy", "/oauth2/start"): _redirect(net, status, name),
    }


#: Pages with more than the log-in form; {evil} is a stranger's URL, {form} the honest form.
_DECOYS: Final = {
    "a stranger's form before it": '<form action="{evil}" method="post"><input name="login">'
    '<input type="password" name="password"></form>{form}',
    "a stranger's form behind it": '{form}<form action="{evil}" method="post">'
    '<input name="login"><input type="password" name="password"></form>',
    "around it": '<form action="{evil}" method="post">{form}</form>',
    "in it": '<form action="/session" method="post"><form action="{evil}" method="post">'
    '<input type="hidden" name="authenticity_token" value="T"><input name="login">'
    '<input type="password" name="password"></form></form>',
    "a stranger's form without a password": '<form action="{evil}" method="post">'
    '<input name="login"></form>{form}',
    "a stranger's form by GET": '<form action="{evil}"><input name="login">'
    '<input type="password" name="password"></form>{form}',
    "the honest form by GET": '<form action="/session"><input name="authenticity_token">'
    '<input name="login"><input type="password" name="password"></form>',
    "a form whose inputs are elsewhere": '<form id="f" action="{evil}" method="post"></form>'
    '<input form="f" type="hidden" name="authenticity_token" value="T">'
    '<input form="f" name="login"><input form="f" type="password" name="password">',
    "an action given twice": '<form action="{evil}" action="/session" method="post">'
    '<input type="hidden" name="authenticity_token" value="T"><input name="login">'
    '<input type="password" name="password"></form>',
    "an action without quotes": "<form action={evil} method=post>"
    "<input type=hidden name=authenticity_token value=T><input name=login>"
    "<input type=password name=password></form>",
    "an action in entities": '<form action="{entities}" method="post">'
    '<input type="hidden" name="authenticity_token" value="T"><input name="login">'
    '<input type="password" name="password"></form>',
    "a large tag": '<FORM ACTION="{evil}" METHOD="POST"><INPUT TYPE="HIDDEN" '
    'NAME="authenticity_token" VALUE="T"><INPUT NAME="login">'
    '<INPUT TYPE="PASSWORD" NAME="password"></FORM>',
    "two bases": '<base href="{evil}"><base href="/">{form}',
    "a base in the body": '<body><p><base href="{evil}">{form}',
    "a refresh": '<meta http-equiv="refresh" content="0; url={evil}">{form}',
    "a template": '<template><form action="{evil}" method="post"></template>{form}',
    "a comment": '<!-- <form action="/session" method="post"> --><form action="{evil}" '
    'method="post"><input type="hidden" name="authenticity_token" value="T">'
    '<input name="login"><input type="password" name="password"></form>',
    "a title": '<title></form></title><form action="{evil}" method="post">'
    '<input type="hidden" name="authenticity_token" value="T"><input name="login">'
    '<input type="password" name="password"></form>',
    "an image button": '<form action="/session" method="post"><input type="hidden" '
    'name="authenticity_token" value="T"><input name="login"><input type="password" '
    'name="password"><input type="image" src="{evil}" formaction="{evil}"></form>',
    "plain text": '<form action="{evil}" method="post" enctype="text/plain"><input type="hidden" '
    'name="authenticity_token" value="T"><input name="login"><input type="password" '
    'name="password"></form>',
}
_FIELDS: Final = {
    "Refresh": "Refresh: 0; url={evil}",
    "Location of a 200": "Location: {evil}",
    "Content-Location": "Content-Location: {evil}",
    "Link": 'Link: <{evil}>; rel="canonical"',
    "X-Forwarded-Host": "X-Forwarded-Host: {evil}",
    "a cookie for all": "Set-Cookie: a=b; Domain=localhost; Path=/",
}


def _decoy_pages() -> Iterator[Case]:
    """The provider's page has more than it should, or says more in its head."""
    for (what, html), name in product(_DECOYS.items(), ("another port", "another address")):
        routes = _page(partial(_with_evil, html=html, name=name))
        yield Case(f"{what}: {name}", "log in", routes)
    for (what, field), name in product(_FIELDS.items(), ("another port", "another address")):
        page = partial(_page_with_field, field=field, name=name)
        yield Case(f"{what}: {name}", "log in", _one_route("provider", "/login", page))


def _page_with_field(net: Net, field: str, name: str) -> bytes:
    return answer(200, field.format(evil=_place(net, name)), body=login_form("/session"))


def _renewals() -> Iterator[Case]:
    """The log-in was good; then what stands for the proxy leads to strangers."""
    for status, name in product(STATUSES, _REACHED):
        astray = partial(_redirect, status=status, name=name)
        routes = _one_route("proxy", "/api", astray)
        yield Case(f"{status} of a call to {name}", "renew", routes)
        lost = partial(_lost, status=status, name=name)
        yield Case(f"the log-in is lost, {status} to {name}", "renew", lost)


def _lost(net: Net, status: int, name: str) -> Routes:
    return {
        ("proxy", "/api"): answer(403, body='<form action="/oauth2/start"></form>'),
        ("proxy", "/oauth2/start"): _OnceHonest(net, _redirect(net, status, name)),
    }


class _OnceHonest:
    """The route that begins a log-in as it should, and from the second on otherwise."""

    def __init__(self, net: Net, later: bytes) -> None:
        self._answers = [later, _lead_home(net, 302)]

    def __call__(self, received: object) -> bytes:
        return self._answers.pop() if len(self._answers) > 1 else self._answers[0]


def _calls() -> Iterator[Case]:
    """A back end that takes what each request bears redirects to strangers."""
    for way, status, name in product(("basic", "basic post", *HEADERS), STATUSES, _FOREIGN):
        astray = partial(_redirect, status=status, name=name)
        yield Case(f"{status} of a {way} to {name}", way, _one_route("proxy", "/api", astray))


_CODE_PAGE: Final = "/sessions/two-factor/app"
_CODE_FORM: Final = (
    '<form action="{action}" method="post">'
    '<input type="hidden" name="authenticity_token" value="T">'
    '<input name="app_otp" autocomplete="one-time-code"></form>'
)
_CODE_ACTION: Final = "/sessions/two-factor"


def _code_cases() -> Iterator[Case]:
    """The account wants a code, too, and its page or what comes of it leads elsewhere."""
    yield Case("a code is wanted", "log in", _asking(lambda net: _CODE_ACTION), is_honest=True)
    for name in _FOREIGN:
        routes = _asking(partial(_place, name=name))
        yield Case(f"the action of the code is {name}", "log in", routes)
    for status, name in product(STATUSES, _REACHED):
        routes = _asking(lambda net: _CODE_ACTION, partial(_redirect, status=status, name=name))
        yield Case(f"{status} of the code to {name}", "log in", routes)
        away = partial(_away_from_code, status=status, name=name)
        yield Case(f"{status} in place of the code's page to {name}", "log in", away)


def _asking(
    place: Callable[[Net], str], then: Callable[[Net], bytes] | None = None
) -> Callable[[Net], Routes]:
    """Return the routes of a log-in with a code, whose form leads to a place, and what is next."""

    def routes(net: Net) -> Routes:
        home = answer(302, f"Location: {net.url('proxy', '/oauth2/callback?code=c&state=s')}")
        page = answer(200, body=_CODE_FORM.format(action=escape(place(net))))
        return {
            ("provider", "/session"): answer(302, f"Location: {_CODE_PAGE}"),
            ("provider", _CODE_PAGE): page,
            ("provider", _CODE_ACTION): home if then is None else then(net),
            **{(who, "*"): answer(200, body=_CODE_FORM.format(action="")) for who in _STRANGERS},
        }

    return routes


def _away_from_code(net: Net, status: int, name: str) -> Routes:
    routes = _asking(lambda net: _CODE_ACTION)(net)
    return {**routes, ("provider", _CODE_PAGE): _redirect(net, status, name)}


def _by_both(cases: Iterable[Case]) -> Iterator[Case]:
    """Yield each case for GitHub's form, and for any."""
    for case in cases:
        yield case
        yield replace(case, name=f"{case.name}, any form", way=f"{case.way} by any form")


CASES: Final = (
    *_by_both(_honest_cases()),
    *_by_both(_redirected_forms()),
    *_by_both(_redirected_twice()),
    *_by_both(_foreign_actions()),
    *_by_both(_foreign_pages()),
    *_by_both(_decoy_pages()),
    *_by_both(_renewals()),
    *_by_both(_code_cases()),
    *_calls(),
)

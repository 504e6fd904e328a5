"""What stands before a back end, by what it shows to who has no credentials."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any, Final
from urllib.parse import urljoin, urlsplit

from apikit import _core
from apikit._doctor.report import Report, masked
from apikit.errors import RequestException, SSLError, Timeout
from apikit.login.forms import HtmlForm, parse_forms
from apikit.response import Response
from apikit.session import Session

__all__ = ["KINDS", "SECONDS", "Probe", "origin_of", "probe"]

#: For each request of the probe, in seconds.
SECONDS: Final = 15.0
_REDIRECTS: Final = (301, 302, 303, 307, 308)
_TOKEN: Final = "authenticity_token"  # noqa: S105 - the name of a field
_GITHUB: Final = "https://github.com/session"

#: Kind of sign-in behaviour -> what it is, in words.
KINDS: Final = {
    "none": "the back end answers, and nothing asks for credentials",
    "open": "an OAuth2 proxy is there and lets this URL through without a log-in",
    "basic": "the back end asks for Basic credentials itself",
    "bearer": "the back end asks for a token itself",
    "sign-in-page": "an OAuth2 proxy answers with its sign-in page",
    "redirect": "an OAuth2 proxy sends who is not logged in to the log-in",
    "json-401": "an OAuth2 proxy answers 401 in JSON",
    "bare-401": "nginx's auth_request before an OAuth2 proxy answers 401 and leads nowhere",
    "login-form": "a page with a log-in form that is no OAuth2 proxy's",
    "elsewhere": "the URL leads to another place, and no OAuth2 proxy was found",
    "refused": "the back end refuses, and does not say what it wants",
    "unreachable": "nothing answers",
}


@dataclass
class Probe:
    """What was seen.

    Attributes
    ----------
    url, status
        What was asked, masked, and the status of the answer without credentials.
    kind
        One of `KINDS`.
    endpoint
        Where the proxy begins a log-in; None without one.
    provider
        The origin that the log-in leads to; None if that is not known.
    session_url
        Where that takes its form; None without a form.
    ways
        How a program gets in, as far as can be seen: "none", "basic", "bearer", "github",
        "form".
    advice
        What the service must configure, and what else to do.
    login
        What came of the log-in of ``--user``.
    """

    url: str
    status: int | None = None
    kind: str = "unreachable"
    endpoint: str | None = None
    provider: str | None = None
    session_url: str | None = None
    ways: list[str] = field(default_factory=list)
    advice: list[str] = field(default_factory=list)
    login: dict[str, Any] | None = None

    def as_dict(self) -> dict[str, Any]:
        """Return it as JSON is made of it."""
        return {**asdict(self), "says": KINDS[self.kind]}


def probe(url: str, report: Report) -> Probe:
    """Ask a URL and the places of a proxy around it, without credentials, and judge.

    Parameters
    ----------
    url
        Of the back end, as the service would call it.
    report
        Gets a problem if the URL cannot be reached.

    Returns
    -------
    Probe
        What was seen.
    """
    found = Probe(masked(url))
    url = _without_credentials(url)
    with Session(timeout=(5, 10), deadline=SECONDS, cookies_per_call=True) as session:
        try:
            first = _get(session, url)
        except (RequestException, ValueError) as exception:
            report.problems.append(f"{found.url} is out of reach: {_reason(exception)}")
            found.advice = [_remedy(exception)]
            return found
        found.status = first.status_code
        start = _find_start(session, first)
        if start is None:
            found.kind = _judge_back_end(first)
        else:
            found.endpoint = start.url.partition("?")[0]
            found.kind = _judge_proxy(first, found.endpoint)
            _look_behind(session, start, found)
    _find_ways(found)
    _advise(found)
    return found


def _without_credentials(url: str) -> str:
    """Return a URL without what nobody shall be sent, and what would be in all that follows."""
    start, slashes, rest = url.partition("//")
    host, slash, path = rest.partition("/")
    return f"{start}{slashes}{host.rpartition('@')[2]}{slash}{path}"


def _get(session: Session, url: str, *, follow: bool = False, accept: str = "*/*") -> Response:
    return session.get(url, headers={"Accept": accept}, allow_redirects=follow)


def _reason(exception: Exception) -> str:
    """Return the first line of a failure; what may hold a password is masked in it already."""
    return f"{type(exception).__name__}: {str(exception).partition(chr(10))[0]}"


def _remedy(exception: Exception) -> str:
    if isinstance(exception, SSLError):
        return "give REQUESTS_CA_BUNDLE the file of the CA that signed its certificate"
    if isinstance(exception, Timeout):
        return "see that no firewall drops what goes there, and which proxy the environment names"
    return "see that the name is right, the server runs and can be reached from here"


# The proxy.


def _find_start(session: Session, first: Response) -> Response | None:
    """Return the answer of the place where a proxy begins a log-in, if there is a proxy.

    It sets a cookie against forged callbacks, and leads to the provider.
    """
    for url in _candidates(first):
        try:
            answer = _get(session, url)
        except (RequestException, ValueError):
            continue
        cookies = ", ".join(answer.cookies.keys())
        if answer.status_code in _REDIRECTS and "csrf" in cookies.lower():
            return answer
    return None


def _candidates(first: Response) -> list[str]:
    """Return where a proxy may begin a log-in: as the answer says, and by default."""
    hints = [form.action for form in _forms(first)]
    if "Location" in first.headers:
        hints.append(_resolve(first.url, first.headers["Location"]))
    found = []
    for hint in filter(None, hints):
        path = urlsplit(hint).path
        if path.endswith(("/start", "/sign_in")):
            found.append(urljoin(hint, "start"))
    found.append(urljoin(first.url, "/oauth2/start"))
    return list(dict.fromkeys(found))


def _judge_proxy(first: Response, endpoint: str) -> str:
    status, kind = first.status_code, first.headers.get("Content-Type", "").lower()
    own = [urlsplit(urljoin(endpoint, name)).path for name in ("start", "sign_in")]
    leads_to_start = any(urlsplit(form.action).path in own for form in _forms(first))
    if leads_to_start and status in (200, 401, 403):
        return "sign-in-page"
    if status in _REDIRECTS or (status in (401, 403) and "Location" in first.headers):
        return "redirect"
    if status == 401:
        if "www-authenticate" in first.headers:
            return _judge_back_end(first)
        return "json-401" if "json" in kind else "bare-401"
    return "open"


def _look_behind(session: Session, start: Response, found: Probe) -> None:
    """Follow the log-in to the provider's page, and look for the proxy's own form."""
    location = _resolve(start.url, start.headers.get("Location", ""))
    found.provider = origin_of(location)
    own = urljoin(found.endpoint or "", "sign_in")
    try:
        page = _get(session, own, accept="text/html")
    except (RequestException, ValueError):
        pass
    else:
        forms = [form for form in _forms(page) if _takes_password(form)]
        if any(urlsplit(form.action).path == urlsplit(own).path for form in forms):
            found.ways.append("basic")
    try:
        page = _get(session, start.url, follow=True, accept="text/html")
    except (RequestException, ValueError) as exception:
        found.advice.append(
            f"the provider's page could not be looked at from here ({type(exception).__name__})"
        )
        return
    forms = [form for form in _forms(page) if _takes_password(form)]
    if len(forms) != 1 or not forms[0].action:
        return
    (form,) = forms
    found.session_url = form.action.partition("?")[0]
    is_github = form.named(_TOKEN) is not None
    found.ways.append("github" if is_github else "form")
    if not is_github:
        found.session_url = f"{origin_of(form.action)}/"


# Without a proxy.


def _judge_back_end(first: Response) -> str:
    status = first.status_code
    challenge = first.headers.get("WWW-Authenticate", "").lower()
    for scheme in ("basic", "bearer"):
        if status == 401 and challenge.startswith(scheme):
            return scheme
    if status in _REDIRECTS:
        target = _resolve(first.url, first.headers.get("Location", ""))
        return "none" if target and _core.same_origin(target, first.url) else "elsewhere"
    if status in (401, 403):
        return "refused"
    return "login-form" if any(map(_takes_password, _forms(first))) else "none"


def _find_ways(found: Probe) -> None:
    direct = {"none": "none", "open": "none", "basic": "basic", "bearer": "bearer"}
    if found.kind in direct and direct[found.kind] not in found.ways:
        found.ways.insert(0, direct[found.kind])


_ADVICE: Final = {
    "none": 'auth="none": nothing needs to be configured',
    "basic": 'auth={"type": "basic", "data": {}}: the callers\' Basic credentials are passed on',
    "bearer": "callers send a token: Backend(..., bearer=True) passes it on",
}


def _advise(found: Probe) -> None:
    """Say what the service must configure for each way in."""
    for way in found.ways:
        found.advice.append(_ADVICE.get(way) or _advise_form(found, way))
    if found.endpoint is not None and found.kind != "open":
        found.advice.append(
            "whether the proxy takes tokens (--skip-jwt-bearer-tokens) cannot be seen from "
            "outside: if it does, Backend(..., bearer=True) passes the caller's on"
        )
    if found.endpoint is not None and not found.ways:
        found.advice.append(
            "the log-in has no form that a program could fill in: the proxy must offer "
            "--htpasswd-file or --skip-jwt-bearer-tokens to programs"
        )
    if found.kind == "bare-401":
        found.advice.append(
            "nginx must pass /oauth2/auth on to the proxy, or a lost log-in is not told from a "
            "refusal of the service"
        )
    if found.kind in ("login-form", "elsewhere", "refused"):
        found.advice.append(
            "no way in is known here: give the URL that answers programs, or that of the proxy"
        )


def _advise_form(found: Probe, way: str) -> str:
    data = f'"endpoint": "{found.endpoint}"'
    if found.session_url not in (None, _GITHUB):
        data += f', "session_url": "{found.session_url}"'
    text = f'auth={{"type": "bitly-proxy", "data": {{{data}}}}}'
    return text if way == "github" else f'{text}, and Backend(..., login="form")'


# Pages.


def _forms(response: Response) -> list[HtmlForm]:
    if not response.headers.get("Content-Type", "").lower().startswith("text/html"):
        return []
    return parse_forms(response.text, response.url)


def _takes_password(form: HtmlForm) -> bool:
    passwords = form.of_kind("password")
    return (
        form.method == "post"
        and len(passwords) == 1
        and passwords[0].autocomplete != "new-password"
    )


def _resolve(base: str, reference: str) -> str:
    try:
        return _core.resolve_url(base, reference)
    except ValueError:
        return ""


def origin_of(url: str) -> str | None:
    """Return scheme, host and port of a URL, as they stand there; None if it has no host.

    Parameters
    ----------
    url
        Of anything.
    """
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2]
    return f"{parts.scheme}://{host}" if host else None

"""A try of a log-in, and what its outcome means."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from apikit._credentials import Credentials
from apikit._doctor.probe import SECONDS, Probe, origin_of
from apikit._doctor.report import Report
from apikit.errors import RequestException
from apikit.session import Session

__all__ = ["OUTCOMES", "try_login"]

#: `Session.login_state` -> what to do about it.
OUTCOMES: Final = {
    "ok": "the log-in works",
    "bad-credentials": "correct the user name or the password",
    "two-factor": "the account wants a second factor: give the session otp=, or use an account "
    "that the proxy takes by htpasswd or token",
    "consent": "agree once in a browser to what the proxy may see, or give the session "
    "consent=True",
    "device": "log in once in a browser from this network, with the code that the provider sends",
    "rate-limited": "wait: the provider takes no more log-ins for now",
    "no-form": "the page has no form that could be filled in: see the advice above",
    "error": "see the message; the log of the proxy says more",
    "refused": "correct the user name or the password, and see that the proxy takes them",
}


def try_login(
    found: Probe, url: str, ask: Callable[[str], Credentials | None], report: Report
) -> None:
    """Try to get in as a user, by the first way of the probe that takes a password.

    Parameters
    ----------
    found
        What stands before the back end; gets what came of the try.
    url
        Of the back end.
    ask
        Called with the origin that the password will be sent to, which is what the back end
        has said; gives who tries, who is shown nowhere, or None to leave it.
    report
        Gets a problem if the back end was not reached.
    """
    way = next((one for one in ("basic", "github", "form") if one in found.ways), None)
    if way is None:
        report.problems.append(
            f"no log-in was tried: {found.url} offers no way in by user name and password"
        )
        return
    caller = ask(origin_of(url if way == "basic" else found.session_url or "") or "")
    if caller is None:
        return
    try:
        state, message, status = (
            _by_header(url, caller) if way == "basic" else _by_form(found, way, url, caller)
        )
    except (RequestException, ValueError) as exception:
        state, message, status = "error", f"{type(exception).__name__}: {exception}", None
    found.login = {
        "way": way,
        "state": state,
        "message": message,
        "status": status,
        "means": OUTCOMES.get(state, OUTCOMES["error"]),
    }
    if state != "ok":
        report.problems.append(
            f"the log-in at {found.url} failed ({state}: {message}): {found.login['means']}"
        )


def _by_header(url: str, caller: Credentials) -> tuple[str, str, int]:
    with Session(authentication_base_url=url, login="basic", deadline=SECONDS) as session:
        session.set_oauth2_username(caller.username)
        session.set_oauth2_password(caller.password)
        status = session.get(url, allow_redirects=False).status_code
    if status in (401, 403) or 300 <= status < 400:
        return "refused", f"the Basic credentials were answered {status}", status
    return "ok", "the Basic credentials were taken", status


def _by_form(found: Probe, way: str, url: str, caller: Credentials) -> tuple[str, str, int | None]:
    with Session(
        authentication_base_url=f"{found.endpoint}?rd=/",
        authentication_session_url=found.session_url,
        login=way,
        deadline=SECONDS,
    ) as session:
        session.set_oauth2_username(caller.username)
        session.set_oauth2_password(caller.password)
        session.authenticate()
        status = session.get(url).status_code if session.login_state == "ok" else None
        return session.login_state, session.login_message, status

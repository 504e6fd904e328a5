"""Promise: no secret reaches a foreign origin, wherever redirects and forms lead."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from apikit import APIFlask, Backend, BackendError, Session
from apikit.errors import RequestException
from tests.prove.canary_cases import CASES, Case
from tests.prove.canary_net import CODE, PASSWORD, Net
from tests.prove.harness import Promise, Tally, Verdict

__all__ = ["PROMISE", "run_case"]

CHUNK = 100
_REACHED = ("stranger", "password posted", "code posted")
TIMEOUT = (3.0, 3.0)


def _open(net: Net, login: Any = "github") -> Session:
    session_url = net.url("provider", "/session" if login == "github" else "")
    return Session(
        "ann",
        PASSWORD,
        net.url("proxy", "/oauth2/start"),
        session_url,
        login=login,
        otp=lambda user: CODE,
        consent=True,
        timeout=TIMEOUT,
        trust_env=False,
        verify=False,
    )


def _log_in(net: Net, login: str = "github") -> None:
    _open(net, login).close()


def _call_with(net: Net, login: Any = "github") -> None:
    with _open(net, login) as session:
        session.get(net.url("proxy", "/api"))


def _call(net: Net, method: str, **options: Any) -> None:
    basic = {"type": "basic", "data": {}}
    with Backend(
        net.url("proxy"), auth=basic, retries=None, timeout=TIMEOUT, trust_env=False, verify=False
    ) as backend:
        backend.request(method, "/api", auth=("ann", PASSWORD), **options)


def _call_as_caller(net: Net) -> None:
    auth = {"type": "bitly-proxy", "data": {"endpoint": net.url("proxy", "/oauth2/start")}}
    app = APIFlask("service", "1", "https://github.com/example/service", "a service", auth=auth)
    options: dict[str, Any] = {"retries": None, "timeout": TIMEOUT, "trust_env": False}
    with (
        Backend(net.url("proxy"), app=app, bearer=True, verify=False, **options) as backend,
        app.test_request_context(headers={"Authorization": f"Bearer {PASSWORD}"}),
    ):
        backend.get("/api")


def _give_token(user: str, password: str) -> str:
    return f"Bearer {password}"


_WAYS: dict[str, Callable[[Net], None]] = {
    "log in": _log_in,
    "log in by any form": partial(_log_in, login="form"),
    "renew": _call_with,
    "renew by any form": partial(_call_with, login="form"),
    "basic": lambda net: _call(net, "GET"),
    "basic post": lambda net: _call(net, "POST", data="plain"),
    "header basic": partial(_call_with, login="basic"),
    "header bearer": partial(_call_with, login="bearer"),
    "header of a function": partial(_call_with, login=_give_token),
    "caller's bearer": _call_as_caller,
}


def _most(way: str) -> int:
    """Return how often the password may be posted: once for each log-in."""
    return 1 if way.startswith("log in") else 2 if way.startswith("renew") else 0


def run_case(net: Net, case: Case) -> list[str]:
    """Let a client go through a case.

    Parameters
    ----------
    net
        The listeners.
    case
        What they answer.

    Returns
    -------
    list of str
        What went wrong.
    """
    net.play(case.routes(net))
    wrong = []
    try:
        _WAYS[case.way](net)
    except (RequestException, BackendError, ValueError) as exception:
        text = repr(exception) + str(exception)
        if PASSWORD in text or CODE in text:
            wrong.append(f"a secret in the text of a {type(exception).__name__}")
    most = _most(case.way)
    wrong += net.leaks("provider" if most else "proxy")
    posted = net.times_posted()
    if posted > most or (case.is_honest and posted != 1):
        wrong.append(f"the password was posted {posted} times")
    if net.times_posted(CODE) > 1:
        wrong.append("the code was posted again")
    return [f"{case.name}: {what}" for what in wrong]


def _prove(tally: Tally) -> Verdict:
    found: list[str] = []
    with Net.running() as net:
        for chunk in tally.chunks(CHUNK):
            for case in CASES[chunk.start : chunk.stop]:
                wrong = run_case(net, case)
                found += wrong
                tally.add("leaks", len(wrong))
                tally.add("cases with a stranger", net.strangers() > 0)
                tally.add("cases with a password posted", net.times_posted() > 0)
                tally.add("cases with a code posted", net.times_posted(CODE) > 0)
        tally.add("failures of the listeners", len(net.failures))
    figure = (
        f"passwords, codes, tokens and cookies reached {tally['leaks']} foreign origins in"
        f" {tally.done} cases of {len(_WAYS)} ways; strangers were asked in"
        f" {tally['cases with a stranger']} of them, the password posted in"
        f" {tally['cases with a password posted']}, a code in {tally['cases with a code posted']}"
        + "".join(f"\n  {one}" for one in found)
    )
    reached = min(tally[f"cases with a {what}"] for what in _REACHED)
    return Verdict(figure, tally["leaks"] + tally["failures of the listeners"] == 0 < reached)


PROMISE = Promise(
    "canaries",
    "a secret reaches 0 foreign origins over 500 redirect and form cases and more",
    len(CASES),
    _prove,
)

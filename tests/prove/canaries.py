"""Promise: the password reaches no foreign origin, wherever redirects and forms lead."""

from __future__ import annotations

from collections.abc import Callable

from apikit import Backend, BackendError, Session
from apikit.errors import RequestException
from tests.prove.canary_cases import CASES, Case
from tests.prove.canary_net import PASSWORD, Net
from tests.prove.harness import Promise, Tally, Verdict

__all__ = ["PROMISE", "run_case"]

CHUNK = 100
TIMEOUT = (3.0, 3.0)


def _open(net: Net) -> Session:
    return Session(
        "ann",
        PASSWORD,
        net.url("proxy", "/oauth2/start"),
        net.url("provider", "/session"),
        timeout=TIMEOUT,
        trust_env=False,
        verify=False,
    )


def _log_in(net: Net) -> None:
    _open(net).close()


def _renew(net: Net) -> None:
    with _open(net) as session:
        session.get(net.url("proxy", "/api"))


def _call(net: Net, method: str, **options: object) -> None:
    basic = {"type": "basic", "data": {}}
    with Backend(
        net.url("proxy"), auth=basic, retries=None, timeout=TIMEOUT, trust_env=False, verify=False
    ) as backend:
        backend.request(method, "/api", auth=("ann", PASSWORD), **options)


_WAYS: dict[str, Callable[[Net], None]] = {
    "log in": _log_in,
    "renew": _renew,
    "basic": lambda net: _call(net, "GET"),
    "basic post": lambda net: _call(net, "POST", data="plain"),
}


#: How often the password may be posted: once for each log-in.
_MOST = {"log in": 1, "renew": 2, "basic": 0, "basic post": 0}


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
        if PASSWORD in repr(exception) + str(exception):
            wrong.append(f"the password in the text of a {type(exception).__name__}")
    wrong += net.leaks("proxy" if case.way.startswith("basic") else "provider")
    posted = net.times_posted()
    if posted > _MOST[case.way] or (case.is_honest and posted != 1):
        wrong.append(f"the password was posted {posted} times")
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
        tally.add("failures of the listeners", len(net.failures))
    figure = (
        f"the password and the cookies reached {tally['leaks']} foreign origins in"
        f" {tally.done} cases; strangers were asked in {tally['cases with a stranger']} of them,"
        f" the password posted in {tally['cases with a password posted']}"
        + "".join(f"\n  {one}" for one in found)
    )
    reached = min(tally["cases with a stranger"], tally["cases with a password posted"])
    return Verdict(figure, tally["leaks"] + tally["failures of the listeners"] == 0 < reached)


PROMISE = Promise(
    "canaries",
    "the password reaches 0 foreign origins over 500 redirect and form cases and more",
    len(CASES),
    _prove,
)

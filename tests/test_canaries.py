"""What the canary proof would find: clients without the checks give the password away."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from html import unescape
from urllib.parse import urljoin

import pytest
import requests

from tests.prove.canaries import run_case
from tests.prove.canary_cases import CASES, HEADERS, Case
from tests.prove.canary_net import CODE, PASSWORD, Net, answer


@pytest.fixture(scope="module")
def net() -> Iterator[Net]:
    with Net.running() as net:
        yield net
        assert net.failures == []


def test_there_are_more_cases_than_were_promised() -> None:
    assert len({case.name for case in CASES}) == len(CASES) >= 500
    forms = {"log in", "renew", "log in by any form", "renew by any form"}
    ways = Counter(case.way for case in CASES)
    assert ways.keys() == {*forms, "basic", "basic post", *HEADERS}
    assert min(ways.values()) >= 50


def _log_in_trustingly(net: Net) -> None:
    """Post the password wherever the form says, and let requests follow the redirects."""
    with requests.Session() as session:
        session.trust_env = False
        page = session.get(net.url("proxy", "/oauth2/start"), timeout=3)
        base = re.search(r'base href="([^"]*)"', page.text)
        found = re.search(r'form action="([^"]*)"', page.text)
        if found is not None:
            place = urljoin(page.url, unescape(base[1]) if base else "")
            action = urljoin(place, unescape(found[1]))
            form = {"login": "ann", "password": PASSWORD, "authenticity_token": "T"}
            session.post(action, data=form, timeout=3)


@pytest.mark.no_asan  # the client is requests
def test_a_client_without_the_checks_is_found_out(net: Net) -> None:
    caught = Counter[str]()
    for case in [case for case in CASES if case.way == "log in"][::3]:
        net.play(case.routes(net))
        try:
            _log_in_trustingly(net)
        except (requests.RequestException, ValueError):
            caught["failed"] += 1
        leaks = net.leaks("provider")
        assert not (case.is_honest and leaks), case.name
        for kind in ("of the form to", "the action is", "to a page of", "the base is"):
            caught[kind] += kind in case.name and bool(leaks)
    del caught["failed"]
    assert min(caught.values()) >= 2, caught
    assert sum(caught.values()) >= 30, caught


def test_a_cookie_that_goes_astray_is_found(net: Net) -> None:
    net.play({})
    with requests.Session() as session:
        session.trust_env = False
        session.get(net.url("proxy", "/oauth2/callback"), timeout=3)
        cookies = {name: str(value) for name, value in session.cookies.items()}
        assert cookies
        session.get(net.url("host", "/"), cookies=cookies, timeout=3)
    (leak,) = net.leaks("provider")
    assert leak.startswith("a cookie of 127.0.0.1 at host")


def test_a_code_that_goes_astray_is_found(net: Net) -> None:
    case = next(case for case in CASES if case.name == "a code is wanted")
    assert run_case(net, case) == []
    assert net.times_posted(CODE) == 1
    net.play(case.routes(net))
    requests.post(net.url("provider", "/x"), {"otp": CODE}, timeout=3)
    assert net.leaks("provider") == []
    requests.post(net.url("host", "/x"), {"otp": CODE}, timeout=3)
    (leak,) = net.leaks("provider")
    assert leak.startswith("the code at host")


def test_an_honest_case_in_which_no_password_came_is_wrong(net: Net) -> None:
    def routes(net: Net) -> dict[tuple[str, str], bytes]:
        return {("provider", "/login"): answer(200, body="closed")}

    assert run_case(net, Case("a page without a form", "log in", routes, is_honest=True)) == [
        "a page without a form: the password was posted 0 times"
    ]

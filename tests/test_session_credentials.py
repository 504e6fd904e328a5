"""What a session knows goes to those whom it concerns, and to nobody else."""

from __future__ import annotations

import os
import threading
import traceback
from concurrent.futures import ThreadPoolExecutor

import pytest

import apikit
from apikit import errors
from tests.login_world import BASE_URL, PROXY, SESSION_URL, World, answer, redirect

ELSEWHERE = "https://elsewhere.example/"


@pytest.fixture
def world():
    return World()


# ---- at the provider ----


def test_what_the_session_sends_to_its_services_does_not_reach_the_provider(world):
    with world.session() as session:
        session.headers.update({"Authorization": "Bearer t", "Cookie": "own=1", "Host": "vhost"})
        session.params = {"key": "t0ken"}
        session.authenticate()
        assert session.login_state == "ok"
    (posted,) = world.seen(SESSION_URL)
    assert not {"Authorization", "Cookie", "Host"} & set(posted.headers)


def test_auth_of_the_session_is_not_asked_for_the_login_form(world):
    asked = []

    def auth(request):
        asked.append(request.url)
        request.url = ELSEWHERE
        return request

    with world.session() as session:
        session.auth = auth
        session._submit_login(SESSION_URL, SESSION_URL, [("a", "b")], -1, 0, session.cookies, 0)
    assert asked == []
    assert next(request.url for request in world.requests) == SESSION_URL


def test_auth_that_leads_the_password_elsewhere_is_refused(world):
    """At a provider of the base URL's own origin auth does count."""

    def auth(request):
        request.url = ELSEWHERE
        return request

    own = f"{PROXY}/session"
    with world.session() as session:
        session.set_authentication_session_url(own)
        session.auth = auth
        with pytest.raises(ValueError, match="another origin"):
            session._submit_login(own, own, [("password", None)], -1, 0, session.cookies, 0)
    assert world.requests == []


def test_hooks_of_auth_do_not_see_the_login_form(world):
    seen = []

    def auth(request):
        request.register_hook("response", lambda response: seen.append(response.request.method))
        return request

    own = f"{PROXY}/session"
    with world.session() as session:
        session.set_authentication_session_url(own)
        session.auth = auth
        session._submit_login(own, own, [("password", None)], -1, 0, session.cookies, 0)
        assert seen == []
        session.get(own)
    assert seen == ["GET"]


def test_the_form_has_its_own_content_type(world):
    with world.session() as session:
        session.headers["Content-Type"] = "application/json"
        session.authenticate()
    (posted,) = world.seen(SESSION_URL)
    assert posted.headers["Content-Type"] == "application/x-www-form-urlencoded"


def test_a_password_in_the_clear_goes_through_no_proxy():
    url = "http://127.0.0.1:1/session"
    with apikit.Session("ann", None, url, url, proxies={"http": "http://127.0.0.1:2"}) as session:
        session.trust_env = False
        session.set_oauth2_password("s3cret")
        with pytest.raises(ValueError, match="a proxy would read its password"):
            session._submit_login(url, url, [("password", None)], -1, 0, session.cookies, 0)


# ---- on redirects ----


def test_what_a_callable_auth_adds_stays_at_its_origin():
    seen = []

    def transport(request):
        seen.append(dict(request.headers))
        return redirect(ELSEWHERE) if len(seen) == 1 else answer()

    def auth(request):
        request.headers["X-Token"] = "t0ken"
        return request

    with apikit.Session(transport=transport) as session:
        session.headers["X-Own"] = "1"
        session.get("https://here.example/", auth=auth)
    assert [headers.get("X-Token") for headers in seen] == ["t0ken", None]
    assert [headers.get("X-Own") for headers in seen] == ["1", "1"]


def test_cookies_of_a_call_stay_at_its_origin_also_without_a_jar():
    seen = []

    def transport(request):
        seen.append(request.headers.get("Cookie"))
        return redirect(ELSEWHERE, "Set-Cookie: b=2") if len(seen) == 1 else answer()

    with apikit.Session(transport=transport, cookies_per_call=True) as session:
        session.get("https://here.example/", cookies={"a": "1"})
    assert seen == ["a=1", None]


# ---- in a traceback ----


def test_no_frame_of_ours_holds_the_password():
    with pytest.raises(errors.ConnectionError) as caught:
        apikit.Session(
            "ann",
            "s3cret",
            "http://127.0.0.1:1/",
            authentication_postdata={"password": "s3cret"},
        )
    stack = traceback.StackSummary.extract(
        traceback.walk_tb(caught.value.__traceback__), capture_locals=True
    )
    ours = [frame for frame in stack if "apikit" in frame.filename]
    assert ours
    assert not [frame for frame in ours if "s3cret" in str(frame.locals)]


# ---- a login and what goes on beside it ----


def test_an_answer_that_comes_late_does_not_touch_the_new_cookies(world):
    """The proxy takes the void cookie away while another thread logs in."""
    with world.session() as session:
        session.authenticate()
        world.good = "user=none"

        def log_in_meanwhile(request):
            if request.url == f"{PROXY}/api":
                world.before = lambda request: None
                session.authenticate()
                return answer(200, "late", "Set-Cookie: user=; Path=/; Max-Age=0")
            return None

        world.before = log_in_meanwhile
        assert session.get(f"{PROXY}/api").text == "late"
        assert session.cookies["user"] == "2"
        assert session.get(f"{PROXY}/api").text == "data"
        assert world.logins == 2


def test_cookies_of_a_login_under_way_are_its_own(world):
    with world.session() as session:
        session.authenticate()
        seen = []
        world.before = lambda request: seen.append(session.cookies.get("user"))
        session.authenticate()
        assert set(seen) == {"1"}
        assert session.cookies["user"] == "2"


def test_a_hook_may_send_requests_during_a_login(world):
    with world.session() as session:
        session.authenticate()

        def hook(response, **_):
            if response.url == f"{PROXY}/oauth2/callback":
                session.get(f"{PROXY}/api", hooks={"response": lambda response: None})

        session.hooks["response"].append(hook)
        world.good = "user=none"
        assert session.get(f"{PROXY}/api").status_code == 200
        assert world.logins == 2


@pytest.mark.parametrize("cause", [errors.ConnectTimeout("x"), KeyboardInterrupt()])
def test_a_renewal_that_was_cut_short_is_tried_again(world, cause):
    def cut(request):
        if request.url == SESSION_URL:
            world.before = lambda request: None
            raise cause
        return

    with world.session() as session:
        session.authenticate()
        world.good = "user=none"
        world.before = cut
        with pytest.raises(type(cause)):
            session.get(f"{PROXY}/api")
        assert session.login_state == "error"
        assert session.get(f"{PROXY}/api").text == "data"
        assert session.login_state == "ok"


def test_bad_credentials_are_not_tried_again(world):
    with world.session() as session:
        session.authenticate()
        world.good = "user=none"
        world.before = lambda request: answer(422, "no") if request.url == SESSION_URL else None
        assert session.get(f"{PROXY}/api").status_code == 403
        assert session.login_state == "bad-credentials"
        assert session.get(f"{PROXY}/api").status_code == 403
    assert len(world.seen(SESSION_URL)) == 2


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_login_in_another_thread_does_not_lock_the_child_of_a_fork(world):
    posted, go_on = threading.Event(), threading.Event()

    def hold(request):
        if request.url == SESSION_URL:
            posted.set()
            go_on.wait()

    with world.session() as session, ThreadPoolExecutor(1) as pool:
        world.before = hold
        login = pool.submit(session.authenticate)
        posted.wait()
        child = os.fork()
        if child == 0:
            world.before = lambda request: None
            free = session._login_lock.acquire(timeout=30)
            os._exit(0 if free else 1)
        go_on.set()
        login.result()
        assert os.waitpid(child, 0)[1] == 0


# ---- what is no refusal is not read ----


def test_a_redirected_stream_is_left_to_its_reader(world):
    long = "x" * 200_000
    world.before = lambda request: (
        redirect("/long")
        if request.url == f"{PROXY}/short"
        else answer(200, long, kind="text/plain")
    )
    with world.session() as session, session.get(f"{PROXY}/short", stream=True) as response:
        assert response.is_stream
        assert response.raw.read() == long.encode()


def test_a_403_that_is_no_page_is_left_to_its_reader(world):
    world.before = lambda request: answer(403, "no", kind="application/json")
    with world.session() as session, session.get(f"{PROXY}/x", stream=True) as response:
        assert response.is_stream


BROKEN = ["<a " * 100_000, "<!--" * 100_000, "</" * 200_000, "<![" * 10, '<a x="' * 50_000]


@pytest.mark.timeout(60)
@pytest.mark.parametrize("tail", BROKEN)
def test_a_page_of_broken_markup_keeps_nobody_busy(world, tail):
    form = f'<form action="{BASE_URL}"></form>'
    world.before = lambda request: answer(403, form + tail)
    with world.session() as session:
        assert session.get(f"{PROXY}/x").status_code == 403

"""Answers that may be the service's or the proxy's: what is asked, and what comes of it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from http import HTTPStatus

import pytest

from apikit import Session, errors
from apikit.models import PreparedRequest

PROXY = "https://proxy.example"
PROVIDER = "https://provider.example"
ELSEWHERE = "https://service.example"
SIGN_IN_FORM = '<FORM method="GET" action="/oauth2/start"><button>Sign in</button></FORM>'
LOGIN_FORM = (
    '<form method="post" action="/session"><input name="authenticity_token" value="t">'
    '<input name="login"><input type="password" name="password"></form>'
)


def answer(status: int, text: str = "", kind: str = "text/html", **fields: str) -> bytes:
    """Write an answer; a field's name has dashes in place of underscores."""
    lines = [f"HTTP/1.1 {status} {HTTPStatus(status).phrase}", f"Content-Type: {kind}"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in fields.items()]
    lines += [f"Content-Length: {len(text)}", "", text]
    return "\r\n".join(lines).encode()


class World:
    """A provider, a proxy and a service, as one transport."""

    def __init__(self, service: Callable[[PreparedRequest], bytes]) -> None:
        self.service = service
        self.knows_ann = True
        self.logins = 0
        self.auth: Callable[[PreparedRequest], bytes] = self._judge
        self.questions: list[PreparedRequest] = []
        self.served: list[str] = []

    def is_known(self, request: PreparedRequest) -> bool:
        return f"session={self.logins}" in (request.headers.get("Cookie") or "").split("; ")

    def _judge(self, request: PreparedRequest) -> bytes:
        return answer(202 if self.is_known(request) else 401)

    def __call__(self, request: PreparedRequest) -> bytes:
        url = (request.url or "").partition("?")[0]
        if url == f"{PROXY}/oauth2/start":
            return answer(302, Location=f"{PROVIDER}/login")
        if url == f"{PROVIDER}/login" or (url == f"{PROVIDER}/session" and not self.knows_ann):
            return answer(200, LOGIN_FORM)
        if url == f"{PROVIDER}/session":
            return answer(302, Location=f"{PROXY}/oauth2/callback")
        if url == f"{PROXY}/oauth2/callback":
            self.logins += 1
            cookie = f"session={self.logins}; Path=/"
            return answer(302, Location="/home", Set_Cookie=cookie)
        if url == f"{PROXY}/home" or url.startswith(f"{PROVIDER}/"):
            return answer(200, "home")
        if url == f"{PROXY}/oauth2/auth":
            self.questions.append(request)
            return self.auth(request)
        self.served.append(request.method or "")
        return self.service(request)

    def make_session(self) -> Session:
        return Session(
            "ann", "s3cret", f"{PROXY}/oauth2/start", f"{PROVIDER}/session", transport=self
        )

    def log_in(self) -> Session:
        session = self.make_session()
        assert (session.login_state, self.logins) == ("ok", 1)
        return session


def bare_401(_: PreparedRequest) -> bytes:
    return answer(401, "{}", "application/json")


def sign_in_page(_: PreparedRequest) -> bytes:
    return answer(403, SIGN_IN_FORM)


# What the service itself answers, though it looks like the proxy.
LOOKALIKES = {
    "a page with a way to log in anew": answer(200, SIGN_IN_FORM),
    "its own 401": answer(401, "{}", "application/json"),
    "its own page with 403": answer(403, "<p>not yours</p>"),
    "a redirect to the provider": answer(302, Location=f"{PROVIDER}/ann/archive.zip"),
}


@pytest.mark.parametrize("name", LOOKALIKES)
def test_the_proxy_is_asked_once_and_the_service_believed(name: str) -> None:
    world = World(lambda _: LOOKALIKES[name])
    with world.log_in() as session:
        response = session.get(f"{PROXY}/api")
    status = int(LOOKALIKES[name].split()[1])
    assert response.status_code == (200 if status == 302 else status)
    assert (len(world.questions), len(world.served), world.logins) == (1, 1, 1)


@pytest.mark.parametrize("name", LOOKALIKES)
def test_gap_auth_answers_the_question(name: str) -> None:
    head, _, body = LOOKALIKES[name].partition(b"\r\n")
    world = World(lambda _: head + b"\r\nGap-Auth: ann@example.org\r\n" + body)
    with world.log_in() as session:
        session.get(f"{PROXY}/api")
    assert (len(world.questions), len(world.served), world.logins) == (0, 1, 1)


@pytest.mark.parametrize("name", LOOKALIKES)
def test_what_looks_so_is_a_lost_login_if_the_proxy_says_so(name: str) -> None:
    def serve(request: PreparedRequest) -> bytes:
        return answer(200, "data", "text/plain") if world.is_known(request) else LOOKALIKES[name]

    world = World(serve)
    with world.log_in() as session:
        session.cookies.clear()
        assert session.post(f"{PROXY}/api", data={"a": "b"}).text == "data"
    assert (len(world.questions), world.served, world.logins) == (1, ["POST"] * 2, 2)


def fail(_: PreparedRequest) -> bytes:
    raise errors.ConnectionError("nobody there")


@pytest.mark.parametrize(
    "auth",
    [
        fail,
        lambda _: answer(404),
        lambda _: answer(403, "Forbidden", "text/plain"),
        lambda _: answer(302, Location=f"{PROVIDER}/login"),
    ],
    ids=["no network", "404", "403", "redirect"],
)
def test_a_bare_401_is_passed_through_unless_the_proxy_says_401_too(
    auth: Callable[[PreparedRequest], bytes],
) -> None:
    world = World(bare_401)
    with world.log_in() as session:
        world.auth = auth
        assert session.get(f"{PROXY}/api").status_code == 401
    assert (len(world.questions), world.logins) == (1, 1)


def test_an_authorization_that_the_proxy_refuses_is_not_mended_by_a_login() -> None:
    world = World(lambda _: answer(403, "Forbidden", "text/plain"))
    with world.log_in() as session:
        response = session.get(f"{PROXY}/api", headers={"Authorization": "Bearer old"})
    assert (response.status_code, response.text) == (403, "Forbidden")
    assert (len(world.questions), world.logins) == (0, 1)


def test_the_question_bears_what_the_request_bore_and_leaves_no_cookie() -> None:
    world = World(bare_401)
    with world.log_in() as session:
        world.auth = lambda _: answer(202, Set_Cookie="session=; Path=/; Max-Age=0")
        session.get(f"{PROXY}/api", headers={"Authorization": "Bearer one"}, cookies={"extra": "1"})
        assert session.cookies["session"] == "1"
    (question,) = world.questions
    assert question.headers["Authorization"] == "Bearer one"
    assert set(question.headers["Cookie"].split("; ")) == {"session=1", "extra=1"}


def test_a_service_on_another_host_is_asked_about_with_the_proxys_cookies() -> None:
    lost = True

    def serve(_: PreparedRequest) -> bytes:
        return bare_401(_) if lost else answer(200, "data", "text/plain")

    world = World(serve)
    with world.log_in() as session:
        assert session.get(f"{ELSEWHERE}/api").status_code == 401
        assert world.questions[0].headers["Cookie"] == "session=1"
        session.cookies.clear()
        world.auth = lambda request: answer(401)
        lost = False
        world.service = lambda request: serve(request) if world.logins > 1 else bare_401(request)
        assert session.get(f"{ELSEWHERE}/api").text == "data"
    assert (len(world.questions), world.logins) == (2, 2)


@pytest.mark.parametrize("status", [302, 403])
@pytest.mark.parametrize("place", ["/oauth2/sign_in?rd=/api", "https://proxy.example/oauth2/start"])
def test_a_location_that_nobody_followed_is_recognised(status: int, place: str) -> None:
    def serve(request: PreparedRequest) -> bytes:
        known = world.is_known(request)
        return answer(200, "data", "text/plain") if known else answer(status, Location=place)

    world = World(serve)
    with world.log_in() as session:
        session.cookies.clear()
        assert session.get(f"{PROXY}/api", allow_redirects=False).text == "data"
    assert (world.questions, world.logins) == ([], 2)


def test_a_login_that_was_not_good_is_neither_asked_about_nor_tried_again() -> None:
    world = World(bare_401)
    world.knows_ann = False
    with world.make_session() as session:
        assert session.login_state == "bad-credentials"
        for answered, seen in (
            (answer(401), 401),
            (answer(403, SIGN_IN_FORM), 403),
            (answer(200, SIGN_IN_FORM), 403),
            (answer(302, Location="/oauth2/sign_in"), 302),
        ):
            world.service = lambda _, given=answered: given
            response = session.get(f"{PROXY}/api", allow_redirects=False)
            assert response.status_code == seen
    assert (world.questions, world.served, world.logins) == ([], ["GET"] * 4, 0)


def test_logins_that_do_not_help_come_to_an_end() -> None:
    world = World(sign_in_page)
    with world.log_in() as session:
        for _ in range(4):
            assert session.get(f"{PROXY}/api").status_code == 403
        assert session.login_state == "error"
        assert "refuses" in session.login_message
        assert world.logins == 3
        session.authenticate()
        assert session.login_state == "ok"


def test_one_login_that_did_not_help_is_no_reason_to_give_up() -> None:
    useless = {1, 2}
    world = World(lambda _: answer(403, SIGN_IN_FORM) if world.logins in useless else answer(204))
    with world.log_in() as session:
        assert session.get(f"{PROXY}/api").status_code == 403
        assert session.get(f"{PROXY}/api").status_code == 204
        useless.update((3, 4))
        assert session.get(f"{PROXY}/api").status_code == 403
        assert session.get(f"{PROXY}/api").status_code == 204
        assert (session.login_state, world.logins) == ("ok", 5)


def test_a_body_that_cannot_be_sent_again_costs_no_login() -> None:
    def pieces() -> Iterator[bytes]:
        yield b"once"

    world = World(sign_in_page)
    with world.log_in() as session:
        assert session.post(f"{PROXY}/api", data=pieces()).status_code == 403
    assert (world.questions, world.served, world.logins) == ([], ["POST"], 1)


def test_a_page_that_is_streamed_is_left_to_its_reader() -> None:
    world = World(lambda _: answer(200, SIGN_IN_FORM))
    with world.log_in() as session:
        response = session.get(f"{PROXY}/api", stream=True)
        assert response.is_stream
        assert response.text == SIGN_IN_FORM
    assert (world.questions, world.logins) == ([], 1)


def test_a_login_cut_by_its_callers_deadline_is_done_by_who_waits() -> None:
    patient_came, hasty_began = threading.Event(), threading.Event()

    class CutOnce(World):
        def __call__(self, request: PreparedRequest) -> bytes:
            if request.url == f"{PROXY}/oauth2/start" and self.logins and not hasty_began.is_set():
                hasty_began.set()
                raise errors.build("DeadlineExceeded", "the call has taken its time")
            return super().__call__(request)

    def serve(request: PreparedRequest) -> bytes:
        if world.is_known(request):
            return answer(200, "data", "text/plain")
        if request.url == f"{PROXY}/hasty":
            assert patient_came.wait(10)
        else:
            patient_came.set()
            assert hasty_began.wait(10)
        return sign_in_page(request)

    def hurry() -> None:
        with pytest.raises(errors.DeadlineExceeded):
            session.get(f"{PROXY}/hasty")

    world = CutOnce(serve)
    with world.log_in() as session, ThreadPoolExecutor(2) as threads:
        session.cookies.clear()
        hasty = threads.submit(hurry)
        patient = threads.submit(session.get, f"{PROXY}/patient")
        hasty.result()
        assert patient.result().text == "data"
    assert (world.logins, session.login_state) == (2, "ok")

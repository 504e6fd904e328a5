"""A pool logs each user in once, keeps users apart, and lets nobody wait for ever."""

from __future__ import annotations

import gc
import subprocess
import sys
import textwrap
import threading
import traceback
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from types import SimpleNamespace
from typing import Any

import pytest

from apikit import Session, SessionPool, errors
from apikit.models import PreparedRequest
from apikit.pool import LoginError
from apikit.testing import answer
from tests.faults.handle import FaultServer
from tests.faults.steps import answer as fault_answer
from tests.faults.steps import hold, stall
from tests.servers import (
    ANN,
    BOB,
    CORA,
    DORA,
    RITA,
    ROOT,
    TESS,
    USER_HEADER,
    ZOE,
    Refusal,
    Server,
    User,
    fetch_counts,
    start_backend,
    start_provider,
    start_proxy,
)

pytest_plugins = ("tests.faults.fixtures",)

PROXY = "http://127.0.0.1"
START = f"{PROXY}/oauth2/start"
SESSION = "http://localhost/session"
FORM = (
    '<form action="/session" method="post">'
    '<input type="hidden" name="authenticity_token" value="t">'
    '<input name="login"><input type="password" name="password"></form>'
)
PATIENCE = 60.0


# The real proxy.


@dataclass(frozen=True)
class World:
    """A proxy with what stands behind it."""

    provider: Server
    proxy: Server

    def get(self, pool: SessionPool, user: User, **more: Any) -> Session:
        start, session = f"{self.proxy.url}/oauth2/start", f"{self.provider.url}/session"
        return pool.get(start, user.name, user.password, session, **more)

    def asks_as(self, session: Session) -> tuple[int, str | None]:
        """Return the status of an answer, and whom the back end answered."""
        response = session.get(f"{self.proxy.url}/api", params={"metric": "m", "job": "j"})
        return response.status_code, response.headers.get(USER_HEADER)

    def count(self, name: str) -> int:
        return fetch_counts(self.provider)[name]


@pytest.fixture(scope="module", params=Refusal, ids=lambda refusal: refusal.value)
def world(request: pytest.FixtureRequest) -> Iterator[World]:
    with (
        start_provider() as provider,
        start_backend() as backend,
        start_proxy(provider, backend, refusal=request.param) as proxy,
    ):
        yield World(provider, proxy)


@pytest.fixture
def pool() -> Iterator[SessionPool]:
    with SessionPool() as made:
        yield made


def at_once(count: int, function: Callable[[int], Any]) -> list[Any]:
    """Return the results of calls that threads make at the same time."""
    gate = threading.Barrier(count)

    def run(number: int) -> Any:
        gate.wait(PATIENCE)
        return function(number)

    with ThreadPoolExecutor(count) as threads:
        return list(threads.map(run, range(count)))


def test_hundred_callers_at_once_are_one_login(world: World, pool: SessionPool) -> None:
    before = world.count("logins")
    answers = at_once(100, lambda _: world.asks_as(world.get(pool, ANN)))
    assert set(answers) == {(200, ANN.name)}
    assert world.count("logins") == before + 1
    assert len(pool) == 1
    stats = pool.stats()
    assert stats["hits"] + stats["misses"] == 100
    assert (stats["logins"], stats["failed_logins"], stats["size"]) == (1, 0, 1)


def test_hundred_that_find_the_login_lost_are_one_login(world: World, pool: SessionPool) -> None:
    session = world.get(pool, ANN)
    session.cookies.clear()
    before = world.count("logins")
    answers = at_once(100, lambda _: world.asks_as(world.get(pool, ANN)))
    assert set(answers) == {(200, ANN.name)}
    assert world.count("logins") == before + 1
    assert world.get(pool, ANN) is session


def test_wrong_password_is_tried_once(
    world: World, pool: SessionPool, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = Clock(monkeypatch)
    wrong = User(ANN.name, "not-the-password")
    good = world.get(pool, ANN)
    before = world.count("refused")

    def state(_: int) -> str:
        with pytest.raises(LoginError) as refusal:
            world.get(pool, wrong)
        return refusal.value.state

    assert set(at_once(20, state)) == {"bad-credentials"}
    clock.now += 59
    state(0)
    assert world.count("refused") == before + 1
    assert world.get(pool, ANN) is good
    clock.now += 2
    state(0)
    assert world.count("refused") == before + 2
    assert pool.stats()["failed_logins"] == 2


@pytest.mark.parametrize(
    ("user", "state"),
    [(TESS, "two-factor"), (DORA, "device"), (CORA, "consent"), (RITA, "rate-limited")],
    ids=lambda value: value if isinstance(value, str) else value.name,
)
def test_what_is_no_wrong_password_is_tried_again(
    world: World, pool: SessionPool, user: User, state: str
) -> None:
    before = world.count("pages")
    for _ in range(2):
        with pytest.raises(LoginError) as failure:
            world.get(pool, user)
        assert failure.value.state == state
        assert user.password not in str(failure.value)
    assert world.count("pages") == before + 2
    assert len(pool) == 0


def test_password_that_was_changed_is_noticed_and_not_tried_again(
    world: World, pool: SessionPool
) -> None:
    session = world.get(pool, ANN)
    session.set_oauth2_password("what-it-was-before")  # as if it were changed at the provider
    session.cookies.clear()
    assert world.asks_as(session)[0] == 403
    before = world.count("refused")
    for _ in range(2):
        with pytest.raises(LoginError) as failure:
            world.get(pool, ANN)
        assert failure.value.state == "bad-credentials"
    assert world.count("refused") == before
    assert len(pool) == 0


def answers_of(
    world: World, session_of: Callable[[User], Session], forget: Callable[[User], None]
) -> set[tuple[Any, ...]]:
    """Return who was asked for and who was answered, of users on many threads."""
    users = [(ANN, BOB, ZOE)[number % 3] for number in range(8)]

    def ask(number: int) -> list[tuple[Any, ...]]:
        found = []
        for turn in range(12):
            user = users[(number + turn) % len(users)]
            session = session_of(user)
            if (number + turn) % 5 == 0:
                forget(user)
            found.append((user.name, *world.asks_as(session)))
        return found

    return {one for many in at_once(len(users), ask) for one in many}


def test_no_answer_is_anothers(world: World) -> None:
    right = {(user.name, 200, user.name) for user in (ANN, BOB, ZOE)}
    with SessionPool(max_size=1) as pool:

        def discard(user: User) -> None:
            pool.discard(f"{world.proxy.url}/oauth2/start", user.name)

        assert answers_of(world, partial(world.get, pool), discard) == right
        assert pool.stats()["evictions"] > 0
    with SessionPool() as pool:
        shared = world.get(pool, ANN)
        assert answers_of(world, lambda _: shared, lambda _: None) != right


def test_child_of_a_fork_starts_empty(world: World) -> None:
    script = """
        import os, sys, warnings
        warnings.simplefilter("ignore")  # that threads of the parent are not in the child
        from apikit import SessionPool
        start, session, api, user, password = sys.argv[1:]
        pool = SessionPool()
        one = pool.get(start, user, password, session)
        pid = os.fork()
        sizes = pool.stats()
        two = pool.get(start, user, password, session)
        expected = (0, 0, 1) if pid == 0 else (1, 1, 1)
        got = (sizes["size"], sizes["logins"], pool.stats()["logins"])
        name = two.get(api, params={"metric": "m", "job": "j"}).headers["X-Answered-For"]
        right = got == expected and (two is one) == (pid != 0) and name == user
        if pid == 0:
            os._exit(0 if right else 7)
        status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        still = one.get(api, params={"metric": "m", "job": "j"}).headers["X-Answered-For"]
        sys.exit(0 if right and status == 0 and still == user else f"{got} {name} {status} {still}")
    """
    before = world.count("logins")
    where = [f"{world.proxy.url}/oauth2/start", f"{world.provider.url}/session"]
    command = [sys.executable, "-P", "-c", textwrap.dedent(script), *where]
    done = subprocess.run(
        [*command, f"{world.proxy.url}/api", ANN.name, ANN.password],
        cwd=ROOT / "tests",
        capture_output=True,
        text=True,
        timeout=PATIENCE,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert world.count("logins") == before + 2


# A provider in this process, which can be held and can fail.


@dataclass
class Provider:
    """Proxy and provider: a log-in is good unless it is to fail, and waits while it is held."""

    held: threading.Event = field(default_factory=threading.Event)
    failures: list[BaseException] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.held.set()
        self.begun = threading.Semaphore(0)
        self.logins = 0
        self.most = 0
        self._now = 0
        self._lock = threading.Lock()

    def hold(self) -> None:
        self.held = threading.Event()

    def __call__(self, request: PreparedRequest) -> bytes:
        if (request.url or "").startswith(START):
            return answer(302, headers={"Location": "http://localhost/login"})
        if request.url == "http://localhost/login":
            return answer(body=FORM.encode(), headers={"Content-Type": "text/html"})
        if request.url != SESSION:
            return answer(text="welcome")
        with self._lock:
            self.logins += 1
            self._now += 1
            self.most = max(self.most, self._now)
        self.begun.release()
        try:
            assert self.held.wait(PATIENCE)
        finally:
            with self._lock:
                self._now -= 1
        if self.failures:
            raise self.failures.pop()
        return answer(302, headers={"Location": f"{PROXY}/"})


class Clock:
    """The pool's clock, set by hand."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 1000.0
        for module in ("apikit.pool", "apikit._kept"):
            monkeypatch.setattr(f"{module}.time", SimpleNamespace(monotonic=lambda: self.now))


@pytest.fixture
def provider() -> Iterator[Provider]:
    made = Provider()
    yield made
    made.held.set()


def make(provider: Provider, **options: Any) -> SessionPool:
    return SessionPool(transport=provider, **options)


def get(pool: SessionPool, user: str = "ann", password: str = "secret", **more: Any) -> Session:
    return pool.get(START, user, password, SESSION, **more)


def begin(threads: ThreadPoolExecutor, provider: Provider, *args: Any, **more: Any) -> Future[Any]:
    """Let a thread begin a log-in, and return once the provider has its form."""
    login = threads.submit(get, *args, **more)
    assert provider.begun.acquire(timeout=PATIENCE)
    return login


def await_misses(pool: SessionPool, count: int) -> None:
    """Return once so many callers wait, or are about to."""
    for _ in range(int(PATIENCE * 100)):
        if pool.stats()["misses"] >= count:
            return
        threading.Event().wait(0.01)
    raise AssertionError(pool.stats())


@pytest.mark.parametrize("death", [SystemExit("killed"), MemoryError()], ids=repr)
def test_waiter_takes_over_from_a_login_that_died(provider: Provider, death: BaseException) -> None:
    provider.hold()
    provider.failures.append(death)
    with make(provider) as pool, ThreadPoolExecutor(8) as threads:
        leader = begin(threads, provider, pool)
        waiters = [threads.submit(get, pool) for _ in range(5)]
        await_misses(pool, 6)
        provider.held.set()
        assert isinstance(leader.exception(PATIENCE), type(death))
        sessions = {id(waiter.result(PATIENCE)) for waiter in waiters}
        assert sessions == {id(get(pool))}
    assert provider.logins == 2


def test_caller_that_gives_up_takes_no_login_with_it(provider: Provider) -> None:
    provider.hold()
    with make(provider) as pool, ThreadPoolExecutor(2) as threads:
        leader = begin(threads, provider, pool, deadline=0.1)
        waiter = threads.submit(get, pool)
        assert isinstance(leader.exception(PATIENCE), errors.DeadlineExceeded)
        provider.held.set()
        assert waiter.result(PATIENCE) is get(pool)
    assert provider.logins == 1


def test_login_does_not_end_with_the_time_of_who_began_it(server: FaultServer) -> None:
    server.script(
        "/start", [hold("provider"), fault_answer(FORM.encode(), "Content-Type: text/html")]
    )
    server.script("/session", [fault_answer(b"welcome", "Set-Cookie: a=b; Path=/")])
    with SessionPool(login="form") as pool, ThreadPoolExecutor(2) as threads:
        where = server.url("/start"), "ann", "secret"
        leader = threads.submit(pool.get, *where, deadline=0.2)
        server.wait_seen("/start")
        waiter = threads.submit(pool.get, *where)
        assert isinstance(leader.exception(PATIENCE), errors.DeadlineExceeded)
        server.release("provider")
        assert waiter.result(PATIENCE) is pool.get(*where)


def test_login_that_hangs_gives_its_thread_back(server: FaultServer) -> None:
    server.script("/start", [stall()])
    with SessionPool(login="form", login_timeout=0.2, timeout=None) as pool:
        with pytest.raises(errors.DeadlineExceeded):
            pool.get(server.url("/start"), "ann", "secret")
        server.wait_ended(server.wait_seen("/start")[0].connection)


def test_lost_login_that_is_renewed_keeps_nobody_beyond_the_patience(provider: Provider) -> None:
    def refusing(request: PreparedRequest) -> bytes:
        if request.url != f"{PROXY}/api":
            return provider(request)
        page = '<form method="GET" action="/oauth2/start"></form>'
        return answer(403, body=page.encode(), headers={"Content-Type": "text/html"})

    with SessionPool(transport=refusing, login_timeout=0.5) as pool:
        session = get(pool)
        provider.hold()
        with pytest.raises(errors.DeadlineExceeded):
            session.get(f"{PROXY}/api")
        assert get(pool) is session  # while it is being renewed
        provider.held.set()


def test_network_failure_is_shared_by_those_who_wait(provider: Provider) -> None:
    provider.hold()
    provider.failures.append(errors.ReadTimeout("silence"))
    with make(provider) as pool, ThreadPoolExecutor(8) as threads:
        leader = begin(threads, provider, pool)
        waiters = [threads.submit(get, pool) for _ in range(5)]
        await_misses(pool, 6)
        provider.held.set()
        failures = [one.exception(PATIENCE) for one in (leader, *waiters)]
        assert {str(failure) for failure in failures} == {"silence"}
        assert all(isinstance(failure, errors.ReadTimeout) for failure in failures)
        assert len({id(failure) for failure in failures}) == 6
        assert provider.logins == 1
        get(pool)  # is not remembered
    assert provider.logins == 2


def test_logins_at_once_are_bounded(provider: Provider) -> None:
    provider.hold()
    with make(provider, max_logins=2) as pool, ThreadPoolExecutor(12) as threads:
        logins = [threads.submit(get, pool, f"user{number}") for number in range(12)]
        for _ in range(2):
            assert provider.begun.acquire(timeout=PATIENCE)
        await_misses(pool, 12)
        provider.held.set()
        assert len({login.result(PATIENCE) for login in logins}) == 12
    assert (provider.most, provider.logins) == (2, 12)


def test_who_waits_too_long_for_a_turn_is_told_and_never_logged_in(provider: Provider) -> None:
    provider.hold()
    with make(provider, max_logins=1) as pool, ThreadPoolExecutor(1) as threads:
        going_on = begin(threads, provider, pool)
        with pytest.raises(errors.PoolBusy, match="max_logins"):
            get(pool, "bob", deadline=0.05)
        provider.held.set()
        going_on.result(PATIENCE)
        get(pool, "zoe")
    assert provider.logins == 2


# What is kept.


def test_session_is_found_until_its_time_is_up(
    provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = Clock(monkeypatch)
    with make(provider, ttl=100) as pool:
        session = get(pool)
        clock.now += 99
        assert get(pool) is session
        clock.now += 2
        assert get(pool) is not session
        assert pool.stats() == {
            "hits": 1,
            "misses": 2,
            "logins": 2,
            "failed_logins": 0,
            "shared_logins": 0,
            "evictions": 0,
            "size": 1,
        }


def test_old_sessions_go_when_others_come(
    provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = Clock(monkeypatch)
    with make(provider, ttl=100) as pool:
        get(pool, "ann")
        clock.now += 101
        get(pool, "bob")
        assert len(pool) == 1


def test_only_the_last_sessions_keep_connections(
    server: FaultServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each takes descriptors, of which a process has no more than its limit."""
    monkeypatch.setattr("apikit._kept.MOST_CONNECTED", 2)
    monkeypatch.setattr("apikit._kept._TURNS", 1)
    server.script("/api", [fault_answer(b"hello", "GAP-Auth: somebody")])
    with SessionPool(login="basic") as pool:
        for user in ("ann", "bob", "cora", "dora", "ann"):
            session = pool.get(server.url("/oauth2/start"), user, "secret")
            assert session.get(server.url("/api")).text == "hello"
        connections = [seen.connection for seen in server.seen("/api")]
        assert len(set(connections)) == len(connections)
        for closed in connections[:2]:
            server.wait_ended(closed)
        session.get(server.url("/api"))
        assert server.seen("/api")[-1].connection == connections[-1]
        assert (len(pool), pool.stats()["evictions"]) == (4, 0)


def test_refused_headers_leave_no_sessions() -> None:
    """Whoever guesses passwords would hold a connection for each, and push others out."""
    with SessionPool(login="basic", transport=lambda _: answer(401, json={})) as pool:
        for number in range(20):
            session = pool.get(START, "bob", f"guess {number}")
            assert session.get(f"{PROXY}/api").status_code == 401
        assert len(pool) == 1


def test_what_is_in_use_is_never_lost(provider: Provider) -> None:
    with make(provider, max_size=2) as pool:
        held = get(pool, "ann")
        for name in ("bob", "cora", "dora"):
            get(pool, name)
        assert len(pool) == 2
        assert get(pool, "ann") is held
        assert pool.stats()["logins"] == 4


def test_least_recently_asked_for_makes_room(provider: Provider) -> None:
    with make(provider, max_size=2) as pool:
        for name in ("ann", "bob", "ann", "cora", "ann", "bob"):
            get(pool, name)
        assert pool.stats()["logins"] == 4
        assert pool.stats()["evictions"] == 2


def test_all_of_the_arguments_are_the_key(provider: Provider) -> None:
    arguments = [
        (START, "ab", "c", SESSION),
        (START, "a", "bc", SESSION),
        (START, "ab", "d", SESSION),
        (START + "?rd=/", "ab", "c", SESSION),
        (START, "ab", "c", "http://localhost/"),
    ]
    with make(provider) as pool:
        sessions = [pool.get(*some) for some in arguments]
        assert len({id(session) for session in sessions}) == len(arguments)
        assert [pool.get(*some) for some in arguments] == sessions


def test_discarded_user_is_logged_in_anew(provider: Provider) -> None:
    with make(provider) as pool:
        ann, bob = get(pool, "ann"), get(pool, "bob")
        pool.discard(START, "ann")
        assert get(pool, "bob") is bob
        assert get(pool, "ann") is not ann
        assert ann.get(f"{PROXY}/api").status_code == 200  # who uses it may go on
        pool.clear()
        assert len(pool) == 0
        assert get(pool, "bob") is not bob


def test_login_that_was_discarded_meanwhile_is_not_kept(provider: Provider) -> None:
    provider.hold()
    with make(provider) as pool, ThreadPoolExecutor(1) as threads:
        login = begin(threads, provider, pool)
        pool.discard(START, "ann")
        provider.held.set()
        session = login.result(PATIENCE)
        assert len(pool) == 0
        assert get(pool) is not session


def test_login_that_was_discarded_does_not_take_the_place_of_its_successor(
    provider: Provider,
) -> None:
    provider.hold()
    with make(provider) as pool, ThreadPoolExecutor(2) as threads:
        first, first_held = begin(threads, provider, pool), provider.held
        pool.discard(START, "ann")
        provider.hold()
        second = begin(threads, provider, pool)
        first_held.set()
        discarded = first.result(PATIENCE)
        provider.held.set()
        session = second.result(PATIENCE)
        assert get(pool) is session is not discarded


def test_closed_pool_is_closed(provider: Provider) -> None:
    provider.hold()
    with ThreadPoolExecutor(1) as threads:
        pool = make(provider)
        login = begin(threads, provider, pool)
        pool.close()
        provider.held.set()
        session = login.result(PATIENCE)
        session_is_closed(session)
    with pytest.raises(RuntimeError, match="closed"):
        get(pool)


def session_is_closed(session: Session) -> None:
    for _ in range(int(PATIENCE * 100)):
        try:
            session.get(f"{PROXY}/api")
        except RuntimeError:
            return
        threading.Event().wait(0.01)
    raise AssertionError("the session was not closed")


# Secrets.


def holders(secret: str) -> int:
    """Return how many objects refer to a string that is equal to `secret`."""
    gc.collect()
    return sum(
        type(held) is str and held == secret
        for one in gc.get_objects()
        for held in gc.get_referents(one)
    )


def test_no_object_keeps_the_password(provider: Provider) -> None:
    with make(provider) as pool:
        before = holders("hunter2-and-more")
        session = get(pool, password="-".join(["hunter2", "and", "more"]))
        assert holders("hunter2-and-more") == before
        assert (session.login_state, provider.logins) == ("ok", 1)


@pytest.mark.parametrize("failure", [errors.ReadTimeout("silence"), MemoryError()], ids=repr)
def test_no_traceback_shows_the_password(provider: Provider, failure: BaseException) -> None:
    provider.failures.append(failure)
    secret = "hunter2-and-more"
    with make(provider) as pool:
        with pytest.raises(type(failure)) as caught:
            get(pool, password=secret)
        assert secret not in repr(pool) + repr(vars(pool))
    ours = [
        (frame.f_code.co_name, repr(frame.f_locals))
        for frame, _ in traceback.walk_tb(caught.value.__traceback__)
        if "/apikit/" in frame.f_code.co_filename and "/tests/" not in frame.f_code.co_filename
    ]
    assert "get" in {name for name, _ in ours}
    assert not [name for name, shown in ours if secret in shown]


# Arguments.


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"max_size": 0}, ValueError),
        ({"max_logins": 0}, ValueError),
        ({"max_logins": 1.5}, ValueError),
        ({"ttl": -1}, ValueError),
        ({"negative_ttl": "60"}, ValueError),
        ({"login_timeout": None}, ValueError),
        ({"nonsense": 1}, TypeError),
        ({"login": "nobody's"}, ValueError),
    ],
    ids=repr,
)
def test_options_are_checked(options: dict[str, Any], error: type[Exception]) -> None:
    with pytest.raises(error, match=next(iter(options))):
        SessionPool(**options)


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        (("", "ann", "x"), ValueError),
        ((START, "", "x"), ValueError),
        ((START, "ann", ""), ValueError),
        ((START, "ann", b"x"), TypeError),
        ((None, "ann", "x"), TypeError),
        ((START, "ann:x", "x"), ValueError),
        ((START, "ann", "x\n"), ValueError),
        ((START, "ann", "x\udc80"), ValueError),
        ((START, "a" * 2000, "x"), ValueError),
        ((START, "ann", "x" * 20000), ValueError),
        (("nonsense", "ann", "x"), ValueError),
    ],
    ids=lambda value: repr(value)[:40],
)
def test_arguments_are_checked(
    provider: Provider, arguments: tuple[Any, ...], error: type[Exception]
) -> None:
    with make(provider) as pool:
        with pytest.raises(error):
            pool.get(*arguments, SESSION)
        assert len(pool) == 0
    assert provider.logins == 0

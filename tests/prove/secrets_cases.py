"""What can fail with a password at hand, and all that is shown of it then."""

from __future__ import annotations

import copy
import logging
import pickle
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import structlog

import apikit
from apikit import Backend, Session, SessionPool, errors
from tests.faults.children import unused_port
from tests.login_world import BASE_URL, PROXY, SESSION_URL, World, answer
from tests.shown import texts_of

__all__ = ["ANN", "BITLY", "FAILURES", "SAID", "SECRET", "all_shown"]

#: The line that a service logs with a failure.
SAID = "the service failed"


SECRET = "hunter2&more=\u00e9"
ANN = ("ann", SECRET)
BASIC = {"type": "basic", "data": {}}
BITLY = {"type": "bitly-proxy", "data": {"endpoint": BASE_URL, "session_url": SESSION_URL}}


def refuse_form(request: Any) -> bytes | None:
    return answer(422, "no") if request.url == SESSION_URL else None


def fail_at(url: str, failure: Exception) -> Callable[[Any], bytes | None]:
    """Return what is a world whose network fails at a URL."""

    def fail(request: Any) -> bytes | None:
        if str(request.url).startswith(url):
            raise copy.copy(failure)  # whose traceback has no frames of the time before
        return None

    return fail


def call(
    before: Callable[[Any], bytes | None] = lambda request: None,
    auth: Any = BITLY,
    path: str = "/api",
    caller: Any = ANN,
    method: str = "GET",
    **options: Any,
) -> None:
    """Call a back end whose world is as said."""
    world = World()
    world.before = before
    with Backend(PROXY, auth=auth, transport=world, retries=None) as backend:
        backend.request(method, path, auth=caller, **options)


def log_in(
    before: Callable[[Any], bytes | None] = lambda request: None,
    password: Any = SECRET,
    **options: Any,
) -> None:
    """Log in as the original does, at construction."""
    world = World()
    world.before = before
    options = {"transport": world, **options}
    Session("ann", password, BASE_URL, SESSION_URL, **options).close()


def call_closed() -> None:
    pool = SessionPool(transport=World())
    pool.close()
    pool.get(BASE_URL, "ann", SECRET, SESSION_URL)


def pickle_session() -> None:
    session = Session("ann", None, BASE_URL, SESSION_URL, transport=World())
    session.set_oauth2_password(SECRET)
    with session:
        pickle.dumps(session)


PAGE = f"{PROXY}/oauth2/start"
SILENCE = errors.ReadTimeout("silence")

#: What can fail, each with the password at hand.
FAILURES: dict[str, Callable[[], object]] = {
    "a wrong password": lambda: call(refuse_form),
    "no page": lambda: call(fail_at(BASE_URL, SILENCE)),
    "no answer to the form": lambda: call(fail_at(SESSION_URL, SILENCE)),
    "no answer to the callback": lambda: call(fail_at(f"{PROXY}/oauth2/callback", SILENCE)),
    "no answer to the call": lambda: call(fail_at(f"{PROXY}/api", SILENCE)),
    "no answer to basic": lambda: call(fail_at(f"{PROXY}/api", SILENCE), BASIC),
    "an error of a transport": lambda: call(fail_at(SESSION_URL, OSError("broken"))),
    "a 404": lambda: call(lambda _: answer(404, "none"), BASIC),
    "a path that leads elsewhere": lambda: call(path="/../x"),
    "a header with a line break": lambda: call(headers={"A": "b\r\nc"}),
    "a header, basic": lambda: call(auth=BASIC, headers={"A": "b\r\nc"}),
    "a body of no kind": lambda: call(auth=BASIC, method="POST", json=object()),
    "an unknown option": lambda: call(auth=BASIC, nonsense=1),
    "a colon in the name": lambda: call(auth=BASIC, caller=("a:b", SECRET)),
    "a control character": lambda: call(caller=("ann", SECRET + "\x07")),
    "too long": lambda: call(caller=("ann", SECRET * 2000)),
    "a surrogate": lambda: call(caller=("ann", SECRET + "\udcff")),
    "bytes": lambda: call(caller=("ann", SECRET.encode())),
    "three": lambda: call(caller=("ann", SECRET, "more")),
    "a closed pool": call_closed,
    "a session's pickle": pickle_session,
    "a session without a network": lambda: log_in(fail_at(SESSION_URL, SILENCE)),
    "a session's password too long": lambda: log_in(password=SECRET * 2000),
    "a session's password with a surrogate": lambda: log_in(password=SECRET + "\udcff"),
    "a session's password in a list": lambda: log_in(password=[SECRET]),
    "a session's wrong option": lambda: log_in(timeout="soon"),
    "a URL of two ports": lambda: call_url(f"http://ann:{quote(SECRET)}@host:1:2/"),
    "a URL of another scheme": lambda: call_url(f"ftp://ann:{quote(SECRET)}@host/"),
    "a URL that nobody answers": lambda: call_url(
        f"http://ann:{quote(SECRET)}@127.0.0.1:{unused_port()}/"
    ),
    "a retry that nobody answers": lambda: retry(f"http://127.0.0.1:{unused_port()}/"),
    "a retry by no method": lambda: apikit.retry_request("patch", BASE_URL, auth=ANN),
    "a retry by a number": lambda: apikit.retry_request(5, BASE_URL, auth=ANN),  # type: ignore[arg-type]
    "a retry that is refused": lambda: apikit.retry_request(
        "get", "http://[::1/", {"Authorization": SECRET}, auth=ANN
    ),
    "a retry with a URL of its own": lambda: retry(
        f"http://ann:{quote(SECRET)}@127.0.0.1:{unused_port()}/"
    ),
}


def call_url(url: str) -> None:
    with Session(trust_env=False) as session:
        session.get(url)


def retry(url: str) -> None:
    apikit.retry_request("get", url, auth=ANN, tries=1, timeout=1)


def all_shown(name: str, logged: Callable[[], str]) -> list[str]:
    """Let something fail, log the failure, and return all texts.

    Parameters
    ----------
    name
        What fails.
    logged
        Returns what was logged since it was called last.
    """
    failure: BaseException | None = None
    try:
        FAILURES[name]()
    except Exception as exception:
        failure = exception
    assert failure is not None
    texts = [*texts_of(failure), logged()]
    logging.getLogger("service").exception(SAID, exc_info=failure)
    structlog.get_logger().error(SAID, exc_info=failure)
    return [*texts, logged()]

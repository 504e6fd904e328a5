"""The story that the demo tells, each step checked as it is told."""

from __future__ import annotations

import http.client
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from tests.servers import ANN, BOB, Event, Server, fetch_counts, fetch_token, metric_value
from tests.servers import Token as IssuedToken

from .caller import Credentials, Token, call, curl_line
from .hops import describe_hop, is_back_channel
from .stack import Stack

__all__ = ["FAILURE_PATH", "METRIC_PATH", "WRONG_PASSWORD", "Story"]

METRIC_PATH = "/mymicroservice/buildmyapp/time"
FAILURE_PATH = "/mymicroservice/broken/time"
WRONG_PASSWORD = "not-the-password"

_VALUE = {
    "jobname": "buildmyapp",
    "metric": "time",
    "value": metric_value("buildmyapp", "time"),
}
_METADATA = {
    "auth": "bitly-proxy",
    "name": "uservice-mymicroservice",
    "repository": "https://github.com/sqre-lsst/uservice-mymicroservice",
    "version": "0.0.1",
    "description": "My delightful microservice",
    "api_version": "1.0",
}
_METADATA_PATHS = tuple(
    prefix + path
    for prefix in ("", "/mymicroservice")
    for path in ("/metadata", "/metadata.json", "/v1.0/metadata", "/v1.0/metadata.json")
)
_FETCH_HOPS = ["proxy GET /api 200", "backend GET /api 200"]
_LOGIN_HOPS = [
    "proxy GET /oauth2/start 302",
    "provider GET /login/oauth/authorize 302",
    "provider GET /login 200",
    "provider POST /session 302",
    "provider GET /login/oauth/authorize 302",
    "proxy GET /oauth2/callback 302",
    "proxy GET / 200",
    "backend GET / 200",
]


class Story:
    """Tells the story and keeps count of what was not as it should be.

    Parameters
    ----------
    stack : `Stack`
        The running servers.
    caller : `Credentials`
        Who makes the first call.
    say : callable
        Takes a line of the telling.
    """

    def __init__(self, stack: Stack, caller: Credentials, say: Callable[[str], None]) -> None:
        self._stack = stack
        self._caller = caller
        self._say = say
        self._steps = 0
        self._failed_steps = 0
        self._problems: list[str] = []

    def tell(self) -> bool:
        """Tell it all and return whether each step was as it should be."""
        self._first_call()
        self._second_call()
        self._another_user()
        self._no_credentials()
        self._wrong_password()
        self._backend_failures()
        self._metadata()
        if self._stack.issuer is not None:
            self._token(self._stack.issuer)
        right = self._steps - self._failed_steps
        self._say(f"{right} of {self._steps} steps were as they should be.")
        return self._failed_steps == 0

    def _first_call(self) -> None:
        with self._step("The first call logs in, hop by hop, and answers"), self._logins(1):
            self._expect_json(METRIC_PATH, self._caller, 200, _VALUE, _LOGIN_HOPS + _FETCH_HOPS)

    def _second_call(self) -> None:
        with self._step("The second call needs no login"), self._logins(0):
            self._expect_json(METRIC_PATH, self._caller, 200, _VALUE, _FETCH_HOPS)

    def _another_user(self) -> None:
        with self._step("Another user gets a login of his own"), self._logins(1):
            self._expect_json(METRIC_PATH, Credentials(BOB.name, BOB.password), 200, _VALUE)
            user = self._stack.events()[-1].note.get("user")
            self._say(f"     the back end answered for: {user}")
            self._expect("the user whom the back end saw", BOB.name, user)

    def _no_credentials(self) -> None:
        with self._step("No credentials: 401, and nobody is asked"), self._logins(0):
            body = _error(401, "Unauthorized", "Basic credentials in UTF-8 are needed.")
            self._expect_json(METRIC_PATH, None, 401, body, [])

    def _wrong_password(self) -> None:
        title = "A wrong password: 401 as JSON, and asked about once"
        with self._step(title), self._logins(0):
            wrong = Credentials(self._caller.name, WRONG_PASSWORD)
            content = "The log-in failed: the provider refused user name or password: give others"
            before = self._counts()
            for _ in range(2):
                self._expect_json(METRIC_PATH, wrong, 401, _error(401, "Unauthorized", content))
            refused, reached = (new - old for new, old in zip(self._counts(), before, strict=True))
            self._say(f"     refused at the provider: {refused}; reached the back end: {reached}")
            self._expect("refused at the provider", 1, refused)
            self._expect("requests that reached the back end", 0, reached)

    def _backend_failures(self) -> None:
        with self._step("The back end's failures, as JSON"):
            text = "the back end says: {}\n"
            phrase = "Internal Server Error"
            expected = _error(500, phrase, text.format(phrase))
            self._expect_json(FAILURE_PATH, self._caller, 500, expected)
            expected = _error(404, "Not Found", text.format("Not Found"))
            self._expect_json("/mymicroservice/missing/time", self._caller, 404, expected)

    def _metadata(self) -> None:
        with self._step("The metadata, at the root and under the prefix, for anybody"):
            for path in _METADATA_PATHS:
                reply = call(self._stack.service, path)
                line = curl_line(self._stack.service, path)
                self._say(f"   $ {line:<70} {reply.status} {reply.content_type}")
                self._expect(path, (200, _METADATA), (reply.status, reply.json()))
            self._say(f"     {reply.text.strip()}")

    def _token(self, issuer: Server) -> None:
        title = "A program's token in place of a password: no login at all"
        with self._step(title), self._logins(0):
            token = Token(fetch_token(issuer, ANN))
            self._expect_json(METRIC_PATH, token, 200, _VALUE, _FETCH_HOPS)
            content = "the proxy refused the token: get a new one, made for the proxy"
            expired = Token(fetch_token(issuer, ANN, IssuedToken.EXPIRED))
            self._expect_json(METRIC_PATH, expired, 401, _error(401, "Unauthorized", content))

    def _counts(self) -> tuple[int, int]:
        """Return how often the provider refused and the back end was asked."""
        provider, backend = fetch_counts(self._stack.provider), fetch_counts(self._stack.backend)
        return provider["refused"], backend["requests"]

    @contextmanager
    def _step(self, title: str) -> Iterator[None]:
        self._steps += 1
        self._problems = []
        self._say(f"{self._steps}. {title}")
        try:
            yield
        except (OSError, http.client.HTTPException) as error:
            self._problems.append(f"{type(error).__name__}: {error}")
        for problem in self._problems:
            self._say(f"   FAILED {problem}")
        if self._problems:
            self._failed_steps += 1
            self._say_last_output()
        else:
            self._say("   ok")
        self._say("")

    def _say_last_output(self) -> None:
        for line in self._stack.service.last_output().splitlines():
            self._say(f"   service | {line}")

    @contextmanager
    def _logins(self, expected: int) -> Iterator[None]:
        before = fetch_counts(self._stack.provider)["logins"]
        yield
        logins = fetch_counts(self._stack.provider)["logins"] - before
        self._say(f"     logins at the provider: {logins}")
        self._expect("logins at the provider", expected, logins)

    def _expect_json(
        self,
        path: str,
        credentials: Credentials | Token | None,
        status: int,
        body: object,
        hops: list[str] | None = None,
    ) -> None:
        """Call the service and compare its answer, and what happened behind it if given."""
        service = self._stack.service
        self._say(f"   $ {curl_line(service, path, credentials)}")
        seen = len(self._stack.events())
        reply = call(service, path, credentials)
        if hops is not None:
            self._expect_hops(self._stack.events()[seen:], hops)
        self._say(f"     {reply}")
        self._expect("the answer", (status, body), (reply.status, reply.json()))

    def _expect_hops(self, events: list[Event], expected: list[str]) -> None:
        for event in events:
            self._say(f"     {describe_hop(event)}")
        hops = [_summary(event) for event in events if not is_back_channel(event)]
        self._expect("the hops", expected, hops)

    def _expect(self, what: str, expected: object, came: object) -> None:
        if came != expected:
            self._problems.append(f"{what}: expected {expected}, got {came}")


def _error(status: int, reason: str, content: str) -> dict[str, object]:
    return {"reason": reason, "status_code": status, "error_content": content}


def _summary(event: Event) -> str:
    return f"{event.server} {event.method} {event.path} {event.status}"

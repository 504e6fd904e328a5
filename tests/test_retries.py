"""Retries of a session: what is sent again, how often, and what the caller gets then."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import pytest
import urllib3

from apikit import Retry, errors
from apikit.session import Session


class _Server(ThreadingHTTPServer):
    """Answers from a list of (status, headers), then 200; drops the connection for None."""

    daemon_threads = True
    script: list[tuple[int, dict[str, str]] | None]
    seen: list[tuple[str, bytes]]

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/"


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def _answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.server.seen.append((self.command, body))
        status, headers = 200, dict[str, str]()
        if self.server.script:
            scripted = self.server.script.pop(0)
            if scripted is None:
                self.connection.shutdown(socket.SHUT_RDWR)
                self.close_connection = True
                return
            status, headers = scripted
        self.send_response(status)
        for name, value in {"Content-Length": "0", **headers}.items():
            self.send_header(name, value)
        self.end_headers()

    do_GET = do_POST = do_PUT = _answer

    def log_message(self, *_args: Any) -> None:
        """Keep the output for the tests."""


@pytest.fixture
def server() -> Iterator[_Server]:
    with _Server(("127.0.0.1", 0), _Handler) as server:
        server.script, server.seen = [], []
        thread = Thread(target=server.serve_forever, args=[0.01])
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    seconds: list[float] = []
    monkeypatch.setattr(time, "sleep", seconds.append)
    return seconds


def test_none_by_default(server: _Server) -> None:
    server.script = [(503, {"Retry-After": "1"})]
    with Session() as session:
        assert session.retries is None
        assert session.get(server.url).status_code == 503
    assert len(server.seen) == 1


def test_listed_statuses_are_asked_again(server: _Server) -> None:
    server.script = [(502, {}), (503, {})]
    with Session(retries=Retry(total=3, status_forcelist=(502, 503))) as session:
        assert session.get(server.url).status_code == 200
    assert len(server.seen) == 3


def test_used_up_by_statuses_raises_with_the_last_answer(server: _Server) -> None:
    server.script = [(502, {})] * 3
    with (
        Session(retries=Retry(total=2, status_forcelist={502})) as session,
        pytest.raises(errors.RetryError, match="502 after 3 tries") as raised,
    ):
        session.get(server.url)
    assert raised.value.response.status_code == 502
    assert len(server.seen) == 3


def test_used_up_by_statuses_returns_the_last_answer_if_told_so(server: _Server) -> None:
    server.script = [(502, {})] * 3
    policy = Retry(total=2, status_forcelist={502}, raise_on_status=False)
    with Session(retries=policy) as session:
        assert session.get(server.url).status_code == 502
    assert len(server.seen) == 3


def test_post_is_not_sent_twice(server: _Server) -> None:
    server.script = [None]
    with Session(retries=5) as session, pytest.raises(errors.ConnectionError):
        session.post(server.url, data=b"once")
    assert server.seen == [("POST", b"once")]


def test_post_is_sent_twice_if_allowed_and_whole(server: _Server) -> None:
    server.script = [None]
    with Session(retries=Retry(total=1, allowed_methods=None)) as session:
        assert session.post(server.url, data=b"twice").status_code == 200
    assert server.seen == [("POST", b"twice")] * 2


def test_file_is_sent_again_from_where_it_stood(server: _Server, tmp_path: Any) -> None:
    path = tmp_path / "body"
    path.write_bytes(b"0123456789")
    server.script = [(503, {})]
    with path.open("rb") as file, Session(retries=Retry(2, status_forcelist=[503])) as session:
        file.seek(4)
        assert session.put(server.url, data=file).status_code == 200
    assert server.seen == [("PUT", b"456789")] * 2


def test_generator_cannot_be_sent_again(server: _Server) -> None:
    server.script = [(503, {})]
    with (
        Session(retries=Retry(2, status_forcelist=[503])) as session,
        pytest.raises(errors.UnrewindableBodyError),
    ):
        session.put(server.url, data=iter([b"a", b"b"]))
    assert len(server.seen) == 1


def test_broken_connections_are_tried_again(server: _Server) -> None:
    server.script = [None, None]
    with Session(retries=Retry(read=2, total=None)) as session:
        assert session.get(server.url).status_code == 200
    assert len(server.seen) == 3


def test_read_count_ends_before_the_total(server: _Server) -> None:
    server.script = [None, None, None]
    with Session(retries=Retry(total=9, read=1)) as session, pytest.raises(errors.ConnectionError):
        session.get(server.url)
    assert len(server.seen) == 2


def test_refused_connections_are_tried_again_for_post_too(waits: list[float]) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}/"
    with (
        Session(retries=Retry(connect=3, backoff_factor=0.5)) as session,
        pytest.raises(errors.ConnectionError),
    ):
        session.post(url, data=b"x")
    assert waits == [1.0, 2.0]


def test_waits_are_bounded_and_scattered(server: _Server, waits: list[float]) -> None:
    server.script = [(502, {})] * 5
    policy = Retry(5, status_forcelist=[502], backoff_factor=1, backoff_max=3, backoff_jitter=0.5)
    with Session(retries=policy) as session:
        session.get(server.url)
    assert len(waits) == 4
    assert 2 <= waits[0] <= 2.5
    assert waits[1:] == [3, 3, 3]


def test_retry_after_is_obeyed_and_capped(server: _Server, waits: list[float]) -> None:
    server.script = [(429, {"Retry-After": "7"}), (503, {"Retry-After": "100000"})]
    with Session(retries=Retry(3, retry_after_max=60)) as session:
        assert session.get(server.url).status_code == 200
    assert waits == [7, 60]


@pytest.mark.parametrize("text", ["soon", "-5", "Wed, 21 Oct 2015 07:28:00 GMT", "٣"], ids=repr)
def test_retry_after_that_says_nothing_is_no_wait(
    server: _Server, waits: list[float], text: str
) -> None:
    server.script = [(503, {"Retry-After": text.encode().decode("latin-1")})]
    with Session(retries=1) as session:
        assert session.get(server.url).status_code == 200
    assert waits == []


def test_deadline_ends_the_tries(server: _Server) -> None:
    server.script = [(503, {"Retry-After": "3600"})]
    with Session(retries=3, deadline=20) as session:
        assert session.get(server.url).status_code == 503
    assert len(server.seen) == 1


def test_urllib3s_policy_serves(server: _Server) -> None:
    server.script = [(500, {})]
    policy = urllib3.util.Retry(total=2, status_forcelist=[500], backoff_factor=0)
    with Session(retries=policy) as session:
        assert session.get(server.url).status_code == 200


@pytest.mark.parametrize("wrong", ["3", 1.5, True, object()], ids=repr)
def test_wrong_type_is_refused(wrong: object) -> None:
    with pytest.raises(TypeError, match="retries must be"):
        Session(retries=wrong)


@pytest.mark.parametrize(
    "make",
    [lambda: Retry(total=-1), lambda: Retry(connect=-2), lambda: Retry(backoff_factor=-1)],
)
def test_wrong_value_is_refused(make: Callable[[], Retry]) -> None:
    with pytest.raises(ValueError, match="must be"):
        make()

"""`requests.auth.HTTPDigestAuth`, and the hooks and the connection that it stands on."""

from __future__ import annotations

import io
import pickle
import shutil
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import requests
from requests.auth import HTTPDigestAuth

import apikit
import apikit.session
from apikit import errors
from tests.servers.digest import PASSWORD, USER, DigestServer, start_digest_server

both = pytest.mark.parametrize("library", [requests.Session, apikit.Session])


@pytest.fixture(params=["MD5", "SHA-256"])
def server(request: pytest.FixtureRequest) -> Iterator[DigestServer]:
    with start_digest_server(request.param) as server:
        yield server


@pytest.fixture
def elsewhere() -> Iterator[DigestServer]:
    with start_digest_server() as server:
        yield server


def _auth(password: str = PASSWORD) -> HTTPDigestAuth:
    return HTTPDigestAuth(USER, password)


def _statuses(server: DigestServer) -> list[int]:
    return [came.status for came in server.came]


@pytest.mark.no_asan  # starts another program, in which the sanitizers' library is not wanted
def test_curl_logs_in_to_the_server_of_these_tests(server: DigestServer) -> None:
    curl = shutil.which("curl")
    assert curl, "curl is missing: apt-get install curl"
    options = [curl, "-sS", "--noproxy", "*", "--digest", "-u", f"{USER}:{PASSWORD}"]
    done = subprocess.run([*options, server.url("/a?b=c")], capture_output=True, check=True)
    assert done.stdout == b"0 bytes"
    assert _statuses(server) == [401, 200]


@both
def test_a_session_logs_in_and_stays_so(library: Any, server: DigestServer) -> None:
    with library() as session:
        session.auth = _auth()
        got = session.get(server.url("/a"), params={"b": "c d"})
        assert (got.status_code, got.content) == (200, b"0 bytes")
        assert [one.status_code for one in got.history] == [401]
        assert got.request.headers["Authorization"].startswith("Digest ")
        assert session.post(server.url("/p"), data=b"body").content == b"4 bytes"
    assert _statuses(server) == [401, 200, 200]  # the nonce serves again
    assert "nc=00000002" in (server.came[-1].authorization or "")


@both
def test_a_nonce_that_the_server_forgot_is_asked_for_anew(
    library: Any, server: DigestServer
) -> None:
    with library() as session:
        session.auth = _auth()
        session.get(server.url("/"))
        server.uses.forget()
        assert session.get(server.url("/")).status_code == 200
    assert _statuses(server) == [401, 200, 401, 200]


@both
def test_a_wrong_password_is_tried_once(library: Any, server: DigestServer) -> None:
    with library() as session:
        assert session.get(server.url("/"), auth=_auth("wrong")).status_code == 401
    assert _statuses(server) == [401, 401]


@both
@pytest.mark.parametrize("body", [b"0123456789", "text", {"form": "1"}, io.BytesIO], ids=repr)
def test_the_body_is_sent_with_the_credentials(
    library: Any, server: DigestServer, body: Any
) -> None:
    file = io.BytesIO(b"0123456789")
    file.read(4)
    with library() as session:
        data = file if body is io.BytesIO else body
        assert session.put(server.url("/"), data=data, auth=_auth()).status_code == 200
    refused, taken = server.came
    assert refused.body == taken.body != b""
    assert body is not io.BytesIO or taken.body == b"456789"


def test_an_iterator_is_not_sent_twice(server: DigestServer) -> None:
    class Once:
        def __len__(self) -> int:
            return 2

        def __iter__(self) -> Iterator[bytes]:
            return iter([b"ab"])

    with apikit.Session() as session, pytest.raises(errors.UnrewindableBodyError):
        session.post(server.url("/"), data=Once(), auth=_auth())
    assert _statuses(server) == [401]


@both
def test_a_stream_is_a_stream_after_the_login_too(library: Any, server: DigestServer) -> None:
    with library() as session:
        got = session.post(server.url("/"), data=b"12", auth=_auth(), stream=True)
        assert b"".join(got.iter_content(2)) == b"2 bytes"
        assert session.get(server.url("/"), auth=_auth()).status_code == 200


@both
def test_cookies_of_the_challenge_are_kept(library: Any, server: DigestServer) -> None:
    with library() as session:
        session.get(server.url("/"), auth=_auth())
        assert session.cookies["challenged"] == "1"
    assert [came.cookie for came in server.came] == [None, "challenged=1"]


@both
def test_redirects_within_the_origin_log_in_again(library: Any, server: DigestServer) -> None:
    with library() as session:
        got = session.get(server.url("/to?/there"), auth=_auth())
    assert (got.status_code, [one.status_code for one in got.history]) == (200, [302])
    assert _statuses(server) == [401, 302, 401, 200]


@pytest.mark.parametrize("prepared", [False, True], ids=["request", "send"])
@pytest.mark.parametrize("sides", [requests, apikit.session], ids=["requests", "apikit"])
def test_credentials_do_not_follow_to_another_origin(
    sides: Any, server: DigestServer, elsewhere: DigestServer, prepared: bool
) -> None:
    """By the answer to its challenge a stranger can try passwords as fast as it can compute."""
    url = server.url("/to?" + elsewhere.url("/x"))
    with sides.Session() as session:
        request = sides.Request("GET", url, auth=_auth())
        if prepared:
            got = session.send(session.prepare_request(request))
        else:
            got = session.get(url, auth=_auth())
    assert got.url == elsewhere.url("/x")
    assert _statuses(server) == [401, 302]
    told = any(came.authorization for came in elsewhere.came)
    assert (got.status_code, told) == ((200, True) if sides is requests else (401, False))


@both
def test_threads_log_in_each_for_itself(library: Any, server: DigestServer) -> None:
    with library() as session, ThreadPoolExecutor(8) as pool:
        session.auth = _auth()
        urls = [server.url(f"/{number}") for number in range(40)]
        assert {got.status_code for got in pool.map(session.get, urls)} == {200}


@both
def test_head_logs_in(library: Any, server: DigestServer) -> None:
    with library() as session:
        assert session.head(server.url("/"), auth=_auth()).status_code == 200


# ---- hooks that an auth registers ----


@both
def test_hooks_of_auth_come_before_those_of_the_call(library: Any, server: DigestServer) -> None:
    seen = []

    def auth(request: Any) -> Any:
        request.register_hook("response", lambda *_, **__: seen.append("auth"))
        return request

    with library() as session:
        session.hooks["response"].append(lambda *_, **__: seen.append("session"))
        session.get(server.url("/"), auth=auth)
        session.get(server.url("/"), auth=auth, hooks={"response": lambda *_, **__: seen.append(1)})
    assert seen == ["auth", "session", "auth", 1]


@both
def test_what_a_connection_sends_is_seen_by_no_hook(library: Any, server: DigestServer) -> None:
    seen = []

    def again(response: Any, **_: Any) -> Any:
        seen.append(response.status_code)
        return response.connection.send(response.request.copy())

    with library() as session:
        session.headers["X-Session"] = "1"
        got = session.get(server.url("/"), hooks={"response": again})
    assert (seen, got.status_code, len(server.came)) == ([401], 401, 2)


def test_a_connection_has_the_settings_of_the_call(server: DigestServer) -> None:
    """Also its deadline, which has passed when the hook sends."""
    with apikit.Session(timeout=None) as session:

        def later(response: Any) -> Any:
            connection = response.connection
            assert connection._settings["timeout"] == (1.5, 20.0)
            *context, deadline = connection._context
            assert context[:3] == [session.cookies, None, 1]
            connection._context = (*context, min(deadline, 1))
            return connection.send(response.request.copy())

        with pytest.raises(errors.DeadlineExceeded):
            session.get(server.url("/"), timeout=(1.5, 20), deadline=60, hooks={"response": later})


def test_a_response_that_a_hook_saw_can_be_pickled(server: DigestServer) -> None:
    with apikit.Session() as session:
        got = session.get(server.url("/"), auth=_auth())
    again = pickle.loads(pickle.dumps(got))
    assert (again.status_code, again.connection) == (200, None)
    assert [one.status_code for one in again.history] == [401]
    assert PASSWORD.encode() not in pickle.dumps(got)

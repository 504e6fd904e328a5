"""What a peer sends costs bounded time and memory, and is never taken for want of memory."""

from __future__ import annotations

import gzip
import io

import pytest

from apikit import Session, errors
from apikit._multipart import encode_multipart
from apikit.retries import Retry
from tests.faults.handle import FaultServer
from tests.faults.steps import answer as fault_answer
from tests.faults.steps import close, send
from tests.login_world import answer, redirect

pytest_plugins = ("tests.faults.fixtures",)

URL = "https://here.example/"


@pytest.mark.parametrize("host", ["a" * 90_000, "é" * 30_000, "[fe80::1%" + "z" * 90_000 + "]"])
def test_a_redirect_to_a_host_that_is_too_long(host):
    with (
        Session(transport=lambda request: redirect(f"http://{host}/")) as session,
        pytest.raises(errors.InvalidURL, match="longer than any name"),
    ):
        session.get(URL)


def test_cookies_that_fill_the_head_of_a_request():
    numbers = iter(range(10_000))

    def transport(request):
        fields = [f"Set-Cookie: c{next(numbers)}={'x' * 16_000}" for _ in range(10)]
        return answer(200, "", *fields)

    with Session(transport=transport) as session:
        for _ in range(7):
            session.get(URL)
        with pytest.raises(errors.InvalidHeader, match="1 MiB together"):
            session.get(URL)


def test_headers_that_fill_the_head_of_a_request():
    with Session(transport=lambda request: answer()) as session:
        session.headers["X"] = "x" * 300_000
        with pytest.raises(errors.InvalidHeader, match="256 KiB"):
            session.get(URL)


@pytest.mark.no_asan  # whose allocator ends the process in place of refusing
@pytest.mark.parametrize("length", [2**40, 2**62, 2**63 - 10])
def test_a_length_beyond_all_memory_is_not_believed(server: FaultServer, length: int) -> None:
    head = f"HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n"
    server.script("/liar", [send(head.encode() + b"x" * 1000), close()])
    with (
        Session(trust_env=False, max_body=None) as session,
        pytest.raises(errors.ChunkedEncodingError, match="after 1000 of the"),
    ):
        session.get(server.url("/liar"))


def test_redirects_whose_bodies_are_too_much_together():
    turns = iter(range(100))

    def transport(request):
        return answer(302, "x" * 1000, f"Location: /{next(turns)}")

    with (
        Session(transport=transport, max_body=4500) as session,
        pytest.raises(errors.BodyTooLarge, match="redirects are over max_body"),
    ):
        session.get(URL)
    assert next(turns) == 5


@pytest.mark.parametrize("value", ["x" * 2_000_000, 2_000_000 * b"x", ["x"] * 400_000])
def test_parameters_that_are_too_long(value):
    with (
        Session(transport=lambda request: answer()) as session,
        pytest.raises(errors.InvalidURL, match="query of more than"),
    ):
        session.get(URL, params={"name": value})


def _bomb() -> bytes:
    """Return three codings of gigabytes of members that hold nothing."""
    member = gzip.compress(b"", mtime=0)
    for repeats in (20_000, 20_000):
        packed = io.BytesIO()
        with gzip.GzipFile(fileobj=packed, mode="wb", mtime=0) as file:
            file.write(member * repeats)
        member = packed.getvalue()
    return member


@pytest.mark.timeout(60)
@pytest.mark.parametrize("stream", [False, True])
def test_work_that_gives_nothing_ends_at_the_deadline(server: FaultServer, stream: bool) -> None:
    server.script("/bomb", [fault_answer(_bomb(), "Content-Encoding: gzip, gzip, gzip")])
    with Session(trust_env=False) as session, pytest.raises(errors.DeadlineExceeded):
        _ = session.get(server.url("/bomb"), stream=stream, deadline=0.5).content


@pytest.mark.parametrize(
    "value",
    [
        "Mon, 01 Jan 2024 00:00:00 +99999999999999999999",
        "Mon, 01 Jan 0001 00:00:00 -0000",
        "Mon, 01 Jan 99999999999999999999 00:00:00 GMT",
        "Mon, 31 Dec 9999 23:59:59 -2359",
        "9" * 5000,
        ", ,",
        "x",
    ],
)
def test_a_retry_after_that_is_beyond_all_calendars(value):
    answers = iter([answer(503, "", f"Retry-After: {value}"), answer()])
    retries = Retry(total=1, retry_after_max=0)
    with Session(transport=lambda request: next(answers), retries=retries) as session:
        assert session.get(URL).status_code == 200


@pytest.mark.parametrize("part", [("image/png\r\nX: y",), ("text/plain", {"A\nB": "c"})])
def test_a_part_of_a_form_has_no_lines_of_others(part):
    with pytest.raises(ValueError, match="line break"):
        encode_multipart([], [("file", ("name", b"content", *part))])

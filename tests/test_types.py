"""What a type checker tells a service's author: what calls give back, and what is a mistake."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.tools.project import neutral_environment

#: Under --strict an ignored line without an error is an error, so each of the marked is one.
SERVICE = """
import contextvars
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import assert_type

from apikit import APIFlask, Backend, BackendError, Retry, Session, SessionPool, errors
from apikit import get_logger, raise_from_response, raise_ise, retry_request
from apikit.models import PreparedRequest, Request
from apikit.response import Response
from apikit.testing import answer, mock_backends
from BitlyOAuth2ProxySession import Session as Old
from flask import Response as FlaskResponse, jsonify

session = Session(timeout=(1, 2), retries=Retry(3), on_request=lambda request: {"x": "y"})
response = session.get("https://back.end/", params={"a": ["b", 1]}, headers={"x": "y"}, stream=True)
assert_type(response, Response)
assert_type(response.status_code, int)
assert_type(response.text, str)
assert_type(response.content, bytes)
assert_type(response.history, list[Response])
assert_type(session.post("https://back.end/", json=[1], auth=("ann", "s3cret")), Response)
assert_type(session.send(session.prepare_request(Request("GET", "https://back.end/"))), Response)
with session as same:
    assert_type(same, Session)
    same.headers.update({"x": "y"})
    same.on_response = lambda answered: print(answered.status_code)
assert_type(retry_request("get", "https://back.end/", tries=2), Response)
old = Old.Session(oauth2_username="ann", authentication_base_url="https://proxy/oauth2/start")
assert_type(old.get("https://back.end/"), Response)

app = APIFlask("a", "1", "https://example.org/a", "A", auth={"type": "basic", "data": {}})
backend = Backend("https://back.end", app=app, retries=1, login="form", max_body=None)
assert_type(backend.get("/x", params={"a": "b"}, deadline=2), Response)
with ThreadPoolExecutor() as threads:
    future = threads.submit(contextvars.copy_context().run, backend.get, "/x")
    assert_type(future.result(), Response)
with SessionPool(ttl=60, on_login=lambda session: None) as pool:
    assert_type(pool.get("https://proxy/oauth2/start", "ann", "s3cret"), Session)
    assert_type(pool.stats(), dict[str, int])


@app.errorhandler(BackendError)
def refuse(error: BackendError) -> FlaskResponse:
    assert_type(error.status_code, int)
    assert_type(error.headers, Mapping[str, str] | None)
    return jsonify(error.to_dict())


@app.get("/<name>")
def view(name: str) -> dict[str, str]:
    get_logger().bind(name=name).info("asked")
    return {"said": backend.get(f"/{name}", auth=backend.caller()).text}


def never() -> int:
    raise_ise("without an end")  # so that no return is missed


def transport(request: PreparedRequest) -> bytes:
    return answer(text=request.method or "")


Session(transport=transport)
with mock_backends() as mock:
    mock.get("https://back.end/", json={"a": 1}).then(status=503)
try:
    raise_from_response(response)
except errors.HTTPError as failure:
    assert_type(failure.response, Response | None)
    assert_type(failure.request, PreparedRequest | None)

Session(timout=3)  # type: ignore[call-arg]
Session(timeout="3")  # type: ignore[arg-type]
session.get("https://back.end/", parms={})  # type: ignore[call-arg]
session.get("https://back.end/", timeout="3")  # type: ignore[arg-type]
session.post("https://back.end/", headers=3)  # type: ignore[arg-type]
session.on_error = 3  # type: ignore[assignment]
response.status  # type: ignore[attr-defined]
Backend("https://back.end", retriez=3)  # type: ignore[call-arg]
Backend("https://back.end", verify=3)  # type: ignore[arg-type]
backend.get("/x", parms={})  # type: ignore[call-arg]
backend.request("GET", "/x", auth="ann")  # type: ignore[arg-type]
SessionPool(maxsize=3)  # type: ignore[call-arg]
Retry(total="3")  # type: ignore[arg-type]
BackendError(404)  # type: ignore[arg-type]
retry_request("get", 3)  # type: ignore[arg-type]
APIFlask("a", "1", "https://example.org/a")  # type: ignore[call-arg]
"""


@pytest.mark.no_asan  # mypy runs here, not the extension
def test_mypy_knows_what_a_service_may_do(tmp_path: Path) -> None:
    (tmp_path / "service.py").write_text(SERVICE, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-P", "-m", "mypy", "--strict", "--cache-dir", tmp_path, "service.py"],
        cwd=tmp_path,
        env=neutral_environment(),
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr

"""The recipes of the page about the ways in: short, and each of them works."""

from __future__ import annotations

import base64
import json
import re
import textwrap
from collections.abc import Iterator
from typing import Any

import pytest

from apikit import APIFlask, Backend, Session
from tests.conftest import ROOT
from tests.ways_world import CODE, PASSWORD, Answer, Seen, World, running

pytestmark = pytest.mark.flask

TEXT = (ROOT / "docs" / "ways_in.rst").read_text()
RECIPES = [
    textwrap.dedent(found[1])
    for found in re.finditer(r"\.\. code-block:: python\n\n((?:(?: +[^\n]*)?\n)+)", TEXT)
]
BASIC = "Basic " + base64.b64encode(b"ann:s3cret").decode()
TOKEN = "head.body.signature"
FORM = '<form method="post" action="{}">' + PASSWORD.partition(">")[2]
MOST_LINES = 10


@pytest.fixture
def world() -> Iterator[World]:
    with running() as made:
        made.takes = {BASIC, f"Bearer {TOKEN}"}
        yield made


def serve(world: World, code: str) -> None:
    """Be the provider of a recipe, or the proxy's own form."""

    def answer(request: Seen) -> Answer | None:
        path = request.path.partition("?")[0]
        if path == "/token":
            assert request.fields["grant_type"] == "password"
            return Answer(200, json.dumps({"id_token": TOKEN}), "application/json")
        if path == "/oauth2/sign_in":
            if request.method == "GET":
                return Answer(200, FORM.format("/oauth2/sign_in"))
            return world.redirect("/oauth2/callback")
        if path == "/oauth2/start":
            return world.redirect(f"{world.provider}/realms/lab/login")
        return None

    world.before = answer
    world.pages = [FORM.format("/realms/lab/step")]
    if "github" in code:
        token = '<input type="hidden" name="authenticity_token" value="t"></form>'
        world.pages = [PASSWORD.replace("</form>", token).replace("/step", "/session")]
    if "X-OTP" in code:
        world.pages.append(CODE.replace("/step", "/realms/lab/step"))
    return


def test_recipes_are_short_and_show_every_way() -> None:
    assert len(RECIPES) == 8
    for recipe in RECIPES:
        lines = [line for line in recipe.splitlines() if line and "import" not in line]
        assert len(lines) <= MOST_LINES
    for way in ('"bearer"', '"basic"', '"form"', '"github"', "fetch_token", "bearer=True"):
        assert any(f"login={way}" in recipe or way in recipe for recipe in RECIPES)


@pytest.mark.parametrize("number", range(len(RECIPES)))
def test_recipe_works(world: World, number: int) -> None:
    code = RECIPES[number]
    serve(world, code)
    code = code.replace("https://myservice.example", world.proxy)
    code = code.replace("https://id.example", world.provider)
    if "github" in code:
        code = code.replace('login="github"', f'authentication_session_url="{world.provider}/session", login="github"')  # fmt: skip # noqa: E501
    app = APIFlask(
        "service",
        "1",
        "https://github.com/example/service",
        "a service",
        auth={"type": "bitly-proxy", "data": {"endpoint": f"{world.proxy}/oauth2/start"}},
    )
    names: dict[str, Any] = {
        "user": "ann",
        "password": "s3cret",
        "token": TOKEN,
        "otp": lambda user: "123456",
        "app": app,
    }
    exec(compile(code, f"recipe {number}", "exec"), names)
    try:
        check(world, app, names)
    finally:
        names.get("session", names.get("backend")).close()


def check(world: World, app: APIFlask, names: dict[str, Any]) -> None:
    """Ask the service as the recipe has it."""
    session, backend = names.get("session"), names.get("backend")
    if isinstance(session, Session):
        assert session.login_state == "ok", session.login_message
        assert world.ask(session) == 200
        return
    assert isinstance(backend, Backend)

    @app.route("/ask")
    def ask() -> str:
        return str(backend.get("/api").text)

    client = app.test_client()
    if "request" not in names:
        good = client.get("/ask", headers={"Authorization": f"Bearer {TOKEN}"})
        assert (good.status_code, good.text) == (200, "data")
        bad = client.get("/ask", headers={"Authorization": "Bearer other"})
        assert (bad.status_code, bad.headers["WWW-Authenticate"]) == (
            401,
            'Bearer error="invalid_token"',
        )
        sent = [one for one in world.requests if one.path == "/api"]
        assert [one.authorization for one in sent] == [f"Bearer {TOKEN}", "Bearer other"]
        assert {one.cookie for one in sent} == {""}
        return
    without = client.get("/ask", headers={"Authorization": BASIC})
    assert (without.status_code, "pass otp=" in without.text) == (401, True)
    answer = client.get("/ask", headers={"Authorization": BASIC, "X-OTP": "123456"})
    assert (answer.status_code, answer.text) == (200, "data")
    assert {"c": "123456"} in world.posted()

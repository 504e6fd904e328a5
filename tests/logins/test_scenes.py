"""Every cell of the table of ``./dev ways``: provider, proxy version, way in and situation."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import requests

from apikit import Session
from tests.servers import NELL, OAUTH2_PROXIES, GoProgram, Server, start_recorder

from .counting import Count
from .leaks import Leaks, Secret, Thing, find_leaks
from .scenes import SITUATIONS, Mode, find_scene
from .stages import Place, Stages, obstacle_at, places, play
from .tokens import REFUSED, get_token
from .worlds import Provider

_PLAYED = [
    place
    for place in places()
    if not isinstance(find_scene(place.provider, place.mode, place.situation), str)
]


@pytest.fixture(scope="module")
def stages(request: pytest.FixtureRequest) -> Iterator[Stages]:
    def find_keycloak() -> Server:
        door: Server = request.getfixturevalue("keycloak")
        return door

    with Stages(find_keycloak) as made:
        yield made


def _skip_what_cannot_run(place: Place) -> None:
    obstacle = obstacle_at(place)
    if obstacle is not None:
        pytest.skip(obstacle)


def test_each_cell_has_a_scene_or_a_reason() -> None:
    cells = {str(place): place for place in places()}
    assert len(cells) == len(Provider) * len(OAUTH2_PROXIES) * len(Mode) * len(SITUATIONS)
    for place in cells.values():
        assert find_scene(place.provider, place.mode, place.situation)
    assert {(place.provider, place.program) for place in _PLAYED} == {
        (provider, program) for provider in Provider for program in OAUTH2_PROXIES
    }
    assert {place.mode for place in _PLAYED} == set(Mode)
    assert {place.situation for place in _PLAYED} == set(SITUATIONS)


@pytest.mark.parametrize("place", _PLAYED, ids=str)
def test_way_in_fares_as_it_must(stages: Stages, place: Place) -> None:
    _skip_what_cannot_run(place)
    take = play(stages, place)
    assert take.steps
    assert take.is_good, "\n".join(take.faults())


@pytest.mark.parametrize("program", OAUTH2_PROXIES, ids=str)
def test_a_new_password_is_never_filled_in(stages: Stages, program: GoProgram) -> None:
    place = Place(Provider.KEYCLOAK, program, Mode.FORM, "ok")
    _skip_what_cannot_run(place)
    world = stages.find(place)
    before = world.counts()
    with Session(
        NELL.name,
        NELL.password,
        world.base_url,
        world.session_url,
        login="form",
        consent=True,
        otp=lambda user: "1",
    ) as session:
        assert session.login_state == "error"
        assert "new password" in session.login_message
        assert session.get(world.api).status_code == 403
    assert world.counts() - before == Count(passwords=1)
    assert get_token(world, NELL, NELL.password) == REFUSED


def test_no_secret_came_where_it_does_not_belong(stages: Stages) -> None:
    stages.clear()
    for place in _PLAYED:
        if place.situation == "astray" and place.provider not in stages.leaks:
            _skip_what_cannot_run(place)
            play(stages, place)
    stages.clear()
    assert stages.leaks.keys() == set(Provider)
    for provider, leaks in stages.leaks.items():
        assert leaks.strangers > 0, provider
        assert leaks.is_clean, f"{provider.value}: {leaks}"


def test_a_secret_that_went_astray_is_found() -> None:
    secrets = [
        Secret(Thing.PASSWORD, "with:two:colons", 1),
        Secret(Thing.CODE, "314159", 1),
        Secret(Thing.TOKEN, "head.body.signature", 1),
    ]
    with start_recorder(0, keeps=True) as canary, start_recorder(0, keeps=True) as door:
        requests.get(f"{canary.url}/x3141592", timeout=60)
        assert find_leaks(canary, [door], secrets) == Leaks(1, 1)
        requests.get(canary.url, auth=("bob", "with:two:colons"), timeout=60)
        requests.post(door.url, {"p": "with:two:colons", "otp": "314159"}, timeout=60)
        requests.get(canary.url, headers={"Authorization": f"Bearer {secrets[2].text}"}, timeout=60)
        found = ((Thing.PASSWORD, 2), (Thing.CODE, 1), (Thing.TOKEN, 1))
        assert find_leaks(canary, [door], secrets) == Leaks(3, 4, found)
        requests.get(door.url, auth=("bob", "x"), cookies={"proxy": "ann"}, timeout=60)
        assert find_leaks(canary, [door], secrets) == Leaks(3, 5, found, mixed=1)
        at_home = [Secret(one.thing, one.text, door.port) for one in secrets]
        assert not find_leaks(canary, [door], at_home).is_clean
        assert not find_leaks(door, [], at_home).is_clean
        assert find_leaks(door, [], at_home).found == Leaks().found

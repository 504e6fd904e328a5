"""`./dev ways`: play every way in at every provider through every proxy, and print the table."""

from __future__ import annotations

import argparse
import functools
import logging
import sys
import traceback
from contextlib import ExitStack
from itertools import groupby

from tests.servers import GoProgram

from .leaks import Leaks
from .scenes import SITUATIONS, Mode
from .stages import Place, Stages, Take, obstacle_at, places, play
from .worlds import Provider, keycloak_door

__all__ = ["main"]

_SHOWN = tuple(name for name in SITUATIONS if name != "astray")
_WIDTHS = (20, 7, *(max(16, len(name)) for name in _SHOWN))
_LEGEND = """\
A cell says how the log-in stood in its scene, and how often the provider logged somebody in, by
its form or by a grant; a letter says why there is nothing to do. "refused" is the state
bad-credentials, or 401 invalid_token.

  ok              the page twice: the second time without a log-in
  wrong secret    a wrong password, an altered or strange token, each sent once
  expired         a session that proxy and provider forgot; a token whose time is over
  second factor   no code, two wrong codes, a right one; the renewal then wants none
  consent         not given, then given by consent=True
  silent renewal  the proxy forgot the session, the provider keeps its own, if it has any
"""


def main(arguments: list[str] | None = None) -> int:
    """Run the command; return 0 if all is as it must be."""
    names = {provider.name.lower().replace("_", "-"): provider for provider in Provider}
    parser = argparse.ArgumentParser(prog="./dev ways", description=__doc__)
    parser.add_argument("--provider", choices=names, action="append", help="only this one")
    chosen = [names[name] for name in parser.parse_args(arguments).provider or names]
    reasons: dict[str, str] = {}
    faults: list[str] = []
    scenes = 0
    print(_LEGEND)
    with ExitStack() as running:
        find_keycloak = functools.cache(lambda: running.enter_context(keycloak_door()))
        stages = running.enter_context(Stages(find_keycloak))
        wanted = (place for place in places() if place.provider in chosen)
        for provider, cells in groupby(wanted, key=lambda place: place.provider):
            print(f"{provider.value}\n{_line('login=', 'proxy', *_SHOWN)}")
            for row, of_row in groupby(cells, key=lambda place: (place.program, place.mode)):
                takes = {place.situation: _take(stages, place, faults) for place in of_row}
                scenes += sum(not take.reason for take in takes.values())
                print(_row(*row, takes, reasons), flush=True)
            stages.clear()
            print()
    leaks = sum(stages.leaks.values(), Leaks())
    print("\n".join(f"({letter}) {reason}" for reason, letter in reasons.items()))
    print(f"\n{scenes} scenes, {len(faults)} not as they must be\n{leaks}")
    print("\n".join(faults))
    return 0 if not faults and leaks.is_clean and leaks.strangers else 1


def _take(stages: Stages, place: Place, faults: list[str]) -> Take:
    obstacle = obstacle_at(place)
    if obstacle is not None:
        return Take(reason=obstacle)
    try:
        take = play(stages, place)
    except Exception:
        faults.append(f"{place}: {traceback.format_exc()}")
        return Take(reason="broken: see below")
    faults += [f"{place}: {fault}" for fault in take.faults()]
    return take


def _row(program: GoProgram, mode: Mode, takes: dict[str, Take], reasons: dict[str, str]) -> str:
    cells = (_cell(takes[name], reasons) for name in _SHOWN)
    return _line(mode.value, program.version, *cells)


def _cell(take: Take, reasons: dict[str, str]) -> str:
    if take.reason:
        return f"({reasons.setdefault(take.reason, _letter(len(reasons)))})"
    states = take.states.replace("bad-credentials", "refused")
    return f"{states} {take.logins}" if take.is_good else f"WRONG: {states}"


def _letter(number: int) -> str:
    return "abcdefghijklmnopqrstuvwxyz"[number]


def _line(*cells: str) -> str:
    return "  ".join(
        f"{cell:<{width}}" for cell, width in zip(cells, _WIDTHS, strict=True)
    ).rstrip()


if __name__ == "__main__":
    logging.disable()  # what fails here is meant to
    sys.exit(main())

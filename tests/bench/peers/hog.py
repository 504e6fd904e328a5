"""A client beside a thread that never waits and so wants the GIL all the time."""

from __future__ import annotations

import threading
from collections.abc import Callable
from itertools import repeat
from typing import Any

from tests.bench.model import Maker, Place, Work

__all__ = ["beside_a_hog"]


def run(call: Callable[[], Any], count: int) -> Any:
    ended = False

    def hog() -> None:
        while not ended:
            pass

    thread = threading.Thread(target=hog)
    thread.start()
    try:
        result = None
        for _ in repeat(None, count):
            result = call()
        return result
    finally:
        ended = True
        thread.join()


def beside_a_hog(make: Maker) -> Maker:
    """Return a maker of the same client's work beside a hog."""

    def make_beside(place: Place) -> Work:
        made = make(place)
        call = made.call if isinstance(made, Work) else made
        return Work(call, run=run)

    return make_beside

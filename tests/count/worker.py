"""`python -m tests.count.worker MAKER CALLS [URL]`: calls a path so often, and ends."""

from __future__ import annotations

import gc
import os
import sys
from itertools import repeat

from tests.count.paths import Path

__all__ = ["main"]


def main(maker: str, calls: str, url: str = "") -> None:
    """Call what `maker` makes."""
    call = Path(maker, 0).make(url)
    gc.disable()  # a collection comes by what was allocated before, and costs by what is there
    for _ in repeat(None, int(calls)):
        call()
    sys.stdout.flush()
    os._exit(0)  # the end of the interpreter is nobody's path


if __name__ == "__main__":
    main(*sys.argv[1:])

"""Promise: no secret in what Python shows when anything fails, nor in C's memory after a close."""

from __future__ import annotations

import contextlib
import io
import logging
from collections.abc import Iterator

from tests.prove.harness import Promise, Tally, Verdict
from tests.prove.secrets_cases import FAILURES, SAID, SECRET, all_shown
from tests.prove.secrets_memory import PASSWORD, SECRETS, close_all, found_in, heap_of, living
from tests.shown import leaks_in, logging_all

__all__ = ["PROMISE", "prove"]


class _Captured:
    """What was written since it was read last."""

    def __init__(self) -> None:
        self.text = io.StringIO()

    def readouterr(self) -> tuple[str, str]:
        """Return it, as pytest's fixture of this name does."""
        text = self.text.getvalue()
        self.text.seek(0)
        self.text.truncate()
        return text, ""


@contextlib.contextmanager
def _capturing() -> Iterator[_Captured]:
    """Let what is logged be written, also where the proofs have that turned off, and keep it."""
    captured, disabled = _Captured(), logging.root.manager.disable
    logging.disable(logging.NOTSET)
    try:
        with contextlib.redirect_stdout(captured.text), contextlib.redirect_stderr(captured.text):
            yield captured
    finally:
        logging.disable(disabled)


def _scan_texts(tally: Tally) -> None:
    """Let all fail that can, and look through all that is shown."""
    for name in FAILURES:
        with _capturing() as captured, logging_all(captured) as logged:
            texts = all_shown(name, logged)
        tally.add("failures")
        tally.add("logged", sum(SAID in text for text in texts))
        tally.add("texts", len(texts))
        tally.add("characters", sum(map(len, texts)))
        tally.add("found in texts", sum(len(leaks_in(text, SECRET)) for text in texts))


def _scan_memory(tally: Tally) -> None:
    """Let sessions live and be closed, and look through the heap before and after that."""
    with living() as life:
        tally.add("found in memory before", len(found_in(heap_of(life.pid), PASSWORD)))
        close_all(life)
        heap = heap_of(life.pid)
    tally.add("bytes", len(heap))
    tally.add("found in memory", len(found_in(heap, SECRETS)))


def prove(tally: Tally) -> Verdict:
    """Look for secrets.

    Parameters
    ----------
    tally
        How many times, and what was found.

    Returns
    -------
    Verdict
        Kept if nothing was found; and if each failure was logged, and the look at the memory
        finds what is there before the close.
    """
    for _ in tally.chunks(1):
        _scan_texts(tally)
        _scan_memory(tally)
    figure = (
        f"{tally['found in texts']} secrets found in {tally['texts']} reprs, frames, pickles and"
        f" log lines ({tally['characters'] / 1e6:.1f} MB) of {tally['failures']} failures, and"
        f" {tally['found in memory']} in {tally['bytes'] / 1e6:.1f} MB of C's memory after"
        f" {tally.done} closes, where {tally['found in memory before']} pieces were before"
    )
    found = tally["found in texts"] + tally["found in memory"]
    looked = tally["logged"] >= tally["failures"] > 0 and tally["found in memory before"] > 0
    return Verdict(figure, found == 0 and looked)


PROMISE = Promise("secrets", "0 secrets in logs, reprs, tracebacks and freed memory", 20, prove)

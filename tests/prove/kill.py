"""Promise: no non-idempotent request is sent twice, wherever its connection dies."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from apikit import Session
from apikit.errors import RequestException
from tests.faults.handle import FaultServer
from tests.faults.steps import call
from tests.prove.harness import Promise, Tally, Verdict

__all__ = ["PROMISE"]

THREADS = 4

#: Requests per kill, a little more than there are: five stages of nine kill (see
#: kills.stage_of), and those that find their kept connection dead do not arrive.
REQUESTS_PER_KILL = 1.9


def _send(session: Session, base: str, numbers: range) -> tuple[int, int]:
    """Send them; return how many succeeded and how many bodies were wrong."""
    succeeded = wrong = 0
    for number in numbers:
        method = "POST" if number % 3 else "PATCH"
        body = b"x" * (number % 7 * 1000)
        try:
            content = session.request(method, f"{base}/{number}", data=body).content
        except RequestException:
            continue
        succeeded += 1
        wrong += content != b"%d" % number
    return succeeded, wrong


def _prove(tally: Tally) -> Verdict:
    with (
        FaultServer() as server,
        Session(timeout=(30, 30), trust_env=False, pool_maxsize=THREADS) as session,
        ThreadPoolExecutor(THREADS) as pool,
    ):
        steps = [call("tests.prove.kills:answer_or_kill")]
        server.script("/kill/", steps, record=False, read_body=False)
        for chunk in tally.chunks(2000):
            parts = [chunk[start::THREADS] for start in range(THREADS)]
            for succeeded, wrong in pool.map(
                lambda part: _send(session, server.url("/kill"), part), parts
            ):
                tally.add("succeeded", succeeded)
                tally.add("wrong", wrong)
            seen, twice, kills = server.run("tests.prove.kills:take_counts")
            tally.add("requests", len(chunk))
            tally.add("seen", seen)
            tally.add("seen twice", twice)
            tally.add("kills", kills)
    figure = (
        f"{tally['seen twice']} non-idempotent requests seen twice in {tally['kills']}"
        f" connection kills ({tally['requests']} requests, {tally['succeeded']} succeeded,"
        f" {tally['wrong']} wrong answers)"
    )
    kept = tally["seen twice"] == tally["wrong"] == 0
    return Verdict(figure, kept and tally["kills"] > 0 and tally["succeeded"] > 0)


PROMISE = Promise(
    "kill",
    "0 non-idempotent requests sent twice in 1e5 connection kills",
    int(100_000 * REQUESTS_PER_KILL),
    _prove,
)

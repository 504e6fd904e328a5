"""Promise: no truncated body is returned as a success."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Iterator
from pathlib import Path

from apikit import Session
from apikit.errors import RequestException
from tests.faults.certs import make_certificates
from tests.faults.handle import FaultServer, Listen
from tests.faults.steps import call
from tests.prove.cuts import is_whole, shape_of
from tests.prove.harness import Promise, Tally, Verdict

__all__ = ["PROMISE"]


@contextlib.contextmanager
def _set_up() -> Iterator[tuple[Session, dict[bool, str]]]:
    with tempfile.TemporaryDirectory() as folder, FaultServer() as server:
        certificates = make_certificates(Path(folder))
        server.script("/cut/", [call("tests.prove.cuts:answer_cut")], record=False)
        secure = server.listen(Listen(chain=certificates.good))
        bases = {False: server.url("/cut"), True: f"https://127.0.0.1:{secure}/cut"}
        with Session(timeout=(30, 30), trust_env=False, verify=certificates.ca) as session:
            yield session, bases


def _ask(session: Session, url: str, *, streamed: bool) -> bytes | None:
    """Return the body, or None for an error."""
    try:
        if streamed:
            return b"".join(session.get(url, stream=True).iter_content(5000))
        content: bytes = session.get(url).content
    except RequestException:
        return None
    return content


def _prove(tally: Tally) -> Verdict:
    with _set_up() as (session, bases):
        for chunk in tally.chunks(1000):
            for seed in chunk:
                shape = shape_of(seed)
                body = _ask(session, f"{bases[shape.tls]}/{seed}", streamed=seed % 2 == 1)
                cut = shape.cut_at is not None
                tally.add("cut" if cut else "whole")
                if body is not None and cut:
                    tally.add("truncated but returned")
                elif body is not None and not is_whole(body):
                    tally.add("wrong body")
                elif body is None and not cut:
                    tally.add("whole but refused")
    bad = tally["truncated but returned"] + tally["wrong body"]
    figure = (
        f"{bad} truncated or wrong bodies returned as success in {tally['cut']} random cuts"
        f" ({tally['whole']} uncut answers between them, {tally['whole but refused']} refused)"
    )
    return Verdict(figure, bad == 0 and tally["whole but refused"] == 0 and tally["whole"] > 0)


PROMISE = Promise(
    "truncation", "0 truncated bodies returned as success in 1e5 random cuts", 111_500, _prove
)

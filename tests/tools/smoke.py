"""A short trial of an installed apikit: run with nothing of the checkout on the path."""

from __future__ import annotations

import sysconfig
from pathlib import Path

import BitlyOAuth2ProxySession

import apikit

installed = Path(sysconfig.get_paths()["platlib"])
for module in (apikit, BitlyOAuth2ProxySession):
    assert installed in Path(str(module.__file__)).parents, module.__file__
assert (installed / "apikit" / "py.typed").exists()
assert (installed / "apikit" / "_core.pyi").exists()

app = apikit.APIFlask(
    name="smoke",
    version="1.0.0",
    repository="https://example.org/smoke",
    description="A trial",
)
answer = app.test_client().get("/metadata")
assert answer.status_code == 200, answer.status
assert answer.get_json()["name"] == "smoke", answer.get_json()

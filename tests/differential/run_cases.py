"""Run every case under this interpreter and print what each observed, as JSON.

Usage: ``python run_cases.py SERVER_URL``.  Each case has a process of its own:
loggers, environment and threads of one do not reach the next.
"""

from __future__ import annotations

import importlib
import json
import os
import signal
import sys
import traceback
import warnings
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent))

from differential_cases import CASES, Case

MODULES = (
    "names",
    "metadata",
    "routes",
    "view",
    "errors",
    "retry",
    "logger",
    "apiflask",
    "session",
)

#: What stands in place of an observation when a case itself goes wrong.
FAILURES = (CASE_FAILED, CASE_DIED) = ("case failed", "case died")

READ_BY_APIKIT = ("LOGFILE", "LOG_TO_SYSLOG", "LOGHOST", "LOGLEVEL", "DEBUG", "REQUEST_METHOD")

_SECONDS_PER_CASE = 60


def load_cases() -> dict[str, Case]:
    """Import every module of cases; return all of them."""
    for module in MODULES:
        importlib.import_module(f"differential_cases.{module}")
    return CASES


def observe(case: Case, server: str) -> Any:
    """Run one case in a child process; return its observation."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reading)
        os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # the answer alone goes to the parent
        signal.alarm(_SECONDS_PER_CASE)
        try:
            observation = case.function(server)
        except BaseException:
            observation = {CASE_FAILED: traceback.format_exc()}
        with os.fdopen(writing, "w") as pipe:
            json.dump(observation, pipe)
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as pipe:
        text = pipe.read()
    _, status = os.waitpid(child, 0)
    return json.loads(text) if text else {CASE_DIED: status}


def main() -> None:
    """Print {case name: observation}."""
    warnings.simplefilter("ignore")
    for name in list(os.environ):
        if name in READ_BY_APIKIT or name.lower().endswith("_proxy"):
            del os.environ[name]
    server = sys.argv[1]
    print(json.dumps({name: observe(case, server) for name, case in load_cases().items()}))


if __name__ == "__main__":
    main()

"""The module that services import the convenience functions from by its old name."""

from __future__ import annotations

import time

from apikit._core import BackendError, raise_from_response, raise_ise
from apikit.app import APIFlask, add_metadata_route, set_flask_metadata
from apikit.log import get_logger
from apikit.retry import retry_request

# `time` is here for services' tests, which patch it: retry_request sleeps by it.
__all__ = [
    "APIFlask",
    "BackendError",
    "add_metadata_route",
    "get_logger",
    "raise_from_response",
    "raise_ise",
    "retry_request",
    "set_flask_metadata",
    "time",
]

"""What can be imported, and by which name."""

from __future__ import annotations

from typing import Any
from unittest import mock

import apikit
from apikit import convenience

from . import keep
from .observe import outcome

NAMES = (
    "set_flask_metadata",
    "add_metadata_route",
    "retry_request",
    "raise_from_response",
    "raise_ise",
    "get_logger",
    "APIFlask",
    "BackendError",
)


@keep("names.package")
def package_exports_the_eight_names(_: str) -> Any:
    return {name: [name in apikit.__all__, hasattr(apikit, name)] for name in NAMES}


@keep("names.package")
def star_import_gives_the_eight_names(_: str) -> Any:
    namespace: dict[str, Any] = {}
    exec("from apikit import *", namespace)
    return [name in namespace for name in NAMES]


@keep("names.convenience")
def convenience_has_the_same_objects(_: str) -> Any:
    return [getattr(convenience, name) is getattr(apikit, name) for name in NAMES]


@keep("names.convenience-time")
def convenience_time_is_patchable(_: str) -> Any:
    with mock.patch("apikit.convenience.time.sleep") as sleep:
        convenience.time.sleep(1)
    return sleep.call_args.args


@keep("names.bitly-session")
def bitly_session_module_holds_the_class(_: str) -> Any:
    def load() -> list[Any]:
        from BitlyOAuth2ProxySession import Session

        return [isinstance(Session.Session, type), Session.Session.__name__]

    return outcome(load)


@keep("names.bitly-session")
def bitly_package_exports_only_the_module(_: str) -> Any:
    import BitlyOAuth2ProxySession

    return list(BitlyOAuth2ProxySession.__all__)

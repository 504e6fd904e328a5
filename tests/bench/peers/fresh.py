"""Clients that connect anew each time, and requests that are tried again."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

from tests.bench.model import Place

__all__ = ["apikit_session", "pycurl_handle", "requests_session", "retry_request"]


def apikit_session(place: Place) -> Callable[[], Any]:
    from apikit import Session

    def fetch() -> bytes:
        with Session(verify=place.ca) as session:
            return session.get(place.url).content

    return fetch


def requests_session(place: Place) -> Callable[[], Any]:
    from requests import Session

    def fetch() -> bytes:
        with Session() as session:
            return session.get(place.url, verify=place.ca).content

    return fetch


def pycurl_handle(place: Place) -> Callable[[], Any]:
    from pycurl import CAINFO, URL, Curl

    def fetch() -> bytes:
        curl = Curl()
        curl.setopt(URL, place.url)
        curl.setopt(CAINFO, place.ca)
        body: bytes = curl.perform_rb()
        curl.close()
        return body

    return fetch


def retry_request(place: Place) -> Callable[[], Any]:
    """Return the call of whichever apikit is installed: ours, or the original."""
    from apikit import retry_request

    if place.ca:
        os.environ["REQUESTS_CA_BUNDLE"] = place.ca  # it has no parameter for them
    url = place.url
    return lambda: retry_request("get", url, tries=2, initial_interval=0).content

"""One-time codes of RFC 6238, as an app on a telephone shows them."""

from __future__ import annotations

import hashlib
import hmac
import threading
import time

__all__ = ["Totp"]

_PERIOD_SECONDS = 30
_DIGITS = 6


class Totp:
    """The codes of one secret.

    Parameters
    ----------
    secret : `bytes`
        What the app and the provider share.
    """

    def __init__(self, secret: bytes) -> None:
        self._secret = secret
        self._lock = threading.Lock()
        self._last = 0

    def fresh(self) -> str:
        """Return a code that was not returned before and that the provider takes now.

        A provider takes the codes of the step before and after too, and none twice (RFC 6238,
        5.2): from the fourth code on within a minute and a half this waits for the next step.
        """
        with self._lock:
            step = max(self._last + 1, self._now() - 1)
            while step > self._now() + 1:
                time.sleep(_PERIOD_SECONDS - time.time() % _PERIOD_SECONDS)
            self._last = step
        return self._code(step)

    def wrong(self) -> str:
        """Return a code that the provider does not take."""
        good = {self._code(self._now() + offset) for offset in range(-2, 4)}
        return next(code for code in map("{:06d}".format, range(10)) if code not in good)

    @staticmethod
    def _now() -> int:
        return int(time.time()) // _PERIOD_SECONDS

    def _code(self, step: int) -> str:
        """Return the code of a step: RFC 4226, 5.3."""
        digest = hmac.digest(self._secret, step.to_bytes(8), hashlib.sha1)
        start = digest[-1] & 15
        number = int.from_bytes(digest[start : start + 4]) & 0x7FFFFFFF
        return f"{number % 10**_DIGITS:0{_DIGITS}d}"

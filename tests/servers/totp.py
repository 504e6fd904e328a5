"""One-time codes of RFC 6238, as an app on a telephone shows them."""

from __future__ import annotations

import hashlib
import hmac
import threading
import time
from collections.abc import Iterator

__all__ = ["Totp"]

_PERIOD_SECONDS = 30
_DIGITS = 6
_MOST_WRONG = 1000


class Totp:
    """The codes of one secret.

    Parameters
    ----------
    secret : `bytes`
        What the app and the provider share.
    window : `int`
        How many steps before and after the present one the provider takes.
    """

    def __init__(self, secret: bytes, window: int) -> None:
        self._secret = secret
        self._window = window
        self._lock = threading.Lock()
        self._last = 0

    def fresh(self) -> str:
        """Return a code that was not returned before and that the provider takes now.

        A provider takes none twice (RFC 6238, 5.2): when all of its window are used up, this
        waits for the next step.
        """
        with self._lock:
            # The outermost steps are left out: time goes by until the provider looks.
            step = max(self._last + 1, self._now() - self._window + 1)
            while step > self._now() + self._window - 1:
                time.sleep(_PERIOD_SECONDS - time.time() % _PERIOD_SECONDS)
            self._last = step
        return self._code(step)

    def wrong(self) -> Iterator[str]:
        """Yield different codes that the provider does not take."""
        around = range(-self._window - 1, self._window + 3)
        good = {self._code(self._now() + offset) for offset in around}
        return (code for code in map("{:06d}".format, range(_MOST_WRONG)) if code not in good)

    @staticmethod
    def _now() -> int:
        return int(time.time()) // _PERIOD_SECONDS

    def _code(self, step: int) -> str:
        """Return the code of a step: RFC 4226, 5.3."""
        digest = hmac.digest(self._secret, step.to_bytes(8), hashlib.sha1)
        start = digest[-1] & 15
        number = int.from_bytes(digest[start : start + 4]) & 0x7FFFFFFF
        return f"{number % 10**_DIGITS:0{_DIGITS}d}"

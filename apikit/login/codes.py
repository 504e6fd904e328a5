"""One-time codes: asked for when they are needed, and each sent once."""

from __future__ import annotations

import os
import threading
from collections import OrderedDict
from typing import Any, Final

from apikit.login import Otp, Outcome

__all__ = ["CodeSource", "UsedCodes"]

_MOST_ASKED: Final = 2
_LONGEST: Final = 64
#: Users whose last code is remembered.
_MOST_USERS: Final = 10_000

_REFUSED_TWICE: Final = Outcome(
    "two-factor", "the provider refused the one-time code: see that otp= gives the running one"
)
_USED: Final = Outcome(
    "two-factor", "otp= gave a code that was used already: log in again when there is a new one"
)
_NONE: Final = Outcome(
    "two-factor", "the account wants a second factor: pass otp=, or use login='bearer'"
)
_NONSENSE: Final = Outcome(
    "error", "otp= must return a code as a str of up to 64 letters and digits, or None"
)


class _Code(str):
    """A one-time code: a traceback with local variables, of which it is one, does not show it."""

    __slots__ = ()

    def __repr__(self) -> str:
        """Say what it is."""
        return "'[code]'"


class UsedCodes:
    """The last code of each user, as a digest: it is not sent again (RFC 6238, 5.2)."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._secret = os.urandom(32)
        self._last: OrderedDict[str, bytes] = OrderedDict()

    def take(self, user: str, code: str) -> bool:
        """Return whether a code is another than the user's last one, and remember it.

        Parameters
        ----------
        user
            Whose code.
        code
            What is about to be sent.
        """
        import hmac  # loads OpenSSL, and most sessions have no codes

        digest = hmac.digest(self._secret, code.encode(), "sha256")
        with self._lock:
            if self._last.get(user) == digest:
                return False
            self._last[user] = digest
            self._last.move_to_end(user)
            if len(self._last) > _MOST_USERS:
                self._last.popitem(last=False)
            return True

    def start_anew(self) -> None:
        """Let a forked child have a lock that nobody holds; what was used stays used."""
        self._lock = threading.Lock()


class CodeSource:
    """The codes of one log-in.

    Parameters
    ----------
    otp
        The caller's function, or None.
    user
        Whose codes.
    used
        What was sent before.
    """

    def __init__(self, otp: Otp | None, user: Any, used: UsedCodes) -> None:
        self._otp = otp
        self._user = user
        self._used = used
        self._asked = 0

    def problem(self) -> Outcome | None:
        """Return why there will be no code, if that is known already."""
        return _NONE if self._otp is None else None

    def next_code(self) -> str | Outcome:
        """Return a code to send now, or why there is none.

        The function is called a second time only after a refusal, never a third one.
        """
        if self._otp is None:
            return _NONE
        if self._asked == _MOST_ASKED:
            return _REFUSED_TWICE
        self._asked += 1
        code = self._ask(self._otp)
        if isinstance(code, str) and not self._used.take(str(self._user), code):
            return _USED
        return code

    def _ask(self, otp: Otp) -> str | Outcome:
        try:
            code = otp(self._user)
        except Exception as exception:
            # Neither its text nor its frames: they may hold what no log should.
            kind = type(exception).__name__
            return Outcome("error", f"otp= raised {kind}: see that it gives a code")
        if code is None:
            return _NONE
        if not isinstance(code, str):
            return _NONSENSE
        code = code.strip()
        if not code or len(code) > _LONGEST or not code.isascii() or not code.isprintable():
            return _NONSENSE
        return _Code(code)

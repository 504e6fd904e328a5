"""`Retry`: how often a session sends a request again, in urllib3's terms."""

from __future__ import annotations

import email.utils
import random
import time
from collections.abc import Collection
from dataclasses import dataclass, fields, replace
from typing import Any, ClassVar, Final, Self

from apikit import errors

__all__ = ["Retry"]

#: Answers whose Retry-After is obeyed (RFC 9110, 10.2.3, and RFC 6585, 4).
RETRY_AFTER_STATUSES: Final = frozenset({413, 429, 503})


@dataclass(frozen=True)
class Retry:
    """When to send a request again, and how long to wait before.

    A session's ``retries=`` takes one, or a number: that of `total`.

    Parameters
    ----------
    total
        Tries after the first, whatever the cause; None leaves it to the others.
    connect
        Tries after failures to connect: nothing was sent, so of every method.
    read
        Tries after failures later on, of `allowed_methods` only.
    status
        Tries after answers of `status_forcelist` or with a Retry-After.
    allowed_methods
        Methods that may be sent twice after something was sent; None for all.
    status_forcelist
        Status codes that count as failures.
    backoff_factor
        Seconds: before the second retry twice this is waited, and each time
        twice as long; there is no wait before the first.
    backoff_max
        The most seconds of such a wait.
    backoff_jitter
        Up to so many seconds are added to it by chance.
    respect_retry_after_header
        Whether a 413, 429 or 503 with a Retry-After is sent again after the time
        that it names.
    retry_after_max
        The most seconds that a Retry-After can ask for.
    raise_on_status
        Whether the last of the answers that were failures raises `RetryError`;
        else it is returned.

    Raises
    ------
    ValueError
        If a number is negative.

    Notes
    -----
    Names and meaning are those of ``urllib3.util.Retry``.  A certificate that is
    not trusted is never tried again.  With a `deadline` the tries and waits end
    with it.
    """

    DEFAULT_ALLOWED_METHODS: ClassVar[frozenset[str]] = frozenset(
        {"HEAD", "GET", "PUT", "DELETE", "OPTIONS", "TRACE"}
    )

    total: int | None = 10
    connect: int | None = None
    read: int | None = None
    status: int | None = None
    allowed_methods: Collection[str] | None = DEFAULT_ALLOWED_METHODS
    status_forcelist: Collection[int] = ()
    backoff_factor: float = 0
    backoff_max: float = 120
    backoff_jitter: float = 0
    respect_retry_after_header: bool = True
    retry_after_max: float = 6 * 3600
    raise_on_status: bool = True

    def __post_init__(self) -> None:  # noqa: D105 - the checks are those of "Raises"
        for name in ("total", "connect", "read", "status"):
            value = getattr(self, name)
            if value is not None and (not isinstance(value, int) or value < 0):
                raise ValueError(f"{name} must be a number of tries or None, not {value!r}")
        for name in ("backoff_factor", "backoff_max", "backoff_jitter", "retry_after_max"):
            if getattr(self, name) < 0:
                raise ValueError(f"{name} must be 0 or more seconds, not {getattr(self, name)!r}")

    @classmethod
    def from_any(cls, retries: Any) -> Self | None:
        """Return what ``retries=`` stands for.

        Parameters
        ----------
        retries
            None or 0 for no retries, a number of tries, a `Retry`, or urllib3's.

        Raises
        ------
        TypeError
            If it is anything else.
        """
        if retries is None or (isinstance(retries, int) and not isinstance(retries, bool)):
            return cls(total=retries) if retries else None
        if isinstance(retries, cls):
            return retries
        given = {
            field.name: getattr(retries, field.name)
            for field in fields(cls)
            if hasattr(retries, field.name)
        }
        if not {"total", "allowed_methods", "status_forcelist"} <= given.keys():
            raise TypeError(
                "retries must be None, a number or a Retry, not " + type(retries).__name__
            )
        forcelist = given["status_forcelist"] or ()
        allowed = given["allowed_methods"] or None
        return cls(**{**given, "status_forcelist": forcelist, "allowed_methods": allowed})

    def begin(self, method: str, deadline: int) -> _Count:
        """Return the count of one call; for the C half.

        Parameters
        ----------
        method
            The request's.
        deadline
            When the call ends, in nanoseconds of the monotonic clock; 0 for never.
        """
        return _Count(self, method.upper(), deadline)

    def allows(self, method: str) -> bool:
        """Whether a request that may have been received can be sent again."""
        allowed = self.allowed_methods
        return allowed is None or method in {one.upper() for one in allowed}

    def wants(self, method: str, response: Any) -> bool:
        """Whether an answer is one to ask again after."""
        if not self.allows(method):
            return False
        if response.status_code in self.status_forcelist:
            return True
        return (
            bool(self.total)
            and self.respect_retry_after_header
            and response.status_code in RETRY_AFTER_STATUSES
            and "retry-after" in response.headers
        )


class _Count:
    """The tries of one call that are left."""

    def __init__(self, policy: Retry, method: str, deadline: int) -> None:
        self._left = policy
        self._policy = policy
        self._method = method
        self._deadline = deadline
        self._failures = 0

    def wants_another(self, response: Any, exception: BaseException | None) -> bool:
        """Judge a try, and wait if there is to be another.

        Parameters
        ----------
        response
            The answer, or None.
        exception
            What was raised in place of one, or None.

        Raises
        ------
        RetryError
            If the tries are used up by answers, and the policy raises.
        """
        if exception is not None:
            kind = self._kind(exception)
            return kind is not None and self._spend(kind) and self._pause(self._backoff())
        if not self._policy.wants(self._method, response):
            return False
        if self._spend("status"):
            return self._pause(self._retry_after(response) or self._backoff())
        if not self._policy.raise_on_status or response.status_code not in (
            self._policy.status_forcelist
        ):
            return False
        raise errors.build(
            "RetryError",
            f"too many answers with an error status: the last was {response.status_code} after "
            f"{self._failures + 1} tries",
            request=response.request,
            response=response,
        )

    def _kind(self, exception: BaseException) -> str | None:
        """Which count a failure is of; None if it is not to be tried again."""
        final = (errors.SSLError, errors.DeadlineExceeded, errors.PoolBusy)
        if isinstance(exception, final):
            return None
        if isinstance(exception, errors.ConnectError | errors.ConnectTimeout | errors.ProxyError):
            return "connect"
        broken = (errors.ConnectionError, errors.ReadTimeout, errors.ChunkedEncodingError)
        if isinstance(exception, broken) and self._policy.allows(self._method):
            return "read"
        return None

    def _spend(self, kind: str) -> bool:
        """Take one try off the count; False if there is none left."""
        names = [name for name in ("total", kind) if getattr(self._left, name) is not None]
        if not names or any(getattr(self._left, name) == 0 for name in names):
            return False
        self._left = replace(self._left, **{n: getattr(self._left, n) - 1 for n in names})
        self._failures += 1
        return True

    def _backoff(self) -> float:
        if self._failures <= 1:
            return 0
        wait = self._policy.backoff_factor * 2.0 ** min(self._failures - 1, 60)
        if self._policy.backoff_jitter:
            wait += random.random() * self._policy.backoff_jitter  # noqa: S311 - no secret
        return min(wait, self._policy.backoff_max)

    def _retry_after(self, response: Any) -> float:
        """Seconds that the answer asks to wait; 0 for none (RFC 9110, 10.2.3)."""
        text = response.headers.get("retry-after", "").strip()
        if not self._policy.respect_retry_after_header or not text:
            return 0
        if text.isascii() and text.isdigit():
            seconds = float(text[:12])
        else:
            try:
                seconds = email.utils.parsedate_to_datetime(text).timestamp() - time.time()
            except (ValueError, TypeError, OverflowError):
                return 0  # no date, or one beyond all calendars
        return max(0, min(seconds, self._policy.retry_after_max))

    def _pause(self, seconds: float) -> bool:
        """Wait, unless the deadline would pass meanwhile: then there is no other try."""
        if self._deadline and time.monotonic_ns() + seconds * 1e9 >= self._deadline:
            return False
        if seconds > 0:
            time.sleep(seconds)
        return True

"""What the arguments of a pool may be."""

from __future__ import annotations

__all__ = ["check_count", "check_seconds", "check_text"]


def check_count(name: str, value: object) -> None:
    """Refuse what is no whole number of 1 or more.

    Raises
    ------
    ValueError
        With the name and the value.
    """
    if not isinstance(value, int) or value < 1:
        raise ValueError(f"{name} must be a whole number, 1 or more, not {value!r}")


def check_seconds(name: str, value: object) -> None:
    """Refuse what is no time, which may be 0.

    Raises
    ------
    ValueError
        With the name and the value.
    """
    if not isinstance(value, int | float) or not value >= 0:
        raise ValueError(f"{name} must be 0 or more seconds, not {value!r}")


def check_text(name: str, value: object) -> None:
    """Refuse what is no text that can be sent.

    Raises
    ------
    TypeError
        If it is no string; with its type.
    ValueError
        If it is empty or no UTF-8; without it.
    """
    if not isinstance(value, str):
        raise TypeError(f"{name} must be a str, not {type(value).__name__}")
    if not value:
        raise ValueError(f"{name} must not be empty")
    try:
        value.encode()
    except UnicodeEncodeError:
        raise ValueError(f"{name} must be text that UTF-8 can carry") from None

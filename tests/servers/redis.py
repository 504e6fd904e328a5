"""A real Redis that keeps everything in memory."""

from __future__ import annotations

from .process import LOOPBACK, Server, start_server

__all__ = ["start_redis"]


def start_redis(*options: str, port: int = 0) -> Server:
    """Start redis-server as a child process.

    Parameters
    ----------
    *options : `str`
        More of its options.
    port : `int`, optional
        The port to use; 0 takes a free one.
    """
    return start_server(
        "redis-server",
        lambda number: [
            "redis-server",
            f"--port {number}",
            f"--bind {LOOPBACK}",
            "--save ''",
            "--appendonly no",
            *options,
        ],
        port=port,
    )

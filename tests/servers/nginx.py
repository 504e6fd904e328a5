"""nginx with a configuration of a test's own."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

from .process import Server, start_server

__all__ = ["find_nginx", "start_nginx"]

_CONFIGURATION = """
daemon off; master_process off; pid {folder}/pid; error_log stderr warn;
events {{ worker_connections 64; }}
http {{
    access_log off;
    client_body_temp_path {folder}/1; proxy_temp_path {folder}/2; fastcgi_temp_path {folder}/3;
    uwsgi_temp_path {folder}/4; scgi_temp_path {folder}/5;
    {http}
}}
"""


def find_nginx() -> str | None:
    """Return the path of nginx, or None."""
    return shutil.which("nginx", path="/usr/sbin:/usr/local/sbin:/usr/bin")


def start_nginx(folder: Path, http: Callable[[int], str], *, port: int = 0) -> Server:
    """Run nginx.

    Parameters
    ----------
    folder : `pathlib.Path`
        For its files, of this nginx alone.
    http : callable
        Given the port, returns what stands in the http block.
    port : `int`, optional
        The port to use; 0 takes a free one.
    """
    path = folder / "nginx.conf"

    def write(number: int) -> list[str | Path]:
        text = _CONFIGURATION.format(folder=folder, http=http(number))
        path.write_text(text, encoding="utf-8")
        return [find_nginx() or "nginx", "-e", "stderr", "-c", path]

    return start_server("nginx", write, port=port)

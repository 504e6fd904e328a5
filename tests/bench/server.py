"""nginx on loopback, with a small file and a large one, plain and by TLS."""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterator, Set
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.tools.project import Refusal

__all__ = ["LARGE", "SMALL", "SMALL_BODY", "Site", "is_large", "is_small", "run_server"]

SMALL = "small"
LARGE = "large"
SMALL_BODY = b"thirty bytes, a small answer.\n"
LARGE_SIZE = 10_000_000
LARGE_BLOCK = bytes(range(250))
LARGE_DIGEST = hashlib.sha256(LARGE_BLOCK * (LARGE_SIZE // len(LARGE_BLOCK))).digest()
SYSTEM_BUNDLE = Path("/etc/ssl/certs/ca-certificates.crt")

CONFIGURATION = """
daemon off;
worker_processes 1;
worker_rlimit_nofile 4096;
pid {folder}/pid;
error_log {folder}/error.log;
events {{ worker_connections 4000; }}
http {{
    access_log off;
    sendfile on;
    tcp_nopush on;

    keepalive_requests 1000000000;
    keepalive_timeout 1h;
    open_file_cache max=16;
    default_type application/octet-stream;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    server {{
        listen 127.0.0.1:{http_port};
        listen 127.0.0.1:{https_port} ssl;
        ssl_certificate {folder}/certificate.pem;
        ssl_certificate_key {folder}/key.pem;
        root {folder}/files;
    }}
}}
"""


def is_small(body: Any) -> bool:
    """Whether a body is the small file."""
    return bytes(body) == SMALL_BODY


def is_large(body: Any) -> bool:
    """Whether a body is the large file."""
    return hashlib.sha256(body).digest() == LARGE_DIGEST


@dataclass(frozen=True)
class Site:
    """The running server's addresses and certificate authorities."""

    http: str
    https: str
    own_ca: str
    """The file of the authority that signed its certificate."""

    bundle: str
    """The same behind the system's many."""


@contextlib.contextmanager
def run_server(cores: Set[int]) -> Iterator[Site]:
    """Serve on these cores of the machine until the block ends."""
    from tests.servers.process import reserve_port, start_server

    program = shutil.which("nginx", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")
    if program is None:
        raise Refusal("no nginx: install nginx-light")
    with tempfile.TemporaryDirectory(prefix="bench-") as name, reserve_port("nginx") as https_port:
        folder = Path(name)
        folder.chmod(0o755)  # nginx's workers are another user's
        write_files(folder)

        def command(http_port: int) -> list[str]:
            text = CONFIGURATION.format(folder=folder, http_port=http_port, https_port=https_port)
            (folder / "nginx.conf").write_text(text)
            pinned = ["taskset", "--cpu-list", ",".join(map(str, sorted(cores)))]
            return [*pinned, program, "-p", name, "-c", f"{name}/nginx.conf"]

        with start_server("nginx", command) as server:
            yield Site(
                http=server.url,
                https=f"https://127.0.0.1:{https_port}",
                own_ca=f"{name}/ca.pem",
                bundle=f"{name}/bundle.pem",
            )


def write_files(folder: Path) -> None:
    import trustme

    files = folder / "files"
    files.mkdir()
    (files / SMALL).write_bytes(SMALL_BODY)
    (files / LARGE).write_bytes(LARGE_BLOCK * (LARGE_SIZE // len(LARGE_BLOCK)))
    authority = trustme.CA()
    certificate = authority.issue_cert("127.0.0.1")
    authority.cert_pem.write_to_path(str(folder / "ca.pem"))
    certificate.private_key_pem.write_to_path(str(folder / "key.pem"))
    for part in certificate.cert_chain_pems:
        part.write_to_path(str(folder / "certificate.pem"), append=True)
    shutil.copy(SYSTEM_BUNDLE, folder / "bundle.pem")
    authority.cert_pem.write_to_path(str(folder / "bundle.pem"), append=True)

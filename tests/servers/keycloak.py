"""Keycloak with a realm of the tests: forms, one-time codes, consent, tokens, and a session."""

from __future__ import annotations

import contextlib
import hashlib
import json
import shutil
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from .installed import install_once, run_installer
from .process import LOOPBACK, ROOT, Server, ServerError, start_server
from .provider import PROVIDER_HOST
from .totp import Totp
from .users import ANN, BOB, TESS, ZOE, User

__all__ = [
    "KEYCLOAK_VERSION",
    "NELL",
    "REALM_PATH",
    "TESS_APP",
    "keycloak_obstacle",
    "start_keycloak",
]

KEYCLOAK_VERSION = "26.0.0"
REALM_PATH = "/realms/lab"

NELL = User("nell", "to-be-changed")
"""An account that must choose a new password at its next log-in."""

_TOTP_SECRET = "the-secret-of-the-app"
TESS_APP = Totp(_TOTP_SECRET.encode(), window=20)
"""The app that shows `TESS` her codes."""

_SOURCE = ROOT / "tests" / "keycloak"
_ARCHIVE = f"keycloak-quarkus-dist-{KEYCLOAK_VERSION}.zip"
_SHA256 = "f92a47f6d14c6f23fef9f08cb7d0c5ee7aa3a2408ebfcf9c5ba2277f4978ef7e"
_START_SECONDS = 300.0

# A short life: what it starts with counts more than how fast it gets.
_JAVA_OPTIONS = (
    "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC -Xms64m -Xmx512m -XX:MaxMetaspaceSize=256m "
    "-XX:+ExitOnOutOfMemoryError -Dfile.encoding=UTF-8 -Duser.language=en -Duser.country=US"
)
_NOT_WANTED = (
    "account,account-api,admin,admin-api,ciba,client-policies,device-flow,impersonation,kerberos,"
    "organization,par,persistent-user-sessions,web-authn"
)


def keycloak_obstacle() -> str | None:
    """Return why Keycloak cannot be installed here, or None."""
    for program, package in (("java", "openjdk-17-jre-headless"), ("mvn", "maven")):
        if shutil.which(program) is None:
            return f"Keycloak cannot be installed: there is no {program}; install {package}"
    return None


def install_keycloak() -> Path:
    """Install Keycloak with its filled database, unless it is there, and return the folder.

    Raises
    ------
    ServerError
        Java or Maven is missing, or the archive cannot be had or is another one.
    """
    obstacle = keycloak_obstacle()
    if obstacle is not None:
        raise ServerError(obstacle)
    return install_once("keycloak", _SOURCE, _install_in, json.dumps(_users()), _NOT_WANTED)


def _install_in(folder: Path) -> None:
    mvn = [str(shutil.which("mvn")), "--batch-mode", "--quiet", "dependency:copy-dependencies"]
    advice = "see that Maven Central can be reached"
    run_installer("Keycloak", [*mvn, f"-DoutputDirectory={folder}"], folder, advice)
    archive = folder / _ARCHIVE
    with archive.open("rb") as content:
        digest = hashlib.file_digest(content, "sha256").hexdigest()
    if digest != _SHA256:
        raise ServerError(f"Keycloak cannot be installed: {_ARCHIVE} has SHA-256 {digest}")
    with zipfile.ZipFile(archive) as opened:
        opened.extractall(folder)
    archive.unlink()
    realm = json.loads((folder / "realm.json").read_text())
    (folder / "realm.json").write_text(json.dumps(realm | {"users": _users()}))
    kc = _command(folder)
    features = f"--features-disabled={_NOT_WANTED}"
    database = _database(folder / "database")
    for arguments in (
        ["build", "--db=dev-file", "--health-enabled=false", features],
        ["import", "--optimized", "--file=realm.json", database],
    ):
        run_installer("Keycloak", [*kc, *arguments], folder, "see its last words")


def _command(folder: Path) -> list[str | Path]:
    return [
        "env",
        f"JAVA_OPTS={_JAVA_OPTIONS}",
        "sh",
        folder / f"keycloak-{KEYCLOAK_VERSION}" / "bin" / "kc.sh",
    ]


def _database(path: Path) -> str:
    return f"--db-url=jdbc:h2:file:{path};NON_KEYWORDS=VALUE"


def _users() -> list[dict[str, Any]]:
    users = [_user(user) for user in (ANN, BOB, ZOE, TESS, NELL)]
    by_name = {user["username"]: user for user in users}
    by_name[NELL.name]["requiredActions"] = ["UPDATE_PASSWORD"]
    by_name[TESS.name]["credentials"].append(
        {
            "type": "otp",
            "secretData": json.dumps({"value": _TOTP_SECRET}),
            "credentialData": json.dumps(
                {
                    "subType": "totp",
                    "digits": 6,
                    "counter": 0,
                    "period": 30,
                    "algorithm": "HmacSHA1",
                }
            ),
        }
    )
    return users


def _user(user: User) -> dict[str, Any]:
    return {
        "username": user.name,
        "email": user.email,
        "emailVerified": True,
        "firstName": user.name,
        "lastName": "of the tests",
        "enabled": True,
        "credentials": [{"type": "password", "value": user.password}],
    }


@contextlib.contextmanager
def start_keycloak(*, port: int = 0) -> Iterator[Server]:
    """Run Keycloak with a copy of the filled database; stop it at the end.

    Its realm is under `REALM_PATH`; its clients are "proxy", "brief-proxy", whose tokens are
    good for two seconds, and "asking-proxy", whose users are asked whether they agree.

    Parameters
    ----------
    port : `int`, optional
        The port to use; 0 takes a free one.

    Yields
    ------
    server : `Server`
        The running Keycloak. It takes its name from each request's Host header.
    """
    home = install_keycloak()
    with tempfile.TemporaryDirectory() as folder:
        shutil.copy(home / "database.mv.db", folder)
        with start_server(
            "keycloak",
            lambda number: [
                *_command(home),
                "start",
                "--optimized",
                "--http-enabled=true",
                f"--http-host={LOOPBACK}",
                f"--http-port={number}",
                "--hostname-strict=false",
                "--cache=local",
                _database(Path(folder, "database")),
            ],
            port=port,
            host=PROVIDER_HOST,
            deadline=_START_SECONDS,
        ) as server:
            yield server

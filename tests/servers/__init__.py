"""Servers for the tests and the demo, each a child process on a loopback port of its own."""

from .backend import FAILING_JOBS, USER_HEADER, metric_value, start_backend
from .dex import DEX, start_dex
from .go_program import GoProgram, find_go
from .issuer import AUDIENCE, Token, fetch_token, start_issuer
from .keycloak import (
    KEYCLOAK_VERSION,
    NELL,
    REALM_PATH,
    TESS_APP,
    keycloak_obstacle,
    start_keycloak,
)
from .login_page import Style
from .nginx import find_nginx, start_nginx
from .nginx_auth import AuthRequest, start_nginx_auth
from .oidc_provider import find_node, start_oidc_provider
from .process import LOOPBACK, ROOT, Server, ServerError, reserve_port, start_server
from .provider import PROVIDER_HOST, start_provider
from .proxy import (
    OAUTH2_PROXIES,
    OAUTH2_PROXY_7_4,
    OAUTH2_PROXY_7_15,
    Kind,
    Refusal,
    jwt_options,
    start_oidc_proxy,
    start_proxy,
    write_htpasswd,
)
from .recorder import fetch_requests, start_recorder
from .redis import start_redis
from .service import start_service
from .site import Event, fetch_counts, fetch_events
from .users import ANN, BOB, CORA, CROWD, DORA, RITA, TESS, USERS, ZOE, Hurdle, User

__all__ = [
    "ANN",
    "AUDIENCE",
    "BOB",
    "CORA",
    "CROWD",
    "DEX",
    "DORA",
    "FAILING_JOBS",
    "KEYCLOAK_VERSION",
    "LOOPBACK",
    "NELL",
    "OAUTH2_PROXIES",
    "OAUTH2_PROXY_7_4",
    "OAUTH2_PROXY_7_15",
    "PROVIDER_HOST",
    "REALM_PATH",
    "RITA",
    "ROOT",
    "TESS",
    "TESS_APP",
    "USERS",
    "USER_HEADER",
    "ZOE",
    "AuthRequest",
    "Event",
    "GoProgram",
    "Hurdle",
    "Kind",
    "Refusal",
    "Server",
    "ServerError",
    "Style",
    "Token",
    "User",
    "fetch_counts",
    "fetch_events",
    "fetch_requests",
    "fetch_token",
    "find_go",
    "find_nginx",
    "find_node",
    "jwt_options",
    "keycloak_obstacle",
    "metric_value",
    "reserve_port",
    "start_backend",
    "start_dex",
    "start_issuer",
    "start_keycloak",
    "start_nginx",
    "start_nginx_auth",
    "start_oidc_provider",
    "start_oidc_proxy",
    "start_provider",
    "start_proxy",
    "start_recorder",
    "start_redis",
    "start_server",
    "start_service",
    "write_htpasswd",
]

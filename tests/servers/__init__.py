"""Servers for the tests and the demo, each a child process on a loopback port of its own."""

from .backend import FAILING_JOBS, USER_HEADER, metric_value, start_backend
from .login_page import Style
from .process import LOOPBACK, ROOT, Server, ServerError, reserve_port, start_server
from .provider import PROVIDER_HOST, start_provider
from .proxy import Kind, Refusal, build_oauth2_proxy, find_go, oauth2_proxy_path, start_proxy
from .recorder import start_recorder
from .service import start_service
from .site import Event, fetch_counts, fetch_events
from .users import ANN, BOB, CORA, DORA, RITA, TESS, USERS, ZOE, Hurdle, User

__all__ = [
    "ANN",
    "BOB",
    "CORA",
    "DORA",
    "FAILING_JOBS",
    "LOOPBACK",
    "PROVIDER_HOST",
    "RITA",
    "ROOT",
    "TESS",
    "USERS",
    "USER_HEADER",
    "ZOE",
    "Event",
    "Hurdle",
    "Kind",
    "Refusal",
    "Server",
    "ServerError",
    "Style",
    "User",
    "build_oauth2_proxy",
    "fetch_counts",
    "fetch_events",
    "find_go",
    "metric_value",
    "oauth2_proxy_path",
    "reserve_port",
    "start_backend",
    "start_provider",
    "start_proxy",
    "start_recorder",
    "start_server",
    "start_service",
]

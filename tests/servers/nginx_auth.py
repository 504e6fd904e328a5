"""nginx before a service, asking the proxy of each request: the shapes that its docs print."""

from __future__ import annotations

import contextlib
import enum
import tempfile
from collections.abc import Iterator
from pathlib import Path

from .nginx import start_nginx
from .process import Server

__all__ = ["AuthRequest", "start_nginx_auth"]


class AuthRequest(enum.Enum):
    """What nginx does when the proxy says 401: a line of its configuration."""

    PAGE = "error_page 401 = /oauth2/sign_in;"
    """The sign-in page with the status that the proxy gives it, 200."""

    PAGE_WITH_403 = "error_page 401 =403 /oauth2/sign_in;"
    """403 with the page; where the proxy skips its button, 403 with a Location."""

    PAGE_WITH_401 = "error_page 401 /oauth2/sign_in;"
    REDIRECT_TO_SIGN_IN = "error_page 401 = @sign_in;"
    REDIRECT_TO_START = "error_page 401 = @start;"
    """To an absolute URL, as ingress-nginx does."""

    BARE = ""
    """nginx's own 401 page, which says nothing of a log-in."""


_HTTP = """
    absolute_redirect off;
    proxy_set_header Host $http_host;
    server {{
        listen 127.0.0.1:{port};
        location /oauth2/ {{ proxy_pass {proxy}; }}
        location = /oauth2/auth {{
            proxy_pass {proxy};
            proxy_pass_request_body off;
            proxy_set_header Content-Length "";
        }}
        location @sign_in {{ return 302 /oauth2/sign_in?rd=$request_uri; }}
        location @start {{ return 302 http://$http_host/oauth2/start?rd=$request_uri; }}
        location / {{
            auth_request /oauth2/auth;
            {form}
            auth_request_set $user $upstream_http_x_auth_request_user;
            proxy_set_header X-Forwarded-User $user;
            proxy_pass {backend};
        }}
    }}
"""


@contextlib.contextmanager
def start_nginx_auth(
    form: AuthRequest, proxy: Server, backend: Server, *, port: int = 0
) -> Iterator[Server]:
    """Run nginx before a back end, with a proxy that it asks; stop it at the end.

    Parameters
    ----------
    form : `AuthRequest`
        What nginx does with a request that has no session.
    proxy, backend : `Server`
        Whom it asks (with ``--set-xauthrequest``), and what it guards.
    port : `int`, optional
        The port to use; 0 takes a free one.
    """
    with tempfile.TemporaryDirectory() as folder:

        def write(number: int) -> str:
            return _HTTP.format(port=number, form=form.value, proxy=proxy.url, backend=backend.url)

        with start_nginx(Path(folder), write, port=port) as server:
            yield server

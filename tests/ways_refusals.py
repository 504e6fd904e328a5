"""How a proxy refuses what each request bears, and what looks so but is the service's."""

from __future__ import annotations

from collections.abc import Callable

from tests.ways_world import Answer, World

__all__ = ["OWN", "REFUSALS"]

#: How a proxy refuses a header: the answer to the request, and that of /oauth2/auth.
REFUSALS: dict[str, tuple[Callable[[World], Answer], int]] = {
    "page": (lambda world: Answer(403, '<form action="/oauth2/start"><button></form>'), 401),
    "text": (lambda world: Answer(403, "Forbidden", "text/plain"), 403),
    "JSON": (lambda world: Answer(401, "{}", "application/json"), 401),
    "bare nginx": (lambda world: Answer(401, "<h1>401</h1>"), 401),
    "bare nginx, 403": (lambda world: Answer(403, "<h1>403</h1>"), 403),
    "to the provider": (
        lambda world: world.redirect(f"{world.canary}/login", ("Set-Cookie", "csrf=1; Path=/")),
        401,
    ),
    "to the sign-in": (lambda world: world.redirect("/oauth2/sign_in?rd=/api"), 401),
    "to the start": (lambda world: world.redirect("/oauth2/start?rd=/api"), 401),
    "page with 200": (
        lambda world: Answer(200, '<form action="/oauth2/start"><button></form>'),
        401,
    ),
    "403 with a Location": (
        lambda world: Answer(403, "", fields=(("Location", "/oauth2/start"),)),
        401,
    ),
}

#: What the service itself answers, which the proxy vouches for.
OWN = {
    "401": Answer(401, "{}", "application/json"),
    "403": Answer(403, "no", "text/plain"),
    "a page with 403": Answer(403, "<p>no"),
    "a redirect": Answer(302, "", fields=(("Location", "/elsewhere"),)),
}

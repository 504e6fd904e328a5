"""Run the demo: start everything, tell the story, stay up until Ctrl-C."""

from __future__ import annotations

import argparse
import os
import signal
import sys

from tests.servers import ANN, BOB, OAUTH2_PROXY_7_4, Kind, Refusal, ServerError, Style, find_go

from .caller import Credentials, curl_line
from .stack import Stack, run_stack
from .story import FAILURE_PATH, METRIC_PATH, WRONG_PASSWORD, Story

__all__ = ["main"]

_KINDS = {"real": Kind.REAL, "stand-in": Kind.STAND_IN}
_INTERRUPTED = 130


def main() -> int:
    """Run the demo and return its exit status: 0 if each step was as it should be."""
    options = _parse_options()
    # By name: a shell that starts us in the background has them ignored.
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.default_int_handler)
    try:
        return _run(options)
    except ServerError as error:
        print(f"demo: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return _INTERRUPTED
    except BrokenPipeError:
        # Nobody reads on (`| head`); closing keeps the interpreter from saying so at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1


def _parse_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="demo", description=__doc__)
    parser.add_argument("--once", action="store_true", help="end after the story")
    parser.add_argument("--port", type=int, default=0, help="the service's port (a free one)")
    parser.add_argument("--proxy", choices=_KINDS, help="which proxy (real where there is a go)")
    parser.add_argument(
        "--skip-provider-button",
        action="store_true",
        help="let the proxy redirect to the provider where it would show its sign-in page",
    )
    parser.add_argument(
        "--caller",
        type=_credentials,
        default=Credentials(ANN.name, ANN.password),
        metavar="NAME:PASSWORD",
        help="who makes the first call (ann)",
    )
    parser.add_argument("--python", default=sys.executable, help="what runs the service")
    parser.add_argument(
        "--login-page", type=Style, default=Style.GITHUB, help="github or classic (of 2017)"
    )
    return parser.parse_args()


def _credentials(text: str) -> Credentials:
    name, colon, password = text.partition(":")
    if not colon:
        raise argparse.ArgumentTypeError(f"expected NAME:PASSWORD, got {text!r}")
    return Credentials(name, password)


def _run(options: argparse.Namespace) -> int:
    kind = _choose_proxy(options.proxy)
    refusal = Refusal.REDIRECT if options.skip_provider_button else Refusal.SIGN_IN_PAGE
    with run_stack(
        kind=kind,
        refusal=refusal,
        style=options.login_page,
        python=options.python,
        port=options.port,
    ) as stack:
        _say(f"The technote's service, behind {kind.value} ({refusal.value} mode).")
        _say("")
        right = Story(stack, options.caller, _say).tell()
        if not options.once:
            _stay_up(stack)
    return 0 if right else 1


def _choose_proxy(wanted: str | None) -> Kind:
    if wanted is None and find_go() is None:
        _say("There is no go to build oauth2-proxy with: a stand-in in Python takes its place.")
        return Kind.STAND_IN
    kind = _KINDS[wanted or "real"]
    if kind is Kind.REAL and not OAUTH2_PROXY_7_4.path.exists():
        _say(f"Building {kind.value}: about a minute, this once.")
    return kind


def _stay_up(stack: Stack) -> None:
    try:
        _say_what_to_try(stack)
        signal.pause()
    except KeyboardInterrupt:
        _say("")


def _say_what_to_try(stack: Stack) -> None:
    ann, bob = (Credentials(user.name, user.password) for user in (ANN, BOB))
    wrong = Credentials(ANN.name, WRONG_PASSWORD)
    service = stack.service
    _say("")
    _say("Everything stays up until Ctrl-C. To try:")
    for path, credentials in (
        (METRIC_PATH, ann),
        (METRIC_PATH, bob),
        (METRIC_PATH, wrong),
        (FAILURE_PATH, ann),
        ("/metadata", None),
    ):
        _say(f"   {curl_line(service, path, credentials)}")
    _say(f"   and in a browser, as {ann.name} with the password {ann.password}: {stack.door.url}/")


def _say(line: str) -> None:
    print(line, flush=True)


if __name__ == "__main__":
    sys.exit(main())

"""Why the two sides differ: a short name for each reason, and where it may show.

The places are those of `sides.check`: a difference elsewhere fails the row all the same.  Each
reason is a line of the contract or of the table of faults, or a mistake of requests that nobody
can build on; the page "Session and requests" tells users about it.
"""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["REASONS", "Reason"]

ANYWHERE = ("result", "wire", "session")


@dataclass(frozen=True)
class Reason:
    """A reason in words, and the places where rows that name it may differ."""

    text: str
    places: tuple[str, ...] = ANYWHERE


REASONS = {
    # Arguments.
    "wrong-type": Reason("a TypeError or ValueError, and nothing is sent; requests ignores it"),
    "taken": Reason("its meaning is clear, so it is taken; requests fails on it"),
    "empty-headers": Reason(
        "headers that are empty take nothing away; in requests, unless a mapping, all defaults",
        ("result.request.headers", "wire"),
    ),
    "removed-headers": Reason(
        "what the caller removed is not sent; urllib3 puts its own in place of two",
        ("result.accept-encoding", "result.user-agent", "result.headers", "wire"),
    ),
    "session-headers": Reason(
        "what is assigned becomes headers, or is refused; requests fails when they are first used"
    ),
    "session-params": Reason("as in a call; requests takes those of a session from mappings alone"),
    "session-cookies": Reason(
        "what is assigned becomes a jar or is refused; requests fails when it is first used"
    ),
    "certificates-of-https": Reason("cert= is looked at where it is used: for https"),
    "cookie-names": Reason(
        "names and values are text without NUL and semicolon; requests sends what str() says"
    ),
    "cookie-of-None": Reason("no cookie; requests sends its name alone"),
    "empty-form": Reason(
        "a length of 0 as without a form; requests sends a form of nothing in chunks",
        ("result.request.headers", "wire"),
    ),
    "bytes-in-headers": Reason(
        "the request shows text, as it was sent", ("result.request.headers",)
    ),
    "bad-header": Reason("InvalidHeader; requests sends it or fails deep inside"),
    "not-a-token": Reason("no token (RFC 9110, 5.1 and 9.1), nothing is sent"),
    "nothing-was-prepared": Reason(
        "the error is found before there is a request", ("result.raised.request",)
    ),
    "long-timeouts": Reason("what is longer than the clock is for ever; requests overflows"),
    "which-url-error": Reason(
        "no scheme at all is MissingSchema; requests looks for a colon first",
        ("result.raised.caught by",),
    ),
    "text-file": Reason(
        "sent in chunks: its length is known only when it was read; requests announces the "
        "length of the file, and fails or cuts where encodings differ"
    ),
    "pickled-request": Reason(
        "a pickle leaves out what cannot be pickled of the request", ("result.pickled",)
    ),
    "shows-what-was-sent": Reason("the request shows how it is sent", ("result",)),
    "body-in-bytes": Reason(
        "the request shows the bytes that were sent", ("result.request.body", "result.pickled")
    ),
    "bad-url": Reason(
        "refused at once; requests prepares it, and fails when it sends or sends it elsewhere"
    ),
    # Credentials.
    "proxy-credentials": Reason("Proxy-Authorization goes to a proxy alone"),
    "utf-8-credentials": Reason("credentials that are not ASCII go as UTF-8"),
    "bad-credentials": Reason("colon or control characters: ValueError"),
    "list-as-pair": Reason("a list of two serves as a pair; requests calls it and fails"),
    "user-alone": Reason("a user name in the URL is a credential, also without a password"),
    # Redirects.
    "body-gone-says-0": Reason(
        "a request that lost its body says that it has none, as the first one does",
        ("result.echo.headers.content-length", "wire"),
    ),
    "iterator-once": Reason("an iterator cannot be sent again: UnrewindableBodyError"),
    "location-beyond-ascii": Reason("percent-coded and followed; requests fails to decode it"),
    "location-without-host": Reason("no URL; requests takes it for its own and goes in circles"),
    "no-white-space": Reason("white space around a field's value is none of it (RFC 9110, 5.5)"),
    "who-led-there": Reason(
        "the request that was redirected; in requests one that cannot be sent",
        ("result.raised.request",),
    ),
    "host-stays": Reason("a caller's Host stays with its own origin", ("result", "wire")),
    "cookies-stay": Reason("a call's cookies stay with its own origin", ("result", "wire")),
    "header-goes-along": Reason("a caller's header goes to its own origin again"),
    "body-stays": Reason("a body never follows to another origin"),
    # Cookies.
    "rfc-6265": Reason("RFC 6265; requests follows http.cookiejar"),
    "shown-domain": Reason(
        "the domain of a cookie that goes to the hosts below shows a dot", ("session.cookies",)
    ),
    "jar-goes-along": Reason(
        "the jar's cookies are added when a request is sent, also by send()",
        ("result.next.headers.cookie", "wire"),
    ),
    # Responses.
    "not-a-charset": Reason(
        "decode_unicode by a charset that is none: UTF-8", ("result.text pieces", "result.text li")
    ),
    "every-member": Reason(
        "all of a gzip body's members; on Python 3.14 requests loses one that is read in pieces",
        ("result",),
    ),
    "cut-zstd": Reason("a zstd body that is cut or breaks off is an error, not what came of it"),
    "raw-is-decoded": Reason("raw gives what the body says, not its coding", ("result",)),
    "raw-stays-open": Reason(
        "raw is closed by its own close(), not by the response's or by the end of the body, where "
        "readers of text would fail",
        ("result",),
    ),
    "no-half-body": Reason(
        "a body that was read in part or closed is not given as the whole: RuntimeError",
        ("result",),
    ),
    "hooks-see-history": Reason("a hook sees the response's history", ("result",)),
    "next-of-history": Reason(
        "next says where an answer leads, whether or not that was followed",
        ("result.next of history",),
    ),
    "cookies-before-hooks": Reason(
        "an answer's cookies are in the jar when hooks see it", ("session.cookies", "wire")
    ),
    "raw-is-gone": Reason("a body that raw gave is gone; requests says that it is empty"),
    "any-hook-result": Reason("a hook may give anything; requests fails on what is no response"),
    "send-stands-alone": Reason(
        "calls do not go through a send() of a subclass: auth= and hooks see each request",
        ("result", "wire"),
    ),
    "session-is-not-copied": Reason("TypeError"),
    "closed-is-closed": Reason("RuntimeError: a closed session stays closed"),
    "hooks-get-no-settings": Reason("hooks get the response alone"),
}

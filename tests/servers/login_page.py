"""The provider's HTML pages: GitHub's log-in form in shape, with the forms that surround it."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from html import escape

__all__ = ["Style", "code_page", "consent_page", "login_page"]


class Style(enum.Enum):
    """Which log-in page the provider shows."""

    GITHUB = "github"
    """Today's: several forms, each with its token; every hidden input is wanted back."""

    CLASSIC = "classic"
    """The one of 2017, whose token stands where a program may count characters to it."""


def _page(title: str, body: str) -> bytes:
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f"<title>{escape(title)}</title>\n</head>\n<body>\n{body}\n</body>\n</html>\n"
    ).encode()


def _flash(message: str) -> str:
    return f'<div class="flash flash-error" role="alert">{escape(message)}</div>' * bool(message)


def _hidden(fields: Mapping[str, str]) -> str:
    return "\n".join(
        f'<input type="hidden" name="{escape(name)}" value="{escape(value)}" autocomplete="off" />'
        for name, value in fields.items()
    )


def login_page(
    style: Style, token: str, decoy_token: str, fields: Mapping[str, str], message: str
) -> bytes:
    """Make the page with the log-in form.

    Parameters
    ----------
    style : `Style`
        Which page.
    token : `str`
        The log-in form's token.
    decoy_token : `str`
        The passkey form's token, which the log-in refuses.
    fields : mapping
        The log-in form's other hidden inputs.
    message : `str`
        Why the last try failed, or nothing.
    """
    if style is Style.CLASSIC:
        return _page("Sign in", _flash(message) + _CLASSIC_FORM.format(token=escape(token)))
    form = _FORM.format(token=escape(token), hidden=_hidden(fields), honeypot=_HONEYPOT)
    passkey = _PASSKEY_FORM.format(token=escape(decoy_token))
    return _page("Sign in", _SEARCH_FORM + passkey + _flash(message) + form + _SIGNUP_LINK)


def code_page(action: str, name: str, token: str, message: str) -> bytes:
    """Make the page that asks for a one-time code."""
    form = _CODE_FORM.format(action=escape(action), name=escape(name), token=escape(token))
    return _page("Verification", _SEARCH_FORM + _flash(message) + form)


def consent_page(action: str, token: str) -> bytes:
    """Make the page that asks whether the proxy may see the account."""
    form = _CONSENT_FORM.format(action=escape(action), token=escape(token))
    return _page("Authorize", _SEARCH_FORM + form)


_HONEYPOT = "required_field_4f1c"

_SEARCH_FORM = """\
<form role="search" action="/search" accept-charset="UTF-8" method="get">
<input type="hidden" name="type" value="code">
<input type="text" name="q" placeholder="Search or jump to...">
<button type="submit">Search</button>
</form>
"""

_PASSKEY_FORM = """\
<form class="js-passkey" action="/session" accept-charset="UTF-8" method="post">
<input type="hidden" name="authenticity_token" value="{token}" autocomplete="off" />
<input type="hidden" name="webauthn_response" class="js-webauthn-response" />
<button type="submit" name="commit" value="Passkey">Sign in with a passkey</button>
</form>
"""

_FORM = """\
<form data-turbo="false" action='/session' accept-charset="UTF-8" method="post">
<input
   autocomplete="off"   value="{token}"
   type=hidden name='authenticity_token' />
<label for="login_field">Username or email address</label>
<input type="text" name="login" id="login_field" autocapitalize="off" autocorrect="off"
       autocomplete="username" autofocus="autofocus" required="required" />
<label for="password">Password</label>
<input type="password" name="password" id="password" autocomplete="current-password"
       required="required" />
{hidden}
<input type="text" name="{honeypot}" hidden="hidden" />
<input type="submit" name="commit" value="Sign in" data-disable-with="Signing in&hellip;" />
</form>
"""

_SIGNUP_LINK = '<p>New here? <a href="/signup?source=login">Create an account</a>.</p>\n'

_CLASSIC_FORM = """\
<form accept-charset="UTF-8" action="/session" method="post">
<div style="display:none"><input name="utf8" type="hidden" value="&#x2713;" />\
<input name="authenticity_token" type="hidden" value="{token}" /></div>
<input type="text" name="login" id="login_field" />
<input type="password" name="password" id="password" />
<input type="submit" name="commit" value="Sign in" />
</form>
"""

_CODE_FORM = """\
<form action="{action}" accept-charset="UTF-8" method="post">
<input type="hidden" name="authenticity_token" value="{token}" autocomplete="off" />
<input type="text" name="{name}" autocomplete="one-time-code" inputmode="numeric" />
<button type="submit">Verify</button>
</form>
"""

_CONSENT_FORM = """\
<form action="{action}" accept-charset="UTF-8" method="post">
<input type="hidden" name="authenticity_token" value="{token}" autocomplete="off" />
<button type="submit" name="authorize" value="0">Cancel</button>
<button type="submit" name="authorize" value="1">Authorize</button>
</form>
"""

"""The half of a session that finds its log-in lost or refused, and renews it."""

from __future__ import annotations

from urllib.parse import urljoin

from apikit import _core
from apikit._answers import find_sent, find_shown, is_from_elsewhere, last_at_proxy
from apikit._authentication import Authenticating
from apikit._deadline import end_of_call, ending_by, held
from apikit.cookies import CookieJar
from apikit.errors import RequestException
from apikit.login import Page
from apikit.models import PreparedRequest
from apikit.response import Response

__all__ = ["Renewing", "leave"]


class Renewing(Authenticating):
    """What `Session` has of the renewal.

    The C half calls `_renew`, `_judge_renewed`, `_may_follow` and `_drop_identity`.
    """

    def _renew(self, response: Response, logins: int, deadline: int, may_send_again: bool) -> bool:
        """Say whether to send a request again, since the login was lost and is there anew.

        The C half asks when an answer may be the proxy's refusal.  One that is a
        login page is the caller's 403 if the login cannot be renewed: it is no data.

        Parameters
        ----------
        response
            The answer.
        logins
            How many logins had ended when the request was sent: if there was one
            since, it serves.
        deadline
            When the call ends, in nanoseconds of the monotonic clock; 0 for never.
        may_send_again
            Whether the request can be sent again.

        Raises
        ------
        DeadlineExceeded
            If a login did not end in time.
        """
        is_header = self._way.is_header
        if may_send_again and not is_header and is_from_elsewhere(response, self._places):
            return True
        with ending_by(deadline):
            if not self._is_lost(response, logins, may_ask=may_send_again or is_header):
                if is_header:
                    self._accepted = logins
                return False
            if is_header and self._is_first_refusal(logins):
                self._note_refusal(logins)
            elif may_send_again and self._log_in_again(logins):
                return True
        self._hide(response)
        return False

    def _judge_renewed(self, response: Response, logins: int, deadline: int) -> None:
        """Look at the answer to a request that was sent again.

        If the proxy refused it too, and the one after the login before, then the
        logins are of no use: there will be no more until `authenticate` is called.

        Parameters
        ----------
        response
            The answer.
        logins
            How many logins had ended when the request was sent again.
        deadline
            When the call ends, as above.
        """
        with ending_by(deadline):
            if not self._is_lost(response, logins, may_ask=True):
                return
        self._hide(response)
        with ending_by(deadline), held(self._login_lock):
            if self._way.is_header:
                self._note_refusal(logins)
                return
            if self._logins != logins or self.login_state != "ok":
                return
            if self._useless_login == logins - 1:
                self._is_renewable, self.login_state = False, "error"
                self.login_message = (
                    "the proxy refuses the session that its own login gave: see its log"
                )
            self._useless_login = logins

    def _may_follow(self, response: Response, deadline: int) -> bool:
        """Say whether a redirect of the proxy's origin is the service's.

        One by which the proxy refuses the Authorization of a request leads to a login.

        Parameters
        ----------
        response
            The redirect.
        deadline
            When the call ends, as above.
        """
        places = self._places
        if not places.is_proxy(response.url):
            return True
        target = places.location_of(response)
        if places.is_proxy(target):
            return not places.is_own(target)
        with ending_by(deadline):
            response._is_refusal = self._is_lost(response, self._logins, may_ask=True)
        return not response._is_refusal

    def _drop_identity(self) -> None:
        """Let go of cookies that the proxy takes for another user's."""
        self.cookies = CookieJar()
        self.login_state = "error"
        self.login_message = (
            "the proxy took the session for another user's, so it was dropped: log in again"
        )

    def _is_first_refusal(self, logins: int) -> bool:
        """Whether what a request bore cannot be had anew, or never was any good."""
        return self._way.function is None or (self._logins == logins and self._accepted != logins)

    def _note_refusal(self, logins: int) -> None:
        """Remember that the proxy refused what the request bore."""
        with held(self._login_lock):
            if self._logins == logins:
                self._is_renewable = False
                self.login_state = "bad-credentials"
                self.login_message = (
                    "the proxy refused the Authorization of the request: give a user name and a "
                    "password that it knows, or a token that is for it and has not expired"
                )

    def _hide(self, response: Response) -> None:
        """Let an answer that is a login page, and looks good or foreign, be a refusal."""
        leads_away = self._way.is_header and response.status_code not in (401, 403)
        if response.status_code < 300 or response.history or leads_away:
            response.status_code, response.reason = 403, "Forbidden"

    def _is_lost(self, response: Response, logins: int, *, may_ask: bool) -> bool:
        """Say whether the proxy answered, who wants a login; ask it if the answer leaves that open.

        A login that was not good is not asked about: it will not be renewed.
        """
        if response._is_refusal:
            return True
        places = self._places
        is_header = self._way.is_header
        if is_header and not places.is_proxy(response.url):
            return False  # it bore nothing that could be refused
        shown = find_shown(response, places, self._offers_login, is_header=is_header)
        verdict = _core.who_answered(response.status_code, **shown)
        if verdict == "ask":
            # In this order: a login that ends says first what came of it.
            may_ask = may_ask and (self._is_logging_in or self._is_renewable or is_header)
            status = self._ask_about(last_at_proxy(response, places), logins) if may_ask else -1
            verdict = _core.who_answered(response.status_code, **shown, auth=status)
        return verdict == "log-in"

    def _offers_login(self, page: Page) -> bool:
        from apikit.login.pages import leads_to  # most sessions never come to a page

        base_url = self.authentication_base_url or ""
        if self._way.is_header or self._way.name == "form":
            return leads_to(page, base_url) or leads_to(page, urljoin(base_url, "start"))
        return leads_to(page, base_url)

    def _ask_about(self, response: Response, logins: int) -> int:
        """Return the status with which the proxy judges what a request was sent with; -1 if none.

        Where that is not known, a login since then is an answer too.
        """
        places = self._places
        if self._logins != logins and not places.is_proxy(response.url):
            return 401
        sent = find_sent(response, places, self.cookies)
        try:
            answer = self._ask_proxy(places.auth_url, sent, leave, CookieJar(), end_of_call())
            return answer.status_code
        except RequestException:
            return -1

    def _log_in_again(self, logins: int) -> bool:
        """Renew a login that was good once; the first of the threads that need it does it.

        One that was cut short, by the network or by Ctrl-C, may be tried again.
        """
        with held(self._login_lock):
            if self._logins == logins and self._is_renewable:
                self._log_in(anew=False)
            return self._logins != logins and self.login_state == "ok"


def leave(request: PreparedRequest) -> PreparedRequest:
    """Be the `auth` that changes nothing.

    Parameters
    ----------
    request
        What is about to be sent.
    """
    return request

"""The half of a session that finds its log-in lost, and renews it."""

from __future__ import annotations

from apikit import _core
from apikit._answers import Places, find_sent, find_shown, is_from_elsewhere, last_at_proxy
from apikit._authentication import SESSION_URL, Authenticating
from apikit._deadline import end_of_call, ending_by, held
from apikit.cookies import CookieJar
from apikit.errors import RequestException
from apikit.models import PreparedRequest
from apikit.response import Response

__all__ = ["Renewing", "leave"]


class Renewing(Authenticating):
    """What `Session` has of the renewal; the C half calls `_renew` and `_judge_renewed`."""

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
        if may_send_again and is_from_elsewhere(response, self._places):
            return True
        with ending_by(deadline):
            if not self._is_lost(response, logins, may_ask=may_send_again):
                return False
            if may_send_again and self._log_in_again(logins):
                return True
        _hide_login_page(response)
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
        _hide_login_page(response)
        with ending_by(deadline), held(self._login_lock):
            if self._logins != logins or self.login_state != "ok":
                return
            if self._useless_login == logins - 1:
                self._is_renewable, self.login_state = False, "error"
                self.login_message = "the proxy refuses the session that its own login gave"
            self._useless_login = logins

    def _is_lost(self, response: Response, logins: int, *, may_ask: bool) -> bool:
        """Say whether the proxy answered, who wants a login; ask it if the answer leaves that open.

        A login that was not good is not asked about: it will not be renewed.
        """
        places = self._places
        shown = find_shown(response, places, self._make_strategy().offers_login)
        verdict = _core.who_answered(response.status_code, **shown)
        if verdict == "ask":
            # In this order: a login that ends says first what came of it.
            may_ask = may_ask and (self._is_logging_in or self._is_renewable)
            status = self._ask_about(last_at_proxy(response, places), logins) if may_ask else -1
            verdict = _core.who_answered(response.status_code, **shown, auth=status)
        return verdict == "log-in"

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
                self._log_in()
            return self._logins != logins and self.login_state == "ok"

    @property
    def _places(self) -> Places:
        return Places(
            self.authentication_base_url or "", self.authentication_session_url or SESSION_URL
        )


def _hide_login_page(response: Response) -> None:
    """Let an answer that is a login page, and looks good or foreign, be a refusal."""
    if response.status_code < 300 or response.history:
        response.status_code, response.reason = 403, "Forbidden"


def leave(request: PreparedRequest) -> PreparedRequest:
    """Be the `auth` that changes nothing.

    Parameters
    ----------
    request
        What is about to be sent.
    """
    return request

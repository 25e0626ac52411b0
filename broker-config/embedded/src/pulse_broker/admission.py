"""
Who is let in: the decision on a CONNECT, before anything else of the broker has heard of it.

Pure but for the key set's file. How the answer is given and what happens then: ``gate``.
"""

from __future__ import annotations

from collections.abc import Callable

from pulse_acl.decide import Denied

from .access import Access
from .bans import Bans
from .packets import Connack, Connect
from .tokens import ClaimsError, KeysMissingError, Token, TokenError, TokenVerifier


class RefusedError(Exception):
    """A connection is not let in. ``code`` goes to the client, ``reason`` to counters, ``str()`` to the log."""

    def __init__(self, code: Connack, reason: str, detail: str) -> None:
        super().__init__(detail)
        self.code, self.reason = code, reason


class Admission:
    """Judges CONNECT packets."""

    def __init__(self, verifier: TokenVerifier, bans: Bans, now: Callable[[], float]) -> None:
        """Take *now* as the clock, seconds since 1970."""
        self._verifier, self._bans, self._now = verifier, bans, now

    @property
    def is_ready(self) -> bool:
        """Tell whether anybody can be let in."""
        return self._verifier.has_keys

    def judge(self, connect: Connect) -> Token:
        """
        Return the token that lets *connect* in.

        Raises:
            RefusedError: It is not let in.
        """
        token = self._token(connect)
        principal = token.principal
        if connect.client_id != principal.client_id:
            raise RefusedError(Connack.BAD_CREDENTIALS, "client_id", "the token is for another client id")
        if connect.username != principal.username:
            raise RefusedError(Connack.BAD_CREDENTIALS, "username", "the token is for another user name")
        self._check_will(connect, token)
        self.check_again(token)
        return token

    def check_again(self, token: Token) -> None:
        """
        Check what may have changed since the token was judged: its time, and the bans.

        Raises:
            RefusedError: Expired or banned by now.
        """
        if token.expires_at <= self._now():
            raise RefusedError(Connack.BAD_CREDENTIALS, "expired", "the token has expired")
        ban = self._bans.find(token.principal.client_id, token.principal.username)
        if ban is not None:
            raise RefusedError(Connack.NOT_AUTHORIZED, "banned", f"{ban.kind} {ban.who} is banned until {ban.until}")

    def _token(self, connect: Connect) -> Token:
        try:
            text = (connect.password or b"").decode("ascii")
        except UnicodeDecodeError as error:
            raise RefusedError(Connack.NOT_AUTHORIZED, "no_token", "the password is not a token") from error
        if not text:
            raise RefusedError(Connack.NOT_AUTHORIZED, "no_token", "no token was given as the password")
        try:
            return self._verifier.verify(text)
        except KeysMissingError as error:
            raise RefusedError(Connack.UNAVAILABLE, error.reason, str(error)) from error
        except ClaimsError as error:
            raise RefusedError(Connack.BAD_CREDENTIALS, error.reason, str(error)) from error
        except TokenError as error:
            raise RefusedError(Connack.NOT_AUTHORIZED, error.reason, str(error)) from error

    @staticmethod
    def _check_will(connect: Connect, token: Token) -> None:
        if connect.will is None:
            return
        will = connect.will
        if not will.topic or "+" in will.topic or "#" in will.topic:
            raise RefusedError(Connack.NOT_AUTHORIZED, "will", "the will's topic is malformed")
        decision = Access(token.principal, {}).publishing(will.topic, retain=will.retain)
        if isinstance(decision, Denied):
            raise RefusedError(Connack.NOT_AUTHORIZED, "will", f"the will: {decision.reason}")

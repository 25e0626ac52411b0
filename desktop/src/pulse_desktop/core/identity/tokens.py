"""
Broker tokens for the device, asked for with an assertion that it signs itself (RFC 7523).

The assertion is dated by the server's clock as far as it is known, so that a machine whose clock is wrong gets
its token too: a refusal tells the server's time, and the second try uses it.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import jwt
import structlog

from pulse_acl.payloads import ContractError, parse_time
from pulse_runtime.environment import checked_url
from pulse_runtime.errors import ConfigError

from ..clock import Clock
from ..errors import Link, LinkError
from ..link import Token
from ..publisher import endpoint, link_error
from . import store
from .api import ApiUnreachableError, RefusalError, post
from .keys import signing_key

log = structlog.get_logger()
ASSERTION_LIFE_S = 45
AUDIENCE = "pulse-api"
CLOCK_IS_OFF_S = 2.0


class DeviceTokens:
    """Fetches tokens; remembers how far the device's clock is from the server's."""

    def __init__(
        self,
        folder: Path,
        identity: store.Identity,
        clock: Clock,
        broker_url: str | None,
        new_id: Callable[[], str] = lambda: str(uuid.uuid4()),
    ) -> None:
        """
        Read the signing key from *folder*.

        Raises:
            ConfigError: It cannot be read.
        """
        self._identity, self._clock, self._new_id = identity, clock, new_id
        self._broker_url = broker_url or identity.broker_url
        try:
            self._key = signing_key(store.signing_pem(folder, identity))
        except ValueError as error:
            raise ConfigError(f"the device's signing key in {folder} cannot be used: {error}.") from error
        self._offset = timedelta(0)

    def fetch(self) -> Token:
        """
        Return a fresh token.

        Raises:
            LinkError: The API does not answer, refuses, or answers what cannot be used; ``detail`` says why.
        """
        try:
            answer = self._ask()
        except RefusalError as refusal:
            answer = self._ask_again(refusal)
        return self._token(answer)

    def _ask_again(self, refusal: RefusalError) -> dict[str, Any]:
        if refusal.server_time is not None:
            offset = refusal.server_time - self._clock.now()
            if abs(offset - self._offset).total_seconds() > CLOCK_IS_OFF_S:
                log.warning("desktop.clock_differs", offset_s=round(offset.total_seconds(), 1))
                self._offset = offset
                try:
                    return self._ask()
                except RefusalError as again:
                    refusal = again
        raise LinkError(Link.REFUSED, f"the API gives no token: {refusal.detail}") from refusal

    def _ask(self) -> dict[str, Any]:
        body = {"assertion": self._assertion(self._clock.now() + self._offset)}
        try:
            return post(self._identity.api_url, "/devices/token", body, self._identity.ca_pem)
        except ApiUnreachableError as error:
            raise link_error(error, f"the API at {self._identity.api_url}") from error
        except RefusalError as refusal:
            if refusal.status >= 500 or refusal.status == 429:
                raise LinkError(Link.NO_BROKER, f"the API is not ready: {refusal.detail}") from refusal
            raise

    def _assertion(self, now: datetime) -> str:
        issued = int(now.timestamp())
        claims = {
            "iss": self._identity.client_id,
            "sub": self._identity.client_id,
            "aud": AUDIENCE,
            "iat": issued,
            "exp": issued + ASSERTION_LIFE_S,
            "jti": self._new_id(),
        }
        return jwt.encode(claims, self._key, algorithm="EdDSA")

    def _token(self, answer: dict[str, Any]) -> Token:
        try:
            server_now = parse_time(answer["server_time"])
            life_s = (parse_time(answer["expires_at"]) - server_now).total_seconds()
            self._offset = server_now - self._clock.now()
            url = self._broker_url or answer.get("mqtts_url") or self._identity.mqtts_url
            where = endpoint(checked_url(url, "the broker's address", secure="mqtts", loopback_only="mqtt"),
                             self._identity.ca_pem)  # fmt: skip
            return Token(
                username=answer["username"],
                password=answer["password"],
                life_s=life_s,
                where=where,
                clock_offset_ms=round(self._offset.total_seconds() * 1000),
            )
        except (KeyError, TypeError, AttributeError, ContractError) as error:
            raise LinkError(Link.REFUSED_HERE, "the API's answer is not a token") from error
        except ConfigError as error:
            raise LinkError(Link.REFUSED_HERE, str(error)) from error

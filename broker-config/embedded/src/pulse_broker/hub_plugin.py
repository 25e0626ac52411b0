"""The one plugin that amqtt is given: it lets in the gate's own links and nobody else."""

from __future__ import annotations

import hmac
from dataclasses import dataclass

from amqtt.plugins.base import BaseAuthPlugin
from amqtt.session import Session


class LinksOnly(BaseAuthPlugin):
    """Accepts a link that knows the secret made for this run."""

    @dataclass
    class Config:
        """The secret; amqtt fills it in."""

        secret: str

    async def authenticate(self, *, session: Session) -> bool | None:
        """Tell whether *session* is a link of this process."""
        return hmac.compare_digest(session.password or "", self.config.secret)

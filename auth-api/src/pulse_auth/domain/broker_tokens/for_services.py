"""Broker tokens of our own services: a stable client id for each instance, so that its session persists."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from pulse_acl.rules import Rule, ingest_rules

from ...clock import Clock
from ...db.session import Sessions
from ...errors import AssertionRefusedError
from ...settings import Settings
from .service_assertions import check_service_assertion, claimed_service
from .services import BrokerToken, BrokerTokens, TokenKind
from .used_assertions import spend

LIFETIME_S = 24 * 3600
# Services that may ask, and the rights of an instance. The auth API mints its own token.
SERVICES: dict[str, Callable[[str], Sequence[Rule]]] = {"ingest": ingest_rules}


def claimed_name(assertion: str) -> str:
    """Return the service that *assertion* claims to be from, unverified; empty when there is none of that name."""
    try:
        return f"service:{claimed_service(assertion, frozenset(SERVICES))}"
    except AssertionRefusedError:
        return ""


async def issue_for_service(
    sessions: Sessions, tokens: BrokerTokens, settings: Settings, clock: Clock, assertion: str
) -> BrokerToken:
    """
    Return a token for the service that signed *assertion*.

    Raises:
        AssertionRefusedError: The assertion proves nothing, or was used before.
    """
    checked = check_service_assertion(assertion, settings.service_keys_dir, frozenset(SERVICES), clock())
    async with sessions.begin() as session:
        if not await spend(session, issuer=checked.issuer, jti=checked.jti, expires_at=checked.forget_at):
            raise AssertionRefusedError("The assertion was used before.")
        return await tokens.issue(
            session,
            username=f"service:{checked.service}",
            client_id=f"svc:{checked.service}:{checked.instance}",
            rules=SERVICES[checked.service](checked.instance),
            lifetime_s=LIFETIME_S,
            kind=TokenKind.SERVICE,
        )

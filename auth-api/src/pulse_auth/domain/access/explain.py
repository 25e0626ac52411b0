"""
Says whether a principal may publish or subscribe somewhere now, and through which role, permission and rule.

The decision is ``pulse_acl.decide``; here stands only whose rules are asked. Tokens given out earlier may hold
more only until they are revoked, see ``revocation``. Read next: ``people``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from pulse_acl.decide import Decision, Denied, Principal, decide
from pulse_acl.rules import Action, Rule, auth_api_rules, device_rules, ingest_rules, merge
from pulse_acl.topics import is_device_id

from ...db.models import Device, Integration, User
from ...errors import UnknownPrincipalError
from ..accounts.names import name_key
from .people import Grant, load_grants

# Instances of a service differ in their own status topic only.
_SERVICES = {"ingest": ingest_rules, "auth-api": auth_api_rules}
_INSTANCE = "1"


@dataclass(frozen=True, slots=True)
class Explanation:
    """A decision, and for a person the roles and permissions that hold the deciding rule."""

    decision: Decision
    granted_by: tuple[Grant, ...] = ()


async def explain(session: AsyncSession, principal: str, action: Action, topic: str, *, retain: bool) -> Explanation:
    """
    Decide for *principal* with the rights that are in force now.

    Args:
        session: Open session; nothing is written.
        principal: ``user:<name>``, ``device:<client_id>``, ``integration:<name>`` or ``service:<name>``.
        action: ``PUBLISH`` or ``SUBSCRIBE``.
        topic: A topic for publishing, a filter for subscribing.
        retain: A publish that is to be retained.

    Raises:
        UnknownPrincipalError: There is no such principal.
    """
    kind, _, name = principal.partition(":")
    match kind:
        case "user":
            return await _explain_person(session, principal, name, (action, topic, retain))
        case "device":
            return await _explain_device(session, principal, name, (action, topic, retain))
        case "integration":
            return await _explain_integration(session, principal, name, (action, topic, retain))
        case "service" if name in _SERVICES:
            return Explanation(_decide(principal, _SERVICES[name](_INSTANCE), (action, topic, retain)))
    raise UnknownPrincipalError(f"There is no {principal}; give user:, device:, integration: or service:<name>.")


_Asked = tuple[Action, str, bool]


async def _explain_person(session: AsyncSession, principal: str, name: str, asked: _Asked) -> Explanation:
    found = select(User).where(User.username_key == name_key(name), User.deleted_at.is_(None))
    user = (await session.execute(found)).scalar()
    if user is None:
        raise UnknownPrincipalError(f"There is no user {name}.")
    if not user.is_active:
        return Explanation(Denied(f"the account {user.username} is deactivated"))
    grants = await load_grants(session, user.id)
    decision = _decide(principal, merge(grant.rules for grant in grants), asked)
    if isinstance(decision, Denied):
        return Explanation(decision)
    return Explanation(decision, tuple(grant for grant in grants if decision.rule in grant.rules))


async def _explain_device(session: AsyncSession, principal: str, name: str, asked: _Asked) -> Explanation:
    device = await session.get(Device, name) if is_device_id(name) else None
    if device is None:
        raise UnknownPrincipalError(f"There is no device {name}.")
    if device.revoked_at is not None:
        return Explanation(Denied(f"the device {name} is revoked"))
    return Explanation(_decide(principal, device_rules(name), asked))


async def _explain_integration(session: AsyncSession, principal: str, name: str, asked: _Asked) -> Explanation:
    newest = select(Integration).where(Integration.name_key == name_key(name)).order_by(Integration.id.desc()).limit(1)
    found = (await session.execute(newest)).scalar()
    if found is None:
        raise UnknownPrincipalError(f"There is no integration {name}.")
    if found.ended_at is not None:
        return Explanation(Denied(f"the integration {name} has ended: {found.end_reason}"))
    rules = [Rule(Action.SUBSCRIBE, topic) for topic in found.topics]
    return Explanation(_decide(principal, rules, asked))


def _decide(principal: str, rules: Sequence[Rule], asked: _Asked) -> Decision:
    action, topic, retain = asked
    return decide(Principal(principal, "", rules), action, topic, retain=retain)

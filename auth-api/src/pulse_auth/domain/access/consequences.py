"""
What follows from changes of records, whoever made them and wherever: audit rows, ended sessions, ended tokens.

Called inside the transaction of the changes, by the HTTP calls and by the sync's inbox alike; what it returns is
awaited after the commit, and tells the broker. Read next: ``revocation``, ``domain.sync.writing``.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from pulse_sync.records import Key, Kind, Record, shown

from ...clock import Clock
from ...db.models import PermissionRow, Role, User
from ..accounts.sessions import end_all_families
from ..audit.services import write_audit
from ..broker_admin.enforcement import BanEnforcement
from ..sync.writing import Actor, RecordEvent
from .revocation import Cut, revoke_tokens_of, revoke_wider

AfterCommit = Callable[[], Awaitable[None]]


class Consequences:
    """Draws them; one for the application."""

    def __init__(self, bans: BanEnforcement, clock: Clock) -> None:
        self._bans = bans
        self._clock = clock

    async def __call__(
        self, session: AsyncSession, actor: Actor, events: Sequence[RecordEvent], address: str | None = None
    ) -> AfterCommit | None:
        """
        Write the audit rows of *events* and end what they take the ground from.

        Args:
            session: The transaction of the changes, still holding the version counter.
            actor: Who made them.
            events: What happened, in order.
            address: Network address of the caller, when it was a request.

        Returns:
            What to await after the commit, or ``None``.
        """
        changes = [event for event in events if event.before != event.after]
        for event in changes:
            await _audit(session, actor, event, address)
        now, cut = self._clock(), Cut()
        for event in changes:
            if event.key.kind is not Kind.USER:
                continue
            if event.before is not None:
                cut += await _end_sessions(session, actor, event.before, event.after, now)
            elif actor.device is not None:
                # As at the web: who made the account knows its password.
                (await session.get_one(User, UUID(event.key.id))).must_change_password = True
        if any(event.key.kind is not Kind.SETTING for event in changes):
            cut += await revoke_wider(session, now=now, by=actor.by)
        return self._telling(cut) if cut else None

    def _telling(self, cut: Cut) -> AfterCommit:
        async def tell() -> None:
            await self._bans.apply(banned=cut.bans, kick=cut.client_ids)

        return tell


async def _end_sessions(session: AsyncSession, actor: Actor, before: Record, after: Record, now: datetime) -> Cut:
    """End a person's sessions and browsers' tokens when the account ended, or its name or password is another."""
    reason = _why_sessions_end(before, after)
    if reason is None:
        return Cut()
    user = await session.get_one(User, UUID(after.key.id))
    if reason != "renamed":
        await end_all_families(session, user, now, reason)
    if before.get("password_hash") != after.get("password_hash"):
        # A password that somebody else has set is known to two people.
        user.must_change_password = actor.user_id != after.key.id
    return await revoke_tokens_of(session, user.id, now=now, by=actor.by, reason=reason)


def _why_sessions_end(before: Record, after: Record) -> str | None:
    if after.is_ended and not before.is_ended:
        return "account ended"
    if before.get("password_hash") != after.get("password_hash"):
        return "password changed"
    # Tokens carry the name, and somebody else may take it.
    return "renamed" if before.get("username") != after.get("username") else None


async def _audit(session: AsyncSession, actor: Actor, event: RecordEvent, address: str | None) -> None:
    await write_audit(
        session,
        actor=actor.by,
        action=_action(event),
        entity_type=event.key.kind.value,
        entity_id=event.key.id,
        before=shown(event.before.fields) if event.before else None,
        after=shown(event.after.fields),
        detail={"source": actor.source, "version": event.version, **await _named(session, event.key)},
        address=address,
    )


def _action(event: RecordEvent) -> str:
    """Return what was done, for example ``role.deleted`` or ``user_role.removed``."""
    kind, before, after = event.key.kind, event.before, event.after
    if kind in {Kind.USER_ROLE, Kind.ROLE_PERMISSION}:
        return f"{kind}.{'added' if after.get('present') else 'removed'}"
    if before is None:
        return f"{kind}.created"
    if after.is_deleted != before.is_deleted:
        return f"{kind}.{'deleted' if after.is_deleted else 'restored'}"
    if kind is Kind.USER and before.get("is_active") != after.get("is_active"):
        return f"{kind}.{'activated' if after.get('is_active') else 'deactivated'}"
    return f"{kind}.changed"


async def _named(session: AsyncSession, key: Key) -> dict[str, str]:
    """Return the names at both ends of a membership, for people who read the log."""
    if key.kind not in {Kind.USER_ROLE, Kind.ROLE_PERMISSION}:
        return {}
    first, second = map(UUID, key.pair)
    role = await session.get_one(Role, second if key.kind is Kind.USER_ROLE else first)
    if key.kind is Kind.USER_ROLE:
        return {"user": (await session.get_one(User, first)).username, "role": role.name}
    return {"role": role.name, "permission": (await session.get_one(PermissionRow, second)).name}

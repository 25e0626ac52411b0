"""Makes a user with memberships: records, stamps and versions. Used by the first start and the command line."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from uuid_utils.compat import uuid7

from ...db.models import Role, User, UserRole
from ...errors import InvalidNameError, NameTakenError
from ..sync.records import stamp_change
from .names import clean_username, name_key
from .sessions import find_user


async def create_user(
    session: AsyncSession,
    *,
    username: str,
    password_hash: str,
    roles: Sequence[str],
    must_change_password: bool,
    now: datetime,
    by: str,
) -> User:
    """
    Add a user with *roles*.

    Raises:
        InvalidNameError: The name breaks the rules, or there is no such role.
        NameTakenError: A live user has that name.
    """
    name = clean_username(username)
    key = name_key(name)
    if await find_user(session, key) is not None:
        raise NameTakenError(f"There is a user {name} already.")
    user = User(
        id=uuid7(),
        username=name,
        username_key=key,
        password_hash=password_hash,
        is_active=True,
        must_change_password=must_change_password,
        token_generation=0,
        clock={},
        created_at=now,
    )
    session.add(user)
    fields = ["username", "password_hash", "is_active"]
    await stamp_change(session, user, fields=fields, event="USER_CREATE", at=now, by=by)
    await session.flush()
    for role in roles:
        await _add_role(session, user, role, now, by)
    return user


async def _add_role(session: AsyncSession, user: User, name: str, now: datetime, by: str) -> None:
    found = select(Role).where(Role.name_key == name_key(name), Role.deleted_at.is_(None))
    role = (await session.execute(found)).scalar()
    if role is None:
        raise InvalidNameError(f"There is no role {name}.")
    membership = UserRole(user_id=user.id, role_id=role.id, present=True, clock={}, created_at=now)
    session.add(membership)
    await stamp_change(session, membership, fields=["present"], event="USER_UPDATE", at=now, by=by)

"""Makes a user with memberships, through the one write path. Used by the first start and the command line."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from pulse_sync.records import Key, Kind

from ...db.models import Role, User
from ...errors import InvalidNameError, NameTakenError
from ..sync.writing import Actor, writing
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
    Add a user with *roles*; nobody is asked whether they may.

    Raises:
        InvalidNameError: The name breaks the rules, or there is no such role.
        NameTakenError: A live user has that name.
    """
    name = clean_username(username)
    async with writing(session, Actor(by, None), now) as records:
        if await find_user(session, name_key(name)) is not None:
            raise NameTakenError(f"There is a user {name} already.")
        made = await records.create(Kind.USER, {"username": name, "password_hash": password_hash})
        for role in roles:
            await records.edit(Key.user_role(made.key.id, await _role_id(session, role)), {"present": True})
    user = await session.get_one(User, UUID(made.key.id))
    user.must_change_password = must_change_password
    return user


async def _role_id(session: AsyncSession, name: str) -> UUID:
    found = select(Role.id).where(Role.name_key == name_key(name), Role.deleted_at.is_(None))
    role_id = await session.scalar(found)
    if role_id is None:
        raise InvalidNameError(f"There is no role {name}.")
    return role_id

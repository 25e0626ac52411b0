"""
The first administrator: made when the database has no users, with a given or a generated password.

A generated one stands in ``PULSE_HOME/initial-admin-password`` (0600) until it is changed. It is never
logged. The file is written before the account, so a start that is interrupted can go on.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import structlog
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from pulse_runtime.errors import ConfigError
from pulse_runtime.private_files import create_private

from ...db.models import User
from ...errors import PasswordRefusedError
from ..access.seeding import ADMIN_ROLE
from ..audit.services import write_audit
from .creation import create_user
from .names import name_key
from .passwords import Passwords, check_new_password
from .sessions import find_user

_log = structlog.get_logger()

USERNAME = "admin"


@dataclass(frozen=True, slots=True)
class InitialPassword:
    """The file with the generated password."""

    path: Path

    def make(self) -> str:
        """Return the password in the file, made when there is none yet."""
        return create_private(self.path, (secrets.token_urlsafe(18) + "\n").encode()).decode().strip()

    def remove_if(self, replaced: str) -> None:
        """Remove the file when it holds the password that was just replaced."""
        if self.read() == replaced:
            self.path.unlink(missing_ok=True)
            _log.info("accounts.initial_password_removed", file=str(self.path))

    def read(self) -> str | None:
        """Return the password in the file, or ``None``."""
        try:
            return self.path.read_text(encoding="utf-8").strip()
        except OSError:
            return None


async def ensure_first_admin(
    session: AsyncSession, *, passwords: Passwords, given: str | None, initial: InitialPassword, now: datetime
) -> None:
    """
    Make the first administrator when there is no user at all; else only tidy up an outdated password file.

    Args:
        session: A session inside a transaction that no other start shares.
        passwords: Hashes.
        given: ``PULSE_ADMIN_PASSWORD``, which then need not be changed.
        initial: Where a generated password goes.
        now: The server's time.

    Raises:
        ConfigError: *given* breaks the password rules.
    """
    if await session.scalar(select(User.id).limit(1)) is not None:
        await _remove_outdated(session, passwords, initial)
        return
    check_given(given)
    password = given or initial.make()
    user = await create_user(
        session,
        username=USERNAME,
        password_hash=await passwords.hash(password),
        roles=[ADMIN_ROLE],
        must_change_password=given is None,
        now=now,
        by="system",
    )
    await write_audit(session, actor="system", action="user.created", entity_type="user", entity_id=str(user.id))
    _log.info("accounts.first_admin_made", username=USERNAME, password_file=None if given else str(initial.path))


def check_given(password: str | None) -> None:
    """
    Check ``PULSE_ADMIN_PASSWORD``; ``None`` when it is not set.

    Raises:
        ConfigError: It breaks the password rules.
    """
    try:
        if password is not None:
            check_new_password(password)
    except PasswordRefusedError as error:
        raise ConfigError(f"PULSE_ADMIN_PASSWORD cannot be taken: {error}") from error


async def _remove_outdated(session: AsyncSession, passwords: Passwords, initial: InitialPassword) -> None:
    """A change of the password may have been interrupted before the file was removed."""
    text = initial.read()
    if text is None:
        return
    user = await find_user(session, name_key(USERNAME))
    if user is None or not await passwords.verify(user.password_hash, text):
        initial.remove_if(text)

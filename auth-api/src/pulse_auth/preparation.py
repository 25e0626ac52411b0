"""What the database needs before requests come: schema, permissions, roles, the first administrator."""

from __future__ import annotations

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from .clock import Clock
from .db.migrate import LOCK, migrate
from .db.session import Sessions
from .domain.access.seeding import seed_access
from .domain.accounts.first_admin import InitialPassword, ensure_first_admin
from .domain.accounts.passwords import Passwords
from .settings import Settings


async def prepare_database(
    engine: AsyncEngine, sessions: Sessions, settings: Settings, passwords: Passwords, clock: Clock
) -> None:
    """
    Migrate and seed; what is there already stays, and starts at the same time wait for each other.

    Raises:
        ConfigError: ``PULSE_ADMIN_PASSWORD`` breaks the password rules.
    """
    await migrate(engine)
    async with sessions.begin() as session:
        await session.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": LOCK})
        now = clock()
        await seed_access(session, now)
        await ensure_first_admin(
            session,
            passwords=passwords,
            given=settings.admin_password,
            initial=InitialPassword(settings.initial_password_file),
            now=now,
        )

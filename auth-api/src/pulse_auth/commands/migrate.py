"""``pulse-auth-api migrate``: brings the database's schema to the newest version and ends."""

from __future__ import annotations

import asyncio
from argparse import Namespace

import structlog

from ..db.migrate import migrate
from ..settings import Settings
from .database import opened

_log = structlog.get_logger()


def run(_options: Namespace, settings: Settings) -> None:
    """Migrate."""
    asyncio.run(_run(settings))


async def _run(settings: Settings) -> None:
    async with opened(settings) as engine:
        await migrate(engine)
    _log.info("database.migrated")

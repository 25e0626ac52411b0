"""Brings the schema to the newest version; safe to run from several processes at once."""

from __future__ import annotations

import logging
from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, text
from sqlalchemy.ext.asyncio import AsyncEngine

LOCK = 0x50554C53  # any fixed number: "PULS"


def alembic_config(connection: Connection | None = None) -> Config:
    """Return the configuration that the migrations' ``env`` expects; *connection* is what they run on."""
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.attributes["connection"] = connection
    return config


async def migrate(engine: AsyncEngine) -> None:
    """Run what is missing in one transaction; a second caller waits for the first and finds nothing to do."""
    logging.getLogger("alembic").setLevel(logging.WARNING)  # its progress notes say nothing to whoever runs this
    async with engine.begin() as connection:
        await connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": LOCK})
        await connection.run_sync(lambda sync: command.upgrade(alembic_config(sync), "head"))

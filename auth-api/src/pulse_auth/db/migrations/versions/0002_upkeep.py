"""Retention of telemetry and asking devices again after a restore; its statements stand in ``0002_upkeep.sql``."""

from __future__ import annotations

from pathlib import Path

import sqlalchemy
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_FOLDER = Path(__file__).parent


def upgrade() -> None:
    """Add what is new; give the worker its rights where its role exists."""
    _run("0002_upkeep.sql")
    worker = op.get_bind().execute(sqlalchemy.text("SELECT 1 FROM pg_roles WHERE rolname = 'pulse_ingest'"))
    if worker.scalar():
        _run("0002_worker_rights.sql")


def _run(name: str) -> None:
    """Run a file of many statements: the driver takes them only unprepared. A transaction is open by now."""
    script = (_FOLDER / name).read_text(encoding="utf-8")
    connection = op.get_bind().connection.dbapi_connection
    connection.run_async(lambda driver: driver.execute(script))  # type: ignore[union-attr]

"""The whole schema of the first release; its statements stand in the ``0001_*.sql`` files beside."""

from __future__ import annotations

from pathlib import Path

import sqlalchemy
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_FOLDER = Path(__file__).parent


def upgrade() -> None:
    """Make all tables; give the worker its rights where its role exists."""
    for part in ("identity", "access", "telemetry"):
        _run(f"0001_{part}.sql")
    worker = op.get_bind().execute(sqlalchemy.text("SELECT 1 FROM pg_roles WHERE rolname = 'pulse_ingest'"))
    if worker.scalar():
        _run("0001_worker_rights.sql")


def _run(name: str) -> None:
    """Run a file of many statements: the driver takes them only unprepared. A transaction is open by now."""
    script = (_FOLDER / name).read_text(encoding="utf-8")
    connection = op.get_bind().connection.dbapi_connection
    connection.run_async(lambda driver: driver.execute(script))  # type: ignore[union-attr]

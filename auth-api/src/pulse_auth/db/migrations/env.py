"""Alembic's entry: runs the steps on the open connection that ``db.migrate`` passes in; knows no address itself."""

from __future__ import annotations

from alembic import context

from pulse_auth.db.models import Base

context.configure(connection=context.config.attributes["connection"], target_metadata=Base.metadata)
with context.begin_transaction():
    context.run_migrations()

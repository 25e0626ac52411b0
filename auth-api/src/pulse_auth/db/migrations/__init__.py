"""Alembic's folder: ``env`` runs on a connection given by ``db.migrate``; ``versions`` holds the steps."""

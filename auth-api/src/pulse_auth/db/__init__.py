"""The PostgreSQL side: models, sessions, and migrations for the whole schema. Read next: ``models``, ``session``."""

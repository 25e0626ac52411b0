"""The three logs as people read them: sync, audit, rejects. Reads only. Read next: ``controllers``, ``pages``."""

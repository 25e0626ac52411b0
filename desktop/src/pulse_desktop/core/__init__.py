"""
Everything but the window: sources, outbox, delivery, identity. No Qt here.

Read next: ``outbox`` (the file), ``delivery`` (how readings reach the archive), ``device`` (the wiring).
"""

from .. import __version__ as APP_VERSION

__all__ = ["APP_VERSION"]

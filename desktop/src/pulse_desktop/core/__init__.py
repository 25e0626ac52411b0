"""
Everything but the window: sources, outbox, delivery, identity. No Qt here.

Read next: ``outbox`` (the file), ``delivery`` (how readings reach the archive), ``device`` (the wiring).
"""

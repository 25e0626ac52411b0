"""
People, roles and settings on both sides: the pure part that the server and every desktop share.

No network, no database, no clock. ``records`` and ``changes`` are the model, ``merge`` the rules, ``rights``
who holds what, ``view`` what a device holds, ``messages`` and ``envelopes`` what travels, ``replica`` what a
desktop does with it. The protocol in words: ``docs/sync-protocol.md``.
"""

__version__ = "0.1.0"

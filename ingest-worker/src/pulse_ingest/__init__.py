"""
The ingest worker: telemetry from the broker into PostgreSQL exactly once, answered with receipts after COMMIT.

Must not import another part but ``pulse_acl`` and ``pulse_runtime``. Read next: ``pipeline`` (the way of a
message), ``ledger`` (what decides between new and duplicate), ``writer`` (the transaction), ``worker`` (wiring).
"""

__version__ = "0.1.0"

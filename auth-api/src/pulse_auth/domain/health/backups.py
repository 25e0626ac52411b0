"""When the newest backup was made: the job notes each in the audit log, since its files are not the API's to see."""

from __future__ import annotations

# One is due every 12 hours, and devices can fill the gap after it for 24 (``confirmed_keep_h``): so this leaves 6.
OLD_AFTER_S = 18 * 3600.0
# Seconds since 1970 of the newest within a month, or no row. The audit's newest rows come first, by its index.
NEWEST_BACKUP = """
SELECT extract(epoch FROM at)::float8 FROM audit_log
WHERE action = 'backup.made' AND at > now() - interval '30 days' ORDER BY at DESC LIMIT 1
"""

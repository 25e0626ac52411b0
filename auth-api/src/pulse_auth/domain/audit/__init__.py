"""Who did what: rows of the audit log."""

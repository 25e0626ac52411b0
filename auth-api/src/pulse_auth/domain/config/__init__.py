"""Settings: of all devices, and of one. Read next: ``services``; the bounds are ``pulse_sync.settings``."""

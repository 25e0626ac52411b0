"""
The auth API of PrecisionPulse: accounts, tokens, devices, and the HTTP side of telemetry and settings.

Owns the PostgreSQL schema (``db``) and can run an embedded PostgreSQL (``postgres``). Knows no sensor and
archives nothing: that is the worker's. Read next: ``app`` (where all is wired), ``domain`` (one folder a noun).
"""

__version__ = "0.1.0"

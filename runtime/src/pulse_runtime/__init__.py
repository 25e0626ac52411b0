"""
What every program of PrecisionPulse does alike: read its environment, log, keep private files, end well.

Knows nothing of telemetry, brokers or databases. Read next: ``environment`` (the table of settings).
"""

__version__ = "0.1.0"

"""
The contract of PrecisionPulse: what is said on which topic, and who may say it.

Imports nothing of the other parts, does no input or output. Read next: ``topics`` (names),
``payloads`` (what travels), ``rules`` and ``decide`` (who may).
"""

__version__ = "0.1.0"

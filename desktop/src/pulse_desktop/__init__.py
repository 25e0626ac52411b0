"""
The client on the machine that is measured: it samples, keeps every reading on disk, and delivers it.

``core`` works without a screen and never imports Qt. Read next: ``core.device`` (what is wired to what).
"""

__version__ = "0.1.0"

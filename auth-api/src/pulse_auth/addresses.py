"""Where an address that is given to browsers and devices leads to from here."""

from __future__ import annotations

from urllib.parse import SplitResult, urlsplit

from .settings import Settings

CLEAR = frozenset({"mqtt", "ws", "http"})  # the schemes without TLS
_PORTS = {"mqtts": 8883, "mqtt": 1883, "wss": 443, "ws": 80, "https": 443, "http": 80}


def where(parts: SplitResult, settings: Settings) -> tuple[str, int]:
    """Return host and port that an address leads to from here; what is of the public origin may be elsewhere."""
    public = urlsplit(settings.public_url)
    named, published = _named(parts), _named(public)
    return settings.edge_address if settings.edge_address and named == published else named


def _named(parts: SplitResult) -> tuple[str, int]:
    return parts.hostname or "", parts.port or _PORTS[parts.scheme]

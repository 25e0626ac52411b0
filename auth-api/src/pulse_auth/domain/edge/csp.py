"""
The security headers of every answer, the Content-Security-Policy among them. Pure.

Scripts run only from this origin, or when their hash was written down by the dashboard's build: an injected
script does nothing. Read next: ``assets`` (where the hashes come from), ``security_headers`` (who sets them).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from urllib.parse import urlsplit

_HASH = re.compile(r"'sha(256|384|512)-[A-Za-z0-9+/]+={0,2}'")


def origin_of(url: str) -> str:
    """Return scheme, host and port of *url*, the form that ``connect-src`` takes."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


def content_security_policy(script_hashes: Iterable[str], connect_to: Iterable[str]) -> str:
    """
    Return the policy.

    Args:
        script_hashes: Sources such as ``'sha256-…'`` (quotes included); others are left out, for a file on
            disk must not be able to open the policy.
        connect_to: Origins beside our own that pages may talk to (the broker's WebSocket).
    """
    hashes = [source for source in script_hashes if _HASH.fullmatch(source)]
    directives = {
        "default-src": ["'self'"],
        "script-src": ["'self'", *hashes],
        "style-src": ["'self'", "'unsafe-inline'"],
        "img-src": ["'self'", "data:"],
        "connect-src": ["'self'", *connect_to],
        "frame-ancestors": ["'none'"],
        "base-uri": ["'none'"],
        "object-src": ["'none'"],
        "form-action": ["'self'"],
    }
    return "; ".join(f"{name} {' '.join(sources)}" for name, sources in directives.items())


def fixed_headers(*, https: bool) -> Mapping[str, str]:
    """Return the headers that are the same on every answer; *https*: browsers reach us over TLS."""
    headers = {
        "x-content-type-options": "nosniff",
        "x-frame-options": "DENY",
        "referrer-policy": "no-referrer",
        "permissions-policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
        "cross-origin-opener-policy": "same-origin",
        "cross-origin-resource-policy": "same-origin",
    }
    if https:
        headers["strict-transport-security"] = "max-age=31536000"
    return headers

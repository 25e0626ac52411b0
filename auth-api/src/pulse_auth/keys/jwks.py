"""
The public keys that brokers verify tokens with: as a document, and as the file of the embedded broker.

Keys of HTTP access tokens are never among them: this part alone verifies those, so a broker has no key that
would fit one. The set is never empty: an EMQX that reads an empty one locks everybody out.
"""

from __future__ import annotations

from pathlib import Path

import msgspec

from pulse_runtime.private_files import write_private

from .signing import KeyRing, Purpose

_FOR_BROKERS = (Purpose.BROKER, Purpose.INTEGRATION)


def broker_jwks(keys: KeyRing) -> bytes:
    """Return the JWK Set (RFC 7517) as JSON."""
    found = [key.public_jwk() for purpose in _FOR_BROKERS for key in keys.keys[purpose]]
    if not found:
        raise RuntimeError("a JWK Set without keys must never be published")
    return msgspec.json.encode({"keys": found})


def publish_jwks(keys: KeyRing, path: Path) -> None:
    """Write the set to *path* in one step, unless the same is there already (a broker re-reads what changes)."""
    content = broker_jwks(keys)
    if not path.exists() or path.read_bytes() != content:
        write_private(path, content, mode=0o644)

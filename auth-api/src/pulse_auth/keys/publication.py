"""
Keeps what a running API signs and publishes in step with the key files, so that a rotation needs no restart.

Read next: ``signing`` (when a new key begins to sign), ``domain.broker_tokens.key_use`` (when an old one may go).
"""

from __future__ import annotations

import asyncio
from pathlib import Path

import structlog

from pulse_runtime.errors import ConfigError

from .jwks import publish_jwks
from .signing import KeyRing

EVERY_S = 5.0
_log = structlog.get_logger()


class KeyPublication:
    """Looks at the key files again and again; ``trouble`` says in words what is wrong with them, or ``ok``."""

    def __init__(self, keys: KeyRing, jwks_file: Path) -> None:
        self._keys = keys
        self._jwks_file = jwks_file
        self.trouble = "ok"

    async def run(self) -> None:
        """Look every ``EVERY_S`` seconds until cancelled."""
        while True:
            self.look()
            await asyncio.sleep(EVERY_S)

    def look(self) -> None:
        """Take in what has changed; damaged or missing files leave the keys in memory at work, and are told."""
        try:
            if self._keys.refresh():
                ids = {purpose.value: [key.kid for key in keys] for purpose, keys in self._keys.keys.items()}
                _log.info("keys.changed", **ids)
            publish_jwks(self._keys, self._jwks_file)
        except (ConfigError, OSError) as error:
            if self.trouble == "ok":
                _log.error("keys.unusable", reason=str(error))
            self.trouble = "the files are damaged or missing"
            return
        self.trouble = "ok"

    async def check(self) -> str:
        """Return the readiness check's words."""
        return self.trouble

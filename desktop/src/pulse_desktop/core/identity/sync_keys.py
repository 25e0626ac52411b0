"""The device's keys made ready for the sync of records. Read next: ``sync.keys``."""

from __future__ import annotations

from pathlib import Path

import structlog

from pulse_sync.envelopes import Key

from ..sync.keys import SyncKeys, private_key
from . import store
from .keys import encryption_key, signing_key

log = structlog.get_logger()


def sync_keys(folder: Path, identity: store.Identity) -> SyncKeys | None:
    """
    Return the keys of the device in *folder*; ``None``, and a word in the log, when it has none for the sync.

    Raises:
        ConfigError: A key cannot be read.
    """
    try:
        return SyncKeys(
            signing=private_key(signing_key(store.signing_pem(folder, identity))),
            encryption=private_key(encryption_key(store.encryption_pem(folder, identity))),
            server_signing=Key(identity.sync_signing or {}),
            server_encryption=Key(identity.sync_encryption or {}),
        )
    except ValueError as error:
        log.warning("desktop.sync_not_possible", reason=f"{error}: enroll the device again")
        return None

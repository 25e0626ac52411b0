"""
Signed and encrypted messages on their topics, for one device each.

Read next: ``pulse_sync.envelopes``.
"""

from __future__ import annotations

from collections.abc import Mapping

from pulse_acl.payloads import SyncEnvelope, encode
from pulse_acl.topics import Topic, build
from pulse_sync.envelopes import Key, seal_to_device
from pulse_sync.messages import Event, FromServer, Page

from ...db.models import Device

_TOPICS: Mapping[str, Topic] = {
    "USER_CREATE": Topic.SYNC_USER_CREATE,
    "USER_UPDATE": Topic.SYNC_USER_UPDATE,
    "USER_DELETE": Topic.SYNC_USER_DELETE,
    "RBAC_UPDATE": Topic.SYNC_RBAC_UPDATE,
    "CONFIG_UPDATE": Topic.SYNC_CONFIG_UPDATE,
}


def seal(message: FromServer, device: Device, server: Key) -> tuple[str, bytes]:
    """Return topic and payload of *message* for *device*, signed by the *server*'s sync key."""
    topic = _TOPICS[message.event] if isinstance(message, Event) else Topic.SYNC_STATE
    # Copies for people and tools; devices believe only what is signed.
    previous = message.previous if isinstance(message, Event | Page) else None
    envelope = SyncEnvelope(
        jwe=seal_to_device(message, server, Key(device.encryption_key)),
        history=message.history,
        version=message.version,
        previous=previous,
    )
    return build(topic, client_id=device.client_id), encode(envelope)

"""The topics of the records' sync and of commands, as a device reads them. Read next: ``link``, ``sync.loop``."""

from __future__ import annotations

from collections.abc import Mapping

from pulse_acl.topics import Topic

SYNC_TOPICS = (
    Topic.SYNC_USER_CREATE,
    Topic.SYNC_USER_UPDATE,
    Topic.SYNC_USER_DELETE,
    Topic.SYNC_RBAC_UPDATE,
    Topic.SYNC_CONFIG_UPDATE,
    Topic.SYNC_STATE,
)
COMMAND_TOPICS: Mapping[Topic, str] = {
    Topic.COMMAND_FORCE_SYNC: "FORCE_SYNC",
    Topic.COMMAND_UPDATE_CONFIG: "UPDATE_CONFIG",
    Topic.COMMAND_RELOAD: "RELOAD",
}

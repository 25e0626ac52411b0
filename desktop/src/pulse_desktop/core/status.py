"""
What the files say about a device, for people; works while it runs and when it does not.

Reads only. Read next: ``outbox.schema`` (``sync_state``).
"""

from __future__ import annotations

import sqlite3
from typing import Any

from pulse_runtime.errors import ConfigError

from .errors import Link
from .folder import DeviceFolder
from .identity import store
from .identity.keystore import place_of
from .lock import running_process
from .outbox import OutboxReader
from .outbox.schema import has_tables
from .sources.states_file import read_states

NEWEST_STREAMS = 5
_WAIT = "readings wait on disk meanwhile"
ADVICE = {  # what to do, by the link that is missing; the window says the same
    Link.NO_NETWORK: f"check this machine's cable or WLAN; {_WAIT}",
    Link.NO_BROKER: f"check that the server runs and that its address is right; it tries again by itself, and {_WAIT}",
    Link.REFUSED: "ask an administrator whether this device is revoked or its server was set up anew, and for a new "
    f"one-time code: `pulse-desktop enroll --again` with a new code puts that right; {_WAIT}",
    Link.REFUSED_HERE: "check the address; if the server was set up anew, `pulse-desktop enroll --again` with a new "
    f"one-time code puts that right, else ask an administrator: this may be another server in between; {_WAIT}",
    Link.TAKEN_OVER: "stop the other one, or enroll one of the two under an id of its own",
}


def read_status(folder: DeviceFolder) -> dict[str, Any]:
    """
    Return the state of the device in *folder* as JSON values.

    Raises:
        ConfigError: There is no outbox yet, or it cannot be read.
    """
    identity = store.load(folder.path)
    process = running_process(folder.path)
    figures: dict[str, Any] = {
        "client_id": folder.client_id,
        "enrolled": identity is not None,
        "api_url": identity.api_url if identity else None,
        "keys": place_of(identity.signing_key) if identity else None,
        "running": process is not None,
        "process": process,
    }
    if process is not None:
        figures["sources"] = [
            {"name": one.name, "kind": one.kind, "state": one.state, "sentence": one.sentence}
            for one in read_states(folder.path)
        ]
    if has_tables(folder.outbox):
        figures |= _outbox_figures(folder, is_running=process is not None)
    return figures


def _outbox_figures(folder: DeviceFolder, *, is_running: bool) -> dict[str, Any]:
    try:
        reader = OutboxReader(folder.outbox)
        try:
            noted, counts, streams = reader.sync_state(), reader.counts(), reader.streams()
            latest, lost = reader.latest(), reader.lost()
        finally:
            reader.close()
    except sqlite3.Error as error:
        raise ConfigError(f"the outbox {folder.outbox} cannot be read: {error}.") from error
    return {
        "state": noted["connection_status"] if is_running else "DISCONNECTED",
        "link": noted["link"] if is_running else "stopped",
        "link_detail": noted["link_detail"],
        "advice": ADVICE.get(noted["link"], "") if is_running else "",
        "source": noted["source_status"],
        "problem": noted["problem"],
        "pending": counts.get("pending", 0) + counts.get("sent", 0),
        "unarchived": counts.get("sent", 0),
        "quarantined": counts.get("quarantined", 0),
        "unanswered": int(noted.get("set_aside") or 0) if is_running else 0,
        "lost_unsettled": lost,
        "last_sync_at": noted["last_sync_at"],
        "drain_per_s": int(noted["drain_per_s"]) if noted.get("drain_per_s") else None,
        "last_heartbeat": noted["last_heartbeat"],
        "ingest_seen": noted["ingest_seen"],
        "clock_offset_ms": noted["clock_offset_ms"],
        "streams": len(streams),
        "newest_streams": [
            {"stream": stream, "last_sequence_no": last, "begun_at": begun_at}
            for stream, last, begun_at in streams[-NEWEST_STREAMS:]
        ],
        "latest": latest,
    }


def as_text(figures: dict[str, Any]) -> str:
    """Write *figures* for a terminal, one line a figure."""
    lines = []
    for name, value in figures.items():
        if isinstance(value, list):
            lines += [f"{name}:"] + [f"  {'  '.join(str(part) for part in row.values())}" for row in value]
        elif isinstance(value, dict):
            lines += [f"{name}:"] + [f"  {key}  {part}" for key, part in value.items()]
        else:
            lines.append(f"{name}: {_word(value)}")
    return "\n".join(lines)


def _word(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "-" if value in {None, ""} else str(value)

"""``settings``: what is set for all devices and for one, and changes of it."""

from __future__ import annotations

import argparse
from typing import Any

import msgspec

from pulse_sync.records import Key, Kind
from pulse_sync.settings import KNOWN, Choice

from .desk import Desk, show


def listed(on: Desk, asked: argparse.Namespace) -> None:
    """List what is set, and where it comes from."""
    rows = [
        {
            "key": record.key.pair[0],
            "device": record.key.pair[1] or "all",
            "value": record.get("config_value"),
            "changed_by": stamp.by if (stamp := record.clock.get("config_value")) else None,
            "where": stamp.source if stamp else None,
        }
        for record in on.shown().of(Kind.SETTING)
        if not record.is_deleted
    ]
    show(rows, as_json=asked.json)


def put(on: Desk, asked: argparse.Namespace) -> None:
    """Set a value."""
    on.author(asked).edit(Key.setting(asked.key, asked.of_device or ""), "config_value", _value(asked.key, asked.value))
    print("queued.")


def unset(on: Desk, asked: argparse.Namespace) -> None:
    """Go back to what holds without this setting."""
    on.author(asked).delete(Key.setting(asked.key, asked.of_device or ""))
    print("queued.")


def _value(key: str, text: str) -> Any:
    """Read *text* as JSON where it is JSON and the setting is not a word."""
    if isinstance(KNOWN.get(key), Choice):
        return text
    try:
        return msgspec.json.decode(text)
    except msgspec.DecodeError:
        return text

"""
The settings that devices know, with their bounds and defaults, and the text form in which they are stored.

Built once and passed on; a change makes a new object. Values out of bounds are refused with the bounds in the
message. Which of them the web has set arrives with the settings' sync.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any


@dataclass(frozen=True, slots=True)
class DeviceSettings:
    """Seconds end in ``interval``, hours in ``_h``, days in ``_days``; counts are readings."""

    sampling_interval: float = 1.0
    buffer_limit: int = 10_000_000
    buffer_full_policy: str = "refuse_new"
    confirmed_keep_h: float = 24.0
    heartbeat_interval: float = 5.0
    flush_batch_size: int = 200
    flush_order: str = "buffer_first"
    offline_login_days: int = 7


@dataclass(frozen=True, slots=True)
class FixedSetting:
    """A setting that goes before every stored one: its value as text, and what has fixed it, as a person knows it."""

    text: str
    by: str


_BOUNDS: dict[str, tuple[float, float]] = {
    "sampling_interval": (0.05, 3600),
    "buffer_limit": (1_000, 100_000_000),
    "confirmed_keep_h": (0, 720),
    "heartbeat_interval": (1, 60),
    "flush_batch_size": (1, 1_000),
    "offline_login_days": (0, 90),
}
_CHOICES: dict[str, tuple[str, ...]] = {
    "buffer_full_policy": ("refuse_new", "drop_oldest"),
    "flush_order": ("buffer_first", "live_first"),
}
KNOWN = frozenset(field.name for field in fields(DeviceSettings))


class SettingError(ValueError):
    """A value is out of its bounds; ``str()`` names them."""


def with_settings(base: DeviceSettings, given: Mapping[str, str]) -> DeviceSettings:
    """
    Return *base* changed by *given* (key to text); keys that devices do not know are left to others.

    Raises:
        SettingError: A known key has a value out of its bounds.
    """
    changed: dict[str, Any] = {key: _parse(key, text) for key, text in given.items() if key in KNOWN}
    return replace(base, **changed)


def usable(base: DeviceSettings, given: Mapping[str, str]) -> tuple[DeviceSettings, dict[str, str]]:
    """Return *base* changed by those of *given* that keep their bounds, and by key why the others are not used."""
    refused: dict[str, str] = {}
    for key, text in given.items():
        try:
            base = with_settings(base, {key: text})
        except SettingError as error:
            refused[key] = str(error)
    return base, refused


def _parse(key: str, text: str) -> float | int | str:
    if key in _CHOICES:
        if text not in _CHOICES[key]:
            raise SettingError(f"{key} is {text!r}; give {' or '.join(_CHOICES[key])}")
        return text
    least, most = _BOUNDS[key]
    whole = isinstance(getattr(DeviceSettings(), key), int)
    try:
        value: float = int(text) if whole else float(text)
    except ValueError:
        value = float("nan")
    if not least <= value <= most:
        raise SettingError(f"{key} is {text!r}; give a {'whole ' if whole else ''}number from {least:g} to {most:g}")
    return value

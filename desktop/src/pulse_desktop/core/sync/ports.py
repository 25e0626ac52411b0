"""What the sync needs of the connection and tells the rest of the device, so that tests can take their place."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol


class Channel(Protocol):
    """The connection to the broker, QoS 1."""

    def publish(self, topic: str, payload: bytes, *, retain: bool = False) -> int:
        """Hand one message over; the number comes back with the broker's acknowledgement."""
        ...


@dataclass(frozen=True, slots=True)
class Hooks:
    """
    What the device does for the sync and for commands; all are called in the sync's thread and must not block.

    ``on_position``: (history, identity_version); ``on_settings``: the settings are to be taken now, with the version
    of the newest change of them, or ``None`` when there is no news of it; ``flush``: send what is held; ``reload``:
    begin the sources anew.
    """

    on_position: Callable[[str | None, int], None]
    on_settings: Callable[[int | None], None]
    flush: Callable[[], None]
    reload: Callable[[], None]

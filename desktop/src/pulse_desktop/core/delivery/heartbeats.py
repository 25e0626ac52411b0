"""
When a heartbeat is due, what it shows besides the outbox's picture, and that none comes after the farewell.

It publishes and notes, and decides nothing of delivery. Read next: ``messages.heartbeat`` (every figure).
Source: delivery, "The device", point 2.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import structlog

from pulse_acl.payloads import format_time
from pulse_acl.topics import Topic, build

from ..clock import Clock
from ..connection import STATUS, State
from ..outbox import OutboxState
from ..readings import MetricValue, StoredReading
from ..settings import DeviceSettings
from . import messages
from .ingest import IngestWatch
from .ports import Channel, OutboxWriter

log = structlog.get_logger()
SYNCING_BEAT_S = 0.5
NOTE_EVERY_S = 2.0
LATEST_BYTES = 128 * 1024  # of a heartbeat: half of what the contract takes
VALUE_BYTES = 28  # of a metric besides its name: the longest number, quotes, colon and comma


class Heartbeats:
    """The heartbeats of one device; ``due_at``: when the next one is to go out."""

    def __init__(self, client_id: str, writer: OutboxWriter, clock: Clock, ingest: IngestWatch) -> None:
        self._id, self._writer, self._clock, self._ingest = client_id, writer, clock, ingest
        self._topic = build(Topic.HEARTBEAT, client_id=client_id)
        self._latest: dict[str, MetricValue] = {}  # the newest last
        self._latest_bytes = 0
        self._has_left_out = False
        self._mirrored = messages.Mirrored()
        self.due_at = self._note_at = clock.monotonic()
        self._beat_at = -math.inf
        self._has_left = False

    def recorded(self, row: StoredReading) -> None:
        """Note the values of a new reading as the latest; where they are too many for a heartbeat, the oldest go."""
        for name, value in messages.metrics_of(row).items():
            if self._latest.pop(name, None) is None:
                self._latest_bytes += len(name) + VALUE_BYTES
            self._latest[name] = value
        while self._latest_bytes > LATEST_BYTES:
            oldest = next(iter(self._latest))
            del self._latest[oldest]
            self._latest_bytes -= len(oldest) + VALUE_BYTES
            if not self._has_left_out:
                self._has_left_out = True
                log.warning("desktop.latest_left_out", metric=oldest, known=len(self._latest))

    def mirrored(self, mirrored: messages.Mirrored) -> None:
        """Tell from now on where the device is in the server's records, at once when settings came into force."""
        is_in_force = mirrored.config_version != self._mirrored.config_version
        self._mirrored = mirrored
        if is_in_force and not self._has_left:
            # Who has changed a setting waits to see it applied; a row of changes is still one heartbeat in a while.
            self.due_at = min(self.due_at, max(self._clock.monotonic(), self._beat_at + SYNCING_BEAT_S))

    def configured(self, settings: DeviceSettings) -> None:
        """Begin a shorter interval at once."""
        if self._has_left:
            return
        self.due_at = min(self.due_at, self._clock.monotonic() + settings.heartbeat_interval)

    def beat(
        self,
        channel: Channel,
        state: State,
        picture: OutboxState,
        settings: DeviceSettings,
        sample: Sequence[StoredReading],
    ) -> None:
        """Publish how the device is, and write it into the outbox now and then, unless it has said farewell."""
        if self._has_left:
            return
        self._publish(channel, STATUS[state], picture, self._figures(settings, sample))
        now = self._beat_at = self._clock.monotonic()
        self.due_at = now + (SYNCING_BEAT_S if state is State.SYNCING else settings.heartbeat_interval)
        if now >= self._note_at:
            self._note_at = now + NOTE_EVERY_S
            self._writer.note(
                last_heartbeat=format_time(self._clock.now()),
                connection_status=state.value,
                ingest_seen=self._ingest.newest_online_at,
            )

    def farewell(self, channel: Channel | None, picture: OutboxState, settings: DeviceSettings) -> int | None:
        """Publish that the device goes, as the last heartbeat; return its number, or ``None`` without a link."""
        self._has_left, self.due_at = True, math.inf
        if channel is None:
            return None
        return self._publish(channel, "OFFLINE", picture, self._figures(settings, ()))

    def _figures(self, settings: DeviceSettings, sample: Sequence[StoredReading]) -> messages.Figures:
        return messages.Figures(
            sampling_interval_s=settings.sampling_interval,
            heartbeat_interval_s=settings.heartbeat_interval,
            ingest_seen=self._ingest.newest_online_at,
            latest=self._latest,
            sample=sample,
            mirrored=self._mirrored,
        )

    def _publish(self, channel: Channel, status: str, picture: OutboxState, figures: messages.Figures) -> int:
        beat = messages.heartbeat(self._id, status, self._clock.now(), picture, figures)
        return channel.publish(self._topic, beat, retain=True)

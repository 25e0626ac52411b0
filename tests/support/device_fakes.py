"""Stand-ins for time and network in unit tests of the device: a clock that is turned by hand, a channel that notes."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any


class FakeClock:
    """Wall and monotonic clock, both turned by the test."""

    def __init__(self) -> None:
        self.wall = datetime(2026, 2, 7, 10, 0, tzinfo=UTC)
        self.passed_s = 1_000.0

    def now(self) -> datetime:
        return self.wall

    def monotonic(self) -> float:
        return self.passed_s

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        self.passed_s += seconds
        self.wall += timedelta(seconds=seconds)

    def jump(self, seconds: float) -> None:
        """Set the wall clock; no time passes."""
        self.wall += timedelta(seconds=seconds)


class FakeChannel:
    """Takes publishes down; ``sent`` is (topic's last part or first, payload as JSON value, retained)."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, dict[str, Any], bool]] = []
        self.sizes: list[int] = []

    def publish(self, topic: str, payload: bytes, *, retain: bool = False) -> int:
        kind = "heartbeat" if topic.startswith("heartbeat/") else topic.rsplit("/", 1)[1]
        self.sent.append((kind, json.loads(payload), retain))
        self.sizes.append(len(payload))
        return len(self.sent)

    def telemetry(self) -> list[tuple[str, list[int]]]:
        """Return what was sent as (live or buffered, numbers)."""
        return [
            (kind, [payload["sequence_no"]] if kind == "live" else [r["sequence_no"] for r in payload["readings"]])
            for kind, payload, _ in self.sent
            if kind != "heartbeat"
        ]

    def losses(self) -> list[list[list[int]]]:
        """Return the declarations of loss that were sent, a message each."""
        return [payload["lost"] for kind, payload, _ in self.sent if kind == "buffered" and payload["lost"]]

    def beats(self) -> list[dict[str, Any]]:
        return [payload for kind, payload, _ in self.sent if kind == "heartbeat"]

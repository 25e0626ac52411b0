"""What is beside telemetry while nothing can be stored: bounded in every direction."""

import json
from datetime import UTC, datetime
from uuid import UUID

import pytest

from pulse_ingest.measures import Measures
from pulse_ingest.messages import Raw
from pulse_ingest.presence import SideBatch
from pulse_ingest.side_pipeline import SidePipeline

NOW = datetime(2026, 2, 7, 12, tzinfo=UTC)


class Nowhere:
    async def write_side(self, batch: SideBatch) -> None:
        """Never called: nothing runs."""


def test_offer_heartbeats_of_ever_new_streams_stop_at_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pulse_ingest.side_pipeline.MOST_STREAMS", 5)
    measures = Measures()
    side = SidePipeline(Nowhere(), measures)
    for number in range(8):
        beat = {"client_id": "D1", "status": "ONLINE", "stream": str(UUID(int=number)), "last_sequence_no": 1}
        payload = json.dumps({**beat, "timestamp": "2026-02-07T12:00:00.000Z"}).encode()
        side.offer(Raw("heartbeat/D1", payload, NOW))
    assert measures.side_dropped._value.get() == 3

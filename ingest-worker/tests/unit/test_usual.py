"""The quick way reads only what the contract would have read, and reads the same out of it."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pulse_acl import payloads
from pulse_ingest import usual

RECEIVED = datetime(2026, 2, 7, 12, tzinfo=UTC)
STREAM = "018f0000-0000-7000-8000-000000000001"
TIME = "2026-02-07T10:15:30.125Z"
ODD: dict[str, list[Any]] = {
    "client_id": ["D2", "", 1],
    "stream": [STREAM.upper(), "{" + STREAM + "}", STREAM.replace("-", ""), "x", None],
    "sequence_no": [0, -1, 2**63 - 1, 2**63, 1.5, "1"],
    "timestamp": ["2026-02-07T10:15:30Z", "2026-02-07t10:15:30.125z", "2026-W06-6T10:15:30.125Z",
                  "2026-02-07 10:15:30.125Z", "2026-02-30T10:15:30.125Z", "2026-02-07T24:00:00.000Z", TIME + "\n",
                  "1999-12-31T23:59:59.999Z", "2026-02-07T10:15:30,125Z", "2026-02-07T10:15:30.125+00:00"],
    "metrics": [{}, {"a": None}, {"a": "1"}, {"new": 1}, {"a b": 1}, {"a": 2**63}, {"a": 2**63 - 1}, {"a": True}],
    "source": ["x" * 100, "x" * 101, 1],
    "clock_offset_ms": [5, "5", 2**63],
    "unknown": [1],
}  # fmt: skip


@pytest.fixture(autouse=True)
def names() -> None:
    usual.remember(["a", "b/c"])


def fields(**changes: Any) -> dict[str, Any]:
    made = {"client_id": "D1", "stream": STREAM, "sequence_no": 7, "timestamp": TIME, "metrics": {"a": 1, "b/c": 2.0}}
    return {**made, **changes}


def batch(*readings: dict[str, Any], **changes: Any) -> bytes:
    inside = [{name: value for name, value in one.items() if name not in {"client_id", "stream"}} for one in readings]
    return json.dumps({"client_id": "D1", "stream": STREAM, "readings": inside, **changes}).encode()


def strict(payload: bytes, *, live: bool) -> list[tuple[int, datetime, dict[str, Any]]]:
    """Return what the contract makes of *payload*, which must keep it."""
    found: Any = payloads.decode(payloads.Reading if live else payloads.ReadingBatch, payload)
    readings = [found] if live else found.readings
    assert found.client_id == "D1"
    return [(one.sequence_no, payloads.parse_time(one.timestamp), one.metrics) for one in readings]


def quick(payload: bytes, *, live: bool) -> list[tuple[int, datetime, dict[str, Any]]] | None:
    found = usual.read(payload, "D1", RECEIVED, live=live)
    return None if found is None else [(s.sequence_no, s.claimed_at or s.recorded_at, s.metrics) for s in found[1]]


def test_read_usual_messages_are_taken_the_quick_way() -> None:
    live = json.dumps(fields()).encode()
    assert quick(live, live=True) == strict(live, live=True)
    two = batch(fields(), fields(sequence_no=8))
    assert quick(two, live=False) == strict(two, live=False)


@given(st.dictionaries(st.sampled_from(sorted(ODD)), st.integers(0, 20), min_size=1, max_size=2))
def test_read_takes_nothing_that_the_contract_refuses_or_reads_otherwise(chosen: dict[str, int]) -> None:
    changes = {name: ODD[name][index % len(ODD[name])] for name, index in chosen.items()}
    for payload, live in ((json.dumps(fields(**changes)).encode(), True), (batch(fields(**changes)), False)):
        found = quick(payload, live=live)
        assert found is None or found == strict(payload, live=live)


@given(st.lists(st.tuples(st.integers(0, 24), st.sampled_from("0123456789-:.,TtZz+W \n\u0663")), max_size=3))
def test_read_takes_no_time_in_another_form(changes: list[tuple[int, str]]) -> None:
    text = list(TIME)
    for index, character in changes:
        text[index : index + 1] = [character]
    payload = json.dumps(fields(timestamp="".join(text))).encode()
    found = quick(payload, live=True)
    assert found is None or found == strict(payload, live=True)


def test_read_absurd_time_gives_way_to_the_time_of_coming() -> None:
    for claimed in ("1999-12-31T23:59:59.999Z", "2026-02-08T12:00:00.001Z"):
        found = usual.read(json.dumps(fields(timestamp=claimed)).encode(), "D1", RECEIVED, live=True)
        assert found is not None
        assert (found[1][0].recorded_at, found[1][0].claimed_at) == (RECEIVED, payloads.parse_time(claimed))
    latest = RECEIVED + timedelta(hours=24)
    found = usual.read(batch(fields(timestamp=payloads.format_time(latest))), "D1", RECEIVED, live=False)
    assert found is not None
    assert (found[1][0].recorded_at, found[1][0].claimed_at) == (latest, None)


def test_read_declared_loss_too_many_readings_and_new_names_are_left_to_the_contract() -> None:
    assert quick(batch(fields(), lost=[[1, 2]]), live=False) is None
    assert quick(batch(*[fields()] * 1_001), live=False) is None
    assert quick(batch(fields(metrics={"never-seen": 1})), live=False) is None
    usual.remember(["never-seen"])
    assert quick(batch(fields(metrics={"never-seen": 1})), live=False) is not None
    assert quick(batch(fields(), lost=[]), live=False) is not None


def test_read_payload_above_the_limit_or_of_another_device_is_left_to_the_contract() -> None:
    assert quick(b" " * payloads.MAX_PAYLOAD_BYTES + json.dumps(fields()).encode(), live=True) is None
    assert usual.read(json.dumps(fields()).encode(), "D2", RECEIVED, live=True) is None

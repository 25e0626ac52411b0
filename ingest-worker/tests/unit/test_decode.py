"""What the decoder makes of good, bad and hostile payloads; no bytes may raise."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pulse_ingest.decode import decode
from pulse_ingest.messages import Decoded, Raw

STREAM = "018f0000-0000-7000-8000-000000000001"
NOW = datetime(2026, 2, 7, 12, tzinfo=UTC)
TIME = "2026-02-07T10:15:30.125Z"


def reading(number: Any = 1, **changes: Any) -> dict[str, Any]:
    return {"sequence_no": number, "timestamp": TIME, "metrics": {"a": 1, "b": 72.0, "c": True}} | changes


def live(**changes: Any) -> dict[str, Any]:
    return {"client_id": "D1", "stream": STREAM, **reading(), **changes}


def batch(*readings: Any, **changes: Any) -> dict[str, Any]:
    return {"client_id": "D1", "stream": STREAM, "readings": list(readings), **changes}


def taken(payload: Any, kind: str = "buffered", client_id: str = "D1") -> Decoded:
    data = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
    return decode(Raw(f"telemetry/{client_id}/{kind}", data, NOW))


def assert_one_fault(found: Decoded, *words: str) -> None:
    assert (found.samples, found.rejects, found.lost) == ([], [], [])
    assert len(found.faults) == 1
    assert found.faults[0].sequence_no is None
    assert all(word in found.faults[0].reason for word in words), found.faults[0].reason


def test_decode_live_reading_keeps_every_type_exact_case_41() -> None:
    metrics = '{"i": 9223372036854775807, "n": -9223372036854775808, "d": 72.0, "b": false}'
    found = taken(json.dumps(live(metrics="@")).replace('"@"', metrics).encode(), "live")
    assert found.client_id == "D1"
    assert found.stream == UUID(STREAM)
    (sample,) = found.samples
    assert [(type(v), v) for v in sample.metrics.values()] == [
        (int, 2**63 - 1),
        (int, -(2**63)),
        (float, 72.0),
        (bool, False),
    ]
    assert sample.recorded_at == datetime(2026, 2, 7, 10, 15, 30, 125000, tzinfo=UTC)
    assert sample.claimed_at is None


def test_decode_batch_of_readings_and_losses_takes_all() -> None:
    found = taken(batch(reading(3), reading(1), reading(3), lost=[[7, 9], [8, 12]]))
    assert [sample.sequence_no for sample in found.samples] == [3, 1, 3]
    assert found.lost == [(7, 12)]
    assert found.weight == 4


@pytest.mark.parametrize(
    "bad",
    [
        reading(2, metrics={}),
        reading(2, metrics={"a": None}),
        reading(2, metrics={"a": "text"}),
        reading(2, metrics={"a": 2**63}),
        reading(2, metrics={"a": [1]}),
        reading(2, metrics={"a b": 1}),
        reading(2, metrics={"\x00": 1}),
        reading(2, metrics={f"m{i}": 1 for i in range(257)}),
        reading(2, timestamp="yesterday"),
        reading(2, timestamp="2026-13-45T00:00:00Z"),
        reading(2, timestamp=5),
        {"sequence_no": 2, "timestamp": TIME},
    ],
)
def test_decode_bad_reading_among_good_is_rejected_alone_with_its_number(bad: dict[str, Any]) -> None:
    found = taken(batch(reading(1), bad, reading(3), lost=[[9, 9]]))
    assert [sample.sequence_no for sample in found.samples] == [1, 3]
    assert found.lost == [(9, 9)]
    (reject,) = found.rejects
    assert reject.sequence_no == 2
    assert reject.reason
    assert not found.faults


@pytest.mark.parametrize("number", [0, -1, 1.5, "2", None, 2**63 - 1, True])
def test_decode_reading_without_readable_number_is_recorded_and_settles_none(number: Any) -> None:
    found = taken(batch(reading(1), reading(number), reading(3)))
    assert [sample.sequence_no for sample in found.samples] == [1, 3]
    assert not found.rejects
    assert [fault.sequence_no for fault in found.faults] == [None]


def test_decode_live_bad_reading_is_rejected_with_its_number() -> None:
    found = taken(live(metrics={"a": "x"}, sequence_no=7), "live")
    assert [reject.sequence_no for reject in found.rejects] == [7]
    assert not found.faults


@pytest.mark.parametrize(
    ("payload", "kind", "words"),
    [
        (b"", "buffered", ("truncated",)),
        (b"no json", "buffered", ("malformed",)),
        (b"\xff\xfe", "live", ("malformed",)),
        (b"[]", "live", ("object",)),
        (b"[" * 200_000, "live", ()),
        (b'{"a":' + b"[" * 100_000 + b"]" * 100_000 + b"}", "live", ("recursion",)),
        (b" " * (256 * 1024 + 1), "buffered", ("262145 bytes",)),
        (batch(*(reading(i) for i in range(1, 1002))), "buffered", ("1001 readings",)),
        (batch(reading(), client_id="D2"), "buffered", ("client id",)),
        (live(client_id="D2"), "live", ("client id",)),
        (live(client_id="D2", metrics={}), "live", ("client id",)),
        (batch(reading(), client_id=None), "buffered", ("client id",)),
        (batch(reading(), stream="x"), "buffered", ("stream",)),
        (live(stream=None), "live", ("stream",)),
        (live(sequence_no="1"), "live", ("number",)),
        (live(), "buffered", ("readings",)),
        (batch(readings={}), "buffered", ("readings",)),
        (batch(reading()), "live", ("number",)),
    ],
)
def test_decode_fault_of_the_whole_message_is_one_record_without_number(
    payload: Any, kind: str, words: tuple[str, ...]
) -> None:
    assert_one_fault(taken(payload, kind), *words)


def test_decode_fault_with_readable_stream_names_the_stream() -> None:
    assert taken(batch(*(reading(i) for i in range(1, 1002)))).stream == UUID(STREAM)


def test_decode_topic_without_valid_client_id_is_a_fault() -> None:
    found = taken(live(), "live", client_id="not an id")
    assert_one_fault(found, "topic")
    assert found.client_id is None


@pytest.mark.parametrize(
    "claimed", ["1970-01-01T00:00:00Z", "1999-12-31T23:59:59.999Z", "2026-02-08T12:00:00.001Z", "9999-01-01T00:00:00Z"]
)
def test_decode_absurd_time_is_archived_under_the_received_one_case_23(claimed: str) -> None:
    (sample,) = taken(batch(reading(1, timestamp=claimed))).samples
    assert sample.recorded_at == NOW
    assert sample.claimed_at == datetime.fromisoformat(claimed)


@pytest.mark.parametrize("claimed", ["2000-01-01T00:00:00Z", "2026-02-08T12:00:00Z"])
def test_decode_time_at_the_bounds_is_taken_as_it_is(claimed: str) -> None:
    (sample,) = taken(live(timestamp=claimed), "live").samples
    assert (sample.recorded_at, sample.claimed_at) == (datetime.fromisoformat(claimed), None)


def test_decode_bad_loss_and_bad_source_cost_no_reading() -> None:
    found = taken(batch(reading(1), lost=[[5, 4], [7, 8], "x"], source=5))
    assert [sample.sequence_no for sample in found.samples] == [1]
    assert found.lost == [(7, 8)]
    assert sorted(fault.reason.split()[-1] for fault in found.faults) == ["characters", "read"]


def test_decode_more_losses_than_a_message_may_declare_settle_none_and_cost_no_reading() -> None:
    gaps = [[2 * number, 2 * number] for number in range(1, 1_002)]
    found = taken(batch(reading(1), lost=gaps))
    assert [sample.sequence_no for sample in found.samples] == [1]
    assert found.lost == []
    assert [fault.reason for fault in found.faults] == ["1001 declared ranges of losses; at most 1000 are allowed"]
    assert len(taken(batch(reading(1), lost=gaps[:1_000])).lost) == 1_000


def test_decode_lone_surrogate_and_nul_leave_storable_records() -> None:
    payload = json.dumps(batch(reading(1), reading(2, metrics={"\x00\ud800": 1}), source="\ud800")).encode()
    found = taken(payload)
    assert [sample.sequence_no for sample in found.samples] == [1]
    for record in (*found.rejects, *found.faults):
        text = record.reason + record.excerpt
        assert "\x00" not in text
        assert text.encode()


def test_decode_unknown_fields_are_counted_and_ignored() -> None:
    assert taken(live(new=1, newer=[2]), "live").unknown_fields == 2
    assert taken(batch(reading(1), new=1)).unknown_fields == 1
    found = taken(batch(reading(1), reading(2, metrics={}), new=1))
    assert (found.unknown_fields, len(found.samples)) == (1, 1)


def test_decode_excerpt_is_printable_and_bounded() -> None:
    (fault,) = taken(b"\x00\n\x1b[31m" + "é".encode() * 4_000).faults
    assert len(fault.excerpt.encode()) <= 2_048
    assert fault.excerpt.isprintable()


json_like = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
field = st.sampled_from(["client_id", "stream", "readings", "lost", "sequence_no", "timestamp", "metrics", "source"])


@given(st.binary(max_size=300) | st.dictionaries(field, json_like, max_size=8).map(lambda v: json.dumps(v).encode()))
def test_decode_any_bytes_never_raise_and_never_settle_silently(payload: bytes) -> None:
    for kind in ("live", "buffered"):
        assert taken(payload, kind).weight >= 1


@given(st.lists(st.tuples(st.integers(1, 50), st.booleans()), max_size=20))
def test_decode_any_mix_of_readings_accounts_for_each(mix: list[tuple[int, bool]]) -> None:
    found = taken(batch(*(reading(n) if good else reading(n, metrics={}) for n, good in mix)))
    assert [sample.sequence_no for sample in found.samples] == [n for n, good in mix if good]
    assert [reject.sequence_no for reject in found.rejects] == [n for n, good in mix if not good]


def test_decode_future_tolerance_is_counted_from_the_receipt() -> None:
    ahead = (NOW + timedelta(hours=25)).isoformat()
    (sample,) = taken(batch(reading(1, timestamp=ahead))).samples
    assert sample.recorded_at == NOW

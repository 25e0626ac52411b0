"""Payloads go over the wire and come back the same, to the last digit; what breaks the contract is one error."""

from __future__ import annotations

import json
import math
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pulse_acl.payloads import (
    INT64_MAX,
    INT64_MIN,
    MAX_METRICS,
    MAX_PAYLOAD_BYTES,
    PAYLOADS,
    BatchReading,
    Command,
    ContractError,
    Heartbeat,
    HeldStream,
    Reading,
    ReadingBatch,
    Receipt,
    ServiceStatus,
    decode,
    encode,
    format_time,
    is_metric_value,
    parse_time,
    unknown_fields,
)

STREAM = "0198f3a2-6c1e-7d44-9b1a-3f5e8c2d7a10"
AT = "2026-02-07T10:15:30.125Z"
INTEGERS = st.one_of(
    st.integers(INT64_MIN, INT64_MAX), st.sampled_from([INT64_MIN, -1, 0, 2**53, 2**53 + 1, INT64_MAX])
)
VALUES = st.one_of(st.booleans(), INTEGERS, st.floats(allow_nan=False, allow_infinity=False))
KEYS = st.from_regex(r"[A-Za-z0-9._/-]{1,100}", fullmatch=True)
METRICS = st.dictionaries(KEYS, VALUES, min_size=1, max_size=5)
NUMBERS = st.integers(1, INT64_MAX - 1)


def _reading(**changes: Any) -> Reading:
    given_fields = {"client_id": "D1", "stream": STREAM, "sequence_no": 1, "timestamp": AT, "metrics": {"a": 1}}
    return Reading(**{**given_fields, **changes})


def _json(**changes: Any) -> bytes:
    return json.dumps({**msgspec.to_builtins(_reading()), **changes}).encode()


def _same(one: object, other: object) -> bool:
    """Equal in value and in type, so that 1, 1.0 and True differ, and 0.0 and -0.0 too."""
    return type(one) is type(other) and repr(one) == repr(other)


@given(METRICS, NUMBERS)
def test_reading_round_trip_keeps_every_digit_and_type(metrics: dict[str, Any], number: int) -> None:
    found = decode(Reading, encode(_reading(metrics=metrics, sequence_no=number)))
    assert found.sequence_no == number
    assert found.metrics.keys() == metrics.keys()
    assert all(_same(found.metrics[key], value) for key, value in metrics.items())


@given(VALUES)
def test_encoded_value_integer_is_digits_and_double_is_not(value: Any) -> None:
    text = encode(_reading(metrics={"a": value})).decode().split('"a":')[1].split("}")[0]
    if isinstance(value, bool):
        assert text in {"true", "false"}
    elif isinstance(value, int):
        assert text == str(value)
    else:
        assert "." in text or "e" in text


@given(st.lists(st.tuples(NUMBERS, METRICS), max_size=5), st.lists(st.tuples(NUMBERS, NUMBERS), max_size=3))
def test_batch_round_trip_gives_the_same_batch(rows: list[tuple[int, Any]], lost: list[tuple[int, int]]) -> None:
    readings = [BatchReading(sequence_no=number, timestamp=AT, metrics=metrics) for number, metrics in rows]
    ranges = [(min(pair), max(pair)) for pair in lost]
    batch = ReadingBatch(client_id="D1", stream=STREAM, readings=readings, lost=ranges)
    assert decode(ReadingBatch, encode(batch)) == batch


def test_reading_looks_as_integrators_were_told() -> None:
    found = json.loads(encode(_reading(metrics={"temperature": 72.0})))
    assert found == {
        "client_id": "D1",
        "stream": STREAM,
        "sequence_no": 1,
        "timestamp": AT,
        "metrics": {"temperature": 72.0},
        "source": "desktop",
    }


def test_will_carries_identity_and_status_only() -> None:
    assert encode(Heartbeat(client_id="D1", status="OFFLINE")) == b'{"client_id":"D1","status":"OFFLINE"}'
    status = ServiceStatus(service="ingest", instance="1", status="OFFLINE")
    assert encode(status) == b'{"service":"ingest","instance":"1","status":"OFFLINE"}'


def test_receipt_states_everything_even_what_is_empty() -> None:
    found = json.loads(encode(Receipt(client_id="D1", stream=None, at=AT)))
    assert found == {
        "client_id": "D1",
        "stream": None,
        "archived": [],
        "rejected": [],
        "lost": [],
        "wanted_since": None,
        "at": AT,
    }


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("9223372036854775807", INT64_MAX),
        ("-9223372036854775808", INT64_MIN),
        ("9007199254740993", 2**53 + 1),
        ("72", 72),
        ("72.0", 72.0),
        ("7.2e1", 72.0),
        ("-0.0", -0.0),
        ("true", True),
        ("1", 1),
        ("1.0", 1.0),
    ],
)
def test_decode_metric_text_decides_the_type(text: str, expected: object) -> None:
    data = _json(metrics={"a": None}).replace(b"null", text.encode())
    assert _same(decode(Reading, data).metrics["a"], expected)


@pytest.mark.parametrize(
    "text", ["9223372036854775808", "-9223372036854775809", "1e400", "NaN", "Infinity", "00", "+1"]
)
def test_decode_metric_beyond_bounds_breaks_the_contract(text: str) -> None:
    with pytest.raises(ContractError):
        decode(Reading, _json(metrics={"a": None}).replace(b"null", text.encode()))


@pytest.mark.parametrize("count", [0, MAX_METRICS + 1])
def test_decode_number_of_metrics_out_of_bounds_breaks_the_contract(count: int) -> None:
    with pytest.raises(ContractError, match="length"):
        decode(Reading, _json(metrics={f"m{index}": index for index in range(count)}))


@given(st.binary(max_size=200), st.sampled_from(list(PAYLOADS.values())))
def test_decode_any_bytes_give_payload_or_contract_error(data: bytes, kind: Any) -> None:
    try:
        found = decode(kind, data)
    except ContractError:
        return
    assert isinstance(found, kind)


@given(
    st.recursive(
        st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=5)),
        lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=5), inner, max_size=3)),
        max_leaves=5,
    ),
    st.sampled_from(["client_id", "stream", "sequence_no", "timestamp", "metrics", "source", "clock_offset_ms"]),
)
def test_decode_any_value_in_any_field_gives_payload_or_contract_error(value: Any, field: str) -> None:
    try:
        found = decode(Reading, _json(**{field: value}))
    except ContractError:
        return
    assert decode(Reading, encode(found)) == found


@pytest.mark.parametrize("opening", [b"[", b'{"a":'])
def test_decode_deep_nesting_breaks_the_contract_and_nothing_else(opening: bytes) -> None:
    deep = opening * 50_000
    with pytest.raises(ContractError):
        decode(Command, b'{"args":{"a":' + deep)
    assert unknown_fields(Command, b'{"new":' + deep) == 0


def test_decode_oversized_breaks_the_contract_at_one_byte_above() -> None:
    data = _json(future="")
    padding = b"x" * (MAX_PAYLOAD_BYTES - len(data))
    assert decode(Reading, data.replace(b'"future": ""', b'"future": "' + padding + b'"')) == _reading()
    with pytest.raises(ContractError, match="262145 bytes; at most 262144 are allowed"):
        decode(Reading, data.replace(b'"future": ""', b'"future": "x' + padding + b'"'))


def test_contract_error_says_where_and_never_repeats_the_payload() -> None:
    with pytest.raises(ContractError) as caught:
        decode(Reading, _json(metrics={"a": "top-secret"}))
    assert "$.metrics" in str(caught.value)
    assert "top-secret" not in str(caught.value)
    with pytest.raises(ContractError) as caught:
        parse_time("top-secret")
    assert "top-secret" not in str(caught.value)


def test_decode_unknown_fields_are_ignored_and_counted() -> None:
    data = _json(firmware="7", colour={"red": 1})
    assert decode(Reading, data) == _reading()
    assert unknown_fields(Reading, data) == 2
    assert unknown_fields(Reading, _json()) == 0


@pytest.mark.parametrize("data", [b"", b"[]", b"{", b'{"\xff":1}', b"null"])
def test_unknown_fields_no_object_counts_nothing(data: bytes) -> None:
    assert unknown_fields(Reading, data) == 0


@pytest.mark.parametrize(
    "make",
    [
        lambda: ReadingBatch(client_id="D1", stream=STREAM, readings=[], lost=[(2, 1)]),
        lambda: Receipt(client_id="D1", stream=STREAM, archived=[(2, 1)], at=AT),
        lambda: Receipt(client_id="D1", stream=STREAM, lost=[(2, 1)], at=AT),
        lambda: HeldStream(stream=STREAM, first=2, last=1, count=1),
    ],
)
def test_reversed_range_is_refused_when_made(make: Any) -> None:
    with pytest.raises(ValueError, match="a range ends before it begins"):
        make()


@pytest.mark.parametrize("value", [True, False, 0, INT64_MAX, INT64_MIN, 0.0, -1.5, 1e308])
def test_is_metric_value_of_the_contract_is_taken(value: object) -> None:
    assert is_metric_value(value)
    assert _same(decode(Reading, encode(_reading(metrics={"a": value}))).metrics["a"], value)


@pytest.mark.parametrize("value", [INT64_MAX + 1, INT64_MIN - 1, math.nan, math.inf, "1", None, [], 1j])
def test_is_metric_value_foreign_value_is_refused(value: object) -> None:
    assert not is_metric_value(value)


_MOMENTS = st.datetimes(
    min_value=datetime(1, 1, 2),  # noqa: DTZ001 -- hypothesis adds the zone
    max_value=datetime(9999, 12, 30),  # noqa: DTZ001
    timezones=st.integers(-1439, 1439).map(lambda minutes: timezone(timedelta(minutes=minutes))),
)


@given(_MOMENTS)
def test_format_time_cuts_to_milliseconds_and_parses_back(at: datetime) -> None:
    found = parse_time(format_time(at))
    assert found.tzinfo is UTC
    assert timedelta(0) <= at - found < timedelta(milliseconds=1)
    assert format_time(found) == format_time(at)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "now",
        "2026-02-07",
        "2026-02-07T10:15:30.125",
        "2026-02-30T10:15:30Z",
        "2026-13-01T10:15:30Z",
        "2026-02-07T24:00:00Z",
        "2026-02-07T10:15:61Z",
        "0000-01-01T00:00:00Z",
        "0001-01-01T00:00:00+10:00",
        "9999-12-31T23:59:59-10:00",
        "2026-02-07T10:15:30+99:99",
        "2026-W06-6T10:15:30Z",
        "20260207T101530Z",
        AT + "\n",
    ],
)
def test_parse_time_no_such_time_breaks_the_contract(text: str) -> None:
    with pytest.raises(ContractError, match="not an RFC 3339 time"):
        parse_time(text)


@pytest.mark.parametrize("text", ["2016-12-31T23:59:60.250Z", "2017-01-01T00:59:60.25+01:00"])
def test_parse_time_leap_second_is_the_second_after_it(text: str) -> None:
    assert parse_time(text) == datetime(2017, 1, 1, 0, 0, 0, 250_000, tzinfo=UTC)


@pytest.mark.parametrize("text", ["2016-12-31T10:30:60Z", "2016-12-31T23:59:61Z", "9999-12-31T23:59:60Z"])
def test_parse_time_sixtieth_second_elsewhere_breaks_the_contract(text: str) -> None:
    with pytest.raises(ContractError):
        parse_time(text)


def test_parse_time_lower_case_and_offsets_are_taken() -> None:
    expected = datetime(2026, 2, 7, 10, 15, 30, 125_000, tzinfo=UTC)
    assert parse_time("2026-02-07t11:15:30.125+01:00") == expected == parse_time(AT.lower())

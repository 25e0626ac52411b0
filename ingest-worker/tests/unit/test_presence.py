"""Heartbeats, wills and audit records made into rows."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from pulse_acl.payloads import ContractError
from pulse_ingest.messages import Raw
from pulse_ingest.presence import SideBatch
from support.ingest import NEXT_STREAM, STREAM

NOW = datetime(2026, 2, 7, 12, tzinfo=UTC)
TIME = "2026-02-07T11:59:59.000Z"


def raw(topic: str, payload: dict[str, Any], *, retained: bool = False, at: datetime = NOW) -> Raw:
    return Raw(topic, json.dumps(payload).encode(), at, retained)


def beat(**fields: Any) -> dict[str, Any]:
    return {"client_id": "D1", "status": "ONLINE", "timestamp": TIME, **fields}


def taken(*raws: Raw) -> SideBatch:
    batch = SideBatch()
    for one in raws:
        batch.take(one)
    return batch


def test_take_fresh_heartbeat_keeps_figures_and_time_of_coming() -> None:
    batch = taken(raw("heartbeat/D1", beat(pending=3, latest={"a": 2**63 - 1, "b": 72.0})))
    found = batch.presences["D1"]
    assert found.heartbeat is not None
    assert json.loads(found.heartbeat)["latest"] == {"a": 2**63 - 1, "b": 72.0}
    assert '"b":72.0' in found.heartbeat
    assert (found.status, found.received_at, found.retained) == ("ONLINE", NOW, False)


def test_take_retained_heartbeat_does_not_look_fresh() -> None:
    found = taken(raw("heartbeat/D1", beat(), retained=True)).presences["D1"]
    assert found.retained
    assert found.received_at == NOW - timedelta(seconds=1)


def test_take_will_after_heartbeat_changes_the_status_only() -> None:
    will = raw("heartbeat/D1", {"client_id": "D1", "status": "OFFLINE"})
    found = taken(raw("heartbeat/D1", beat(pending=3)), will).presences["D1"]
    assert found.status == "OFFLINE"
    assert found.heartbeat is not None
    assert json.loads(found.heartbeat)["pending"] == 3
    alone = taken(will).presences["D1"]
    assert (alone.status, alone.heartbeat) == ("OFFLINE", None)


def test_take_retained_copy_after_a_fresh_heartbeat_changes_nothing() -> None:
    fresh = raw("heartbeat/D1", beat(pending=3))
    old = raw("heartbeat/D1", beat(status="OFFLINE", pending=1), retained=True)
    assert taken(fresh, old).presences == taken(fresh).presences


def test_take_heartbeat_claims_the_highest_numbers_of_its_streams() -> None:
    held = [{"stream": str(NEXT_STREAM), "first": 1, "last": 9, "count": 2}]
    batch = taken(
        raw("heartbeat/D1", beat(stream=str(STREAM), last_sequence_no=7, held=held)),
        raw("heartbeat/D1", beat(stream=str(STREAM), last_sequence_no=5)),
    )
    assert batch.claims == {("D1", STREAM): (7, NOW), ("D1", NEXT_STREAM): (9, NOW)}


def test_take_heartbeat_of_a_stream_without_readings_claims_nothing() -> None:
    assert taken(raw("heartbeat/D1", beat(stream=str(STREAM), last_sequence_no=0))).claims == {}


TIMES = ("timestamp", "kept_since", "resent_since", "last_sync_at", "oldest_pending_at", "ingest_seen")


@pytest.mark.parametrize("name", TIMES)
@pytest.mark.parametrize("text", ["2026-99-99T99:99:99Z", "0000-01-01T00:00:00Z", "2026-02-07T12:00:00+24:00"])
def test_take_heartbeat_with_what_is_no_time_is_refused_and_named(name: str, text: str) -> None:
    batch = SideBatch()
    with pytest.raises(ContractError, match=f"{name}: not an RFC 3339 time" if name != "timestamp" else "RFC 3339"):
        batch.take(raw("heartbeat/D1", beat(**{name: text})))
    assert batch.is_empty


def test_take_heartbeat_is_kept_with_its_times_in_the_one_form_that_any_reader_takes() -> None:
    given = dict.fromkeys(TIMES, "2026-02-07T11:00:00.5+15:59")
    given |= {"timestamp": "2026-02-07t12:00:00-18:30", "kept_since": "2026-02-07T12:00:00.1239+20:00"}
    kept = taken(raw("heartbeat/D1", beat(**given))).presences["D1"].heartbeat
    assert kept is not None
    found = json.loads(kept)
    assert found["timestamp"] == "2026-02-08T06:30:00.000Z"
    assert found["kept_since"] == "2026-02-06T16:00:00.123Z"
    assert {found[name] for name in TIMES[2:]} == {"2026-02-06T19:01:00.500Z"}


@pytest.mark.parametrize(
    ("topic", "payload"),
    [
        ("heartbeat/D2", beat()),
        ("heartbeat/D1", beat(status="ASLEEP")),
        ("heartbeat/D1", beat(timestamp="2026-13-01T00:00:00Z")),
        ("heartbeat/not an id", beat()),
        ("audit/command", {"username": "user:admin"}),
        ("command/D1/result", {"command_id": "x"}),
    ],
)
def test_take_broken_payload_is_refused_and_leaves_nothing(topic: str, payload: dict[str, Any]) -> None:
    batch = SideBatch()
    with pytest.raises(ContractError):
        batch.take(raw(topic, payload))
    assert batch.is_empty


def test_take_audited_command_is_a_row_without_nul() -> None:
    record = {
        "username": "user:ad\x00min",
        "client_id": "web:1",
        "topic": "command/D1/force_sync",
        "payload": "{\x00}",
        "at": TIME,
    }
    (row,) = taken(raw("audit/command", record)).audits
    assert (row.action, row.actor, row.entity_id) == ("command.published", "user:ad\ufffdmin", "D1")
    assert json.loads(row.detail)["payload"] == "{\ufffd}"


def test_take_command_result_is_a_row_of_the_device() -> None:
    result = {"command_id": str(UUID(int=1)), "command": "RELOAD", "status": "DONE", "message": "", "at": TIME}
    (row,) = taken(raw("command/D1/result", result)).audits
    assert (row.action, row.actor, row.entity_id) == ("command.result", "device:D1", "D1")


def test_take_command_result_stands_at_the_time_it_came_and_tells_the_devices_own() -> None:
    ahead = "2040-01-01T00:00:00.000Z"
    result = {"command_id": str(UUID(int=1)), "command": "RELOAD", "status": "DONE", "message": "", "at": ahead}
    message = raw("command/D1/result", result)
    (row,) = taken(message).audits
    assert (row.at, json.loads(row.detail)["at"]) == (message.received_at, ahead)


def test_take_command_result_of_no_time_breaks_the_contract() -> None:
    result = {
        "command_id": str(UUID(int=1)),
        "command": "RELOAD",
        "status": "DONE",
        "message": "",
        "at": "2026-02-30T00:00:00.000Z",
    }
    with pytest.raises(ContractError):
        taken(raw("command/D1/result", result))

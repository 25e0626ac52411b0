"""Telemetry that breaks the contract: recorded with its reason, neighbours unharmed, integers exact."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from support.accounts import integrity, psql
from support.raw_device import RawDevice
from support.stack import Stack, running_stack
from support.waiting import until
from support.watcher import Watcher

LARGEST = 2**63 - 1


@pytest.fixture(scope="module")
def stack() -> Iterator[Stack]:
    with running_stack("postgres", "broker", "auth-api", "ingest") as made:
        yield made


@pytest.fixture
def device(stack: Stack, request: pytest.FixtureRequest) -> Iterator[RawDevice]:
    made = RawDevice(stack, f"raw-{abs(hash(request.node.name)) % 10**9}")
    made.enroll()
    made.connect()
    yield made
    made.close()


BROKEN = {
    "text as a value": ('{"a": "72"}', "str"),
    "null as a value": ('{"a": null}', "null"),
    "integer beyond 64 bits": ('{"a": 9223372036854775808}', "9223372036854775807"),
    "number out of range": ('{"a": 1e999}', "range"),
    "no metric": ("{}", "length"),
    "key with a blank": ('{"a b": 1}', "regex"),
    "nested": ('{"a": {"b": 1}}', "object"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_broken_reading_is_rejected_with_its_reason_and_neighbours_archived(device: RawDevice, name: str):
    metrics, words = BROKEN[name]
    device.live(device.reading(1))
    device.live(device.reading(2, metrics))
    device.live(device.reading(3))
    until(lambda: device.archived() == [1, 3], within_s=10, what="the neighbours are archived")
    until(lambda: 2 in device.rejected(), within_s=10, what="the broken one is rejected")
    assert words in device.rejected()[2]
    account = integrity(device.stack, device.client_id)
    assert (account["archived"], account["rejected"], account["missing"]) == (2, 1, 0)


def test_broken_reading_in_a_batch_harms_no_neighbour_case_12(device: RawDevice):
    readings = [json.loads(device.reading(number)) for number in (1, 2, 3)]
    readings[1]["metrics"] = {"a": "text"}
    batch = {"client_id": device.client_id, "stream": device.stream, "readings": readings, "source": "test"}
    device.publish(f"telemetry/{device.client_id}/buffered", json.dumps(batch).encode())
    until(lambda: device.archived() == [1, 3] and 2 in device.rejected(), within_s=10, what="each has its fate")


@pytest.mark.parametrize(
    "payload", [b"", b"\xff\xfe", b"[]", b"not json", b'{"client_id":', b"x" * 300_000], ids=lambda one: str(one[:8])
)
def test_unreadable_message_is_recorded_and_settles_nothing(device: RawDevice, payload: bytes):
    device.live(payload)
    device.live(device.reading(1))
    until(lambda: device.archived() == [1], within_s=10, what="the neighbour is archived")
    recorded = "SELECT count(*) FROM telemetry_rejects WHERE client_id = $1 AND sequence_no IS NULL AND reason <> ''"
    until(lambda: psql(device.stack, recorded, device.client_id) == 1, within_s=10, what="it is recorded")
    assert integrity(device.stack, device.client_id)["rejected"] == 0


def test_reading_with_a_foreign_id_settles_nothing_of_either(device: RawDevice, stack: Stack):
    device.live(device.reading(1, client_id='"somebody-else"'))
    device.live(device.reading(1))
    until(lambda: device.archived() == [1], within_s=10, what="its own reading is archived")
    assert psql(stack, "SELECT count(*) FROM telemetry_ledger WHERE client_id = 'somebody-else'") == 0
    reason = psql(stack, "SELECT reason FROM telemetry_rejects WHERE client_id = $1", device.client_id)
    assert "client id" in reason


def test_absurd_time_is_archived_under_the_received_time_case_23(device: RawDevice, stack: Stack):
    device.live(device.reading(1, timestamp='"1970-01-01T00:00:00.000Z"'))
    until(lambda: device.archived() == [1], within_s=10, what="it is archived")
    query = "SELECT recorded_at = received_at AND claimed_at = 'epoch' FROM telemetry_data WHERE client_id = $1"
    assert psql(stack, query, device.client_id) is True


def test_largest_integer_arrives_digit_for_digit_case_41(device: RawDevice, stack: Stack):
    with Watcher(stack, [f"telemetry/{device.client_id}/live"]) as watcher:
        device.live(device.reading(1, f'{{"big": {LARGEST}, "low": {-LARGEST - 1}, "double": 72.0, "on": true}}'))
        until(watcher.messages, within_s=10, what="the reading is live")
        assert watcher.messages()[0][1]["metrics"]["big"] == LARGEST
    until(lambda: device.archived() == [1], within_s=10, what="it is archived")
    kept = psql(
        stack, "SELECT metric_long FROM telemetry_data WHERE client_id=$1 AND metric_key='big'", device.client_id
    )
    assert kept == LARGEST
    latest = stack.admin.get("/telemetry/latest", params={"client_id": device.client_id})
    assert f'"value":{LARGEST}' in latest.text.replace(" ", "")
    assert '"value":72.0' in latest.text.replace(" ", "")
    assert str(LARGEST) in exported(stack, device, "csv")
    assert f"{LARGEST}" in exported(stack, device, "ndjson")
    assert f"{-LARGEST - 1}" in exported(stack, device, "ndjson")


def exported(stack: Stack, device: RawDevice, kind: str) -> str:
    span = {"format": kind, "from": "2020-01-01T00:00:00.000Z", "to": "2100-01-01T00:00:00.000Z"}
    link = stack.admin.post(f"/telemetry/{device.client_id}/export-links", json=span)
    assert link.is_success, link.text
    url = link.json()["url"]
    answer = stack.admin.get(url if url.startswith("http") else stack.address + url)
    assert answer.is_success, answer.text
    again = stack.admin.get(url if url.startswith("http") else stack.address + url)
    assert again.status_code in {404, 410}, "an export link is good for one use"
    return answer.text


def test_same_number_twice_is_archived_once_case_12(device: RawDevice):
    for _ in range(3):
        device.live(device.reading(1, '{"a": 5}'))
    until(lambda: len(device.receipts) >= 1 and device.archived() == [1], within_s=10, what="it is archived")
    until(lambda: integrity(device.stack, device.client_id)["duplicates"] == 2, within_s=10, what="duplicates count")
    query = "SELECT count(*) FROM telemetry_data WHERE client_id = $1"
    assert psql(device.stack, query, device.client_id) == 1

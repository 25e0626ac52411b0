"""Asking devices again after a restore: the command, the running worker and a real broker."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any, TypeAlias

import asyncpg

from pulse_ingest.writer import Beat, Database
from support.ingest_bench import BenchDevice, IngestBench
from support.processes import program
from support.waiting import eventually

Conn: TypeAlias = "asyncpg.Connection[asyncpg.Record]"
SINCE = datetime(2026, 2, 7, 10, tzinfo=UTC)
SINCE_TEXT = "2026-02-07T10:00:00.000Z"
NOW = datetime(2026, 2, 7, 12, tzinfo=UTC)
AGAIN = timedelta(seconds=60)
AFTER_A_RESTORE = """\
Stored: everything since 2026-02-07T10:00:00.000Z is asked for at each device's next heartbeat.
3 of 6 known devices were heard within 90 s; 2 of them no longer have all of it:
  D4: does not say since when it keeps what was confirmed
  D5: keeps nothing that was confirmed
3 were not heard yet, so it is not known what they still have:
  D1
  D2
  D6
Whoever turns out to keep too little, at its next heartbeat, is named in the worker's log: reconcile.kept_too_little.
"""


async def command(bench: IngestBench, *arguments: str) -> tuple[int | None, str, str]:
    process = await asyncio.create_subprocess_exec(
        program("pulse-ingest"),
        *arguments,
        env=bench.variables,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, errors = await process.communicate()
    return process.returncode, out.decode(), errors.decode()


async def beat(device: BenchDevice, **fields: Any) -> None:
    payload = {"client_id": device.client_id, "status": "ONLINE", "timestamp": "2026-02-07T12:00:00.000Z", **fields}
    await device.publish(f"heartbeat/{device.client_id}", payload, retain=True)


async def test_reconcile_device_is_asked_at_its_heartbeat_until_it_has_sent_again(
    bench: IngestBench, owner: Conn
) -> None:
    await bench.start()
    async with bench.device() as device:
        await beat(device, kept_since="2026-02-07T11:00:00.000Z")
        await eventually(lambda: owner.fetchval("SELECT 1 FROM device_presence"), what="the heartbeat is noted")
        code, out, _ = await command(bench, "reconcile", "--since", SINCE_TEXT)
        assert code == 0
        assert "1 of 1 known devices were heard within 90 s; 1 of them no longer have all of it:" in out
        assert "D1: keeps what was confirmed since 2026-02-07T11:00:00.000Z" in out
        await beat(device, kept_since="2026-02-07T11:00:00.000Z")
        await eventually(lambda: device.receipts, what="the device is asked")
        (receipt,) = device.receipts
        assert (receipt["stream"], receipt["wanted_since"]) == (None, SINCE_TEXT)
        assert receipt["archived"] == receipt["rejected"] == receipt["lost"] == []
        await beat(device, kept_since="2026-02-07T11:00:00.000Z", resent_since="2026-02-07T11:00:00.000Z")
        done = "SELECT done_at IS NOT NULL FROM reconcile_devices"
        await eventually(lambda: owner.fetchval(done), what="the device's answer is noted")
        await eventually(lambda: "reconcile.kept_too_little" in bench.worker.tail(200), what="the alarm is logged")
        assert len(device.receipts) == 1


async def test_reconcile_devices_not_heard_since_the_restore_are_not_known_and_never_among_none(
    bench: IngestBench, owner: Conn
) -> None:
    # What a restored database holds: heartbeats from before the backup, one of a will alone, one that is no time.
    for client_id, heartbeat, age in (
        ("D1", '{"kept_since": "2026-02-07T08:00:00Z"}', "1 hour"),
        ("D2", '{"kept_since": "2026-99-99T99:99:99Z"}', "91 s"),
        ("D3", '{"kept_since": "2026-02-07T08:00:00Z"}', "0 s"),
        ("D4", '{"kept_since": "2026-99-99T99:99:99Z"}', "0 s"),
        ("D5", "{}", "0 s"),
    ):
        await owner.execute(
            "INSERT INTO device_presence (client_id, status, heartbeat, heartbeat_at, received_at)"
            " VALUES ($1, 'ONLINE', $2, now(), now() - $3::text::interval)",
            client_id, heartbeat, age,
        )  # fmt: skip
    await owner.execute("INSERT INTO device_presence VALUES ('D6', 'OFFLINE', '{}', NULL, now())")
    code, out, errors = await command(bench, "reconcile", "--since", SINCE_TEXT)
    assert (code, out) == (0, AFTER_A_RESTORE), errors


async def test_reconcile_wrong_time_is_one_sentence_and_exit_two(bench: IngestBench) -> None:
    code, _, errors = await command(bench, "reconcile", "--since", "yesterday")
    assert (code, errors.count("\n")) == (2, 1)
    assert "--since" in errors


async def test_reconcile_without_a_database_says_so(bench: IngestBench) -> None:
    await bench.gate.shut()
    code, _, errors = await command(bench, "reconcile", "--since", SINCE_TEXT)
    assert code == 1
    assert "could not be stored" in errors


async def test_reconcile_not_answered_is_asked_again_after_a_minute_and_by_no_second_worker(
    writer: Database, other_writer: Database
) -> None:
    await writer.request_reconcile(SINCE)
    silent = [Beat("D1", None, SINCE)]
    assert await writer.reconcile(silent, NOW, AGAIN) == {"D1": SINCE}
    assert await other_writer.reconcile(silent, NOW + timedelta(seconds=59), AGAIN) == {}
    assert await other_writer.reconcile(silent, NOW + timedelta(seconds=60), AGAIN) == {"D1": SINCE}


async def test_reconcile_answer_to_an_earlier_request_does_not_count(writer: Database) -> None:
    await writer.request_reconcile(SINCE)
    done = [Beat("D1", SINCE, SINCE)]
    assert await writer.reconcile(done, NOW, AGAIN) == {"D1": SINCE}, "never asked, whatever it reports"
    assert await writer.reconcile(done, NOW, AGAIN) == {}
    earlier = SINCE - timedelta(hours=2)
    await writer.request_reconcile(earlier)
    stale = [Beat("D1", SINCE, earlier)]
    assert await writer.reconcile(stale, NOW, AGAIN) == {"D1": earlier}
    assert await writer.reconcile(stale, NOW + AGAIN, AGAIN) == {"D1": earlier}, "the old answer is later than wanted"
    assert await writer.reconcile([Beat("D1", earlier, earlier)], NOW + 2 * AGAIN, AGAIN) == {}

"""Figures of the whole system: what they say of the archive, and that they are told whatever is gone."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import pytest
from prometheus_client import CollectorRegistry, generate_latest

from pulse_auth.db.session import make_engine, make_sessions
from pulse_auth.doctor.archive import archive
from pulse_auth.domain.health import figures as module
from pulse_auth.domain.health.figures import SystemFigures

STREAM = "01890000-0000-7000-8000-00000000000"


async def test_figures_count_what_devices_declared_lost_and_tell_nothing_before_they_asked(api: Any) -> None:
    for number, lost in enumerate(("{}", "{[3,5),[9,10)}", "{[1,101)}")):
        await api.fetch(
            "INSERT INTO telemetry_ledger (client_id, stream, settled, lost, first_seen_at, last_seen_at)"
            " VALUES ($1, $2, $3::text::int8multirange, $3::text::int8multirange, now(), now()) RETURNING 1",
            f"PRESS-{number}", f"{STREAM}{number}", lost,
        )  # fmt: skip
    engine = make_engine(api.database.dsn())
    registry = CollectorRegistry()
    figures = SystemFigures(registry, make_sessions(engine), api.settings)
    assert math.isnan(registry.get_sample_value("pulse_archive_lost_readings") or 0)
    await figures.look()
    assert registry.get_sample_value("pulse_archive_lost_readings") == 103
    await engine.dispose()


async def test_figures_know_the_newest_backup_and_that_without_a_job_none_is_to_be_known(api: Any) -> None:
    engine = make_engine(api.database.dsn())
    registry, managed = CollectorRegistry(), CollectorRegistry()
    figures = SystemFigures(registry, make_sessions(engine), replace(api.settings, has_backup_job=True))
    await figures.look()
    assert registry.get_sample_value("pulse_backup_timestamp_seconds") == 0
    for days in (3, 1, 2):
        await api.fetch(
            "INSERT INTO audit_log (at, actor, action) VALUES ($1, 'system', 'backup.made') RETURNING 1",
            datetime.now(UTC) - timedelta(days=days),
        )
    await figures.look()
    newest = (datetime.now(UTC) - timedelta(days=1)).timestamp()
    assert registry.get_sample_value("pulse_backup_timestamp_seconds") == pytest.approx(newest, abs=5)
    await SystemFigures(managed, make_sessions(engine), api.settings).look()
    assert math.isnan(managed.get_sample_value("pulse_backup_timestamp_seconds") or 0)
    await engine.dispose()


async def test_backup_that_cannot_be_asked_for_leaves_the_other_figures(
    api: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "NEWEST_BACKUP", "SELECT at FROM a_table_that_is_not_there")
    engine = make_engine(api.database.dsn())
    registry = CollectorRegistry()
    await SystemFigures(registry, make_sessions(engine), replace(api.settings, has_backup_job=True)).look()
    assert registry.get_sample_value("pulse_database_up") == 1
    assert registry.get_sample_value("pulse_database_bytes", {})
    assert registry.get_sample_value("pulse_archive_lost_readings") == 0
    await engine.dispose()


async def test_figures_are_told_when_the_home_is_gone(api: Any) -> None:
    engine = make_engine(api.database.dsn())
    registry = CollectorRegistry()
    SystemFigures(registry, make_sessions(engine), api.settings)
    assert (registry.get_sample_value("pulse_home_free_bytes") or 0) > 0
    api.settings.home.rename(api.settings.home.with_name("elsewhere"))
    told = generate_latest(registry).decode()
    assert "pulse_home_free_bytes NaN" in told
    assert "pulse_home_size_bytes NaN" in told
    assert "pulse_database_up" in told
    await engine.dispose()


async def presence(api: Any, client_id: str, **heartbeat: Any) -> None:
    await api.fetch(
        "INSERT INTO device_presence (client_id, status, heartbeat, heartbeat_at, received_at)"
        " VALUES ($1, 'ONLINE', $2, now(), now()) RETURNING 1",
        client_id, json.dumps(heartbeat),
    )  # fmt: skip


async def test_figures_and_doctor_are_not_blinded_by_the_largest_counts_and_by_what_is_no_time(api: Any) -> None:
    long_ago = (datetime.now(UTC) - timedelta(seconds=500)).isoformat()
    for number, oldest in enumerate(("2026-99-99T99:99:99Z", "2026-02-07T12:00:00+20:00", long_ago)):
        await presence(api, f"PRESS-{number}", pending=2**63 - 1, unarchived=2**63 - 1, oldest_pending_at=oldest)
        await api.fetch(
            "INSERT INTO telemetry_ledger (client_id, stream, lost, first_seen_at, last_seen_at)"
            " VALUES ($1, $2, '{[1,9223372036854775807)}', now(), now()) RETURNING 1",
            f"PRESS-{number}", f"{STREAM}{number}",
        )  # fmt: skip
    engine = make_engine(api.database.dsn())
    registry = CollectorRegistry()
    await SystemFigures(registry, make_sessions(engine), api.settings).look()
    await engine.dispose()
    assert registry.get_sample_value("pulse_database_up") == 1
    assert registry.get_sample_value("pulse_devices", {"state": "ONLINE"}) == 3
    assert registry.get_sample_value("pulse_devices_pending_readings") == pytest.approx(3 * 2.0**63)
    assert 500 <= (registry.get_sample_value("pulse_devices_oldest_unanswered_seconds") or 0) < 600
    assert registry.get_sample_value("pulse_archive_lost_readings") == pytest.approx(3 * 2.0**63)
    connection = await asyncpg.connect(api.database.dsn())
    found = {finding.check: finding.words for finding in await archive(connection)}
    await connection.close()
    assert f"3 of 3 devices heard, {3 * (2**63 - 1)} readings sent and not yet answered" in found["archive"]


async def test_figures_that_a_stored_value_keeps_from_being_told_do_not_call_the_database_away(api: Any) -> None:
    await presence(api, "PRESS-0", pending="many")
    engine = make_engine(api.database.dsn())
    registry = CollectorRegistry()
    await SystemFigures(registry, make_sessions(engine), api.settings).look()
    await engine.dispose()
    assert registry.get_sample_value("pulse_database_up") == 1


async def test_figures_find_the_losses_without_reading_the_accounts_that_have_none(api: Any) -> None:
    await api.fetch(
        "INSERT INTO telemetry_ledger (client_id, stream, settled, lost, first_seen_at, last_seen_at)"
        " SELECT 'PRESS-' || i, gen_random_uuid(), '{[1,9)}',"
        " CASE WHEN i % 2000 = 0 THEN '{[1,3)}'::int8multirange ELSE '{}' END, now(), now()"
        " FROM generate_series(1, 20000) AS i RETURNING 1"
    )
    for _ in ("as it is made", "with the figures of an ANALYZE"):
        plan = await api.fetch(f"EXPLAIN {module._LOST.text}")
        assert any("telemetry_ledger_lost" in row[0] for row in plan), plan
        await api.fetch("ANALYZE telemetry_ledger")

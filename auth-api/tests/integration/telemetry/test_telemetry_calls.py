"""The telemetry calls over HTTP: digits, bounds, refusals."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID

import asyncpg
import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from pulse_auth.errors import TooManyRequestsError

Archive = Callable[..., Awaitable[None]]
TOP = 2**63 - 1
SPAN = {"from": "2026-02-07T10:00:00.000Z", "to": "2026-02-07T11:00:00.000Z"}


@pytest.fixture
async def api(start: Any) -> Any:
    # Nobody listens on port 1: the tests must not meet a system that runs beside them.
    started = await start(mqtts_url="mqtts://127.0.0.1:1", broker_api_url="http://127.0.0.1:1/api/v5")
    await started.sign_in()
    await execute(started, "INSERT INTO devices (client_id, signing_key, encryption_key) VALUES ('D1', '{}', '{}')")
    return started


@pytest.fixture
def problem() -> Any:
    return lambda answer: (answer.status_code, answer.json()["type"].rpartition(":")[2])


async def execute(api: Any, statement: str, *values: Any) -> None:
    connection = await asyncpg.connect(api.database.dsn())
    try:
        await connection.execute(statement, *values)
    finally:
        await connection.close()


async def test_latest_keeps_the_kind_and_every_digit_of_a_value(api: Any) -> None:
    for metric, column, value in (
        ("a/big", "metric_long", TOP),
        ("b", "metric_value", 72.0),
        ("c", "metric_bool", True),
    ):
        await execute(
            api,
            f"INSERT INTO telemetry_latest (client_id, metric_key, {column}, stream, sequence_no, recorded_at,"
            " received_at) VALUES ('D1', $1, $2, gen_random_uuid(), 7, $3, $3)",
            metric,
            value,
            api.clock(),
        )
    text = (await api.client.get("/api/v1/telemetry/latest", params={"client_id": "D1"})).text
    assert f'"metric":"a/big","value":{TOP},"recorded_at":"2026-02-07T10:00:00.000Z"' in text
    assert '"value":72.0,' in text
    assert '"value":true,' in text
    assert text.endswith('"next":null}')
    assert (await api.client.get("/api/v1/telemetry/latest?client_id=D2")).json() == {"items": [], "next": None}


async def test_latest_of_more_metrics_than_a_page_holds_comes_in_pages(api: Any) -> None:
    await execute(
        api,
        "INSERT INTO telemetry_latest (client_id, metric_key, metric_long, stream, sequence_no, recorded_at,"
        " received_at) SELECT 'D1', 'm' || n, n, gen_random_uuid(), 7, $1, $1 FROM generate_series(1, 10001) AS n",
        api.clock(),
    )
    first = (await api.client.get("/api/v1/telemetry/latest")).json()
    second = (await api.client.get("/api/v1/telemetry/latest", params={"cursor": first["next"]})).json()
    assert (len(first["items"]), len(second["items"]), second["next"]) == (10_000, 1, None)
    assert len({item["metric"] for item in first["items"] + second["items"]}) == 10_001
    assert (await api.client.get("/api/v1/telemetry/latest?cursor=x")).status_code == 400


async def test_history_of_a_metric_with_slashes_is_exact_and_says_its_span(
    api: Any, session: AsyncSession, archive: Archive
) -> None:
    await archive([TOP, TOP - 1, 3], metric="cpu/load/1m")
    await session.commit()
    answer = await api.client.get("/api/v1/telemetry/D1/cpu/load/1m", params=SPAN)
    assert answer.status_code == 200, answer.text
    body = answer.json()
    assert (body["metric"], body["from"], body["to"], body["thinned"]) == ("cpu/load/1m", *SPAN.values(), False)
    assert f'"at":"2026-02-07T10:00:00.000Z","value":{TOP},' in answer.text
    assert [point["sequence_no"] for point in body["points"]] == [1, 2, 3]
    thinned = (await api.client.get("/api/v1/telemetry/D1/cpu/load/1m", params={**SPAN, "max_points": 2})).json()
    assert thinned["thinned"] is True
    assert sorted(point["value"] for point in thinned["points"]) == [3, TOP]


async def test_history_without_times_is_of_the_last_hour(api: Any, session: AsyncSession, archive: Archive) -> None:
    await archive([1, 2])
    await session.commit()
    api.clock.move(600)
    body = (await api.client.get("/api/v1/telemetry/D1/m")).json()
    assert (body["from"], body["to"]) == ("2026-02-07T09:10:00.000Z", "2026-02-07T10:10:00.000Z")
    assert [point["value"] for point in body["points"]] == [1, 2]


async def test_history_at_the_ends_of_the_calendar_is_empty_or_all(
    api: Any, session: AsyncSession, archive: Archive
) -> None:
    await archive([1])
    await session.commit()
    first, last = "0001-01-01T00:00:00.000Z", "9999-12-31T23:59:59.999Z"
    for params, found in (({"to": first}, 0), ({"from": first, "to": last}, 1), ({"from": last, "to": last}, 0)):
        answer = await api.client.get("/api/v1/telemetry/D1/m", params=params)
        assert (answer.status_code, len(answer.json().get("points", []))) == (200, found), params


async def test_history_with_wrong_parameters_is_malformed(api: Any, problem: Any) -> None:
    for params in (
        {"from": SPAN["to"], "to": SPAN["from"]},
        {"from": "yesterday"},
        {"to": "2026-02-07T10:00:00"},
        {"from": "2026-99-07T10:00:00Z"},
        {"max_points": 1},
        {"max_points": 20_001},
        {"max_points": "many"},
    ):
        assert problem(await api.client.get("/api/v1/telemetry/D1/m", params=params)) == (400, "invalid-request"), (
            params
        )
    for metric in ("%00", "a%20b", "x" * 101):
        assert problem(await api.client.get(f"/api/v1/telemetry/D1/{metric}")) == (400, "invalid-request"), metric


async def test_telemetry_of_an_unknown_device_is_not_found(api: Any, problem: Any) -> None:
    for path in ("D9/m", "%00/m", "a%20b/m"):
        assert problem(await api.client.get(f"/api/v1/telemetry/{path}")) == (404, "unknown-device"), path
    answer = await api.client.post("/api/v1/telemetry/D9/export-links", json={"format": "csv"})
    assert problem(answer) == (404, "unknown-device")


async def test_export_link_works_once_without_signing_in(
    api: Any, session: AsyncSession, archive: Archive, problem: Any
) -> None:
    await archive([TOP, -(2**63)])
    await session.commit()
    made = await api.client.post("/api/v1/telemetry/D1/export-links", json={"format": "csv", **SPAN})
    assert made.status_code == 201, made.text
    assert made.json()["expires_at"] == "2026-02-07T10:01:00.000Z"
    del api.client.headers["authorization"]
    answer = await api.client.get(made.json()["url"])
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert answer.headers["content-disposition"] == 'attachment; filename="D1.csv"'
    assert answer.headers["cache-control"] == "no-store"
    assert [line.rpartition(",")[2] for line in answer.text.splitlines()] == ["value", str(TOP), str(-(2**63))]
    assert problem(await api.client.get(made.json()["url"])) == (410, "export-link-refused")


async def test_export_link_older_than_a_minute_is_refused(api: Any, problem: Any) -> None:
    made = await api.client.post("/api/v1/telemetry/D1/export-links", json={"format": "ndjson"})
    api.clock.move(61)
    assert problem(await api.client.get(made.json()["url"])) == (410, "export-link-refused")
    assert problem(await api.client.get("/api/v1/exports/guess")) == (410, "export-link-refused")
    assert problem(await api.client.get("/api/v1/exports/%00")) == (410, "export-link-refused")


async def test_export_link_with_a_wrong_body_is_malformed(api: Any, problem: Any) -> None:
    for body in (
        {},
        {"format": "xlsx"},
        {"format": "csv", "from": "x"},
        {"format": "csv", "from": SPAN["to"], "to": SPAN["from"]},
        {"format": "csv", "surprise": 1},
    ):
        answer = await api.client.post("/api/v1/telemetry/D1/export-links", json=body)
        assert problem(answer) == (400, "invalid-request"), body


async def test_telemetry_calls_without_permission_are_refused(api: Any, problem: Any) -> None:
    await execute(api, "UPDATE role_permissions SET present = false")
    for path in ("latest", "D1/m"):
        assert problem(await api.client.get(f"/api/v1/telemetry/{path}")) == (403, "permission-missing")
    answer = await api.client.post("/api/v1/telemetry/D1/export-links", json={"format": "csv"})
    assert problem(answer) == (403, "permission-missing")


async def test_export_link_while_one_is_under_way_is_refused_and_a_made_one_stays_good(api: Any, problem: Any) -> None:
    body = {"format": "csv"}
    made = await api.client.post("/api/v1/telemetry/D1/export-links", json=body)
    streams = api.app.dependencies["export_streams"].dependency()
    person = UUID((await api.client.get("/api/v1/auth/me")).json()["id"])
    streams._under_way[person] = None
    for answer in (
        await api.client.get(made.json()["url"]),
        await api.client.post("/api/v1/telemetry/D1/export-links", json=body),
    ):
        assert (problem(answer), answer.headers["retry-after"]) == ((429, "too-many-requests"), "10")
    del streams._under_way[person]
    assert (await api.client.get(made.json()["url"])).status_code == 200


async def test_export_link_whose_room_is_taken_at_the_last_moment_stays_good(
    api: Any, problem: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = await api.client.post("/api/v1/telemetry/D1/export-links", json={"format": "csv"})

    def full(*_: object) -> None:
        raise TooManyRequestsError("Another export of yours is under way.", retry_after_s=10)

    with monkeypatch.context() as patch:
        patch.setattr(api.app.dependencies["export_streams"].dependency(), "start", full)
        assert problem(await api.client.get(made.json()["url"])) == (429, "too-many-requests")
    assert (await api.client.get(made.json()["url"])).status_code == 200

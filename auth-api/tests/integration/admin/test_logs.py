"""The three logs: order, cursors, filters, who may read them, and that no hash is in them."""

from __future__ import annotations

from typing import Any

import pytest

LOGS = "/api/v1/logs"


async def test_audit_log_is_newest_first_and_pages_join_without_a_gap(api: Any, execute: Any) -> None:
    await execute("DELETE FROM audit_log")
    for number in range(7):
        await execute(
            "INSERT INTO audit_log (at, actor, action, entity_id) VALUES ($1, 'user:a', 'x.done', $2)",
            api.clock(),
            str(number),
        )
        if number % 2:
            api.clock.move(1)
    pages, cursor = [], None
    while True:
        asked = {"limit": 3, **({"cursor": cursor} if cursor else {})}
        body = (await api.client.get(f"{LOGS}/audit", params=asked)).json()
        pages.append([item["entity_id"] for item in body["items"]])
        cursor = body["next"]
        if cursor is None:
            break
    assert pages == [["6", "5", "4"], ["3", "2", "1"], ["0"]]


async def test_audit_log_filters_by_who_what_which_and_when(api: Any, execute: Any) -> None:
    rows = [("user:a", "role.created", "role", "1"), ("user:b", "role.created", "role", "2"),
            ("user:b", "user.created", "user", "3")]  # fmt: skip
    for row in rows:
        await execute(
            "INSERT INTO audit_log (at, actor, action, entity_type, entity_id) VALUES ($1, $2, $3, $4, $5)",
            api.clock(),
            *row,
        )
        api.clock.move(60)

    async def found(**asked: Any) -> list[str]:
        answer = await api.client.get(f"{LOGS}/audit", params=asked)
        return [item["entity_id"] for item in answer.json()["items"] if item["actor"] != "user:admin"]

    assert await found(actor="user:b") == ["3", "2"]
    assert await found(action="role.created") == ["2", "1"]
    assert await found(entity_type="user", entity_id="3") == ["3"]
    assert await found(**{"from": "2026-02-07T10:01:00Z", "to": "2026-02-07T10:02:00Z"}) == ["2"]


async def test_sync_log_shows_both_values_and_never_a_hash(api: Any, execute: Any) -> None:
    await execute("DELETE FROM sync_log")
    await execute(
        "INSERT INTO sync_log (entity_type, entity_id, action, source, status, error_message, old_value, new_value, by)"
        " VALUES ('user', 'u1', 'update', 'desktop:D1', 'CONFLICT', 'ENDED', $1, $2, 'user:ann')",
        '{"password_hash": "$argon2id$v=19$planted", "username": "ann"}',
        '"$argon2id$v=19$planted"',
    )
    answer = await api.client.get(
        f"{LOGS}/sync", params={"status": "CONFLICT", "source": "desktop:D1", "by": "user:ann"}
    )
    assert "planted" not in answer.text
    item = answer.json()["items"][0]
    assert (item["old_value"], item["new_value"]) == ({"password_hash": "changed", "username": "ann"}, "changed")
    assert (item["reason"], item["by"]) == ("ENDED", "user:ann")
    assert (await api.client.get(f"{LOGS}/sync", params={"status": "APPLIED"})).json()["items"] == []


async def test_rejects_log_shows_reason_topic_and_excerpt(api: Any, execute: Any) -> None:
    for client_id, number in (("D1", 2**63 - 1), ("D2", 1)):
        await execute(
            "INSERT INTO telemetry_rejects (client_id, stream, sequence_no, topic, reason, excerpt)"
            " VALUES ($1, gen_random_uuid(), $2, 'telemetry/D1/live', 'metrics is empty', '{}')",
            client_id,
            number,
        )
    answer = await api.client.get(f"{LOGS}/rejects", params={"client_id": "D1"})
    (item,) = answer.json()["items"]
    assert item["sequence_no"] == 2**63 - 1
    assert (item["topic"], item["reason"], item["excerpt"]) == ("telemetry/D1/live", "metrics is empty", "{}")
    assert item["superseded_at"] is None


@pytest.mark.parametrize(
    "asked",
    [
        *({"limit": 0}, {"limit": 501}, {"cursor": "1"}, {"cursor": "x.1"}, {"cursor": "1.99999999999999999999"}),
        *({"from": "yesterday"}, {"to": "2026-02-07"}, {"actor": "\x00"}, {"actor": "a" * 300}),
    ],
)
async def test_log_with_wrong_parameters_is_malformed(api: Any, problem: Any, asked: dict[str, Any]) -> None:
    assert problem(await api.client.get(f"{LOGS}/audit", params=asked)) == (400, "invalid-request")


async def test_logs_without_the_permission_are_refused(person: Any, problem: Any) -> None:
    operator = await person("otto", "OPERATOR")
    for log in ("audit", "sync", "rejects"):
        assert problem(await operator.get(f"{LOGS}/{log}")) == (403, "permission-missing"), log

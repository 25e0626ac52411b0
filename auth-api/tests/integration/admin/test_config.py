"""Settings over HTTP: of all devices and of one, bounds with their words, tags, tombstones, who may."""

from __future__ import annotations

from typing import Any

import pytest

CONFIG = "/api/v1/config"


async def put(api: Any, key: str, value: Any, device: str = "", **headers: str) -> Any:
    params = {"device": device} if device else {}
    return await api.client.put(f"{CONFIG}/{key}", json={"value": value}, params=params, headers=headers)


@pytest.fixture
async def devices(execute: Any) -> None:
    for name in ("D1", "D2"):
        await execute("INSERT INTO devices (client_id, signing_key, encryption_key) VALUES ($1, '{}', '{}')", name)


async def test_setting_of_all_and_of_one_device_stand_beside_each_other(api: Any, devices: None) -> None:
    assert (await put(api, "sampling_interval", 2)).status_code == 200
    own = await put(api, "sampling_interval", 0.05, "D1")
    assert own.json() == {
        "key": "sampling_interval",
        "device": "D1",
        "value": 0.05,
        "updated_by": "user:admin",
        "source": "web",
        "updated_at": own.json()["updated_at"],
    }
    listed = (await api.client.get(CONFIG)).json()["items"]
    assert [(one["key"], one["device"], one["value"]) for one in listed] == [("sampling_interval", "", 2)]
    listed = (await api.client.get(CONFIG, params={"device": "D1"})).json()["items"]
    assert [(one["key"], one["device"], one["value"]) for one in listed] == [("sampling_interval", "D1", 0.05)]
    assert (await api.client.get(CONFIG, params={"device": "D2"})).json()["items"] == []


async def test_own_settings_of_every_device_are_listed_by_device_page_by_page(api: Any, devices: None) -> None:
    for key, value, device in (
        ("flush_order", "live_first", ""),
        ("shift/name", "late", "D2"),
        ("sampling_interval", 3, "D1"),
        ("flush_batch_size", 50, "D1"),
        ("offline_login_days", 1, "D2"),
    ):
        assert (await put(api, key, value, device)).status_code == 200
    await api.client.delete(f"{CONFIG}/flush_batch_size", params={"device": "D1"})
    seen, cursor, versions = [], None, set()
    while True:
        asked = {"device": "*", "limit": 1} | ({"cursor": cursor} if cursor else {})
        page = (await api.client.get(CONFIG, params=asked)).json()
        seen += [(one["device"], one["key"], one["value"]) for one in page["items"]]
        versions.add(page["version"])
        cursor = page["next"]
        if cursor is None:
            break
    own = [("D1", "sampling_interval", 3), ("D2", "offline_login_days", 1), ("D2", "shift/name", "late")]
    assert seen == own
    newest = (await api.client.get(CONFIG, params={"device": "D1"})).json()["version"]
    assert versions == {newest}, "that of the newest change, which took something back from D1"


async def test_every_device_is_not_a_device_that_can_be_set(api: Any, devices: None) -> None:
    assert (await put(api, "sampling_interval", 3, "*")).status_code == 400


async def test_settings_version_rises_with_each_change_that_concerns_the_device(api: Any, devices: None) -> None:
    async def versions() -> list[int]:
        asked = [{}, {"device": "D1"}, {"device": "D2"}]
        return [(await api.client.get(CONFIG, params=params)).json()["version"] for params in asked]

    assert await versions() == [0, 0, 0]
    await put(api, "sampling_interval", 2)
    first = await versions()
    assert len(set(first)) == 1
    await put(api, "sampling_interval", 3, "D1")
    second = await versions()
    assert second == [first[0], second[1], first[2]]
    assert second[1] > first[1]
    await api.client.delete(f"{CONFIG}/sampling_interval", params={"device": "D1"})
    assert (await versions())[1] > second[1]


async def test_setting_deleted_is_gone_and_can_be_set_again(api: Any, problem: Any) -> None:
    path = f"{CONFIG}/flush_order"
    assert problem(await api.client.delete(path)) == (404, "unknown-record")
    await put(api, "flush_order", "live_first")
    assert (await api.client.delete(path)).status_code == 204
    assert problem(await api.client.get(path)) == (404, "unknown-record")
    assert (await put(api, "flush_order", "live_first")).status_code == 200
    assert (await api.client.get(path)).json()["value"] == "live_first"


@pytest.mark.parametrize(
    ("key", "value", "words"),
    [
        *(("sampling_interval", 0.049, ("0.05", "3600")), ("sampling_interval", "1", ("0.05", "3600"))),
        *(("buffer_limit", 999, ("1000", "100000000")), ("buffer_limit", 1000.5, ("whole",))),
        *(("heartbeat_interval", 61, ("1", "60")), ("flush_batch_size", 0, ("1", "1000"))),
        *(("confirmed_keep_h", 721, ("0", "720")), ("offline_login_days", True, ("0", "90"))),
        *(("buffer_full_policy", "drop_newest", ("refuse_new", "drop_oldest")), ("flush_order", None, ("live_first",))),
        *(("own.key", "x" * 10_000, ("8192",)), ("own key", 1, ("A-Z",)), ("a" * 101, 1, ("100",))),
    ],
)
async def test_setting_out_of_bounds_is_refused_with_the_bounds_in_the_message(
    api: Any, problem: Any, key: str, value: Any, words: tuple[str, ...]
) -> None:
    answer = await put(api, key, value)
    assert problem(answer) in {(422, "invalid-value"), (404, "unknown-record")}
    assert all(word in answer.json()["detail"] for word in words), answer.text
    assert (await api.client.get(CONFIG)).json()["items"] == []


@pytest.mark.parametrize("value", ["text", 2**63 - 1, 0.5, None, {"a": [1, {"b": "c"}]}, False])
async def test_setting_of_another_key_is_any_json_and_comes_back_exactly(api: Any, value: Any) -> None:
    assert (await put(api, "my/own.key", value)).status_code == 200
    assert (await api.client.get(f"{CONFIG}/my/own.key")).json()["value"] == value


async def test_setting_heeds_if_match_when_it_is_sent(api: Any, problem: Any) -> None:
    first = await put(api, "flush_batch_size", 100)
    second = await put(api, "flush_batch_size", 200, **{"if-match": first.headers["etag"]})
    assert second.status_code == 200
    stale = await put(api, "flush_batch_size", 300, **{"if-match": first.headers["etag"]})
    assert problem(stale) == (412, "precondition-failed")
    gone = await api.client.delete(f"{CONFIG}/flush_batch_size", headers={"if-match": first.headers["etag"]})
    assert problem(gone) == (412, "precondition-failed")
    assert (await api.client.get(f"{CONFIG}/flush_batch_size")).json()["value"] == 200


async def test_setting_changes_are_audited_and_logged_with_both_values(api: Any) -> None:
    await put(api, "sampling_interval", 1)
    await put(api, "sampling_interval", 2)
    (row, _) = (await api.client.get("/api/v1/logs/audit", params={"entity_type": "setting"})).json()["items"]
    assert (row["action"], row["actor"], row["entity_id"]) == ("setting.changed", "user:admin", "sampling_interval/")
    assert (row["before"]["config_value"], row["after"]["config_value"]) == (1, 2)


async def test_settings_come_in_pages(api: Any) -> None:
    for number in range(5):
        await put(api, f"key.{number}", number)
    first = (await api.client.get(CONFIG, params={"limit": 3})).json()
    rest = (await api.client.get(CONFIG, params={"limit": 3, "cursor": first["next"]})).json()
    assert [one["value"] for one in first["items"] + rest["items"]] == [0, 1, 2, 3, 4]
    assert rest["next"] is None


async def test_setting_of_a_device_that_never_was_and_without_permission_is_refused(
    api: Any, person: Any, problem: Any
) -> None:
    assert problem(await put(api, "sampling_interval", 1, "D9")) == (404, "unknown-device")
    assert problem(await put(api, "sampling_interval", 1, "a/b")) == (400, "invalid-request")
    otto = await person("otto", "OPERATOR")
    for method in ("GET", "PUT", "DELETE"):
        answer = await otto.request(method, f"{CONFIG}/x", json={"value": 1} if method == "PUT" else None)
        assert problem(answer) == (403, "permission-missing")
    assert problem(await otto.get(CONFIG)) == (403, "permission-missing")

"""The page of one device in a real browser: values, integrity, commands, settings, revoking, exports."""

from __future__ import annotations

import csv
import io
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import Locator, Page, expect

from support.accounts import integrity
from support.dashboard import PERSON_PASSWORD, open_device, open_page, own_device, serious_faults
from support.device_keys import DeviceKeys
from support.raw_device import RawDevice
from support.stack import Stack
from support.waiting import until

LARGEST = 2**63 - 1


def command(page: Page, place: int = 0) -> Locator:
    """Return the newest command on the page, or an older one."""
    return page.get_by_test_id("command").nth(place)


def stage(page: Page, place: int = 0) -> Locator:
    return command(page, place).get_by_test_id("command-stage")


def give(page: Page, name: str) -> None:
    """Press a command's button and wait until it stands in the list."""
    before = page.get_by_test_id("command").count()
    page.get_by_test_id(f"send-{name}").click()
    expect(page.get_by_test_id("command")).to_have_count(before + 1)


def heard_command(device: RawDevice, count: int) -> tuple[str, dict[str, Any]]:
    """Return topic and content of the device's newest command once it has heard *count* of them."""
    topic, payload = until(
        lambda: device.heard[count - 1] if len(device.heard) >= count else None, within_s=10, what="the command"
    )
    return topic, json.loads(payload)


def answer(device: RawDevice, order: dict[str, Any], status: str, message: str = "") -> None:
    result = {
        "command_id": order["command_id"],
        "command": order["command"],
        "status": status,
        "message": message,
        "at": time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime()),
    }
    device.publish(f"command/{device.client_id}/result", json.dumps(result).encode())


def test_device_detail_shows_every_metric_exactly_with_its_history_item_2(
    page: Page, plant: Stack, make_device: Callable[[str], RawDevice]
):
    device = make_device("detail-metrics")
    for number in (1, 2, 3):
        device.live(device.reading(number, f'{{"n/total": {LARGEST - 3 + number}, "t_c": 2{number}.5, "on": true}}'))
    until(lambda: device.archived() == [1, 2, 3], within_s=10, what="the readings are archived")
    device.beat(app_version="3.2.1-test", stream=device.stream, last_sequence_no=3)
    open_device(page, plant, "detail-metrics")
    expect(page.get_by_test_id("detail-presence")).to_have_attribute("data-presence", "ONLINE")
    expect(page.get_by_test_id("device-detail")).to_contain_text("version 3.2.1-test")
    for metric, value in {"n/total": str(LARGEST), "t_c": "23.5", "on": "true"}.items():
        card = page.locator(f'[data-testid=metric][data-metric="{metric}"]')
        expect(card).to_have_attribute("data-value", value, timeout=10_000)
        expect(card.get_by_test_id("metric-chart")).to_have_attribute("data-points", "3", timeout=10_000)
        expect(card.locator("canvas")).to_be_visible()
    total = page.locator('[data-testid=metric][data-metric="n/total"]')
    assert str(LARGEST) in "".join(filter(str.isdigit, total.locator("p").inner_text()))
    device.live(device.reading(4, '{"n/total": -7, "new/one": 1}'))
    expect(total).to_have_attribute("data-value", "-7", timeout=5_000)
    expect(page.locator('[data-testid=metric][data-metric="new/one"]')).to_be_visible(timeout=5_000)
    page.get_by_role("radiogroup", name="Time range of the charts").get_by_text("24 h").click()
    expect(total.get_by_test_id("metric-chart")).to_have_attribute("data-points", "4", timeout=10_000)


def test_device_detail_names_a_hole_until_it_is_filled_item_2(
    page: Page, plant: Stack, make_device: Callable[[str], RawDevice]
):
    device = make_device("detail-hole")
    for number in (1, 2, 3, 7, 9):
        device.live(device.reading(number))
    until(lambda: device.archived() == [1, 2, 3, 7, 9], within_s=10, what="what was sent is archived")
    held = [{"stream": device.stream, "first": 8, "last": 8, "count": 1}]
    device.beat(stream=device.stream, last_sequence_no=9, held=held, pending=1, quarantined=3)
    until(lambda: integrity(plant, "detail-hole")["missing"] == 3, within_s=10, what="the hole is known")
    open_device(page, plant, "detail-hole")
    expect(page.get_by_test_id("integrity-headline")).to_have_text("3 missing of 9", timeout=10_000)
    expect(page.get_by_test_id("hole")).to_have_count(1)
    expect(page.get_by_test_id("hole")).to_contain_text("[4, 6]")
    totals = {"produced": "9", "archived": "5", "on-device": "1", "missing": "3", "rejected": "0", "duplicates": "0"}
    for name, count in totals.items():
        expect(page.get_by_test_id(f"total-{name}")).to_have_text(count)
    expect(page.get_by_test_id("stream")).to_have_attribute("data-stream", device.stream)
    expect(page.get_by_test_id("stream")).to_contain_text("current")
    expect(page.get_by_test_id("held")).to_contain_text("1 within [8, 8]")
    expect(page.get_by_test_id("buffer")).to_contain_text("3")

    for number in (4, 5, 6, 8):
        device.live(device.reading(number))
    until(lambda: len(device.archived()) == 9, within_s=10, what="the hole is filled in the archive")

    def told() -> bool:
        device.beat(stream=device.stream, last_sequence_no=9, held=[])
        return page.get_by_test_id("integrity-headline").inner_text() == "0 missing of 9"

    until(told, within_s=15, every_s=0.5, what="the page follows the device's word")
    expect(page.get_by_test_id("hole")).to_have_count(0)


def test_device_detail_commands_are_done_by_the_real_device_item_2(page: Page, plant: Stack):
    open_device(page, plant, own_device(plant))
    for name in ("FORCE_SYNC", "UPDATE_CONFIG", "RELOAD"):
        give(page, name)
        expect(command(page)).to_have_attribute("data-command", name)
        expect(stage(page)).to_have_attribute("data-stage", "done", timeout=15_000)
    expect(command(page).get_by_test_id("command-by")).to_have_text("by admin", timeout=10_000)
    page.reload()  # the log has them too
    expect(page.get_by_test_id("command").first).to_be_visible(timeout=15_000)
    expect(stage(page)).to_have_attribute("data-stage", "done")
    expect(command(page).get_by_test_id("command-by")).to_have_text("by admin")


def test_device_detail_command_sent_failed_rejected_expired_item_2(
    page: Page, plant: Stack, make_device: Callable[[str], RawDevice]
):
    device = make_device("detail-commands")
    device.beat()
    open_device(page, plant, "detail-commands")
    give(page, "FORCE_SYNC")
    expect(stage(page)).to_have_attribute("data-stage", "sent", timeout=10_000)
    topic, order = heard_command(device, 1)
    assert (topic, order["command"], order["issued_by"]) == (
        "command/detail-commands/force_sync",
        "FORCE_SYNC",
        "user:admin",
    )
    answer(device, order, "FAILED", "<b>disk full</b>")
    expect(stage(page)).to_have_attribute("data-stage", "failed", timeout=5_000)
    expect(stage(page)).to_contain_text("<b>disk full</b>")  # as text

    for count, (status, expected) in enumerate([("REJECTED", "rejected"), ("EXPIRED", "expired")], start=2):
        give(page, "RELOAD")
        answer(device, heard_command(device, count)[1], status, f"because {expected}")
        expect(stage(page)).to_have_attribute("data-stage", expected, timeout=5_000)
        expect(stage(page)).to_contain_text(f"because {expected}")

    page.get_by_test_id("command-life").select_option("10")
    give(page, "UPDATE_CONFIG")
    expect(stage(page)).to_have_attribute("data-stage", "sent", timeout=5_000)
    expect(stage(page)).to_have_attribute("data-stage", "silent", timeout=20_000)  # nobody answered
    expect(stage(page)).to_contain_text("expired")


def test_device_detail_command_to_an_absent_device_says_so_item_2(
    page: Page, plant: Stack, make_device: Callable[[str], RawDevice]
):
    device = make_device("detail-away")
    device.beat()
    open_device(page, plant, "detail-away")
    expect(page.get_by_test_id("detail-presence")).to_have_attribute("data-presence", "ONLINE")
    device.beat("OFFLINE")
    expect(page.get_by_test_id("detail-presence")).to_have_attribute("data-presence", "OFFLINE", timeout=5_000)
    expect(page.get_by_test_id("commands")).to_contain_text("The device is away")
    give(page, "FORCE_SYNC")
    expect(stage(page)).to_have_attribute("data-stage", "away", timeout=10_000)
    expect(stage(page)).to_contain_text("Kept for it until")
    device.beat()  # it is back
    expect(stage(page)).to_have_attribute("data-stage", "sent", timeout=5_000)
    answer(device, heard_command(device, 1)[1], "DONE")
    expect(stage(page)).to_have_attribute("data-stage", "done", timeout=5_000)


def test_device_detail_names_the_person_behind_a_command_of_the_api_item_2(
    page: Page, plant: Stack, make_device: Callable[[str], RawDevice]
):
    device = make_device("detail-api")
    olga = plant.client("olga", PERSON_PASSWORD)
    sent = olga.post("/devices/detail-api/commands", json={"command": "FORCE_SYNC"})
    olga.close()
    assert sent.is_success, sent.text
    answer(device, heard_command(device, 1)[1], "DONE", "all there")
    until(
        lambda: plant.admin.get("/logs/audit?action=command.result&entity_id=detail-api").json()["items"],
        within_s=10,
        what="the answer is in the log",
    )
    open_device(page, plant, "detail-api")
    expect(command(page).get_by_test_id("command-by")).to_have_text("by olga", timeout=10_000)
    expect(stage(page)).to_have_attribute("data-stage", "done")
    expect(page.get_by_test_id("command")).to_have_count(1)


def test_device_detail_offers_what_the_role_may_item_5(
    page: Page, plant: Stack, make_device: Callable[[str], RawDevice]
):
    device = make_device("detail-roles")
    device.beat()
    open_device(page, plant, "detail-roles", "olga")
    expect(page.get_by_test_id("send-FORCE_SYNC")).to_be_enabled(timeout=10_000)
    for hidden in ("send-RELOAD", "send-UPDATE_CONFIG", "revoke", "enroll-again", "settings-state"):
        assert page.get_by_test_id(hidden).count() == 0, hidden
    give(page, "FORCE_SYNC")
    answer(device, heard_command(device, 1)[1], "DONE")
    expect(stage(page)).to_have_attribute("data-stage", "done", timeout=5_000)
    page.get_by_test_id("sign-out").click()
    expect(page.get_by_test_id("login-username")).to_be_visible(timeout=10_000)

    open_device(page, plant, "detail-roles", "vera")
    expect(page.get_by_test_id("total-produced")).to_be_visible(timeout=10_000)
    expect(page.get_by_test_id("export")).to_be_visible()
    for hidden in ("commands", "revoke", "enroll-again"):
        assert page.get_by_test_id(hidden).count() == 0, hidden


def test_device_detail_settings_desired_against_applied_item_2(
    page: Page, plant: Stack, make_device: Callable[[str], RawDevice]
):
    device = make_device("detail-settings")
    assert plant.admin.put("/config/sampling_interval?device=detail-settings", json={"value": 0.75}).is_success
    version = plant.admin.get("/config?device=detail-settings").json()["version"]
    device.beat(config_version=version - 1, sampling_interval_s=0.25)
    open_device(page, plant, "detail-settings")
    desired = page.locator('[data-testid=desired][data-key="sampling_interval"]')
    expect(desired).to_contain_text("0.75", timeout=10_000)
    expect(desired).to_contain_text("this device")
    expect(desired).to_contain_text("in force: 0.25")
    expect(page.get_by_test_id("settings-state")).to_have_attribute("data-behind", "true")
    device.beat(config_version=version, sampling_interval_s=0.75)
    expect(page.get_by_test_id("settings-state")).to_have_attribute("data-behind", "false", timeout=5_000)
    expect(desired).not_to_contain_text("in force")
    expect(page.get_by_test_id("applied-sampling")).to_have_text("0.75 s")


def test_device_detail_revoked_device_is_cut_off_and_enrolls_again_item_2(
    page: Page, plant: Stack, make_device: Callable[[str], RawDevice]
):
    device = make_device("detail-revoke")
    device.beat()
    open_device(page, plant, "detail-revoke")
    page.get_by_test_id("revoke").click()
    expect(page.get_by_role("dialog")).to_contain_text("cut off at once")
    page.get_by_test_id("confirm").click()
    people = page.get_by_test_id("revoked-people")
    expect(people).to_be_visible(timeout=10_000)
    for name in ("admin", "olga", "vera"):
        expect(people.get_by_text(name, exact=True)).to_be_visible()
    page.get_by_test_id("revoked-done").click()
    expect(page.get_by_test_id("device-detail")).to_contain_text("This device was revoked on")
    expect(page.get_by_test_id("commands")).to_contain_text("takes no commands")
    assert page.get_by_test_id("revoke").count() == 0
    assertion = device.keys.assertion(int(time.time()))
    refused = httpx.post(f"{plant.address}/api/v1/devices/token", json={"assertion": assertion})
    assert refused.status_code in {401, 403}, refused.text

    page.get_by_test_id("enroll-again").click()
    expect(page.get_by_role("dialog")).to_contain_text("former keys end")
    page.get_by_test_id("make-code").click()
    code = page.get_by_test_id("enroll-code").inner_text(timeout=10_000).strip()
    expect(page.get_by_test_id("enroll-command")).to_contain_text("--client-id detail-revoke")
    expect(page.get_by_test_id("enroll-command")).to_contain_text("--again")
    enrolled = httpx.post(f"{plant.address}/api/v1/devices/enroll", json=DeviceKeys("detail-revoke").enrollment(code))
    assert enrolled.is_success, enrolled.text
    expect(page.get_by_test_id("enrolled")).to_be_visible(timeout=5_000)
    page.get_by_test_id("enroll-done").click()
    expect(page.get_by_test_id("revoke")).to_be_visible()  # it is revoked no more


def exported(page: Page, form: str) -> str:
    """Export everything in the format and return what the browser saved."""
    page.get_by_role("radiogroup", name="Format").get_by_text(form, exact=True).click()
    page.get_by_test_id("export-range").select_option("all")
    with page.expect_download(timeout=15_000) as download:
        page.get_by_test_id("export-start").click()
    assert download.value.suggested_filename == f"detail-export.{form.lower()}"
    return Path(download.value.path()).read_text()


def test_device_detail_exports_are_what_was_archived_item_2(
    page: Page, plant: Stack, make_device: Callable[[str], RawDevice]
):
    device = make_device("detail-export")
    metrics = {1: f'{{"n": {LARGEST}}}', 2: f'{{"n": {-(2**63)}}}', 3: '{"t": 0.1, "on": false}'}
    for number, values in metrics.items():
        device.live(device.reading(number, values))
    until(lambda: device.archived() == [1, 2, 3], within_s=10, what="the readings are archived")
    expected = {
        (1, "n", "integer", str(LARGEST)),
        (2, "n", "integer", str(-(2**63))),
        (3, "on", "boolean", "false"),
        (3, "t", "double", "0.1"),
    }
    open_device(page, plant, "detail-export", "vera")
    page.get_by_test_id("export").click()
    rows = list(csv.DictReader(io.StringIO(exported(page, "CSV"))))
    assert {(int(one["sequence_no"]), one["metric"], one["type"], one["value"]) for one in rows} == expected
    assert {one["stream"] for one in rows} == {device.stream}
    lines = [json.loads(line, parse_float=str) for line in exported(page, "NDJSON").splitlines()]
    found = {(one["sequence_no"], one["metric"], one["type"], json.dumps(one["value"]).strip('"')) for one in lines}
    assert found == expected
    page.get_by_test_id("export-range").select_option("custom")
    page.get_by_test_id("export-from").focus()
    page.keyboard.type("0302")  # month and day: to the browser that is no value at all yet
    assert page.get_by_test_id("export-from").input_value() == ""
    page.get_by_test_id("export-start").click()
    expect(page.get_by_role("alert")).to_contain_text("From is filled in halfway")
    page.get_by_test_id("export-from").fill("2026-03-02T10:00:00")
    page.get_by_test_id("export-to").fill("2026-03-01T10:00:00")
    page.get_by_test_id("export-start").click()
    expect(page.get_by_role("alert")).to_contain_text("The beginning must be before the end")


def test_device_detail_unknown_device_is_a_clear_page_item_2(page: Page, plant: Stack):
    open_page(page, plant, "/devices/detail/?id=%3Cb%3Enobody%3C%2Fb%3E")
    expect(page.get_by_test_id("unknown-device")).to_contain_text("<b>nobody</b>", timeout=15_000)
    expect(page.get_by_test_id("unknown-device")).to_contain_text("No such device is enrolled")
    page.get_by_role("link", name="All devices").click()
    expect(page.get_by_test_id("device-row").first).to_be_visible(timeout=15_000)


@pytest.mark.parametrize("scheme", ["dark", "light"])
def test_device_detail_axe_finds_nothing_serious_item_7(page: Page, plant: Stack, scheme: str):
    page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    open_device(page, plant, own_device(plant))
    expect(page.get_by_test_id("integrity-headline")).to_be_visible(timeout=10_000)
    expect(page.locator("[data-testid=metric-chart] canvas").first).to_be_visible(timeout=10_000)
    assert serious_faults(page) == []
    for opener in ("export", "revoke"):
        page.get_by_test_id(opener).click()
        expect(page.get_by_role("dialog")).to_be_visible()
        assert serious_faults(page) == []
        page.keyboard.press("Escape")
        expect(page.get_by_role("dialog")).to_have_count(0)

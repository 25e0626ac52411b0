"""The list of devices and the way in for a new one, in a real browser against the whole system."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Locator, Page, Route, expect

from support.dashboard import PERSON_PASSWORD, open_page, own_device, serious_faults, sign_in
from support.device_keys import DeviceKeys
from support.raw_device import RawDevice
from support.stack import Stack, running_stack
from support.waiting import until


@pytest.fixture(scope="module")
def park(plant: Stack) -> Iterator[RawDevice]:
    """Three more devices: ``list-raw``, connected, ``list-silent``, never heard of, and ``list-gone``, revoked."""
    raw = RawDevice(plant, "list-raw")
    raw.enroll()
    RawDevice(plant, "list-silent").enroll()
    RawDevice(plant, "list-gone").enroll()
    assert plant.admin.delete("/devices/list-gone").is_success
    raw.connect()
    yield raw
    raw.close()


def row(page: Page, client_id: str) -> Locator:
    return page.locator(f'[data-testid=device-row][data-key="{client_id}"]')


def presence(page: Page, client_id: str) -> Locator:
    return row(page, client_id).get_by_test_id("device-presence")


def shown(page: Page) -> list[str]:
    """Return the devices of the list as it stands."""
    return [one.get_attribute("data-key") or "" for one in page.get_by_test_id("device-row").all()]


def test_devices_page_shows_states_live_and_filters_item_2(page: Page, plant: Stack, park: RawDevice):
    open_page(page, plant, "/devices/")
    own = own_device(plant)
    expect(presence(page, own)).to_have_attribute("data-presence", "ONLINE", timeout=15_000)
    expect(row(page, own).get_by_test_id("device-integrity")).to_contain_text("0 missing of ", timeout=15_000)
    expect(presence(page, "list-silent")).to_have_attribute("data-presence", "OFFLINE")
    expect(row(page, "list-gone")).to_contain_text("revoked")

    park.beat("SYNCING", pending=1234567, app_version="7.5.3-test")
    expect(presence(page, "list-raw")).to_have_attribute("data-presence", "SYNCING", timeout=5_000)
    expect(row(page, "list-raw")).to_contain_text("1\u2009234\u2009567")
    expect(row(page, "list-raw")).to_contain_text("0.25 s / 60 s")
    expect(row(page, "list-raw")).to_contain_text("7.5.3-test")
    park.beat()
    expect(presence(page, "list-raw")).to_have_attribute("data-presence", "ONLINE", timeout=5_000)

    state = page.get_by_role("radiogroup", name="State")
    state.get_by_text("Revoked").click()
    until(lambda: "list-gone" in shown(page) and own not in shown(page), within_s=5, what="the revoked ones alone")
    state.get_by_text("Online").click()
    until(
        lambda: {own, "list-raw"} <= set(shown(page)) and not {"list-silent", "list-gone"} & set(shown(page)),
        within_s=5,
        what="those online",
    )
    state.get_by_text("All").click()
    page.get_by_test_id("device-search").fill("LIST- sil")
    until(lambda: shown(page) == ["list-silent"], within_s=5, what="the one that was searched for")
    page.get_by_test_id("device-search").fill("no such device")
    expect(page.get_by_test_id("no-match")).to_be_visible()
    page.get_by_role("button", name="Show all devices").click()

    page.get_by_role("link", name="list-raw", exact=True).click()
    expect(page.get_by_test_id("device-detail")).to_have_attribute("data-client-id", "list-raw", timeout=15_000)


def test_devices_page_tells_a_change_that_is_not_applied_item_2(page: Page, plant: Stack, park: RawDevice):
    changed = plant.admin.put("/config/sampling_interval?device=list-raw", json={"value": 0.5})
    assert changed.is_success, changed.text
    version = plant.admin.get("/config?device=list-raw").json()["version"]
    park.beat(config_version=version - 1)
    open_page(page, plant, "/devices/")
    expect(row(page, "list-raw").get_by_test_id("device-settings")).to_contain_text("not yet applied", timeout=15_000)
    park.beat(config_version=version, sampling_interval_s=0.5)
    expect(row(page, "list-raw").get_by_test_id("device-settings")).not_to_contain_text(
        "not yet applied", timeout=5_000
    )


@pytest.mark.parametrize("username", ["olga", "vera"])
def test_devices_page_offers_no_enrolling_to_those_who_may_not_item_5(
    page: Page, plant: Stack, park: RawDevice, username: str
):
    open_page(page, plant, "/devices/", username)
    expect(presence(page, own_device(plant))).to_have_attribute("data-presence", "ONLINE", timeout=15_000)
    expect(row(page, park.client_id).get_by_test_id("device-integrity")).to_have_text("no readings yet", timeout=15_000)
    assert page.get_by_test_id("enroll").count() == 0
    with contextlib.closing(plant.client(username, PERSON_PASSWORD)) as client:
        assert client.post("/devices/enrollment-codes", json={}).status_code == 403


def test_devices_page_device_enrolls_with_the_shown_code_and_appears_live_item_2(page: Page, plant: Stack):
    open_page(page, plant, "/devices/")
    page.get_by_test_id("enroll").click()
    page.get_by_test_id("enroll-client-id").fill("not a device id")
    expect(page.get_by_test_id("make-code")).to_be_disabled()
    page.get_by_test_id("enroll-client-id").fill("list-new")
    page.get_by_test_id("enroll-life").select_option("300")
    page.get_by_test_id("make-code").click()
    code = page.get_by_test_id("enroll-code").inner_text(timeout=10_000).strip()
    left = page.get_by_test_id("enroll-left").inner_text()
    assert left.startswith(("good for 4:", "good for 5:00")), left
    expect(page.get_by_test_id("enroll-left")).not_to_have_text(left, timeout=5_000)  # it counts down
    command = page.get_by_test_id("enroll-command").inner_text()
    assert f"--client-id list-new --api {plant.address}" in command
    assert code not in command, "no secret on a command line"
    expect(page.get_by_test_id("enroll-waiting")).to_contain_text("list-new")
    page.keyboard.press("Escape")
    expect(page.get_by_test_id("leaving")).to_contain_text("cannot be shown again")
    page.get_by_role("button", name="Keep it open").click()
    expect(page.get_by_test_id("leaving")).to_be_hidden()
    page.mouse.click(2, 2)
    expect(page.get_by_test_id("leaving")).to_be_visible()
    assert page.get_by_test_id("enroll-code").inner_text().strip() == code

    enrolled = httpx.post(f"{plant.address}/api/v1/devices/enroll", json=DeviceKeys("list-new").enrollment(code))
    assert enrolled.is_success, enrolled.text
    expect(page.get_by_test_id("enrolled")).to_have_attribute("data-client-id", "list-new", timeout=5_000)
    assert page.get_by_test_id("enroll-code").count() == 0, "the code is used up and gone"
    page.get_by_test_id("enroll-done").click()
    expect(row(page, "list-new")).to_be_visible()
    expect(presence(page, "list-new")).to_have_attribute("data-presence", "OFFLINE")


def test_devices_page_without_devices_says_what_to_do_item_5(page: Page):
    with running_stack("postgres", "broker", "auth-api") as stack:
        cut = {"is": True}
        page.route("**/api/v1/devices", lambda route: _cut(route, is_cut=cut["is"]))
        open_page(page, stack, "/devices/")
        expect(page.get_by_role("button", name="Try again")).to_be_visible(timeout=20_000)
        expect(page.get_by_test_id("banner").first).to_be_visible()
        cut["is"] = False  # it is tried again by itself, so the button may be gone before a hand is there
        empty = page.get_by_test_id("no-devices")
        expect(empty).to_be_visible(timeout=15_000)
        empty.get_by_role("button", name="Enroll a device").click()
        expect(page.get_by_test_id("make-code")).to_be_visible()


def _cut(route: Route, *, is_cut: bool) -> None:
    if is_cut:
        route.abort()
    else:
        route.continue_()


@pytest.mark.parametrize("scheme", ["dark", "light"])
def test_devices_page_axe_finds_nothing_serious_item_7(
    page: Page, plant: Stack, park: RawDevice, scheme: str, tmp_path: Path
):
    page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    sign_in(page, plant, path="/devices/")
    expect(row(page, park.client_id).get_by_test_id("device-integrity")).to_have_text("no readings yet", timeout=20_000)
    assert serious_faults(page) == []
    page.get_by_test_id("enroll").click()
    page.get_by_test_id("make-code").click()
    expect(page.get_by_test_id("enroll-code")).to_be_visible(timeout=10_000)
    assert serious_faults(page) == []
    page.screenshot(path=tmp_path / f"enroll-{scheme}.png")

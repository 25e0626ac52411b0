"""The settings page in a real browser: typed editors, who has applied what, conflicts, free keys, who may."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote
from uuid import uuid4

import pytest
from playwright.sync_api import Locator, Page, expect

from pulse_sync.settings import KNOWN, Bounds
from support.dashboard import make_person, open_page, serious_faults
from support.raw_device import RawDevice
from support.stack import Stack
from support.waiting import until

LARGEST = 2**63 - 1
BEATS_S = 60  # as seldom as a heartbeat may come
AWAY = f"gate-{uuid4().hex[:8]}"  # a new one in every run, since an id that was revoked has to cool down
Set = Callable[..., None]


@pytest.fixture(scope="module")
def device(plant: Stack) -> str:
    """Return the id of the system's own device."""
    return (plant.home / "first-device").read_text().strip()


@pytest.fixture
def put(plant: Stack) -> Iterator[Set]:
    """Set a setting through the API, as somebody else would; whatever is set at the end is taken back."""

    def set_it(key: str, value: Any, device: str = "") -> None:
        answer = plant.admin.put(f"/config/{key}", json={"value": value}, params=of(device))
        assert answer.is_success, answer.text

    yield set_it
    for device in ("", "*"):
        for one in plant.admin.get("/config", params=of(device)).json()["items"]:
            plant.admin.delete(f"/config/{one['key']}", params=of(one["device"]))


def of(device: str) -> dict[str, str]:
    return {"device": device} if device else {}


def row(page: Page, key: str) -> Locator:
    return page.locator(f'[data-testid=setting-row][data-key="{key}"]')


def free_row(page: Page, key: str) -> Locator:
    return page.locator(f'[data-testid=free-row][data-key="{key}"]')


def applied(page: Page, device: str) -> Locator:
    return page.locator(f'[data-testid=applied-row][data-key="{device}"]')


def counts(page: Page, key: str) -> Locator:
    return row(page, key).get_by_test_id("setting-counts")


def runs(page: Page, device: str, key: str = "sampling_interval") -> Locator:
    return applied(page, device).get_by_test_id(f"runs-{key}")


def edit(page: Page, key: str, value: str) -> None:
    """Open a setting's editor, type *value* and press Save."""
    row(page, key).get_by_test_id("edit-setting").click()
    page.get_by_test_id("setting-value").fill(value)
    page.get_by_test_id("save-setting").click()


def heartbeat(stack: Stack, device: str) -> dict[str, Any]:
    return stack.admin.get(f"/devices/{device}").json()["heartbeat"]


def test_settings_page_change_for_all_is_applied_by_the_running_device_live_item_4(
    page: Page, plant: Stack, device: str, put: Set
):
    put("heartbeat_interval", BEATS_S)
    until(lambda: heartbeat(plant, device)["heartbeat_interval_s"] == BEATS_S, within_s=15, what="it beats slowly")
    open_page(page, plant, "/settings/")
    expect(counts(page, "sampling_interval")).to_have_attribute("data-from", "default", timeout=15_000)
    expect(applied(page, device).get_by_test_id("applied-state")).to_have_attribute("data-state", "applied")
    loads: list[str] = []
    page.on("framenavigated", lambda frame: loads.append(frame.url))
    edit(page, "sampling_interval", "0.5")
    expect(page.get_by_role("dialog")).to_have_count(0)
    saved_at = time.monotonic()
    # Far within the heartbeat's interval: a device tells at once what has come into force.
    expect(runs(page, device)).to_have_attribute("data-running", "0.5", timeout=20_000)
    print(f"applied on the page {time.monotonic() - saved_at:.2f} s after the save")
    expect(applied(page, device).get_by_test_id("applied-state")).to_have_attribute("data-state", "applied")
    expect(counts(page, "sampling_interval")).to_have_attribute("data-from", "all")
    expect(row(page, "sampling_interval").get_by_test_id("changed-by")).to_have_text("admin")
    until(lambda: heartbeat(plant, device)["sampling_interval_s"] == 0.5, within_s=10, what="its heartbeat says so")
    # And back: the default counts again, on the device too.
    row(page, "sampling_interval").get_by_test_id("reset-setting").click()
    page.get_by_test_id("confirm").click()
    expect(counts(page, "sampling_interval")).to_have_attribute("data-from", "default")
    expect(runs(page, device)).to_have_attribute("data-running", "1", timeout=20_000)
    assert loads == [], "nothing was loaded anew"


def test_settings_page_own_value_of_a_device_stands_beside_that_of_all_item_4(
    page: Page, plant: Stack, device: str, put: Set
):
    put("sampling_interval", 2)
    open_page(page, plant, f"/settings/?device={device}")
    expect(counts(page, "sampling_interval")).to_have_attribute("data-from", "all", timeout=15_000)
    edit(page, "sampling_interval", "0,25")
    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(counts(page, "sampling_interval")).to_have_attribute("data-value", "0.25")
    expect(row(page, "sampling_interval").get_by_test_id("setting-of-all")).to_have_text("All devices: 2 s")
    expect(runs(page, device)).to_have_attribute("data-running", "0.25", timeout=5_000)
    # On the page of all devices the exception is named, and leads to it.
    page.get_by_test_id("settings-scope").select_option("")
    expect(counts(page, "sampling_interval")).to_have_attribute("data-value", "2")
    own = row(page, "sampling_interval").get_by_test_id("own-values")
    expect(own).to_contain_text(device)
    expect(runs(page, device)).to_have_attribute("data-wanted", "0.25")
    own.get_by_role("button").click()
    page.wait_for_url(f"**/settings/?device={device}")
    page.reload()
    row(page, "sampling_interval").get_by_test_id("reset-setting").click(timeout=15_000)
    expect(page.get_by_role("dialog")).to_contain_text("2 s")
    page.get_by_test_id("confirm").click()
    expect(counts(page, "sampling_interval")).to_have_attribute("data-from", "all")
    expect(runs(page, device)).to_have_attribute("data-running", "2", timeout=5_000)


def test_settings_page_names_who_has_not_applied_a_change_until_their_heartbeat_says_so_item_4(
    page: Page, plant: Stack, device: str, put: Set
):
    put("flush_batch_size", 150)
    away = RawDevice(plant, AWAY)
    away.enroll()
    away.connect()
    try:
        open_page(page, plant, "/settings/")
        summary = page.get_by_test_id("applied-summary")
        expect(summary).to_contain_text(re.compile(" (is|are) away"), timeout=15_000)
        expect(applied(page, device).get_by_test_id("applied-state")).to_have_attribute("data-state", "applied")
        before, total = (int(str(summary.get_attribute(f"data-{name}"))) for name in ("applied", "of"))
        assert before < total
        state = applied(page, AWAY).get_by_test_id("applied-state")
        expect(state).to_have_attribute("data-state", "away")
        version = plant.admin.get("/config").json()["version"]
        for said, shown in ((version - 1, "waiting"), (version, "applied")):
            beat = {"client_id": AWAY, "status": "ONLINE", "sampling_interval_s": 1.0, "config_version": said}
            now = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
            away.publish(f"heartbeat/{AWAY}", json.dumps({**beat, "timestamp": now}).encode(), retain=True)
            expect(state).to_have_attribute("data-state", shown, timeout=3_000)
        expect(summary).to_have_attribute("data-applied", str(before + 1))
        expect(summary).not_to_contain_text(AWAY)
    finally:
        away.close()
        plant.admin.delete(f"/devices/{AWAY}")


def test_settings_page_change_by_somebody_else_comes_without_a_reload_item_4(page: Page, plant: Stack, put: Set):
    open_page(page, plant, "/settings/")
    expect(counts(page, "heartbeat_interval")).to_have_attribute("data-value", "5", timeout=15_000)
    put("heartbeat_interval", 2)
    expect(counts(page, "heartbeat_interval")).to_have_attribute("data-value", "2", timeout=10_000)


def test_settings_page_bounds_are_the_servers_and_are_refused_at_the_field_item_4(page: Page, plant: Stack, put: Set):
    open_page(page, plant, "/settings/")
    expect(page.get_by_test_id("setting-row")).to_have_count(len(KNOWN), timeout=15_000)
    for key, known in KNOWN.items():
        rule = row(page, key).get_by_test_id("setting-rule")
        expect(rule).to_have_attribute(
            "data-default", f"{known.default:.10g}" if isinstance(known, Bounds) else known.default
        )
        if isinstance(known, Bounds):
            shown = [float(str(rule.get_attribute(f"data-{name}"))) for name in ("least", "most")]
            assert [*shown, rule.get_attribute("data-unit")] == [known.least, known.most, known.unit]
        else:
            assert str(rule.get_attribute("data-words")).split() == list(known.words)
    changes: list[str] = []
    page.on("request", lambda request: changes.append(request.url) if request.method == "PUT" else None)
    for key, value, bounds in (
        ("sampling_interval", "0.01", "0.05 to 3600 s"),
        ("sampling_interval", "soon", "a number from"),
        ("sampling_interval", "3,600", "Write 3600 or 3.6"),
        ("offline_login_days", "1.5", "a whole number from 0 to 90 days"),
        ("flush_batch_size", "1,000", "in digits alone"),
    ):
        edit(page, key, value)
        expect(page.get_by_test_id("field-error")).to_contain_text(bounds)
        expect(page.get_by_test_id("setting-value")).to_have_attribute("aria-invalid", "true")
        page.keyboard.press("Escape")
    assert changes == [], "what is out of bounds is not sent"
    # What only the server knows is shown at the field as well, in its words.
    page.get_by_test_id("add-setting").click()
    page.get_by_test_id("setting-key").fill("notes")
    page.get_by_test_id("setting-value").fill("x" * 9_000)
    page.get_by_test_id("save-setting").click()
    expect(page.get_by_test_id("field-error")).to_contain_text("at most 8192 bytes")
    assert len(changes) == 1


def test_settings_page_conflict_shows_both_values_and_asks_item_4(page: Page, plant: Stack, put: Set):
    put("flush_batch_size", 100)
    open_page(page, plant, "/settings/")
    for choice, left in (("keep-theirs", "110"), ("set-mine", "120")):
        row(page, "flush_batch_size").get_by_test_id("edit-setting").click(timeout=15_000)
        expect(page.get_by_test_id("setting-value")).to_be_visible()
        put("flush_batch_size", 110 if choice == "keep-theirs" else 111)
        page.get_by_test_id("setting-value").fill("120")
        page.get_by_test_id("save-setting").click()
        theirs = "110" if choice == "keep-theirs" else "111"
        expect(page.get_by_test_id("overtaken-theirs")).to_have_text(f"{theirs} readings")
        expect(page.get_by_test_id("overtaken-mine")).to_have_text("120 readings")
        expect(page.get_by_test_id("overtaken")).to_contain_text("admin changed flush_batch_size at")
        page.get_by_test_id(choice).click()
        expect(page.get_by_role("dialog")).to_have_count(0)
        expect(counts(page, "flush_batch_size")).to_have_attribute("data-value", left)
        assert plant.admin.get("/config/flush_batch_size").json()["value"] == int(left)
    # A reset says so too, and takes back only what it was confirmed for.
    row(page, "flush_batch_size").get_by_test_id("reset-setting").click()
    expect(page.get_by_test_id("confirm")).to_be_enabled()
    put("flush_batch_size", 130)
    page.get_by_test_id("confirm").click()
    expect(page.get_by_role("alert")).to_contain_text("changed it to 130 readings")
    assert plant.admin.get("/config/flush_batch_size").json()["value"] == 130
    page.get_by_test_id("confirm").click()
    expect(counts(page, "flush_batch_size")).to_have_attribute("data-from", "default")


def test_settings_page_free_keys_hold_text_numbers_flags_and_json_item_4(page: Page, plant: Stack, put: Set):
    open_page(page, plant, "/settings/")
    hostile = '<img src=x onerror="document.title=1">'
    made = (
        ("shift/name", "Text", hostile, hostile),
        ("line/counter", "Number", str(LARGEST), LARGEST),
        ("line/limits", "JSON", '{"high": 90.5, "steps": [1, 2]}', {"high": 90.5, "steps": [1, 2]}),
    )
    for key, kind, typed, value in made:
        page.get_by_test_id("add-setting").click(timeout=15_000)
        page.get_by_test_id("setting-key").fill(key)
        page.get_by_role("radio", name=kind).click()
        page.get_by_test_id("setting-value").fill(typed)
        page.get_by_test_id("save-setting").click()
        expect(free_row(page, key)).to_be_visible()
        assert plant.admin.get(f"/config/{quote(key)}").json()["value"] == value
    expect(free_row(page, "line/counter").get_by_test_id("free-value")).to_have_attribute("data-value", str(LARGEST))
    expect(free_row(page, "shift/name")).to_contain_text(hostile)
    assert page.locator("main img").count() == 0
    # What is there is changed and deleted; what is no key or no JSON is said at its field.
    free_row(page, "line/counter").get_by_test_id("edit-setting").click()
    page.get_by_role("radio", name="Yes or no").click()
    page.get_by_role("radio", name="No (false)").click()
    page.get_by_test_id("save-setting").click()
    expect(free_row(page, "line/counter").get_by_test_id("free-value")).to_have_attribute("data-value", "false")
    free_row(page, "shift/name").get_by_test_id("delete-setting").click()
    page.get_by_test_id("confirm").click()
    expect(free_row(page, "shift/name")).to_have_count(0)
    assert plant.admin.get("/config/shift/name").status_code == 404
    for key, kind, typed, problem in (
        ("a key", "Text", "x", "A key is 1 to 100 of"),
        ("sampling_interval", "Text", "x", "is a setting that devices know"),
        ("fine", "JSON", "{nothing", "This is not JSON"),
        ("fine", "Number", "9223372036854775808", "at most 64 bits"),
    ):
        page.get_by_test_id("add-setting").click()
        page.get_by_test_id("setting-key").fill(key)
        page.get_by_role("radio", name=kind).click()
        page.get_by_test_id("setting-value").fill(typed)
        page.get_by_test_id("save-setting").click()
        expect(page.get_by_test_id("field-error")).to_contain_text(problem)
        page.keyboard.press("Escape")
    # A key that is there already is not written over unseen.
    page.get_by_test_id("add-setting").click()
    page.get_by_test_id("setting-key").fill("line/limits")
    page.get_by_test_id("setting-value").fill("mine")
    page.get_by_test_id("save-setting").click()
    expect(page.get_by_test_id("overtaken-theirs")).to_contain_text("90.5")
    page.get_by_test_id("keep-theirs").click()
    assert plant.admin.get("/config/line/limits").json()["value"] == {"high": 90.5, "steps": [1, 2]}


def test_settings_page_is_not_offered_without_edit_config_items_4_and_5(page: Page, plant: Stack):
    open_page(page, plant, "/settings/", "olga")
    expect(page.get_by_test_id("forbidden")).to_contain_text("EDIT_CONFIG")
    assert page.get_by_role("link", name="Settings").count() == 0
    assert page.get_by_test_id("setting-row").count() == 0


def test_settings_page_for_who_may_edit_but_not_watch_says_what_is_missing_items_4_and_5(page: Page, plant: Stack):
    answer = plant.admin.post("/roles", json={"name": "TUNER", "permissions": ["EDIT_CONFIG"]})
    assert answer.is_success, answer.text
    make_person(plant, "tuna", "TUNER")
    open_page(page, plant, "/settings/", "tuna")
    expect(page.get_by_test_id("setting-row")).to_have_count(len(KNOWN), timeout=15_000)
    expect(page.get_by_test_id("notice")).to_contain_text("VIEW_DASHBOARD")


def test_settings_page_server_away_says_so_and_comes_back_by_itself_items_4_and_5(page: Page, plant: Stack):
    page.route("**/api/v1/config**", lambda route: route.abort())
    open_page(page, plant, "/settings/")
    expect(page.get_by_test_id("notice").first).to_contain_text("cannot be reached", timeout=15_000)
    applied = page.get_by_label("Applied by", exact=True)
    expect(applied.get_by_test_id("notice")).to_contain_text("cannot be reached")
    # The first heartbeats make the page ask once; whatever comes after that is asked by itself.
    for _ in range(2):
        page.wait_for_event("request", lambda request: "/api/v1/config?device=" in request.url, timeout=10_000)
    page.unroute("**/api/v1/config**")
    expect(page.get_by_test_id("setting-row")).to_have_count(len(KNOWN), timeout=15_000)
    expect(page.get_by_test_id("notice")).to_have_count(0)


@pytest.mark.parametrize("scheme", ["dark", "light"])
def test_settings_page_has_no_serious_faults_of_access_item_7(
    page: Page, plant: Stack, put: Set, device: str, scheme: str
):
    put("sampling_interval", 2, device)
    put("shift/name", "early")
    page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
    open_page(page, plant, "/settings/")
    expect(row(page, "sampling_interval").get_by_test_id("own-values")).to_be_visible(timeout=15_000)
    expect(page.get_by_test_id("applied-row").first).to_be_visible()
    assert serious_faults(page) == []
    edit(page, "sampling_interval", "0")
    expect(page.get_by_test_id("field-error")).to_be_visible()
    assert serious_faults(page) == []

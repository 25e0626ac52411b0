"""The logs page in a real browser: audit with before and after, sync conflicts, rejected messages, filters, paging."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest
from playwright.sync_api import Locator, Page, expect

from pulse_sync.records import Key
from support.dashboard import open_page, serious_faults
from support.raw_device import RawDevice
from support.stack import ADMIN_PASSWORD, Stack
from support.sync_device import SyncDevice, create_user, wait_published
from support.waiting import until

PASSWORD = "a-fine-password-12"
PAGE = 50
HOSTILE = '<img src=x onerror="document.title=1"><script>document.title=2</script>'
TURNED = "\u202e"  # what follows it is shown from right to left
# New ones in every run, since logs are kept and an id that was used has to cool down.
RUN = uuid4().hex[:8]
KILN, DESK, PERSON = f"kiln-{RUN}", f"desk-{RUN}", f"finn-{RUN}"
NUMBERS = itertools.count(1)


@pytest.fixture
def key(plant: Stack) -> Iterator[str]:
    """Return a key of a free setting that no other test uses; it is taken back at the end."""
    made = f"test/{RUN}-{next(NUMBERS)}"
    yield made
    plant.admin.delete(f"/config/{made}")


@pytest.fixture(scope="module")
def rejected(plant: Stack) -> Iterator[RawDevice]:
    """Two messages of one device that break the contract; of the second a valid copy was archived afterwards."""
    device = RawDevice(plant, KILN)
    device.enroll()
    device.connect()
    device.live(device.reading(1, f'{{"oven": {quoted(HOSTILE)}}}'))
    device.live(device.reading(2, f'{{"oven": "{TURNED}txt.exe"}}'))
    until(lambda: sorted(device.rejected()) == [1, 2], within_s=20, what="both are rejected")
    device.live(device.reading(2, '{"oven": 800}'))
    until(lambda: device.archived() == [2], within_s=20, what="the valid copy is archived")
    yield device
    device.close()
    plant.admin.delete(f"/devices/{KILN}")


@pytest.fixture(scope="module")
def conflict(plant: Stack) -> Iterator[SyncDevice]:
    """A name that was changed on the web while a desktop had changed it too: the web's counts."""
    desk = SyncDevice(plant, DESK).connect()
    desk.sign_in("admin", ADMIN_PASSWORD)
    desk.ask()
    desk.sync()
    user = create_user(plant, PERSON, "VIEWER", password=PASSWORD)
    desk.reach(wait_published(plant))
    early = desk.change(Key.user(user), "username", f"{PERSON}-desk")
    changed = plant.admin.patch(f"/users/{user}", json={"username": f"{PERSON}-web"}, headers={"If-Match": "*"})
    assert changed.is_success, changed.text
    assert desk.submit(early).status == "CONFLICT"
    yield desk
    desk.close()
    plant.admin.delete(f"/devices/{DESK}")
    plant.admin.delete(f"/users/{user}", headers={"If-Match": "*"})


def quoted(text: str) -> str:
    return '"' + text.replace('"', '\\"') + '"'


def put(stack: Stack, key: str, value: Any) -> None:
    answer = stack.admin.put(f"/config/{key}", json={"value": value})
    assert answer.is_success, answer.text


def rows(page: Page, log: str) -> Locator:
    return page.get_by_test_id(f"{log}-row")


def of_key(key: str) -> str:
    """Return the address of everything that was done to a setting of all devices."""
    return f"/logs/?tab=audit&kind=setting&record={key}/"


def difference(page: Page, field: str) -> tuple[str, str]:
    row = page.locator(f'[data-testid=difference][data-field="{field}"]')
    return row.get_by_test_id("before").inner_text(), row.get_by_test_id("after").inner_text()


def test_logs_page_audit_shows_who_changed_a_setting_from_what_to_what_item_4(page: Page, plant: Stack, key: str):
    put(plant, key, 3)
    put(plant, key, 2**63 - 1)
    open_page(page, plant, of_key(key))
    expect(rows(page, "audit")).to_have_count(2, timeout=15_000)
    newest = rows(page, "audit").first
    expect(newest).to_contain_text("Setting changed")
    expect(newest).to_contain_text("admin")
    expect(newest.get_by_test_id("change-summary")).to_contain_text(f"value: 3 → {2**63 - 1}")
    newest.get_by_test_id("open-entry").click()
    expect(page.get_by_role("dialog")).to_contain_text("127.0.0.1")
    assert difference(page, "value") == ("3", str(2**63 - 1))
    page.keyboard.press("Escape")
    rows(page, "audit").nth(1).get_by_test_id("open-entry").click()
    assert difference(page, "value") == ("\u2013", "3")
    # From an entry to everything by that person.
    page.get_by_role("button", name="All by admin").click()
    expect(page.get_by_test_id("filter-who")).to_have_value("admin")
    assert "who=admin" in page.url


def test_logs_page_rejected_message_is_shown_with_its_reason_and_as_text_item_4(
    page: Page, plant: Stack, rejected: RawDevice
):
    title = "Logs"
    open_page(page, plant, f"/logs/?tab=rejects&device={KILN}")
    expect(rows(page, "reject")).to_have_count(2, timeout=15_000)
    copied, hostile = rows(page, "reject").nth(0), rows(page, "reject").nth(1)
    expect(hostile).to_contain_text("metrics")
    expect(hostile).to_contain_text(f"telemetry/{KILN}/live")
    expect(hostile.get_by_test_id("excerpt")).to_contain_text("<img src=x")
    expect(copied).to_contain_text("valid copy archived")
    expect(hostile).not_to_contain_text("valid copy archived")
    hostile.get_by_test_id("open-entry").click()
    whole = page.get_by_test_id("excerpt-whole")
    expect(whole).to_contain_text('<img src=x onerror=\\"document.title=1\\"><script>document.title=2</script>')
    expect(page.get_by_role("dialog")).to_contain_text(rejected.rejected()[1])
    assert page.locator("main img, [role=dialog] img, [role=dialog] script").count() == 0
    page.keyboard.press("Escape")
    copied.get_by_test_id("open-entry").click()
    expect(page.get_by_test_id("excerpt-whole")).to_contain_text("\\u202etxt.exe")
    assert TURNED not in page.content()
    assert title in page.title()


def test_logs_page_sync_conflict_shows_both_values_side_by_side_item_4(page: Page, plant: Stack, conflict: SyncDevice):
    open_page(page, plant, f"/logs/?status=CONFLICT&device={DESK}")
    expect(rows(page, "sync")).to_have_count(1, timeout=15_000)
    row = rows(page, "sync").first
    expect(row.get_by_test_id("conflict-old")).to_contain_text("In force")
    expect(row.get_by_test_id("conflict-old")).to_contain_text(f"{PERSON}-web")
    expect(row.get_by_test_id("conflict-new")).to_contain_text("Not taken")
    expect(row.get_by_test_id("conflict-new")).to_contain_text(f"{PERSON}-desk")
    expect(row).to_contain_text(f"admin, on {DESK}")
    row.get_by_test_id("open-entry").click()
    expect(page.get_by_role("dialog")).to_contain_text("LATER_VALUE")
    assert difference(page, "username") == (f"{PERSON}-web", f"{PERSON}-desk")


def test_logs_page_filters_stand_in_the_address_and_survive_a_reload_item_4(
    page: Page, plant: Stack, conflict: SyncDevice, rejected: RawDevice, key: str
):
    put(plant, key, 1)
    open_page(page, plant, "/logs/")
    expect(rows(page, "sync").first).to_be_visible(timeout=15_000)
    page.get_by_test_id("filter-device").fill(DESK)
    page.get_by_test_id("filter-device").press("Enter")
    page.get_by_test_id("filter-status").select_option("CONFLICT")
    expect(rows(page, "sync")).to_have_count(1)
    page.get_by_test_id("filter-status").select_option("FAILED")
    expect(page.get_by_text("Nothing matches the filters")).to_be_visible()
    page.go_back()
    expect(rows(page, "sync")).to_have_count(1)
    # The period: what happened is within the last hour, and not after its end.
    page.get_by_test_id("filter-period").select_option("1h")
    expect(rows(page, "sync")).to_have_count(1)
    page.get_by_test_id("filter-period").select_option("own")
    page.get_by_test_id("filter-to").fill("2020-01-01T00:00")
    expect(page.get_by_text("Nothing matches the filters")).to_be_visible()
    page.reload()
    expect(page.get_by_text("Nothing matches the filters")).to_be_visible(timeout=15_000)
    expect(page.get_by_test_id("filter-to")).to_have_value("2020-01-01T00:00")
    page.get_by_test_id("clear-filters").click()
    expect(rows(page, "sync").nth(1)).to_be_visible()
    # Another log: its own filters, by kind, action, person.
    page.get_by_test_id("tab-audit").click()
    page.get_by_test_id("filter-action").select_option("device.enrolled")
    page.get_by_test_id("filter-device").fill(KILN)
    page.get_by_test_id("filter-device").press("Enter")
    expect(rows(page, "audit")).to_have_count(1)
    expect(rows(page, "audit").first).to_contain_text("Device enrolled")
    page.get_by_test_id("clear-filters").click()
    page.get_by_test_id("filter-who").fill("vera")
    page.get_by_test_id("filter-who").press("Enter")
    expect(rows(page, "audit").first).to_contain_text("vera")
    for each in rows(page, "audit").all():
        expect(each).to_contain_text("vera")
    page.get_by_test_id("tab-rejects").click()
    assert "tab=rejects" in page.url


def test_logs_page_shows_more_and_tells_of_newer_entries_item_4(page: Page, plant: Stack, key: str):
    total = 2 * PAGE + 5
    for number in range(total):
        put(plant, key, number)
    open_page(page, plant, of_key(key))
    expect(rows(page, "audit")).to_have_count(PAGE, timeout=15_000)
    # At the top of the first page new entries come by themselves.
    put(plant, key, "first page")
    expect(rows(page, "audit").first).to_contain_text("first page", timeout=15_000)
    for shown in (2 * PAGE, total + 1):
        page.get_by_test_id("more").click()
        expect(rows(page, "audit")).to_have_count(shown)
    expect(page.get_by_test_id("more")).to_have_count(0)
    ids = [int(str(each.get_attribute("data-key"))) for each in rows(page, "audit").all()]
    assert ids == sorted(set(ids), reverse=True), "newest first, none twice and none left out"
    # Further down nothing moves below the eyes: they are announced.
    put(plant, key, "further down")
    newer = page.get_by_test_id("newer")
    expect(newer).to_be_visible(timeout=15_000)
    expect(rows(page, "audit")).to_have_count(total + 1)
    newer.click()
    expect(rows(page, "audit").first).to_contain_text("further down")
    expect(newer).to_have_count(0)


def test_logs_page_is_not_offered_without_view_logs_items_4_and_5(page: Page, plant: Stack):
    open_page(page, plant, "/logs/?tab=audit", "olga")
    expect(page.get_by_test_id("forbidden")).to_contain_text("VIEW_LOGS")
    assert page.get_by_role("link", name="Logs").count() == 0
    assert rows(page, "audit").count() == 0


def test_logs_page_server_away_says_so_and_comes_back_by_itself_items_4_and_5(page: Page, plant: Stack):
    page.route("**/api/v1/logs/**", lambda route: route.abort())
    open_page(page, plant, "/logs/?tab=audit")
    expect(page.get_by_test_id("notice").first).to_contain_text("cannot be reached", timeout=15_000)
    page.unroute("**/api/v1/logs/**")
    expect(rows(page, "audit").first).to_be_visible(timeout=15_000)
    expect(page.get_by_test_id("notice")).to_have_count(0)


@pytest.mark.parametrize("scheme", ["dark", "light"])
def test_logs_page_has_no_serious_faults_of_access_item_7(
    page: Page, plant: Stack, conflict: SyncDevice, rejected: RawDevice, scheme: str
):
    page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
    open_page(page, plant, "/logs/")
    for log in ("sync", "audit", "reject"):
        page.get_by_test_id({"reject": "tab-rejects"}.get(log, f"tab-{log}")).click()
        expect(rows(page, log).first).to_be_visible(timeout=15_000)
        assert serious_faults(page) == []
        rows(page, log).first.get_by_test_id("open-entry").click()
        expect(page.get_by_role("dialog")).to_be_visible()
        assert serious_faults(page) == []
        page.keyboard.press("Escape")
        expect(page.get_by_role("dialog")).to_have_count(0)

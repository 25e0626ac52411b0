"""Roles, permissions with their topic rules, and who may what and why, on the Users page (item 3)."""

from __future__ import annotations

from urllib.parse import quote

import pytest
from playwright.sync_api import Locator, Page, expect

from support.dashboard import make_person, open_page, picture, serious_faults
from support.stack import Stack

SOON_MS = 10_000
MARKUP = "<img src=x onerror=alert(1)>"


def row(page: Page, kind: str, name: str) -> Locator:
    return page.locator(f"[data-testid={kind}-row][data-key='{name}']")


def newest(stack: Stack, path: str, name: str) -> dict[str, object]:
    items = stack.admin.get(path, params={"limit": 500}).json()["items"]
    return next(one for one in items if one["name"] == name)


def change_behind_the_page(stack: Stack, path: str, name: str, **patch: object) -> None:
    seen = newest(stack, path, name)
    answer = stack.admin.patch(f"{path}/{seen['id']}", json=patch, headers={"if-match": str(seen["etag"])})
    assert answer.is_success, answer.text


def answer(page: Page, *, allowed: bool) -> Locator:
    found = page.get_by_test_id("explanation")
    expect(found).to_have_attribute("data-allowed", "true" if allowed else "false", timeout=SOON_MS)
    return found


def test_roles_page_role_is_made_edited_counted_and_deleted_item_3(page: Page, plant: Stack):
    open_page(page, plant, "/users/?tab=roles")
    expect(row(page, "role", "OPERATOR")).to_contain_text("seeded")
    expect(row(page, "role", "OPERATOR")).to_contain_text("FORCE_SYNC")
    page.get_by_test_id("new-role").click()
    page.get_by_test_id("role-name").fill("NIGHT SHIFT")
    page.get_by_test_id("role-description").fill(MARKUP)
    expect(page.get_by_role("dialog")).to_contain_text("Tell a device to flush and catch up now")
    page.get_by_test_id("permission-VIEW_DASHBOARD").click()
    page.get_by_test_id("permission-VIEW_LOGS").click()
    page.get_by_test_id("create-role").click()
    made = row(page, "role", "NIGHT SHIFT")
    expect(made).to_contain_text("VIEW_LOGS", timeout=SOON_MS)
    expect(made).to_contain_text(MARKUP)
    expect(made).not_to_contain_text("seeded")
    expect(made.get_by_test_id("role-people")).to_have_text("0")
    make_person(plant, "nils", "NIGHT SHIFT")
    page.reload()
    expect(made.get_by_test_id("role-people")).to_have_text("1", timeout=SOON_MS)
    made.get_by_test_id("open-role").click()
    page.get_by_test_id("permission-VIEW_LOGS").click()
    page.get_by_test_id("permission-FORCE_SYNC").click()
    page.get_by_test_id("save-role").click()
    expect(made).to_contain_text("FORCE_SYNC", timeout=SOON_MS)
    expect(made).not_to_contain_text("VIEW_LOGS")
    made.get_by_test_id("open-role").click()
    page.get_by_test_id("delete-role").click()
    expect(page.get_by_role("dialog")).to_contain_text("1 person loses (nils)")
    page.get_by_test_id("confirm").click()
    expect(made).to_have_count(0, timeout=SOON_MS)
    assert plant.admin.get("/users", params={"search": "nils"}).json()["items"][0]["roles"] == []
    assert page.locator("main img, [role=dialog] img").count() == 0


def test_roles_page_what_would_leave_no_administrator_is_refused_in_words_item_3(page: Page, plant: Stack):
    open_page(page, plant, "/users/?tab=roles")
    row(page, "role", "ADMIN").get_by_test_id("open-role").click()
    page.get_by_test_id("permission-MANAGE_USERS").click()
    page.get_by_test_id("save-role").click()
    expect(page.get_by_role("alert")).to_contain_text("The last administrator", timeout=SOON_MS)
    page.get_by_test_id("delete-role").click()
    page.get_by_test_id("confirm").click()
    expect(page.get_by_role("alert")).to_contain_text("The last administrator", timeout=SOON_MS)
    assert "MANAGE_USERS" in str(newest(plant, "/roles", "ADMIN")["permissions"])


def test_roles_page_conflict_shows_both_states_and_gives_way_item_3(page: Page, plant: Stack):
    assert plant.admin.post("/roles", json={"name": "CRANES", "permissions": ["VIEW_DASHBOARD"]}).is_success
    open_page(page, plant, "/users/?tab=roles")
    row(page, "role", "CRANES").get_by_test_id("open-role").click()
    page.get_by_test_id("permission-VIEW_LOGS").click()
    change_behind_the_page(plant, "/roles", "CRANES", description="for the cranes", permissions=["EDIT_CONFIG"])
    page.get_by_test_id("save-role").click()
    expect(page.get_by_test_id("conflict")).to_contain_text("Somebody else changed this", timeout=SOON_MS)
    expect(page.get_by_test_id("conflict-theirs")).to_have_text("EDIT_CONFIG")
    expect(page.get_by_test_id("conflict-mine")).to_have_text("VIEW_DASHBOARD, VIEW_LOGS")
    expect(page.get_by_test_id("role-description")).to_have_value("for the cranes")
    page.get_by_test_id("take-newer").click()
    expect(page.get_by_test_id("permission-EDIT_CONFIG")).to_be_checked()
    expect(page.get_by_test_id("permission-VIEW_LOGS")).not_to_be_checked()
    expect(page.get_by_test_id("save-role")).to_be_disabled()


def test_roles_page_permission_with_rules_is_made_and_a_refused_rule_says_why_at_its_row_item_3(
    page: Page, plant: Stack
):
    open_page(page, plant, "/users/?tab=permissions")
    expect(row(page, "permission", "FORCE_SYNC")).to_contain_text("built in")
    expect(row(page, "permission", "FORCE_SYNC")).to_contain_text("command/+/force_sync")
    page.get_by_test_id("new-permission").click()
    page.get_by_test_id("permission-name").fill("WATCH HALL 1")
    rules = page.get_by_test_id("rule-row")
    rules.nth(0).get_by_test_id("rule-topic").fill("plant/hall-1/#")
    page.get_by_test_id("add-rule").click()
    rules.nth(1).get_by_test_id("rule-topic").fill("sync/#")
    page.get_by_test_id("create-permission").click()
    expect(rules.nth(1).get_by_test_id("field-error")).to_contain_text("kept for the parts themselves", timeout=SOON_MS)
    expect(rules.nth(0).get_by_test_id("field-error")).to_have_count(0)
    rules.nth(1).get_by_test_id("rule-action").select_option("publish")
    expect(page.get_by_test_id("field-error")).to_have_count(0)
    rules.nth(1).get_by_test_id("rule-topic").fill("plant/hall-1/light")
    page.get_by_test_id("create-permission").click()
    expect(rules.nth(1).get_by_test_id("field-error")).to_contain_text("people publish commands only", timeout=SOON_MS)
    rules.nth(1).get_by_test_id("rule-topic").fill("command/+/light_on")
    page.get_by_test_id("create-permission").click()
    made = row(page, "permission", "WATCH HALL 1")
    expect(made).to_contain_text("command/+/light_on", timeout=SOON_MS)
    expect(made).not_to_contain_text("built in")
    made.get_by_test_id("open-permission").click()
    rules.nth(0).get_by_test_id("remove-rule").click()
    expect(rules).to_have_count(1)
    page.get_by_test_id("save-permission").click()
    expect(made).not_to_contain_text("plant/hall-1", timeout=SOON_MS)
    assert newest(plant, "/permissions", "WATCH HALL 1")["rules"] == [
        {"action": "publish", "topic": "command/+/light_on"}
    ]
    made.get_by_test_id("open-permission").click()
    page.get_by_test_id("permission-description").fill("mine")
    change_behind_the_page(plant, "/permissions", "WATCH HALL 1", description="theirs")
    page.get_by_test_id("save-permission").click()
    expect(page.get_by_test_id("conflict-theirs")).to_have_text("theirs", timeout=SOON_MS)
    page.get_by_test_id("delete-permission").click()
    page.get_by_test_id("confirm").click()
    expect(made).to_have_count(0, timeout=SOON_MS)


def test_roles_page_explains_who_may_what_and_why_item_3(page: Page, plant: Stack):
    open_page(page, plant, "/users/")
    page.locator("[data-testid=user-row][data-key=olga]").get_by_test_id("open-user").click()
    page.get_by_test_id("explain-user").click()
    page.get_by_test_id("explain-example").filter(has_text="watch live values").click()
    found = answer(page, allowed=True)
    expect(found.get_by_test_id("explain-rule")).to_have_text("subscribe telemetry/+/live")
    expect(found.get_by_test_id("explain-grant")).to_contain_text("role OPERATOR permission VIEW_DASHBOARD")
    assert "who=user%3Aolga" in page.url
    page.reload()
    answer(page, allowed=True)
    expect(page.get_by_test_id("explain-name")).to_have_value("olga")
    page.get_by_test_id("explain-topic").fill("sync/#")
    page.get_by_test_id("explain-ask").click()
    expect(answer(page, allowed=False).get_by_test_id("explain-reason")).not_to_be_empty()
    page.get_by_test_id("explain-kind").select_option("device")
    page.get_by_test_id("explain-name").fill("no-such-device")
    page.get_by_test_id("explain-ask").click()
    expect(page.get_by_test_id("notice")).to_contain_text("There is no device no-such-device.", timeout=SOON_MS)
    enrolled = [one for one in plant.admin.get("/devices").json()["items"] if one["revoked_at"] is None]
    device = enrolled[0]["client_id"]
    page.get_by_test_id("explain-name").fill(device)
    page.get_by_test_id("explain-action").select_option("publish")
    page.get_by_test_id("explain-topic").fill(f"telemetry/{device}/live")
    page.get_by_test_id("explain-ask").click()
    expect(answer(page, allowed=True)).to_contain_text("every one of its kind")
    page.goto(
        f"{plant.address}/users/?tab=explain&who={quote('service:ingest')}&action=publish&topic=archive/device-1/receipt"
    )
    expect(answer(page, allowed=True)).to_contain_text("service ingest")
    page.goto(f"{plant.address}/users/?tab=explain&who={quote('user:' + MARKUP)}&action=publish&topic={quote(MARKUP)}")
    expect(page.get_by_test_id("notice")).to_contain_text(f"There is no user {MARKUP}.", timeout=SOON_MS)
    assert page.locator("main img").count() == 0


def test_roles_page_who_manages_roles_only_is_offered_that_only_item_3(page: Page, plant: Stack):
    permissions = ["MANAGE_ROLES", "VIEW_DASHBOARD"]
    assert plant.admin.post("/roles", json={"name": "RIGHTS OFFICE", "permissions": permissions}).is_success
    make_person(plant, "rosa", "RIGHTS OFFICE")
    open_page(page, plant, "/users/", "rosa")
    expect(row(page, "role", "RIGHTS OFFICE")).to_be_visible()
    expect(page.get_by_test_id("tab-users")).to_have_count(0)
    expect(page.get_by_test_id("role-people")).to_have_count(0)
    page.get_by_test_id("new-role").click()
    page.get_by_test_id("role-name").fill("TOO MUCH")
    page.get_by_test_id("permission-EDIT_CONFIG").click()
    page.get_by_test_id("create-role").click()
    expect(page.get_by_role("alert")).to_contain_text("Nobody grants what they do not hold.", timeout=SOON_MS)
    page.keyboard.press("Escape")
    page.get_by_test_id("tab-explain").click()
    page.get_by_test_id("explain-example").filter(has_text="read everything").click()
    expect(answer(page, allowed=False)).to_contain_text("rosa may not subscribe to #")


@pytest.mark.parametrize("scheme", ["dark", "light"])
def test_roles_page_is_readable_for_everybody_item_3(page: Page, plant: Stack, scheme: str, tmp_path):
    page.emulate_media(color_scheme=scheme)
    open_page(page, plant, "/users/?tab=roles")
    expect(row(page, "role", "VIEWER")).to_be_visible()
    assert serious_faults(page) == []
    row(page, "role", "VIEWER").get_by_test_id("open-role").click()
    expect(page.get_by_test_id("permission-VIEW_LOGS")).to_be_visible()
    assert serious_faults(page) == []
    page.get_by_test_id("delete-role").click()
    expect(page.get_by_test_id("confirm")).to_be_visible()
    assert serious_faults(page) == []
    page.keyboard.press("Escape")
    page.get_by_test_id("tab-permissions").click()
    expect(page.get_by_test_id("permission-row").first).to_be_visible()
    assert serious_faults(page) == []
    page.get_by_test_id("new-permission").click()
    page.get_by_test_id("permission-name").fill("X")
    page.get_by_test_id("rule-topic").fill("$SYS/#")
    page.get_by_test_id("create-permission").click()
    expect(page.get_by_test_id("field-error")).to_be_visible(timeout=SOON_MS)
    assert serious_faults(page) == []
    page.keyboard.press("Escape")
    page.get_by_test_id("tab-explain").click()
    page.get_by_test_id("explain-example").first.click()
    answer(page, allowed=True)
    assert serious_faults(page) == []
    assert picture(page, tmp_path / "explain.png").stat().st_size > 10_000

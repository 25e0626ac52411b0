"""The Users page as administrators use it: people, their roles, passwords and ends; and who may not (item 3)."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from support.dashboard import make_person, open_page, picture, serious_faults, sign_in
from support.stack import Stack

HOSTILE = "<b>hanna<b>"  # a user name may hold no quotes, white space or slashes
SOON_MS = 10_000


def row(page: Page, username: str) -> Locator:
    return page.locator(f'[data-testid=user-row][data-key="{username}"]')


def open_person(page: Page, username: str) -> Locator:
    row(page, username).get_by_test_id("open-user").click()
    return page.get_by_role("dialog", name=username)


def change_behind_the_page(stack: Stack, person: str, **patch: object) -> None:
    """Change a person as somebody else, who has seen their newest state."""
    (user,) = [
        one for one in stack.admin.get("/users", params={"limit": 500}).json()["items"] if one["username"] == person
    ]
    answer = stack.admin.patch(f"/users/{user['id']}", json=patch, headers={"if-match": user["etag"]})
    assert answer.is_success, answer.text


@contextlib.contextmanager
def another_browser(browser: Browser) -> Iterator[Page]:
    context = browser.new_context(viewport={"width": 1280, "height": 800})
    try:
        yield context.new_page()
    finally:
        context.close()


def test_users_page_person_is_found_edited_and_shown_with_what_each_role_gives_item_3(page: Page, plant: Stack):
    make_person(plant, "edda", "VIEWER")
    open_page(page, plant, "/users/")
    expect(row(page, "edda")).to_contain_text("active")
    expect(row(page, "edda")).to_contain_text("VIEWER")
    expect(row(page, "olga").get_by_test_id("changed-by")).to_contain_text("web")
    page.get_by_test_id("user-search").fill("EDD")
    expect(page.get_by_test_id("user-row")).to_have_count(1)
    page.get_by_test_id("user-search").fill("nobody-of-that-name")
    expect(page.get_by_text("Nobody fits")).to_be_visible()
    page.get_by_test_id("user-search").fill("")
    dialog = open_person(page, "edda")
    held = dialog.get_by_test_id("effective-permission")
    expect(held.filter(has_text="VIEW_DASHBOARD")).to_contain_text("VIEWER")
    expect(held.filter(has_text="FORCE_SYNC")).to_have_count(0)
    dialog.get_by_test_id("role-OPERATOR").click()
    expect(held.filter(has_text="FORCE_SYNC")).to_contain_text("OPERATOR")
    expect(held.filter(has_text="VIEW_DASHBOARD")).to_contain_text("OPERATORVIEWER")
    dialog.get_by_test_id("save-user").click()
    expect(dialog).to_have_count(0)
    expect(row(page, "edda")).to_contain_text("OPERATOR", timeout=SOON_MS)
    (edda,) = plant.admin.get("/users", params={"search": "edda"}).json()["items"]
    assert edda["roles"] == ["OPERATOR", "VIEWER"]


def test_users_page_user_is_created_with_the_keyboard_alone_item_3(page: Page, plant: Stack, browser: Browser):
    open_page(page, plant, "/users/")
    expect(row(page, "admin")).to_be_visible()
    page.get_by_test_id("new-user").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_test_id("new-username")).to_be_visible()
    tab_to(page, "new-username")
    page.keyboard.type("olga")
    tab_to(page, "first-password")
    page.keyboard.type("short")
    page.keyboard.press("Enter")
    expect(page.get_by_test_id("field-error")).to_contain_text("at least 10 characters")
    tab_to(page, "generate-password")
    page.keyboard.press("Enter")
    password = page.get_by_test_id("first-password").input_value()
    assert len(password) >= 20
    tab_to(page, "role-VIEWER")
    page.keyboard.press("Space")
    tab_to(page, "create-user")
    page.keyboard.press("Enter")
    expect(page.get_by_test_id("field-error")).to_contain_text("Another has that name", timeout=SOON_MS)
    tab_to(page, "new-username")
    page.keyboard.press("Control+A")
    page.keyboard.type("kira")
    page.keyboard.press("Enter")
    expect(page.get_by_test_id("handed-password")).to_have_text(password, timeout=SOON_MS)
    # Closing by accident must not lose what cannot be shown again.
    page.keyboard.press("Escape")
    expect(page.get_by_test_id("leaving")).to_contain_text("cannot be shown again")
    expect(page.get_by_test_id("handed-password")).to_have_text(password)
    tab_to(page, "done")
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(page.get_by_test_id("new-user")).to_be_focused()
    expect(row(page, "kira")).to_contain_text("VIEWER", timeout=SOON_MS)
    with another_browser(browser) as other:
        sign_in(other, plant, "kira", password)
        expect(other.get_by_text("Choose your password")).to_be_visible(timeout=SOON_MS)


def tab_to(page: Page, test_id: str) -> None:
    """Press Tab until the element has the focus; a focus that never gets there fails."""
    for _ in range(40):
        if page.evaluate("document.activeElement?.getAttribute('data-testid')") == test_id:
            return
        page.keyboard.press("Tab")
    raise AssertionError(f"{test_id} cannot be reached with the keyboard")


def test_users_page_conflict_keeps_the_own_edits_and_shows_the_new_state_item_3(page: Page, plant: Stack):
    make_person(plant, "conny", "VIEWER")
    open_page(page, plant, "/users/")
    dialog = open_person(page, "conny")
    dialog.get_by_test_id("role-OPERATOR").click()
    change_behind_the_page(plant, "conny", username="conny2", roles=[])
    dialog.get_by_test_id("save-user").click()
    conflict = page.get_by_test_id("conflict")
    expect(conflict).to_contain_text("Somebody else changed this meanwhile", timeout=SOON_MS)
    expect(conflict).to_contain_text("admin")
    expect(conflict.get_by_test_id("conflict-theirs")).to_have_text("none")
    expect(conflict.get_by_test_id("conflict-mine")).to_have_text("OPERATOR, VIEWER")
    # What the person had not touched follows the new state, what they had stays theirs.
    expect(page.get_by_test_id("edit-username")).to_have_value("conny2")
    page.get_by_test_id("save-user").click()
    expect(page.get_by_role("dialog")).to_have_count(0, timeout=SOON_MS)
    expect(row(page, "conny2")).to_contain_text("OPERATOR", timeout=SOON_MS)
    row(page, "conny2").get_by_test_id("row-deactivate").click()
    expect(page.get_by_test_id("what-happens")).to_be_visible()
    change_behind_the_page(plant, "conny2", roles=["ADMIN"])
    page.get_by_test_id("confirm").click()
    expect(page.get_by_test_id("conflict")).to_contain_text("ADMIN", timeout=SOON_MS)
    assert plant.admin.get("/users", params={"search": "conny2"}).json()["items"][0]["is_active"]


def test_users_page_deactivated_person_is_cut_off_live_and_taken_back_item_3(
    page: Page, plant: Stack, browser: Browser
):
    make_person(plant, "dora", "VIEWER")
    open_page(page, plant, "/users/")
    with another_browser(browser) as theirs:
        open_page(theirs, plant, "/live/", "dora")
        indicator = theirs.get_by_test_id("connection-indicator").first
        expect(indicator).to_have_attribute("data-state", "online", timeout=15_000)
        row(page, "dora").get_by_test_id("row-deactivate").click()
        # make_person signed in and changed the password twice, which ended all but the last session.
        expect(page.get_by_test_id("what-happens")).to_contain_text("2 sessions end")
        expect(page.get_by_test_id("what-happens")).to_contain_text("1 token for live data is withdrawn")
        page.get_by_test_id("confirm").click()
        expect(theirs.get_by_test_id("login-username")).to_be_visible(timeout=SOON_MS)
        expect(theirs.get_by_test_id("banner")).to_contain_text("deactivated")
        effect = page.get_by_test_id("effect")
        expect(effect.get_by_test_id("effect-sessions")).to_contain_text("2 sessions ended, none is left")
        expect(effect.get_by_test_id("effect-connections")).to_contain_text(
            "1 token for live data withdrawn, none is left"
        )
        expect(effect.get_by_test_id("effect-desktops")).to_have_attribute("data-done", "true", timeout=30_000)
        page.get_by_test_id("done").click()
        expect(row(page, "dora")).to_contain_text("inactive")
        sign_in(theirs, plant, "dora")
        expect(theirs.get_by_test_id("banner")).to_contain_text("wrong", timeout=SOON_MS)
        page.get_by_role("radio", name="Inactive").click()
        expect(row(page, "olga")).to_have_count(0)
        row(page, "dora").get_by_test_id("row-reactivate").click()
        page.get_by_test_id("confirm").click()
        expect(row(page, "dora")).to_have_count(0, timeout=SOON_MS)
        page.get_by_role("radio", name="All").click()
        expect(row(page, "dora")).to_contain_text("active")
        open_page(theirs, plant, "/live/", "dora")


def test_users_page_new_password_ends_sessions_and_must_be_changed_item_3(page: Page, plant: Stack, browser: Browser):
    make_person(plant, "pia", "VIEWER")
    open_page(page, plant, "/users/")
    with another_browser(browser) as theirs:
        open_page(theirs, plant, "/live/", "pia")
        expect(theirs.get_by_test_id("connection-indicator").first).to_have_attribute(
            "data-state", "online", timeout=15_000
        )
        open_person(page, "pia").get_by_test_id("new-password").click()
        page.get_by_test_id("first-password").fill("x" * 257)
        page.get_by_test_id("set-password").click()
        expect(page.get_by_test_id("field-error")).to_contain_text("at most 256 characters")
        page.get_by_test_id("generate-password").click()
        given = page.get_by_test_id("first-password").input_value()
        page.get_by_test_id("set-password").click()
        expect(page.get_by_test_id("handed-password")).to_have_text(given, timeout=SOON_MS)
        expect(theirs.get_by_test_id("login-username")).to_be_visible(timeout=SOON_MS)
        expect(theirs.get_by_test_id("banner")).to_contain_text("password")
        sign_in(theirs, plant, "pia", given)
        expect(theirs.get_by_test_id("new-password")).to_be_visible(timeout=SOON_MS)


def test_users_page_last_administrator_cannot_end_or_demote_themselves_item_3(page: Page, plant: Stack):
    for one in plant.admin.get("/users", params={"limit": 500}).json()["items"]:
        if "ADMIN" in one["roles"] and one["username"] != "admin":
            change_behind_the_page(plant, one["username"], roles=[])
    open_page(page, plant, "/users/")
    row(page, "admin").get_by_test_id("row-deactivate").click()
    expect(page.get_by_role("dialog")).to_contain_text("your own account")
    page.get_by_test_id("confirm").click()
    refusal = page.get_by_role("alert")
    expect(refusal).to_contain_text("The last administrator can be neither ended nor demoted.", timeout=SOON_MS)
    page.keyboard.press("Escape")
    dialog = open_person(page, "admin")
    dialog.get_by_test_id("role-ADMIN").click()
    dialog.get_by_test_id("save-user").click()
    expect(dialog.get_by_role("alert")).to_contain_text("The last administrator", timeout=SOON_MS)
    assert plant.admin.get("/auth/me").json()["roles"] == ["ADMIN"]


def test_users_page_deleted_person_is_gone_and_markup_in_names_is_text_item_3(page: Page, plant: Stack):
    make_person(plant, HOSTILE)
    open_page(page, plant, "/users/")
    expect(row(page, HOSTILE).get_by_test_id("open-user")).to_have_text(HOSTILE)
    dialog = open_person(page, HOSTILE)
    expect(dialog.get_by_role("heading", name=HOSTILE)).to_be_visible()
    dialog.get_by_test_id("delete-user").click()
    expect(page.get_by_role("dialog")).to_contain_text(f"Delete {HOSTILE}?")
    assert page.locator("main b, [role=dialog] b").count() == 0
    expect(page.get_by_test_id("what-happens")).to_contain_text("The name is free again")
    page.get_by_test_id("confirm").click()
    expect(page.get_by_test_id("effect-sessions")).to_have_attribute("data-done", "true", timeout=SOON_MS)
    page.get_by_test_id("done").click()
    expect(row(page, HOSTILE)).to_have_count(0)


@pytest.mark.parametrize("username", ["olga", "vera"])
def test_users_page_is_closed_to_operators_and_viewers_and_not_offered_item_3(page: Page, plant: Stack, username: str):
    open_page(page, plant, "/users/?tab=explain", username)
    expect(page.get_by_test_id("forbidden")).to_contain_text("MANAGE_USERS")
    expect(page.get_by_role("navigation", name="Pages").get_by_role("link", name="Users")).to_have_count(0)
    assert page.get_by_test_id("user-row").count() == 0


def test_users_page_who_manages_users_only_is_offered_that_only_item_3(page: Page, plant: Stack):
    permissions = ["MANAGE_USERS", "VIEW_DASHBOARD"]
    assert plant.admin.post("/roles", json={"name": "PERSONNEL", "permissions": permissions}).is_success
    make_person(plant, "uma", "PERSONNEL")
    open_page(page, plant, "/users/?tab=explain", "uma")
    expect(row(page, "vera")).to_be_visible()
    expect(page.get_by_test_id("tab-explain")).to_have_count(0)
    dialog = open_person(page, "vera")
    expect(dialog.get_by_test_id("explain-user")).to_have_count(0)
    dialog.get_by_test_id("role-OPERATOR").click()
    dialog.get_by_test_id("save-user").click()
    expect(dialog.get_by_role("alert")).to_contain_text("Nobody grants what they do not hold.", timeout=SOON_MS)
    page.keyboard.press("Escape")
    page.get_by_test_id("tab-roles").click()
    expect(page.locator('[data-testid=role-row][data-key="PERSONNEL"]')).to_contain_text("MANAGE_USERS")
    expect(page.get_by_test_id("new-role")).to_have_count(0)
    expect(page.get_by_test_id("open-role")).to_have_count(0)
    page.get_by_test_id("tab-permissions").click()
    expect(page.get_by_test_id("permission-row").first).to_be_visible()
    expect(page.get_by_test_id("new-permission")).to_have_count(0)


@pytest.mark.parametrize("scheme", ["dark", "light"])
def test_users_page_is_readable_for_everybody_item_3(page: Page, plant: Stack, scheme: str, tmp_path):
    page.emulate_media(color_scheme=scheme)
    open_page(page, plant, "/users/")
    expect(row(page, "olga")).to_be_visible()
    assert serious_faults(page) == []
    assert picture(page, tmp_path / "users.png").stat().st_size > 10_000
    page.get_by_test_id("new-user").click()
    page.get_by_test_id("first-password").fill("short")
    page.get_by_test_id("new-username").fill("x")
    page.get_by_test_id("create-user").click()
    expect(page.get_by_test_id("field-error")).to_be_visible()
    assert serious_faults(page) == []
    page.keyboard.press("Escape")
    dialog = open_person(page, "olga")
    expect(dialog.get_by_test_id("effective-permission").first).to_be_visible()
    assert serious_faults(page) == []
    dialog.get_by_test_id("deactivate-user").click()
    expect(page.get_by_test_id("what-happens")).to_be_visible()
    assert serious_faults(page) == []

"""Sessions end visibly and say why; tabs share one refresh; rights follow while somebody is signed in."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from playwright.sync_api import BrowserContext, Page, Route, expect

from support.accounts import psql
from support.dashboard import PERSON_PASSWORD, make_person, open_page
from support.stack import Stack
from support.waiting import until

LIFE_S = 900
# Moves this tab's clock on, as if it had slept.
SKEW = "const real = Date.now.bind(Date); window.skewMs = 0; Date.now = () => real() + window.skewMs;"


@pytest.fixture
def person(plant: Stack, request: pytest.FixtureRequest) -> dict[str, Any]:
    """A viewer of this test's own."""
    return make_person(plant, f"p-{abs(hash(request.node.name)) % 10**8}", "VIEWER")


def change(stack: Stack, user: dict[str, Any], **fields: Any) -> None:
    """Change a person as the administrator does."""
    found = stack.admin.get(f"/users/{user['id']}")
    answer = stack.admin.patch(f"/users/{user['id']}", json=fields, headers={"if-match": found.headers["etag"]})
    assert answer.is_success, answer.text


def expect_ended(page: Page, because: str) -> None:
    """Wait until the page asks to sign in and says why the session ended."""
    expect(page.get_by_test_id("login-username")).to_be_visible(timeout=10_000)
    expect(page.get_by_test_id("banner")).to_contain_text(because)


def sign_in_again(page: Page, username: str, password: str = PERSON_PASSWORD) -> None:
    page.get_by_test_id("login-username").fill(username)
    page.get_by_test_id("login-password").fill(password)
    page.get_by_test_id("login-submit").click()
    expect(page.get_by_test_id("sign-out")).to_be_visible(timeout=15_000)


def online(page: Page) -> None:
    expect(page.get_by_test_id("connection-indicator")).to_have_attribute("data-state", "online", timeout=15_000)


def test_deactivated_person_is_told_and_comes_back_to_the_same_page_item_5(
    page: Page, plant: Stack, person: dict[str, Any]
) -> None:
    open_page(page, plant, "/devices/?from=here", person["username"])
    online(page)
    change(plant, person, is_active=False)
    expect_ended(page, "This account was deactivated")
    assert page.get_by_role("table").count() == 0, "nothing of it stays on the screen"
    change(plant, person, is_active=True)
    sign_in_again(page, person["username"])
    assert page.url == f"{plant.address}/devices/?from=here"


def test_password_changed_elsewhere_ends_the_session_with_a_word_item_5(
    page: Page, plant: Stack, person: dict[str, Any]
) -> None:
    open_page(page, plant, "/live/", person["username"])
    online(page)
    elsewhere = plant.client(person["username"], PERSON_PASSWORD)
    changed = elsewhere.post("/auth/password", json={"current": PERSON_PASSWORD, "new": "another-otter-swims-7"})
    elsewhere.close()
    assert changed.is_success, changed.text
    expect_ended(page, "password of this account was changed")
    sign_in_again(page, person["username"], "another-otter-swims-7")
    online(page)


def test_sign_out_in_the_other_tab_ends_this_one_item_5(
    page: Page, context: BrowserContext, plant: Stack, person: dict[str, Any]
) -> None:
    open_page(page, plant, "/live/", person["username"])
    other = context.new_page()
    other.goto(plant.address + "/devices/")
    expect(other.get_by_test_id("sign-out")).to_be_visible(timeout=15_000)
    other.get_by_test_id("sign-out").click()
    expect_ended(page, "You signed out in another tab")
    expect(other.get_by_test_id("login-username")).to_be_visible()
    assert other.get_by_test_id("banner").count() == 0, "who signs out needs not be told"
    sign_in_again(other, person["username"])
    expect(page.get_by_test_id("sign-out")).to_be_visible(timeout=15_000)
    assert page.url == f"{plant.address}/live/"


def test_session_that_ran_out_says_so_item_5(page: Page, plant: Stack, person: dict[str, Any]) -> None:
    open_page(page, plant, "/devices/", person["username"])
    online(page)
    psql(
        plant,
        "UPDATE refresh_families SET expires_at = now() - interval '1 minute' WHERE user_id = $1::uuid RETURNING 1",
        person["id"],
    )
    page.reload()
    expect_ended(page, "Your session has run out")
    sign_in_again(page, person["username"])


def test_two_tabs_share_one_refresh_item_6(page: Page, context: BrowserContext, plant: Stack) -> None:
    context.add_init_script(SKEW)
    make_person(plant, "tabs", "ADMIN")
    open_page(page, plant, "/integrations/", "tabs")
    other = context.new_page()
    other.goto(plant.address + "/integrations/")
    tabs = (page, other)
    for tab in tabs:
        expect(tab.get_by_test_id("integration-new")).to_be_visible(timeout=15_000)
        online(tab)
    refreshes: list[str] = []
    held: list[Route] = []
    answers: list[tuple[int, str]] = []
    context.on("response", lambda got: answers.append((got.status, got.url)) if "/integrations" in got.url else None)

    def hold(route: Route) -> None:
        refreshes.append(route.request.url)
        held.append(route)

    context.route("**/auth/refresh", hold)
    for tab in tabs:
        tab.evaluate(f"window.skewMs = {LIFE_S * 1000}")
        # Comes back from behind another window: its list is read anew, and needs a token for that.
        tab.evaluate("dispatchEvent(new Event('visibilitychange'))")
    until(lambda: (page.title(), held)[1], within_s=15, what="a tab asks for a refresh")
    before = len([one for one in answers if one[0] == 200])
    held[0].continue_()
    until(
        lambda: (other.title(), len([one for one in answers if one[0] == 200]) >= before + 2)[1],
        within_s=15,
        what="both tabs have read their list with the new token",
    )
    assert len(refreshes) == 1
    assert all(status == 200 for status, _ in answers)
    for tab in tabs:
        assert tab.get_by_test_id("sign-out").count() == 1


def test_role_taken_away_while_signed_in_is_followed_and_told_item_5(page: Page, plant: Stack) -> None:
    role = plant.admin.post("/roles", json={"name": "AUDITOR", "permissions": ["VIEW_LOGS"]})
    assert role.is_success, role.text
    user = make_person(plant, "mona", "VIEWER", "AUDITOR")
    open_page(page, plant, "/live/", "mona")
    online(page)
    expect(page.get_by_test_id("tile").first).to_be_visible(timeout=15_000)
    change(plant, user, roles=["AUDITOR"])
    expect(page.get_by_test_id("forbidden")).to_contain_text("VIEW_DASHBOARD", timeout=15_000)
    told = page.locator("[data-trouble=rights]")
    expect(told).to_contain_text("No longer yours: DESKTOP_LOGIN, VIEW_DASHBOARD;")
    expect(told).not_to_contain_text("VIEW_LOGS")
    assert page.get_by_test_id("tile").count() == 0
    links = page.get_by_role("navigation").get_by_role("link")
    expect(links).to_have_text(["Logs"])
    assert page.locator("[data-testid=banner]:not([data-trouble=rights])").count() == 0
    page.get_by_test_id("rights-noted").click()
    expect(told).to_have_count(0)
    # Given back: the next refresh shows it, at the latest that of a reload.
    change(plant, user, roles=["AUDITOR", "VIEWER"])
    page.reload()
    expect(page.get_by_test_id("tile").first).to_be_visible(timeout=15_000)
    online(page)


def test_signing_out_while_the_server_is_away_is_told_and_made_good_item_5(
    page: Page, plant: Stack, person: dict[str, Any]
) -> None:
    open_page(page, plant, "/live/", person["username"])
    page.route("**/auth/logout", lambda route: route.abort())
    page.get_by_test_id("sign-out").click()
    expect(page.get_by_test_id("banner")).to_contain_text("the server could not be told yet", timeout=10_000)
    page.unroute("**/auth/logout")
    expect(page.get_by_test_id("banner")).to_have_count(0, timeout=10_000)
    cookies = {one["name"]: one["value"] for one in page.context.cookies()}
    refused = httpx.post(f"{plant.address}/api/v1/auth/refresh", cookies=cookies, timeout=10)
    assert refused.status_code == 401
    page.reload()
    expect(page.get_by_test_id("login-username")).to_be_visible(timeout=10_000)

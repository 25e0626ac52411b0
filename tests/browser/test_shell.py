"""The frame of every page: the permanent indicator, banners, navigation by role, account, keyboard, widths, axe."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import BrowserContext, Locator, Page, expect

from support.dashboard import PERSON_PASSWORD, connection_state, make_person, open_page, serious_faults, sign_in
from support.link_proxy import LinkProxy
from support.stack import Stack, running_stack
from support.waiting import until

AMBER = "Offline \u2013 Syncing"
PAGES = ("Dashboard", "Devices", "Users", "Settings", "Logs", "Integrations")
TITLES = {
    "/live/": "Dashboard",
    "/devices/": "Devices",
    "/users/": "Users",
    "/settings/": "Settings",
    "/logs/": "Logs",
    "/integrations/": "Integrations",
    "/no-such-page/": "No such page",
}


@pytest.fixture(scope="module")
def fragile() -> Iterator[Stack]:
    """A system of this file's own, whose programs are stopped and started."""
    with running_stack() as made:
        until(lambda: made.admin.get("/telemetry/latest").json()["items"], within_s=60, what="the first reading")
        yield made


@pytest.fixture(scope="session")
def reader(plant: Stack) -> str:
    """The name of a person who may read logs and nothing else."""
    role = plant.admin.post("/roles", json={"name": "SHIFT_LOG", "permissions": ["VIEW_LOGS"]})
    assert role.is_success, role.text
    make_person(plant, "lars", "SHIFT_LOG")
    return "lars"


def indicator(page: Page) -> Locator:
    return page.get_by_test_id("connection-indicator")


def banner(page: Page, trouble: str) -> Locator:
    return page.locator(f"[data-testid=banner][data-trouble={trouble}]")


def expect_online(page: Page, within_s: float = 15) -> None:
    expect(indicator(page)).to_have_attribute("data-state", "online", timeout=within_s * 1000)


def colour(page: Page, variable: str) -> str:
    """Return what a colour of the theme is, as the browser computes it."""
    script = """name => {
      const probe = document.body.appendChild(document.createElement('i'));
      probe.style.color = `var(${name})`;
      const found = getComputedStyle(probe).color;
      probe.remove();
      return found;
    }"""
    return str(page.evaluate(script, variable))


def dots(page: Page) -> list[str]:
    """Return the colours of the indicator's dots: the broker's and the API's."""
    script = (
        "node => [...node.querySelectorAll('span.size-2.rounded-full')].map(e => getComputedStyle(e).backgroundColor)"
    )
    return list(indicator(page).evaluate(script))


def test_broker_stopped_and_started_indicator_and_banner_follow_within_b5_item_5(page: Page, fragile: Stack) -> None:
    open_page(page, fragile, "/live/")
    expect_online(page)
    green, amber = colour(page, "--ok"), colour(page, "--warn")
    expect(indicator(page)).to_contain_text("Online")
    assert dots(page) == [green, green]
    fragile["broker"].stop()
    try:
        until(lambda: connection_state(page) == "syncing", within_s=2, what="amber within 2 s")
        expect(indicator(page)).to_contain_text(AMBER)
        assert dots(page) == [amber, green], "the API is there all the same"
        expect(banner(page, "broker")).to_contain_text("The broker cannot be reached", timeout=15_000)
        assert "no reading is lost" in banner(page, "broker").inner_text()
        indicator(page).click()
        expect(page.get_by_role("dialog")).to_contain_text("Broker")
        expect(page.get_by_role("dialog")).to_contain_text("since")
        page.keyboard.press("Escape")
    finally:
        fragile["broker"].start()
    expect_online(page, 20)
    expect(banner(page, "broker")).to_have_count(0)
    assert dots(page)[0] == green


def stopped_and_started(stack: Stack, name: str, seen: Callable[[], None], gone: Callable[[], None]) -> None:
    """Stop a program, look, start it again, look again."""
    stack[name].stop()
    try:
        seen()
    finally:
        stack[name].start()
    gone()


def test_api_stopped_banner_stands_and_goes_while_live_values_move_item_5(page: Page, fragile: Stack) -> None:
    open_page(page, fragile, "/live/")
    expect_online(page)
    tile = page.locator('[data-testid=tile][data-metric="system/uptime_s"]').first
    expect(tile).to_be_visible(timeout=15_000)

    def seen() -> None:
        expect(indicator(page)).to_have_attribute("data-api", "unreachable", timeout=15_000)
        expect(banner(page, "api")).to_be_visible(timeout=15_000)
        assert dots(page) == [colour(page, "--ok"), colour(page, "--down")]
        before = tile.get_attribute("data-value")
        until(lambda: tile.get_attribute("data-value") != before, within_s=10, what="live values go on")
        assert banner(page, "api").count() == 1, "it stands until its cause is gone"

    def gone() -> None:
        expect(banner(page, "api")).to_have_count(0, timeout=30_000)
        expect(indicator(page)).to_have_attribute("data-api", "ok")

    stopped_and_started(fragile, "auth-api", seen, gone)


def test_archive_and_database_gone_each_has_its_banner_item_5(page: Page, fragile: Stack) -> None:
    open_page(page, fragile, "/devices/")
    expect_online(page)
    for program, trouble, words in (
        ("ingest", "ingest", "Readings are not being archived"),
        ("postgres", "database", "The database does not answer"),
    ):
        stopped_and_started(
            fragile,
            program,
            lambda trouble=trouble, words=words: expect(banner(page, trouble)).to_contain_text(words, timeout=25_000),
            lambda trouble=trouble: expect(banner(page, trouble)).to_have_count(0, timeout=30_000),
        )


def test_browser_without_network_is_told_so_item_5(page: Page, context: BrowserContext, fragile: Stack) -> None:
    open_page(page, fragile, "/live/")
    expect_online(page)
    context.set_offline(True)
    fragile["broker"].stop()
    try:
        expect(banner(page, "browser")).to_contain_text("This browser has no network", timeout=10_000)
        assert banner(page, "broker").count() == 0, "one cause, one banner"
    finally:
        context.set_offline(False)
        fragile["broker"].start()
    expect_online(page, 20)
    expect(banner(page, "browser")).to_have_count(0)


def test_clock_that_is_far_off_is_told_item_5(page: Page, plant: Stack) -> None:
    page.add_init_script("const real = Date.now.bind(Date); Date.now = () => real() + 3_600_000;")
    open_page(page, plant, "/live/")
    expect(banner(page, "clock")).to_contain_text("clock is 60 min fast", timeout=15_000)
    expect_online(page)


@pytest.mark.parametrize(
    ("username", "offered"),
    [("admin", PAGES), ("olga", ("Dashboard", "Devices")), ("vera", ("Dashboard", "Devices"))],
)
def test_each_role_sees_the_pages_that_are_open_to_it_item_5(
    page: Page, plant: Stack, username: str, offered: tuple[str, ...]
) -> None:
    open_page(page, plant, "/", username)
    links = page.get_by_role("navigation").get_by_role("link")
    expect(links).to_have_text(list(offered))
    page.wait_for_url("**/live/")
    expect(page.locator("[aria-current=page]")).to_have_text("Dashboard")
    for path, title in TITLES.items():
        if title not in offered and title != "No such page":
            page.goto(plant.address + path)
            expect(page.get_by_test_id("forbidden")).to_be_visible(timeout=15_000)


def test_person_without_live_data_starts_where_they_may_and_sees_no_alarm_item_5(
    page: Page, plant: Stack, reader: str
) -> None:
    open_page(page, plant, "/", reader)
    page.wait_for_url("**/logs/")
    expect(page.get_by_role("navigation").get_by_role("link")).to_have_text(["Logs"])
    expect(indicator(page)).to_contain_text("No live data")
    expect(indicator(page)).to_have_attribute("data-api", "ok")
    page.goto(plant.address + "/live/")
    expect(page.get_by_test_id("forbidden")).to_contain_text("VIEW_DASHBOARD", timeout=15_000)
    assert page.get_by_test_id("banner").count() == 0
    assert colour(page, "--down") not in dots(page)


def test_own_password_is_changed_from_the_account_menu_item_5(page: Page, plant: Stack) -> None:
    make_person(plant, "paula", "VIEWER")
    with contextlib.closing(plant.client("paula", PERSON_PASSWORD)) as elsewhere:
        open_page(page, plant, "/live/", "paula")
        expect_online(page)
        page.get_by_test_id("person-menu").click()
        page.get_by_test_id("change-password").click()
        for current, new, repeat, words in (
            ("not-the-password", "a-new-otter-swims-9", "a-new-otter-swims-9", "present password is wrong"),
            (PERSON_PASSWORD, "a-new-otter-swims-9", "something-else-88", "not the same"),
        ):
            fill_passwords(page, current, new, repeat)
            expect(page.get_by_role("alert").filter(has_text=words)).to_be_visible(timeout=10_000)
        fill_passwords(page, PERSON_PASSWORD, "a-new-otter-swims-9", "a-new-otter-swims-9")
        page.get_by_test_id("password-done").click(timeout=10_000)
        expect(page.get_by_test_id("person-menu")).to_be_focused()
        assert elsewhere.get("/auth/me").status_code == 401, "other sessions have ended"
        expect_online(page)
        page.get_by_test_id("person-menu").click()
        page.get_by_test_id("menu-sign-out").click()
        sign_in(page, plant, "paula", "a-new-otter-swims-9")
        expect(page.get_by_test_id("sign-out")).to_be_visible(timeout=15_000)


def fill_passwords(page: Page, current: str, new: str, repeat: str) -> None:
    for field, text in (("current-password", current), ("new-password", new), ("new-password-repeat", repeat)):
        page.get_by_test_id(field).fill(text)
    page.get_by_test_id("password-submit").click()


def test_appearance_follows_the_system_until_somebody_chooses_item_7(page: Page, plant: Stack) -> None:
    open_page(page, plant, "/devices/")
    shown = page.locator("html")
    expect(shown).to_have_attribute("data-theme", "dark")
    page.emulate_media(color_scheme="light")
    expect(shown).to_have_attribute("data-theme", "light")
    page.get_by_test_id("person-menu").click()
    page.get_by_role("radio", name="Dark").click()
    expect(shown).to_have_attribute("data-theme", "dark")
    page.reload()
    expect(shown).to_have_attribute("data-theme", "dark")


def test_keyboard_alone_signs_in_moves_and_signs_out_item_7(page: Page, plant: Stack) -> None:
    page.goto(plant.address + "/live/")
    expect(page.get_by_test_id("login-username")).to_be_visible(timeout=15_000)
    focus_by_tab(page, page.get_by_test_id("login-username"))
    page.keyboard.type("vera")
    page.keyboard.press("Tab")
    page.keyboard.type(PERSON_PASSWORD)
    page.keyboard.press("Enter")
    expect(page.get_by_test_id("sign-out")).to_be_visible(timeout=15_000)
    page.evaluate("document.activeElement.blur()")
    page.keyboard.press("Tab")
    skip = page.get_by_text("Skip to the content")
    expect(skip).to_be_focused()
    expect(skip).to_be_in_viewport()
    page.keyboard.press("Enter")
    expect(page.locator("#content")).to_be_focused()
    page.evaluate("document.activeElement.blur()")
    devices = page.get_by_role("navigation").get_by_role("link", name="Devices")
    focus_by_tab(page, devices)
    page.keyboard.press("Enter")
    page.wait_for_url("**/devices/")
    expect(page.locator("[aria-current=page]")).to_have_text("Devices")
    focus_by_tab(page, indicator(page))
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog")).to_contain_text("API")
    page.keyboard.press("Escape")
    expect(indicator(page)).to_be_focused()
    focus_by_tab(page, page.get_by_test_id("sign-out"))
    page.keyboard.press("Enter")
    expect(page.get_by_test_id("login-username")).to_be_visible()


def focus_by_tab(page: Page, wanted: Locator) -> None:
    """Press Tab until *wanted* has the focus; fail when it never gets it."""
    for _ in range(600):  # each tile of each device that other tests left can have the focus
        page.keyboard.press("Tab")
        if wanted.evaluate("node => node === document.activeElement"):
            return
    raise AssertionError("the keyboard does not reach it")


@pytest.mark.parametrize("width", [390, 640, 768, 1024, 1440, 2560])
def test_frame_fits_at_every_width_item_7(page: Page, plant: Stack, cable: LinkProxy, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 900})
    cable.cut()  # the widest that the indicator ever is: amber, because no connection is let through
    open_page(page, plant, "/integrations/")
    expect(indicator(page)).to_contain_text(AMBER, timeout=15_000)
    links = page.get_by_role("navigation").get_by_role("link").all()
    boxes = [one.bounding_box() for one in [*links, indicator(page), page.get_by_test_id("sign-out")]]
    assert len(boxes) == len(PAGES) + 2
    for at, box in enumerate(boxes):
        assert box is not None
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= width + 0.5
        for other in boxes[at + 1 :]:
            assert other is not None
            apart_x = other["x"] >= box["x"] + box["width"] - 0.5 or box["x"] >= other["x"] + other["width"] - 0.5
            apart_y = other["y"] >= box["y"] + box["height"] - 0.5 or box["y"] >= other["y"] + other["height"] - 0.5
            assert apart_x or apart_y, (box, other)
    label = indicator(page).get_by_text(AMBER)
    assert label.evaluate("node => node.scrollWidth <= node.clientWidth"), "the state is never cut off"
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_every_page_has_its_title_and_an_unknown_one_leads_back_item_5(page: Page, plant: Stack) -> None:
    open_page(page, plant, "/live/")
    for path, title in TITLES.items():
        page.goto(plant.address + path)
        expect(page).to_have_title(f"{title} · PrecisionPulse")
    expect(page.get_by_test_id("not-found")).to_contain_text("There is no such page", timeout=15_000)
    page.get_by_role("link", name="Go to the start").click()
    page.wait_for_url("**/live/")


@pytest.mark.parametrize("scheme", ["dark", "light"])
def test_axe_finds_nothing_serious_in_the_frame_item_7(page: Page, plant: Stack, reader: str, scheme: str) -> None:
    page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
    page.goto(plant.address + "/live/")
    expect(page.get_by_test_id("login-username")).to_be_visible(timeout=15_000)
    assert serious_faults(page) == []
    sign_in(page, plant, "admin", "not-the-password", "/no-such-page/")
    expect(page.get_by_role("alert")).to_be_visible(timeout=10_000)
    assert serious_faults(page) == []
    open_page(page, plant, "/no-such-page/", reader)
    expect(page.get_by_test_id("not-found")).to_be_visible()
    assert serious_faults(page) == []
    page.goto(plant.address + "/live/")
    expect(page.get_by_test_id("forbidden")).to_be_visible(timeout=15_000)
    for opened in ("connection-indicator", "person-menu"):
        page.get_by_test_id(opened).click()
        expect(page.get_by_role("dialog")).to_be_visible(timeout=10_000)
        assert serious_faults(page) == []
        page.keyboard.press("Escape")
    page.get_by_test_id("person-menu").click()
    page.get_by_test_id("change-password").click()
    expect(page.get_by_test_id("current-password")).to_be_visible(timeout=10_000)
    assert serious_faults(page) == []

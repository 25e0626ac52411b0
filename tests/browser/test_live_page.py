"""The live page in a real browser against the whole system: sign-in, moving values, faults, exact integers."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from support.dashboard import connection_state, first_reading, sign_in
from support.processes import ROOT
from support.raw_device import RawDevice
from support.stack import Stack, running_stack
from support.waiting import until

LARGEST = 2**63 - 1
MOVING = "system/uptime_s"  # changes every second, whatever the machine does


@pytest.fixture(scope="module")
def stack() -> Iterator[Stack]:
    assert (ROOT / "dashboard" / "out" / "index.html").exists(), "the dashboard is not built: make test builds it"
    with running_stack() as made:
        first_reading(made)
        yield made


def tile_value(page: Page, metric: str = MOVING) -> str | None:
    return page.locator(f'[data-testid=tile][data-metric="{metric}"]').first.get_attribute("data-value")


def changes(page: Page, *, within_s: float, metric: str = MOVING) -> str | None:
    before = tile_value(page, metric)
    until(lambda: tile_value(page, metric) != before, within_s=within_s, what=f"{metric} moves on the screen")
    return tile_value(page, metric)


def test_sign_in_shows_moving_values_and_online(page: Page, stack: Stack):
    sign_in(page, stack)
    expect(page.get_by_test_id("connection-indicator").first).to_have_attribute("data-state", "online", timeout=15_000)
    expect(page.locator(f'[data-testid=tile][data-metric="{MOVING}"]').first).to_be_visible(timeout=15_000)
    for _ in range(3):
        changes(page, within_s=15)
    expect(page.locator("[data-testid=chart] canvas").first).to_be_visible()


def test_wrong_password_says_so_and_opens_nothing(page: Page, stack: Stack):
    sign_in(page, stack, password="not-the-password")
    expect(page.get_by_role("alert").first).to_be_visible(timeout=10_000)
    assert page.get_by_test_id("tile").count() == 0


def test_reload_keeps_the_person_signed_in(page: Page, stack: Stack):
    sign_in(page, stack)
    expect(page.get_by_test_id("tile").first).to_be_visible(timeout=15_000)
    page.reload()
    expect(page.get_by_test_id("tile").first).to_be_visible(timeout=15_000)
    storage = page.evaluate("JSON.stringify([{...localStorage}, {...sessionStorage}])")
    assert "eyJ" not in storage, "no token lies where scripts find it across reloads"


def test_largest_integer_stands_on_the_tile_digit_for_digit(page: Page, stack: Stack):
    device = RawDevice(stack, "exact-1")
    device.enroll()
    device.connect()
    sign_in(page, stack)
    expect(page.get_by_test_id("connection-indicator").first).to_have_attribute("data-state", "online", timeout=15_000)
    device.live(device.reading(1, f'{{"count/total": {LARGEST - 1}}}'))
    device.live(device.reading(2, f'{{"count/total": {LARGEST}}}'))
    until(lambda: device.archived() == [1, 2], within_s=10, what="it is archived")
    tile = page.locator('[data-testid=tile][data-client-id="exact-1"][data-metric="count/total"]')
    expect(tile).to_have_attribute("data-value", str(LARGEST), timeout=10_000)
    digits = "".join(filter(str.isdigit, tile.inner_text()))
    assert str(LARGEST) in digits
    device.close()


def test_worker_killed_values_still_reach_the_browser(page: Page, stack: Stack):
    sign_in(page, stack)
    changes_after_tile(page)
    stack["ingest"].kill9()
    try:
        seen = {changes(page, within_s=15) for _ in range(4)}
        assert len(seen) > 1, "the tile moved while nothing could be archived"
    finally:
        stack["ingest"].start()


def test_broker_restarted_browser_is_back_within_10_s(page: Page, stack: Stack):
    sign_in(page, stack)
    changes_after_tile(page)
    stack["broker"].stop()
    until(lambda: connection_state(page) in {"syncing", "disconnected"}, within_s=2, what="the cut shows within 2 s")
    stack["broker"].start()
    until(lambda: connection_state(page) == "online", within_s=10, what="the browser is back")
    changes(page, within_s=20)  # as soon as the device is back too


def test_broker_away_at_load_shows_what_the_archive_knows(page: Page, stack: Stack):
    stack["broker"].stop()
    try:
        sign_in(page, stack)
        expect(page.locator("[data-testid=device-row]").first).to_be_visible(timeout=15_000)
        expect(page.locator(f'[data-testid=tile][data-metric="{MOVING}"]').first).to_be_visible(timeout=15_000)
        assert connection_state(page) != "online"
    finally:
        stack["broker"].start()
    until(lambda: connection_state(page) == "online", within_s=15, what="the browser is connected")
    changes(page, within_s=15)


def test_signed_out_page_keeps_nothing(page: Page, stack: Stack):
    sign_in(page, stack)
    changes_after_tile(page)
    page.get_by_test_id("sign-out").first.click()
    expect(page.get_by_test_id("login-username")).to_be_visible(timeout=10_000)
    page.reload()
    expect(page.get_by_test_id("login-username")).to_be_visible(timeout=10_000)


@pytest.mark.parametrize("scheme", ["dark", "light"])
def test_picture_of_the_live_page_item_8(page: Page, stack: Stack, scheme: str, tmp_path: Path):
    page.emulate_media(color_scheme=scheme)
    sign_in(page, stack)
    changes_after_tile(page)
    for _ in range(5):  # a few more points for chart and sparklines
        changes(page, within_s=15)
    # `make pictures` keeps them; an ordinary run must not change files of the project.
    file = Path(os.environ.get("PULSE_PICTURES") or tmp_path) / f"live-{scheme}.png"
    page.screenshot(path=file)
    assert file.stat().st_size > 20_000


def changes_after_tile(page: Page) -> None:
    expect(page.locator(f'[data-testid=tile][data-metric="{MOVING}"]').first).to_be_visible(timeout=15_000)
    changes(page, within_s=15)

"""
The ten steps of the demo, played by one test: the dashboard in a real browser, the desktop by its command line.

The steps are those of docs/demo.md, in its order. `make pictures` keeps the recording.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from support.accounts import integrity, repeated_values
from support.dashboard import PERSON_PASSWORD, connection_state, make_person, open_page
from support.desktops import Desktop
from support.recording import Recording
from support.stack import Stack, running_stack

DEVICE = "DESKTOP-001"
SPEED = "motor/speed_rpm"


@pytest.fixture
def stack() -> Iterator[Stack]:
    with running_stack("postgres", "broker", "auth-api", "ingest") as made:
        make_person(made, "olga", "OPERATOR")
        yield made


@pytest.fixture
def desktop(stack: Stack) -> Iterator[Desktop]:
    made = Desktop(stack, DEVICE).enroll()
    yield made
    made.close()


def tile(page: Page) -> Locator:
    return page.locator(f'[data-testid=tile][data-client-id="{DEVICE}"][data-metric="{SPEED}"]').first


def moves(page: Page, recording: Recording, within_s: float) -> None:
    before = tile(page).get_attribute("data-value")
    recording.until(lambda: tile(page).get_attribute("data-value") != before, within_s=within_s, what=f"{SPEED} moves")


def device_state(page: Page) -> str | None:
    return page.locator(f'[data-testid=device-row][data-client-id="{DEVICE}"]').first.get_attribute("data-status")


def test_demo_plays_its_ten_steps_item_8(page: Page, stack: Stack, desktop: Desktop, tmp_path: Path):
    # 1. Sign in on the web.
    page.goto(stack.address)
    recording = Recording(page)
    open_page(page, stack, "/live/")
    recording.until(lambda: connection_state(page) == "online", within_s=15, what="the browser is connected")

    # 2. Sign in on the desktop.
    assert desktop.can_login("olga", PERSON_PASSWORD)
    assert "olga" in desktop.does("whoami")

    # 3. Start telemetry. 4. The dashboard is live.
    desktop.start()
    expect(tile(page)).to_be_visible(timeout=20_000)
    moves(page, recording, within_s=10)

    # 5. Disconnect. 6. The indicators say offline, and the desktop goes on recording.
    desktop.cut()
    recording.until(lambda: device_state(page) == "OFFLINE", within_s=20, what="the dashboard shows the device offline")
    recording.until(
        lambda: desktop.reads("status")["state"] != "CONNECTED",
        within_s=20,
        what="the desktop shows that it is cut off",
    )
    recording.until(lambda: desktop.reads("status")["pending"] >= 15, within_s=40, what="readings wait in the buffer")

    # 7. Reconnect. 8. The buffered data flushes: all of it, once.
    desktop.mend()
    recording.until(lambda: device_state(page) == "ONLINE", within_s=60, what="the device is online again")
    moves(page, recording, within_s=10)
    recording.until(lambda: all_archived(stack), within_s=30, what="every reading of the gap is in the archive")

    # 9. Change a setting on the web. 10. The desktop follows at once, without a restart.
    process = desktop.reads("status")["process"]
    set_sampling_interval(page, "0.2")
    started = time.monotonic()
    recording.until(
        lambda: heartbeat(stack)["sampling_interval_s"] == 0.2, within_s=10, what="the desktop samples faster"
    )
    assert time.monotonic() - started < 10
    assert desktop.reads("status")["process"] == process
    page.get_by_role("link", name="Dashboard", exact=True).click()
    moves(page, recording, within_s=10)
    for _ in range(5):
        moves(page, recording, within_s=5)

    file = Path(os.environ.get("PULSE_PICTURES") or tmp_path) / "demo.webp"
    assert recording.save(file) > 20
    assert file.stat().st_size > 100_000


def heartbeat(stack: Stack) -> dict:
    return stack.admin.get(f"/devices/{DEVICE}").json()["heartbeat"]


def all_archived(stack: Stack) -> bool:
    """Say whether the buffer is empty again; nothing is lost, and no value stands in the archive twice.

    What was on its way when the line was cut comes again and is counted under ``duplicates``: no fault.
    """
    account = integrity(stack, DEVICE)
    assert (account["missing"], account["declared_lost"], account["rejected"]) == (0, 0, 0), account
    assert repeated_values(stack) == 0
    return account["archived"] >= 15 and account["on_device"] <= 2


def set_sampling_interval(page: Page, seconds: str) -> None:
    page.get_by_role("link", name="Settings").click()
    page.get_by_test_id("settings-scope").select_option(DEVICE)
    page.get_by_role("button", name="Edit Sampling interval").click()
    page.get_by_test_id("setting-value").fill(seconds)
    page.get_by_test_id("save-setting").click()

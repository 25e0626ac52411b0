"""The panels of the live page (item 1): tiles pinned, stale and replayed, offline buffers, recent log, connection."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from support.dashboard import connection_state, open_page, serious_faults
from support.raw_device import RawDevice
from support.stack import Stack
from support.waiting import until

LARGEST = 2**63 - 1
INTERVAL_S = 2  # of heartbeats and of samples, as the devices made by hand here say
PATIENT = {"heartbeat_interval_s": 10}  # for steps in which silence must not count as a loss


class Beating:
    """A device made by hand that says how it is; ``number`` is that of its newest reading."""

    def __init__(self, stack: Stack, client_id: str) -> None:
        self.raw = RawDevice(stack, client_id)
        self.raw.enroll()
        self.raw.connect()
        self.client_id, self.number = self.raw.client_id, 0

    def send(self, metrics: str = '{"load_pct": 88}') -> None:
        self.number += 1
        self.raw.live(self.raw.reading(self.number, metrics))

    def beat(self, status: str = "ONLINE", **figures: Any) -> None:
        """Publish a heartbeat with *figures*; without other words nothing waits."""
        now = time.time()
        beat = {
            "client_id": self.client_id,
            "status": status,
            "timestamp": time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(now)) + f".{int(now % 1 * 1000):03d}Z",
            "stream": self.raw.stream,
            "last_sequence_no": self.number,
            "held": [],
            "pending": 0,
            "unarchived": 0,
            "quarantined": 0,
            "sampling_interval_s": INTERVAL_S,
            "heartbeat_interval_s": INTERVAL_S,
        }
        self.raw.publish(f"heartbeat/{self.client_id}", json.dumps(beat | figures).encode(), retain=True)

    def will(self) -> None:
        """Say what the broker says for a device whose connection has broken."""
        gone = {"client_id": self.client_id, "status": "OFFLINE"}
        self.raw.publish(f"heartbeat/{self.client_id}", json.dumps(gone).encode(), retain=True)

    def end(self) -> None:
        self.raw.close()
        self.raw.stack.admin.delete(f"/devices/{self.client_id}")


@pytest.fixture
def device(plant: Stack, request: pytest.FixtureRequest) -> Iterator[Beating]:
    made = Beating(plant, re.sub(r"[^a-z]+", "-", request.node.name)[10:50].strip("-"))
    yield made
    made.end()


def open_live(page: Page, stack: Stack, username: str = "admin") -> None:
    open_page(page, stack, "/live/", username)
    until(lambda: connection_state(page) == "online", within_s=15, what="the browser is online")


def tile(page: Page, device: Beating, metric: str = "load_pct") -> Locator:
    return page.locator(f'[data-testid=tile][data-client-id="{device.client_id}"][data-metric="{metric}"]')


def lines(page: Page, kind: str, client_id: str = "") -> Locator:
    """Return lines of the recent log, of one kind."""
    return page.locator(f'[data-testid=log-line][data-kind="{kind}"][data-client-id="{client_id}"]')


def choose_log(page: Page, *, device: str = "", kind: str = "") -> None:
    page.get_by_test_id("log-device").select_option(device)
    page.get_by_test_id("log-kind").select_option(kind)


def test_live_page_pinned_tile_stands_first_and_survives_a_reload_item_1(page: Page, plant: Stack, device: Beating):
    open_live(page, plant)
    device.beat()
    device.send(f'{{"count/total": {LARGEST}, "load_pct": 88}}')
    page.get_by_role("button", name=f"Pin count/total of {device.client_id}").click()
    pinned = page.get_by_test_id("pinned-tiles")
    expect(pinned.get_by_test_id("tile")).to_have_attribute("data-value", str(LARGEST))
    expect(tile(page, device, "count/total")).to_have_count(1)
    expect(page.get_by_test_id("device-tiles").get_by_test_id("tile").first).to_be_visible()
    page.reload()
    expect(pinned.get_by_test_id("tile")).to_have_attribute("data-metric", "count/total", timeout=15_000)
    digits = "".join(filter(str.isdigit, pinned.get_by_test_id("tile").inner_text()))
    assert str(LARGEST) in digits, "every digit stands on the pinned tile"
    first = page.get_by_test_id("tile").first
    expect(first).to_have_attribute("data-pinned", "true")

    page.get_by_test_id("filter").fill("load_pct")
    expect(pinned).to_have_count(0)
    page.get_by_test_id("filter").fill(f"{device.client_id} total")
    expect(page.get_by_test_id("tile")).to_have_count(1)
    page.get_by_test_id("filter").fill("no such thing")
    expect(page.get_by_test_id("tile")).to_have_count(0)
    page.get_by_test_id("filter").press("Escape")
    page.get_by_role("button", name=f"Pin count/total of {device.client_id}").click()
    expect(pinned).to_have_count(0)
    expect(tile(page, device, "count/total")).to_have_count(1)


def test_live_page_stale_and_replayed_values_are_marked_with_a_word_item_1(page: Page, plant: Stack, device: Beating):
    open_live(page, plant)
    page.get_by_test_id("filter").fill(device.client_id)
    device.beat()
    device.send()
    shown = tile(page, device)
    expect(shown).to_have_text(re.compile("88.*"))
    expect(shown).not_to_have_text(re.compile("stale|replayed|last known"))
    expect(shown).to_have_text(re.compile(r"stale \d+ s"), timeout=10_000)

    device.number += 5
    device.beat("SYNCING", pending=5, latest={"load_pct": 93}, **PATIENT)
    expect(shown).to_have_attribute("data-value", "93")
    expect(shown).to_have_text(re.compile("replayed"))
    device.send('{"load_pct": 94}')
    expect(shown).not_to_have_text(re.compile("stale|replayed|last known"))
    device.will()
    expect(shown).to_have_text(re.compile("stale"), timeout=5_000)
    expect(page.get_by_test_id("device-tiles")).to_contain_text("Offline")


def test_live_page_device_goes_offline_and_flushes_in_buffer_panel_and_log_item_1(
    page: Page, plant: Stack, device: Beating
):
    open_live(page, plant)
    choose_log(page, device=device.client_id, kind="connection")
    row = page.locator(f'[data-testid=buffer-row][data-client-id="{device.client_id}"]')
    log = lines(page, "connection", device.client_id)
    device.beat()
    expect(log).to_have_count(1)
    expect(log.first).to_contain_text("connected")
    expect(row).to_have_count(0)

    device.will()
    expect(log.first).to_contain_text("lost")
    expect(row).to_contain_text("estimate", timeout=10_000)
    expect(row).to_contain_text("≈")

    def sample(first: int) -> list[dict[str, Any]]:
        return [{"sequence_no": first + i, "metrics": {"load_pct": 88 + i}} for i in range(20)]

    device.number = 1_000
    device.beat("SYNCING", pending=800, pending_sample=sample(45), buffer_used_pct=83.0, quarantined=2, **PATIENT)
    expect(row).to_contain_text("800 waiting")
    expect(row).not_to_contain_text("estimate")
    pending = row.get_by_test_id("pending-row")
    expect(pending.first).to_have_text(re.compile(r"^ID 45\s*\|\s*Value 88\s*%\s*\|\s*Pending$"))
    expect(row).to_contain_text("83 % full")
    expect(row).to_contain_text("2 set aside")
    assert serious_faults(page) == []

    left = 800
    for first in (245, 445, 645):
        left -= 200
        device.beat("SYNCING", pending=left, pending_sample=sample(first), **PATIENT)
        expect(row).to_contain_text(f"{left} waiting")
    expect(row.get_by_test_id("buffer-progress")).to_have_attribute("aria-valuenow", "75")

    def told() -> bool:
        device.beat("SYNCING", pending=left, pending_sample=sample(645), **PATIENT)
        return re.search(r"\d+/s, about \d+ s left", row.inner_text()) is not None

    until(told, within_s=10, every_s=0.5, what="a rate, once heartbeats have told enough")
    expect(pending.first).to_contain_text("ID 645")
    device.number += 3
    device.beat(**PATIENT)
    expect(row).to_have_count(0)
    expect(log.first).to_contain_text("flushed 803")
    expect(log.nth(1)).to_contain_text("flushing 800 readings")
    expect(log.nth(2)).to_contain_text("lost")
    # Silence is a loss too: no will has to come.
    device.beat()
    expect(log.first).to_contain_text("lost no heartbeat for", timeout=10_000)


def test_live_page_log_is_filtered_held_while_in_it_and_shows_commands_and_rejects_item_1(
    page: Page, plant: Stack, device: Beating
):
    open_live(page, plant)
    device.beat()
    device.send()
    others = page.locator(f'[data-testid=log-line]:not([data-client-id="{device.client_id}"])')
    expect(others.first).to_be_visible(timeout=10_000)
    choose_log(page, device=device.client_id)
    expect(lines(page, "sent", device.client_id).first).to_contain_text("sent 88 % load_pct")
    expect(others).to_have_count(0)

    area = page.get_by_test_id("log-lines")
    area.focus()
    expect(page.get_by_test_id("recent-log")).to_contain_text("paused")
    before = area.get_by_test_id("log-line").count()
    device.will()
    expect(page.get_by_test_id("recent-log")).to_contain_text("newer", timeout=10_000)
    assert area.get_by_test_id("log-line").count() == before, "what is being read stands still"
    page.get_by_test_id("filter").focus()
    expect(area).to_contain_text("lost")

    command = {"command": "FORCE_SYNC", "args": {}, "expires_in_s": 60}
    given = plant.admin.post(f"/devices/{device.client_id}/commands", json=command)
    assert given.is_success, given.text
    command_id = given.json()["command_id"]
    result = {
        "command_id": command_id,
        "command": "FORCE_SYNC",
        "status": "FAILED",
        "message": "<b>no</b>",
        "at": now(),
    }
    device.raw.publish(f"command/{device.client_id}/result", json.dumps(result).encode())
    device.raw.live(b'{"client_id": "somebody-else"}')
    choose_log(page, device=device.client_id, kind="command")
    expect(area.get_by_test_id("log-line").first).to_contain_text("FORCE_SYNC failed <b>no</b>")
    # The API's log is asked for every 15 s.
    expect(area).to_contain_text("FORCE_SYNC given by admin", timeout=25_000)
    expect(area.get_by_test_id("log-line")).to_have_count(2)
    choose_log(page, kind="rejected")
    expect(area.get_by_test_id("log-line").first).to_contain_text("rejected", timeout=25_000)
    choose_log(page, kind="sign-in")
    expect(area).to_contain_text("signed in admin")
    assert page.get_by_test_id("ignored-messages").inner_text() != "0", "a payload that breaks the contract is counted"
    rate = page.get_by_test_id("message-rate")
    until(lambda: float(rate.get_attribute("data-per-second") or 0) > 0, within_s=10, what="messages are counted")


def now() -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime())


def test_live_page_viewer_hears_results_but_no_audit_item_5(page: Page, plant: Stack, device: Beating):
    refused: list[str] = []
    page.on("response", lambda answer: refused.append(answer.url) if answer.status == 403 else None)
    open_live(page, plant, "vera")
    device.beat()
    kinds = page.get_by_test_id("log-kind").locator("option").all_inner_texts()
    assert "Sign-ins" not in kinds
    assert "Rejected" not in kinds
    command = {"command": "RELOAD", "args": {}, "expires_in_s": 60}
    given = plant.admin.post(f"/devices/{device.client_id}/commands", json=command)
    result = {
        "command_id": given.json()["command_id"],
        "command": "RELOAD",
        "status": "DONE",
        "message": "",
        "at": now(),
    }
    device.raw.publish(f"command/{device.client_id}/result", json.dumps(result).encode())
    log = lines(page, "command", device.client_id)
    expect(log.first).to_contain_text("RELOAD done")
    assert page.get_by_text("given by").count() == 0
    assert [url for url in refused if "/logs/" in url] == [], "what a person may not read is not asked for"


@pytest.mark.parametrize("scheme", ["dark", "light"])
def test_live_page_has_no_serious_fault_for_screen_readers_item_7(page: Page, plant: Stack, scheme: str):
    page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
    open_live(page, plant)
    expect(page.get_by_test_id("tile").first).to_be_visible(timeout=15_000)
    expect(page.get_by_test_id("log-line").first).to_be_visible(timeout=15_000)
    assert serious_faults(page) == []

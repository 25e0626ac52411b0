"""What must hold on the live page: floods, hidden tabs, sleeping tiles, one refresh for all tabs, hostile payloads."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator

import pytest
from playwright.sync_api import BrowserContext, Locator, Page, Response, Route, expect

from support.dashboard import connection_state, sign_in
from support.raw_device import RawDevice
from support.stack import Stack, running_stack
from support.waiting import until

MOVING = "system/uptime_s"  # of the stack's own device; changes every second
FLOOD = 3_000
NEAR_LEAST = 100  # changes of a tile on the screen that are seen: several a reading
ACCESS_TOKEN_LIFE_MS = 15 * 60_000
HIDDEN_MS = 11_000  # longer than a tab may be hidden and still count as current
# Notes for how long, in ms, a page did nothing at most.
LONGEST_STOP = """() => {
  window.longest = 0;
  let last = performance.now();
  setInterval(() => {
    const now = performance.now();
    window.longest = Math.max(window.longest, now - last);
    last = now;
  }, 16);
}"""
HIDE = """(hidden) => {
  Object.defineProperty(document, "visibilityState", {value: hidden ? "hidden" : "visible", configurable: true});
  Object.defineProperty(document, "hidden", {value: hidden, configurable: true});
  document.dispatchEvent(new Event("visibilitychange"));
}"""


@pytest.fixture
def device(plant: Stack) -> Iterator[RawDevice]:
    made = RawDevice(plant, f"holds-{time.time_ns() % 10**6}")
    made.enroll()
    made.connect()
    yield made
    made.close()


def tile(page: Page, client_id: str, metric: str) -> Locator:
    return page.locator(f'[data-testid=tile][data-client-id="{client_id}"][data-metric="{metric}"]')


def moving(page: Page) -> Locator:
    return page.locator(f'[data-testid=tile][data-metric="{MOVING}"]').first


def online(page: Page, plant: Stack) -> None:
    sign_in(page, plant)
    expect(page.get_by_test_id("connection-indicator").first).to_have_attribute("data-state", "online", timeout=30_000)
    expect(moving(page)).to_be_visible(timeout=30_000)


def test_flood_is_shown_to_its_last_value_and_the_page_stays_alive_live_item_6_case_34(
    page: Page, plant: Stack, device: RawDevice
):
    online(page, plant)
    device.live(device.reading(1, '{"flood": 1}'))
    expect(tile(page, device.client_id, "flood")).to_have_attribute("data-value", "1", timeout=10_000)
    idle = page.context.new_page()  # stops only when the machine has no time for it
    idle.evaluate(LONGEST_STOP)
    page.bring_to_front()
    page.evaluate(LONGEST_STOP)
    for number in range(2, FLOOD + 1):
        device.send(f"telemetry/{device.client_id}/live", device.reading(number, f'{{"flood": {number}}}'))
    expect(tile(page, device.client_id, "flood")).to_have_attribute("data-value", str(FLOOD), timeout=30_000)
    assert connection_state(page) == "online", "the broker has not given the page up"
    assert page.evaluate("longest") < 1_000 + idle.evaluate("longest"), "the page stayed alive"


def test_tab_that_was_hidden_fetches_before_it_shows_anything_as_current_live_item_6_case_35(
    page: Page, plant: Stack, device: RawDevice
):
    page.clock.install()
    online(page, plant)
    device.live(device.reading(1, '{"level": 1}'))
    expect(tile(page, device.client_id, "level")).to_have_attribute("data-value", "1", timeout=10_000)
    moving(page).scroll_into_view_if_needed()
    expect(moving(page)).to_contain_text("now", timeout=10_000)
    page.evaluate(HIDE, True)
    page.clock.fast_forward(HIDDEN_MS)
    held: dict[str, Route] = {}
    for part in ("latest", "devices"):
        page.route(f"**/{part}", lambda route: held.setdefault(route.request.url.rsplit("/", 1)[-1], route))
    page.evaluate(HIDE, False)
    indicator = page.get_by_test_id("connection-indicator").first
    expect(indicator).to_have_attribute("data-state", "syncing")
    until(lambda: page.evaluate("1") and len(held) == 2, within_s=10, what="both are asked for")
    # Live values come in all the while, and still nothing calls itself current.
    before = moving(page).get_attribute("data-value") or ""
    expect(moving(page)).not_to_have_attribute("data-value", before, timeout=10_000)
    assert not re.search(r"\bnow\b", moving(page).inner_text())
    expect(moving(page)).to_contain_text("stale")
    with page.expect_response("**/devices"):
        held.pop("devices").continue_()
    before = moving(page).get_attribute("data-value") or ""
    expect(moving(page)).not_to_have_attribute("data-value", before, timeout=10_000)
    expect(indicator).to_have_attribute("data-state", "syncing")
    held.pop("latest").continue_()
    expect(indicator).to_have_attribute("data-state", "online", timeout=15_000)
    expect(moving(page)).to_contain_text("now", timeout=10_000)


def test_state_and_age_are_on_the_page_and_stale_is_said_live_item_5_case_37(page: Page):
    with running_stack() as stack:
        online(page, stack)
        expect(moving(page)).to_contain_text("now", timeout=10_000)
        stack["device"].stop()
        expect(moving(page)).to_contain_text("stale", timeout=30_000)
        stack["device"].start()
        expect(moving(page)).not_to_contain_text("stale", timeout=30_000)
        stack["broker"].stop()
        until(lambda: connection_state(page) != "online", within_s=2, what="the cut shows")
        expect(moving(page)).to_contain_text("stale", timeout=5_000)


def test_tile_off_the_screen_sleeps_until_it_is_scrolled_to_live_item_6(page: Page, plant: Stack, device: RawDevice):
    metrics = {f"far/{number:03}": 1 for number in range(200)}
    device.live(device.reading(1, json.dumps(metrics)))
    online(page, plant)
    first, last = (tile(page, device.client_id, metric) for metric in ("far/000", "far/199"))
    first.scroll_into_view_if_needed(timeout=30_000)
    expect(first.locator("canvas")).to_be_attached()
    assert last.locator("canvas").count() == 0, "not even its line is there"
    page.evaluate(
        """([near, far]) => {
      window.drawn = {near: 0, far: 0};
      const everything = {subtree: true, attributes: true, characterData: true, childList: true};
      for (const [name, selector] of [["near", near], ["far", far]]) {
        const observer = new MutationObserver((changes) => (window.drawn[name] += changes.length));
        observer.observe(document.querySelector(selector), everything);
      }
    }""",
        [
            f'[data-testid=tile][data-client-id="{device.client_id}"][data-metric="{metric}"]'
            for metric in ("far/000", "far/199")
        ],
    )
    number = 1

    def drawn_near() -> bool:
        nonlocal number
        number += 1
        device.live(device.reading(number, json.dumps({**metrics, "far/000": number, "far/199": number})))
        return page.evaluate("window.drawn.near") >= NEAR_LEAST

    until(drawn_near, within_s=15, what="the tile on the screen is drawn with each reading")
    drawn = page.evaluate("window.drawn")
    assert drawn["far"] <= drawn["near"] / 5, f"at most a look every few seconds: {drawn}"
    last.scroll_into_view_if_needed()
    expect(last).to_have_attribute("data-value", str(number), timeout=5_000)
    expect(last.locator("canvas")).to_be_attached()


# A tab that comes to ask when the other one's refresh is over, and before it has read of it: it asks late, hears later.
# Put in before the tests' clock takes the page's own.
SLOW_TAB = """
  const later = setTimeout.bind(window);
  const listen = BroadcastChannel.prototype.addEventListener;
  BroadcastChannel.prototype.addEventListener = function (type, run) {
    listen.call(this, type, (event) => later(() => run(event), 650));
  };
  window.beSlow = () => {
    const ask = navigator.locks.request.bind(navigator.locks);
    navigator.locks.request = (...given) => new Promise((done) => later(done, 500)).then(() => ask(...given));
  };
"""


@pytest.mark.parametrize("slow", [False, True], ids=["both-at-once", "one-slow"])
def test_two_tabs_share_one_refresh_live_item_6(context: BrowserContext, plant: Stack, slow: bool):
    if slow:
        context.add_init_script(SLOW_TAB)
    context.clock.install()
    first, second = context.new_page(), context.new_page()
    online(first, plant)
    second.goto(plant.address)
    expect(moving(second)).to_be_visible(timeout=30_000)
    if slow:
        second.evaluate("beSlow()")
    asked: list[str] = []
    bearers: dict[Page, str] = {}
    for each in (first, second):
        each.on("request", lambda request: asked.append(request.url))
        each.on("response", lambda response, each=each: note_bearer(response, bearers, each))
    until(lambda: first.evaluate("1") and len(bearers) == 2, within_s=30, what="both tabs call the API")
    old = set(bearers.values())
    context.clock.fast_forward(ACCESS_TOKEN_LIFE_MS)  # both tabs' token has run out
    until(
        lambda: first.evaluate("1") and not old & set(bearers.values()),
        within_s=30,
        what="both tabs have called the API with a new token",
    )
    assert len([url for url in asked if url.endswith("/auth/refresh")]) == 1
    assert len(set(bearers.values())) == 1


def note_bearer(response: Response, bearers: dict[Page, str], page: Page) -> None:
    if response.ok and "/auth/" not in response.url and "authorization" in response.request.headers:
        bearers[page] = response.request.headers["authorization"]


# What is larger than the contract allows does not get past the broker; the page's own bound has unit tests.
HOSTILE = [
    b"",
    b"\x00\xff\xfe",
    b"null",
    b"[]",
    b"<script>window.pwned = 1</script>",
    b"[" * 100_000,
    b'{"client_id": {}}',
    b'{"__proto__": {"polluted": 1}, "constructor": {"prototype": {"polluted": 1}}}',
]
HOSTILE_METRICS = [
    '{"<img src=x onerror=window.pwned=1>": 1}',
    '{"a": 1e999}',
    '{"a": -1e999}',
    '{"a": NaN}',
    '{"a": Infinity}',
    f'{{"a": {2**63}}}',
    f'{{"a": {-(2**63) - 1}}}',
    f'{{"a": {"9" * 5_000}}}',
    '{"a": "1"}',
    '{"a": null}',
    '{"a": [1]}',
    '{"a": {"b": 1}}',
    "{}",
    "[]",
    '"text"',
]
# Within the contract, and still made to break what is careless.
LEGAL = (
    '{"__proto__": 7, "constructor": 1.7976931348623157e308, "hasOwnProperty": true, "toString": -9223372036854775808}'
)


def test_hostile_payloads_are_ignored_counted_and_never_run_live_bad_input(page: Page, plant: Stack, device: RawDevice):
    online(page, plant)
    me = device.client_id
    count = 0
    for topic in (f"telemetry/{me}/live", f"heartbeat/{me}"):
        for payload in HOSTILE:
            device.publish(topic, payload)
            count += 1
    for metrics in HOSTILE_METRICS:
        device.live(device.reading(1, metrics))
        count += 1
    for status in ('"<b>ONLINE</b>"', "1", "null", '["ONLINE"]'):
        device.publish(f"heartbeat/{me}", f'{{"client_id": "{me}", "status": {status}}}'.encode(), retain=True)
    device.publish(f"telemetry/{me}/live", device.reading(1, '{"a": 1}', client_id='"another-device"'))
    device.live(device.reading(2, LEGAL))
    for metric, value in (
        ("__proto__", "7"),
        ("constructor", "1.7976931348623157e+308"),
        ("hasOwnProperty", "true"),
        ("toString", "-9223372036854775808"),
    ):
        expect(tile(page, me, metric)).to_have_attribute("data-value", value, timeout=30_000)
        tile(page, me, metric).click()  # on the chart
    device.live(device.reading(3, LEGAL))
    expect(page.locator("[data-testid=chart] canvas").first).to_be_visible()
    assert tile(page, me, "a").count() == 0
    assert page.evaluate("[window.pwned, {}.polluted]") == [None, None]
    before = moving(page).get_attribute("data-value")
    expect(moving(page)).not_to_have_attribute("data-value", before or "", timeout=10_000)
    ignored = page.get_by_test_id("ignored-messages").first
    expect(ignored).to_be_visible()
    assert int("".join(filter(str.isdigit, ignored.inner_text()))) >= count
    page.reload()  # what is retained comes again at once
    expect(moving(page)).to_be_visible(timeout=30_000)
    assert page.evaluate("[window.pwned, {}.polluted]") == [None, None]

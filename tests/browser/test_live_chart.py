"""The main chart in a real browser: history and live as one line, gaps that are gaps, zoom and pause, exact values."""

from __future__ import annotations

import math
import re
import time
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from playwright.sync_api import Locator, Page, expect

from support.dashboard import AXE, SERIOUS, sign_in
from support.raw_device import RawDevice
from support.stack import Stack
from support.waiting import until

LEVEL, COUNTER, VALVE = "tank/level", "meter/energy", "valve/open"
LARGEST = 2**63 - 1
WHOLE = 0.95  # of the columns of a stretch; the rest are edges


def rfc3339(at: float) -> str:
    return f'"{datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")}"'


class Tank(RawDevice):
    """A device whose reading *n* was taken *n* seconds after ``start``."""

    def __init__(self, stack: Stack, client_id: str) -> None:
        super().__init__(stack, client_id)
        self.start = time.time() - 60

    def metrics(self, number: int) -> str:
        level = 50 + 40 * math.sin(number / 5)
        counted, valve = LARGEST - 100 + number, str(number % 8 < 4).lower()
        return f'{{"{LEVEL}": {level:.3f}, "{COUNTER}": {counted}, "{VALVE}": {valve}}}'

    def measured(self, *numbers: int) -> None:
        """Publish the readings live."""
        for number in numbers:
            self.live(self.reading(number, self.metrics(number), timestamp=rfc3339(self.start + number)))

    def replayed(self, *numbers: int) -> None:
        """Publish the readings as a backlog."""
        readings = ", ".join(
            f'{{"sequence_no": {number}, "timestamp": {rfc3339(self.start + number)},'
            f' "metrics": {self.metrics(number)}}}'
            for number in numbers
        )
        batch = f'{{"client_id": "{self.client_id}", "stream": "{self.stream}", "readings": [{readings}]}}'
        self.publish(f"telemetry/{self.client_id}/buffered", batch.encode())

    def beat(self, status: str, last: int, pending: int = 0) -> None:
        """Publish a heartbeat with what the dashboard reads of it."""
        body = (
            f'{{"client_id": "{self.client_id}", "status": "{status}", "timestamp": {rfc3339(time.time())},'
            f' "stream": "{self.stream}", "last_sequence_no": {last}, "pending": {pending},'
            f' "sampling_interval_s": 1.0, "heartbeat_interval_s": 60.0, "latest": {self.metrics(last)}}}'
        )
        self.publish(f"heartbeat/{self.client_id}", body.encode(), retain=True)


@pytest.fixture
def tank(plant: Stack) -> Iterator[Tank]:
    """A device with a minute of history but for ten seconds, numbers 21 to 30, which it has not sent yet."""
    made = Tank(plant, f"tank-{time.time_ns() % 10**6}")
    made.enroll()
    made.connect()
    made.measured(*range(1, 21), *range(31, 51))
    made.beat("ONLINE", 50)
    until(lambda: len(made.archived()) == 40, within_s=15, what="the history is archived")
    yield made
    made.close()


def tile(page: Page, tank: Tank, metric: str) -> Locator:
    return page.locator(f'[data-testid=tile][data-client-id="{tank.client_id}"][data-metric="{metric}"]')


def entry(page: Page, tank: Tank, metric: str = LEVEL) -> Locator:
    return page.locator(f'[data-testid=legend-entry][data-client-id="{tank.client_id}"][data-metric="{metric}"]')


def show(page: Page, plant: Stack, tank: Tank, *wanted: str) -> None:
    """Sign in and leave only *wanted* on the chart, five minutes wide."""
    sign_in(page, plant)
    choose(page, tank, *wanted)


def choose(page: Page, tank: Tank, *wanted: str) -> None:
    """Leave only *wanted* on the chart, after what the page itself puts there first, five minutes wide."""
    tile(page, tank, LEVEL).wait_for(timeout=30_000)
    expect(page.get_by_test_id("legend-entry").first).to_be_visible(timeout=30_000)
    for _ in range(page.get_by_test_id("legend-entry").count()):
        page.get_by_test_id("legend-entry").first.get_by_role("button", name=re.compile("^Take ")).click()
    for metric in wanted:
        tile(page, tank, metric).click()
    page.get_by_role("radio", name="5 m", exact=True).click()
    expect(page.get_by_text("Loading history")).to_have_count(0, timeout=30_000)


# The share of the columns (device pixels) between two times in which there is the first line's colour.
_LINE = """([from, to]) => {
  const host = document.querySelector("[data-testid=chart]"), canvas = host.querySelector("canvas");
  const over = host.querySelector(".u-over").getBoundingClientRect(), box = canvas.getBoundingClientRect();
  const scale = canvas.width / box.width, start = Number(host.dataset.from), length = Number(host.dataset.to) - start;
  const probe = document.body.appendChild(document.createElement("i"));
  probe.style.color = "var(--series-1)";
  const want = getComputedStyle(probe).color.match(/\\d+/g).map(Number);
  probe.remove();
  const x = (at) => Math.round((over.left - box.left + over.width * (at - start) / length) * scale);
  const left = x(from), width = x(to) - left, top = Math.round((over.top - box.top) * scale);
  const height = Math.round(over.height * scale);
  const data = canvas.getContext("2d").getImageData(left, top, width, height).data;
  let crossed = 0;
  for (let column = 0; column < width; column += 1)
    for (let row = 0; row < height; row += 1) {
      const at = 4 * (row * width + column);
      const near = want.every((each, part) => Math.abs(data[at + part] - each) < 30);
      if (data[at + 3] > 150 && near) { crossed += 1; break; }
    }
  return crossed / width;
}""".replace("\\\\", "\\")


def line_share(page: Page, tank: Tank, first: int, last: int) -> float:
    """Return how much of the stretch from reading *first* to *last* the line runs through on the screen."""
    return page.evaluate(_LINE, [(tank.start + first) * 1_000, (tank.start + last) * 1_000])


def watch_drawing(page: Page) -> None:
    """Note from now on up to when the chart reaches, each time that it is drawn."""
    page.evaluate("""() => {
      window.drawn = [];
      const chart = document.querySelector("[data-testid=chart]");
      const note = () => window.drawn.push(Number(chart.dataset.to));
      new MutationObserver(note).observe(chart, {attributes: true, attributeFilter: ["data-to"]});
    }""")


def drawn(page: Page) -> list[float]:
    return page.evaluate("window.drawn")


def expect_newest(page: Page, tank: Tank, number: int) -> None:
    """Wait until the legend shows the level of the reading."""
    value = tank.metrics(number).split()[1].rstrip(",")
    expect(entry(page, tank).get_by_test_id("legend-value")).to_have_attribute("data-value", value, timeout=5_000)


def expect_standing(page: Page, tank: Tank, *numbers: int) -> None:
    """Publish the readings and see that the chart, which is drawn with them, stays where it is."""
    watch_drawing(page)
    before = 0
    for number in numbers:
        tank.measured(number)
        expect_newest(page, tank, number)
        until(lambda before=before: len(drawn(page)) > before, within_s=5, what="the chart is drawn with it")
        before = len(drawn(page))
    assert len(set(drawn(page))) == 1, "what is looked at stays while time goes on"


def span_shown(page: Page) -> tuple[float, float]:
    # Both in one look: between two the chart may be drawn.
    start, end = page.get_by_test_id("chart").evaluate("(chart) => [chart.dataset.from, chart.dataset.to].map(Number)")
    return start, end


def width(span: tuple[float, float]) -> float:
    return span[1] - span[0]


def test_chart_gap_is_no_line_and_is_filled_when_the_device_has_flushed_live_item_1(
    page: Page, plant: Stack, tank: Tank
):
    show(page, plant, tank, LEVEL)
    until(lambda: line_share(page, tank, 1, 20) > WHOLE, within_s=5, what="history is a line")
    assert line_share(page, tank, 31, 50) > WHOLE
    assert line_share(page, tank, 21, 30) == 0, "nothing is drawn where nothing is known"
    # It catches up: its backlog comes in a batch, is shown as replayed, and is confirmed.
    tank.beat("SYNCING", 51, pending=11)
    tank.replayed(*range(21, 31))
    expect(entry(page, tank)).to_contain_text("replaying", timeout=5_000)
    until(lambda: len(tank.archived()) == 50, within_s=15, what="the backlog is archived")
    tank.beat("ONLINE", 51)
    expect(entry(page, tank)).not_to_contain_text("replaying", timeout=5_000)
    until(lambda: line_share(page, tank, 20, 31) > WHOLE, within_s=5, what="the gap is filled in from the archive")


def test_chart_history_is_stitched_to_live_each_sample_once_case_36(page: Page, plant: Stack, tank: Tank):
    show(page, plant, tank, LEVEL)
    tank.measured(51, 52, 53)
    tank.measured(52, 53)  # delivered again, as QoS 1 may
    tank.measured(54)
    until(lambda: line_share(page, tank, 31, 54) > WHOLE, within_s=5, what="history goes on live without a seam")
    page.reload()
    choose(page, tank, LEVEL)
    until(lambda: line_share(page, tank, 31, 54) > WHOLE, within_s=10, what="after a reload it is all there")


def test_chart_marked_stretch_is_zoomed_into_and_left_step_by_step_live_item_1(page: Page, plant: Stack, tank: Tank):
    show(page, plant, tank, LEVEL)
    box = page.locator("[data-testid=chart] .u-over").bounding_box()
    assert box is not None
    whole = span_shown(page)
    page.mouse.move(box["x"] + box["width"] * 0.25, box["y"] + 50)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.5, box["y"] + 60, steps=5)
    page.mouse.up()
    page.mouse.move(0, 0)
    expect(page.get_by_test_id("zoom-out")).to_be_visible()
    # The span itself also moves while it is live, so its width is what tells.
    until(lambda: width(span_shown(page)) < 0.3 * width(whole), within_s=5, what="it is zoomed")
    near = span_shown(page)
    expect_standing(page, tank, 51, 52)
    assert span_shown(page) == near
    page.get_by_test_id("chart").focus()
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("+")
    until(lambda: span_shown(page) != near, within_s=5, what="closer by key")
    page.get_by_test_id("zoom-out").click()
    until(lambda: span_shown(page) == near, within_s=5, what="one step back")
    page.get_by_test_id("zoom-out").click()
    expect(page.get_by_test_id("zoom-out")).to_have_count(0)
    until(lambda: span_shown(page)[1] > whole[1], within_s=5, what="it is live")


def test_chart_goes_on_after_a_finger_that_scrolled_the_page_and_a_press_of_another_button_live_item_1(
    page: Page, plant: Stack, tank: Tank
):
    show(page, plant, tank, LEVEL)
    over = page.locator("[data-testid=chart] .u-over")
    until(lambda: line_share(page, tank, 31, 50) > WHOLE, within_s=5, what="history is a line")
    over.dispatch_event("pointerdown", {"pointerType": "touch", "button": 0})
    over.dispatch_event("pointercancel", {"pointerType": "touch"})
    tank.measured(51, 52, 53, 54)
    until(lambda: line_share(page, tank, 31, 54) > WHOLE, within_s=5, what="the line goes on after the swipe")
    over.dispatch_event("pointerdown", {"pointerType": "mouse", "button": 2})
    tank.measured(55, 56, 57, 58)
    until(lambda: line_share(page, tank, 31, 58) > WHOLE, within_s=5, what="the line goes on after the menu button")


def test_chart_pause_holds_and_go_live_follows_again_live_item_1(page: Page, plant: Stack, tank: Tank):
    show(page, plant, tank, LEVEL)
    page.get_by_test_id("pause").click()
    expect(page.get_by_test_id("pause")).to_have_attribute("aria-pressed", "true")
    expect_standing(page, tank, 51, 52)
    held = span_shown(page)
    page.get_by_test_id("pause").click()
    until(lambda: span_shown(page)[1] > held[1], within_s=5, what="it is live")


def test_chart_cursor_by_keyboard_reads_64_bit_integers_digit_for_digit_live_item_1(
    page: Page, plant: Stack, tank: Tank
):
    show(page, plant, tank, COUNTER, VALVE)
    until(lambda: line_share(page, tank, 31, 50) > WHOLE, within_s=5, what="a counter near 2^63 is a line that moves")
    chart = page.get_by_test_id("chart")
    chart.focus()
    page.keyboard.press("End")
    expect(chart).to_have_attribute("aria-valuetext", re.compile(rf"{COUNTER} {LARGEST - 50}\b.*{VALVE} (true|false)"))

    def read_back() -> int:
        """Go one step back and return what is read there; 0 where nothing is known."""
        page.keyboard.press("ArrowLeft")
        value = entry(page, tank, COUNTER).get_by_test_id("legend-value").get_attribute("data-value")
        return int(value or 0)

    older = until(
        lambda: (value := read_back()) not in {0, LARGEST - 50} and value, within_s=10, what="an older reading is read"
    )
    assert LARGEST - 99 <= older < LARGEST - 50
    page.keyboard.press("Escape")
    newest = page.get_by_test_id("chart-table").locator("tbody tr", has_text=COUNTER)
    expect(newest).to_contain_text(str(LARGEST - 50), timeout=3_000)
    expect(newest).to_contain_text(str(LARGEST - 99), timeout=3_000)
    page.evaluate(AXE.read_text())
    found = page.evaluate("() => axe.run('section[aria-label=Chart]', {resultTypes: ['violations']})")
    assert [one["id"] for one in found["violations"] if one["impact"] in SERIOUS] == []


def test_chart_value_of_a_device_that_is_gone_is_marked_stale_live_item_1(page: Page, plant: Stack, tank: Tank):
    show(page, plant, tank, LEVEL)
    tank.measured(51)
    expect(entry(page, tank)).not_to_contain_text("stale", timeout=5_000)
    tank.publish(f"heartbeat/{tank.client_id}", f'{{"client_id": "{tank.client_id}", "status": "OFFLINE"}}'.encode())
    expect(entry(page, tank)).to_contain_text("stale", timeout=30_000)

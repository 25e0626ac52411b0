"""The charts on the page of one device in a real browser: numbers at the edge of doubles, and what came meanwhile."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime

from playwright.sync_api import Page, expect

from support.dashboard import open_device
from support.link_proxy import LinkProxy
from support.raw_device import RawDevice
from support.stack import Stack
from support.waiting import until

LARGEST = 2**63 - 1
# The height in CSS pixels over which a chart's line and dots run.
_DRAWN_HEIGHT = """(host) => {
  const canvas = host.querySelector("canvas"), over = host.querySelector(".u-over").getBoundingClientRect();
  const scale = canvas.width / canvas.getBoundingClientRect().width;
  const left = Math.round((over.left - canvas.getBoundingClientRect().left) * scale);
  const probe = document.body.appendChild(document.createElement("i"));
  probe.style.color = "var(--series-1)";
  const want = getComputedStyle(probe).color.match(/\\d+/g).map(Number);
  probe.remove();
  const width = canvas.width - left, data = canvas.getContext("2d").getImageData(left, 0, width, canvas.height).data;
  const rows = [];
  for (let at = 0; at < data.length; at += 4)
    if (data[at + 3] > 150 && want.every((each, part) => Math.abs(data[at + part] - each) < 30))
      rows.push(Math.floor(at / 4 / width));
  return rows.length === 0 ? 0 : (rows.at(-1) - rows[0]) / scale;
}"""

FLAT = "edge/doubles_2_53"  # they differ by less than an axis of doubles can show
# What a double can hardly tell apart, or hardly hold: an axis laid out by adding steps never ends on some of these.
EDGES = {
    "edge/above_2_53": (2**53, 2**53 + 1, 2**53 + 2),
    "edge/below_2_63": (LARGEST - 2048, LARGEST - 1024, LARGEST),
    "edge/last_steps": (LARGEST - 2, LARGEST - 1, LARGEST),
    FLAT: ("9007199254740992.0", "9007199254740994.0", "9007199254740996.0"),
    "edge/widest": ("-1e308", "0.5", "1e308"),
}


def test_device_chart_of_numbers_at_the_edge_of_doubles_moves_and_the_page_lives_item_2(
    page: Page, plant: Stack, make_device: Callable[[str], RawDevice]
):
    device = make_device("detail-edges")
    for number in (1, 2, 3):
        metrics = ", ".join(f'"{metric}": {values[number - 1]}' for metric, values in EDGES.items())
        device.live(device.reading(number, f"{{{metrics}}}"))
    until(lambda: device.archived() == [1, 2, 3], within_s=10, what="the readings are archived")
    device.beat(stream=device.stream, last_sequence_no=3)
    open_device(page, plant, "detail-edges")
    for metric in EDGES:
        least = 0 if metric == FLAT else 30
        chart = page.locator(f'[data-testid=metric][data-metric="{metric}"]').get_by_test_id("metric-chart")
        expect(chart).to_have_attribute("data-points", "3", timeout=10_000)
        until(
            lambda chart=chart, least=least: (
                chart.locator("canvas").count() == 1 and chart.evaluate(_DRAWN_HEIGHT) > least
            ),
            within_s=5,
            every_s=0.1,
            what=f"{metric} is drawn, and seen to move where it can be",
        )


def test_device_chart_has_what_came_while_the_browser_was_cut_off_item_2(
    page: Page, plant: Stack, cable: LinkProxy, make_device: Callable[[str], RawDevice]
):
    device = make_device("detail-cut")
    device.live(device.reading(1, '{"n": 1}'))
    device.beat(stream=device.stream, last_sequence_no=1)
    until(lambda: device.archived() == [1], within_s=10, what="the reading is archived")
    open_device(page, plant, "detail-cut")
    indicator = page.get_by_test_id("connection-indicator").first
    chart = page.get_by_test_id("metric-chart")
    expect(indicator).to_have_attribute("data-state", "online", timeout=15_000)
    expect(chart).to_have_attribute("data-points", "1", timeout=10_000)
    cable.cut()
    expect(indicator).to_have_attribute("data-state", "syncing", timeout=5_000)
    for number in (2, 3, 4):
        device.live(device.reading(number, f'{{"n": {number}}}'))
    until(lambda: device.archived() == [1, 2, 3, 4], within_s=10, what="the readings are archived")
    cable.mend()
    expect(indicator).to_have_attribute("data-state", "online", timeout=30_000)
    expect(chart).to_have_attribute("data-points", "4", timeout=10_000)


def test_device_chart_has_every_sample_of_a_burst_item_2(
    page: Page, plant: Stack, make_device: Callable[[str], RawDevice]
):
    device = make_device("detail-burst")
    start = time.time() - 60

    def sample(number: int, value: int) -> bytes:
        at = datetime.fromtimestamp(start + number, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        return device.reading(number, f'{{"n": {value}}}', timestamp=f'"{at}"')

    for number in (1, 2, 3):
        device.live(sample(number, 1))
    until(lambda: device.archived() == [1, 2, 3], within_s=10, what="the readings are archived")
    device.beat(stream=device.stream, last_sequence_no=3)
    open_device(page, plant, "detail-burst")
    indicator = page.get_by_test_id("connection-indicator").first
    expect(indicator).to_have_attribute("data-state", "online", timeout=15_000)
    chart = page.get_by_test_id("metric-chart")
    expect(chart).to_have_attribute("data-points", "3", timeout=10_000)
    expect(chart.locator("canvas")).to_be_visible()
    # Faster than a screen is drawn: of these the chart is told a few times only.
    for number in range(4, 34):
        device.send(f"telemetry/{device.client_id}/live", sample(number, 1_000 if number == 15 else 1))
    until(lambda: chart.evaluate(_DRAWN_HEIGHT) > 30, within_s=5, every_s=0.1, what="the one high value is drawn")

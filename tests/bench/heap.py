"""
The live page's heap over a shift: 28,800 s on the devices' clocks, then ``HEAP_SECONDS`` (default 60) of real time.

Ten devices with five metrics each, six metrics on the chart, whose bounded buffers are full several times over. On the
devices' clocks a second passes with each reading, sent as fast as the page takes it well; then ten readings a second
from each. The heap is what is left after garbage collection, the least of three looks, since what is being drawn just
then is no growth. It is compared with the second quarter of the simulated time, when every buffer has been full; of
each the most, since compiled code comes and goes with the collections.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable

from playwright.sync_api import CDPSession, Page

from bench.children import child
from bench.figures import Limit
from bench.fleet import Fleet, Pace, send
from bench.live_page import browser, live_page, wait_for_tiles
from bench.plant import Plant, mosquitto_plant

SIMULATED_S = int(os.environ.get("HEAP_SIMULATED_SECONDS") or 28_800)
REAL_S = float(os.environ.get("HEAP_SECONDS") or 60)
DEVICES, METRICS, CHARTED = 10, 5, 6
SIMULATED_RATE, REAL_RATE = 1_500, 100
PARTS, BEGINS, HALF, LOOKS, SETTLED_MS = 8, 1, 4, 3, 1_000
MOST_GROWTH_PCT = 10.0


def measure() -> list[Limit]:
    """Return by how much the heap has grown, after the simulated shift and after the real time."""
    fleet = Fleet(DEVICES, METRICS)
    with mosquitto_plant("auth-api") as plant, browser() as opened, live_page(opened, plant) as page:
        devtools = page.context.new_cdp_session(page)
        start = time.time() - SIMULATED_S
        _sent(plant, page, fleet, Pace(SIMULATED_RATE, 1, 1, start, 1, 5))
        wait_for_tiles(page, DEVICES * METRICS)
        _choose(page)
        part = SIMULATED_S // PARTS
        simulated = _sizes(
            page,
            devtools,
            PARTS,
            lambda turn: _sent(
                plant, page, fleet, Pace(SIMULATED_RATE, 2 + turn * part, part, start + turn * part, 1, 5)
            ),
        )
        first, each = 2 + PARTS * part, int(REAL_S / PARTS * REAL_RATE / DEVICES)
        real = _sizes(
            page,
            devtools,
            PARTS,
            lambda turn: _sent(
                plant, page, fleet, Pace(REAL_RATE, first + turn * each, each, time.time(), DEVICES / REAL_RATE, 50)
            ),
        )
    steady = max(simulated[BEGINS:HALF])
    shift = max(simulated[HALF:]) / steady - 1
    after = max(real) / steady - 1
    told = f"from {steady / 1e6:.1f} MB; {', '.join(f'{size / 1e6:.1f}' for size in (*simulated, *real))} MB in turn"
    return [
        Limit(f"heap, {SIMULATED_S:,} s of simulated clock", 100 * shift, "%", MOST_GROWTH_PCT, told),
        Limit(f"heap, {REAL_S:,.0f} s of real time after it", 100 * after, "%", MOST_GROWTH_PCT),
    ]


def _choose(page: Page) -> None:
    """Put six metrics on the chart, whatever was there, and its range where all of the shift is in it."""
    page.get_by_role("radio", name="24 h", exact=True).click()
    for metric in range(METRICS):
        _chart(page, 0, metric)
    _chart(page, 1, 1)
    page.wait_for_function(
        "(count) => document.querySelectorAll('[data-testid=legend-entry]').length === count", arg=CHARTED
    )


def _chart(page: Page, device: int, metric: int) -> None:
    tile = page.locator(f"[data-testid=tile][data-client-id='line-{device:03}'][data-metric='value/{metric:02}']").first
    if tile.get_attribute("aria-pressed") != "true":
        tile.click()


def _sent(plant: Plant, page: Page, fleet: Fleet, pace: Pace) -> None:
    with child(send, plant.plain_port, fleet, pace) as sender:
        sender.tell()
        took = pace.count * fleet.devices / pace.rate
        page.wait_for_timeout(1_000 * took)  # the page's own messages are handled meanwhile
        sender.hear(60 + took)
    last = pace.first + pace.count - 1
    page.wait_for_function(
        "(last) => Number(document.querySelector(`[data-metric='value/00'][data-value]`)?.dataset.value) >= last",
        arg=last,
        timeout=60_000,
    )


def _sizes(page: Page, devtools: CDPSession, parts: int, run: Callable[[int], None]) -> list[float]:
    sizes = []
    for turn in range(parts):
        run(turn)
        sizes.append(min(_size(page, devtools) for _ in range(LOOKS)))
    return sizes


def _size(page: Page, devtools: CDPSession) -> float:
    page.wait_for_timeout(SETTLED_MS)
    for _ in range(2):  # what is freed by finalizers goes with the second
        devtools.send("HeapProfiler.collectGarbage")
    return float(devtools.send("Runtime.getHeapUsage")["usedSize"])

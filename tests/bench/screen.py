"""
Frames of the live page under load: 2,000 messages a second over 500 tiles for ``SCREEN_SECONDS`` (default 60).

A hundred devices with five metrics each, so 10,000 values a second, through mosquitto's WebSockets, for what is
measured is the page; no ingest worker, for the same reason. Frames are the steps between the page's own animation
frames. Beside it: the same page with the same tiles while nothing is sent.
"""

from __future__ import annotations

import os
import time

from playwright.sync_api import Page

from bench.children import child
from bench.figures import Limit, percentile
from bench.fleet import Fleet, Pace, send
from bench.live_page import browser, live_page, wait_for_tiles
from bench.plant import mosquitto_plant

SECONDS = float(os.environ.get("SCREEN_SECONDS") or 60)
RATE, DEVICES, METRICS = 2_000, 100, 5
MOST_FRAME_MS, SHARE, MOST_BEHIND_S = 33.0, 0.95, 1.0
IDLE_S, SETTLED_MS = 10.0, 5_000
_FRAMES = """() => {
  window.frames_ms = [];
  let last = performance.now();
  const frame = (now) => {
    window.frames_ms.push(now - last);
    last = now;
    window.framing = requestAnimationFrame(frame);
  };
  cancelAnimationFrame(window.framing ?? 0);
  window.framing = requestAnimationFrame(frame);
}"""
_NEWEST = """() => Math.max(...[...document.querySelectorAll("[data-testid=tile][data-metric='value/00']")]
  .map((tile) => Number(tile.dataset.value)))"""


def measure() -> list[Limit]:
    """Return the time under which 95 % of the frames stay, and how long the page is behind at the end."""
    fleet = Fleet(DEVICES, METRICS)
    each_s = RATE / DEVICES
    with mosquitto_plant("auth-api") as plant, browser() as opened, live_page(opened, plant) as page:
        now = time.time()
        with child(send, plant.plain_port, fleet, Pace(RATE, 1, 1, now, 1 / each_s, 100)) as first:
            first.tell()
            first.hear(30)
            wait_for_tiles(page, DEVICES * METRICS)
        page.wait_for_timeout(SETTLED_MS)
        idle = _frames(page, IDLE_S)
        count = int(each_s * SECONDS)
        pace = Pace(RATE, 2, count, time.time(), 1 / each_s, 100)
        with child(send, plant.plain_port, fleet, pace) as sender:
            sender.tell()
            loaded = _frames(page, SECONDS)
            took = sender.hear(30)
            ended = time.monotonic()
            page.wait_for_function(f"(last) => ({_NEWEST})() >= last", arg=count + 1, timeout=60_000)
            behind = time.monotonic() - ended
    held = sum(frame < MOST_FRAME_MS for frame in loaded) / len(loaded)
    told = (
        f"{held:.1%} of {len(loaded):,} frames, most {max(loaded):.0f} ms; {count * DEVICES / took:,.0f} messages/s;"
        f" idle page {percentile(idle, SHARE):.1f} ms"
    )
    return [
        Limit("screen, frame that 95 % stay under", percentile(loaded, SHARE), "ms", MOST_FRAME_MS, told),
        Limit("screen, last value shown after", behind, "s", MOST_BEHIND_S),
    ]


def _frames(page: Page, seconds: float) -> list[float]:
    page.evaluate(_FRAMES)
    page.wait_for_timeout(seconds * 1_000)
    frames: list[float] = page.evaluate("window.frames_ms")
    return frames[1:]

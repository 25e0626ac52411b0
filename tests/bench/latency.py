"""
From the sensor to the browser's document: ten real devices at 10 Hz on the embedded default, the dashboard's live page.

The simulator's ``line/parts`` is the reading's own number, so what a page shows tells which reading it was; when that
was taken stands in the archive. Each page is watched by the same MutationObserver. The reference page is MQTT.js alone:
it parses the payload and sets one attribute. Devices, page and observer read the clock of one machine.
"""

from __future__ import annotations

import asyncio
import statistics
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

import asyncpg
from playwright.sync_api import Browser, Page

from bench.desktops import add_backlog, enrolled, outbox_of
from bench.figures import Limit, percentile
from bench.live_page import blank_page, browser, live_page
from faults.outbox_file import held
from support.processes import ROOT
from support.stack import Stack, running_stack
from support.waiting import until

DEVICES, INTERVAL_S, WATCH_S, ROUNDS, BACKLOG = 10, 0.1, 15.0, 2, 100_000
METRIC = "line/parts"
MOST_MORE_MS, MOST_WHILE_FLUSHING_MS = 100.0, 1_000.0
# What is below the screen is not watched: a tile that nobody sees is drawn every few seconds only.
_OBSERVE = """() => {
  window.seen = [];
  const shown = new Set([...document.querySelectorAll("[data-metric='METRIC']")]
    .filter((tile) => tile.getBoundingClientRect().bottom < innerHeight).map((tile) => tile.dataset.clientId));
  new MutationObserver((changes) => {
    const now = Date.now();
    for (const { target } of changes)
      if (target.dataset.metric === "METRIC" && shown.has(target.dataset.clientId))
        window.seen.push([target.dataset.clientId, target.dataset.value, now]);
  }).observe(document.body, { attributes: true, subtree: true, attributeFilter: ["data-value"] });
}""".replace("METRIC", METRIC)
_LISTEN = """(token) => new Promise((ready, refused) => {
  const tiles = new Map();
  const client = mqtt.connect(token.ws_url, { protocolVersion: 4, clientId: token.client_id, username: token.username,
    password: token.password });
  client.on("error", refused);
  client.on("close", () => refused(new Error("the connection was closed")));
  client.on("connect", () => client.subscribe("telemetry/+/live", { qos: 1 }, () => ready()));
  client.on("message", (topic, payload) => {
    const reading = JSON.parse(payload);
    let tile = tiles.get(reading.client_id);
    if (!tile) {
      tile = document.body.appendChild(document.createElement("b"));
      tile.dataset.clientId = reading.client_id;
      tile.dataset.metric = "METRIC";
      tiles.set(reading.client_id, tile);
    }
    tile.textContent = tile.dataset.value = reading.metrics["METRIC"];
  });
})""".replace("METRIC", METRIC)
Seen = list[tuple[str, int, int]]  # device, number, milliseconds since 1970


def measure() -> list[Limit]:
    """Return by how much the dashboard's p99 is over the bare page's, and its p99 while another device flushes."""
    with running_stack("postgres", "broker", "auth-api", "ingest") as stack:
        for number in range(DEVICES):
            _start_device(stack, number)
        bare: Seen = []
        dashboard: Seen = []
        with browser() as opened:
            for _ in range(ROUNDS):
                bare += _watched(_bare_page(opened, stack))
                dashboard += _watched(_live_page(opened, stack))
            flushing = _watched_while_flushing(stack, opened)
        taken = asyncio.run(_taken_at(stack))
    at_rest, reference, under_load = (_latencies(seen, taken) for seen in (dashboard, bare, flushing))
    beside = f"dashboard {_told(at_rest)}; bare MQTT.js page {_told(reference)}"
    more = percentile(at_rest, 0.99) - percentile(reference, 0.99)
    return [
        Limit("latency, p99 over a bare page's", more, "ms", MOST_MORE_MS, beside),
        Limit(
            "latency, p99 while another device flushes",
            percentile(under_load, 0.99),
            "ms",
            MOST_WHILE_FLUSHING_MS,
            _told(under_load),
        ),
    ]


def _told(latencies: list[float]) -> str:
    return (
        f"median {statistics.median(latencies):.0f}, p99 {percentile(latencies, 0.99):.0f},"
        f" most {max(latencies):.0f} ms of {len(latencies):,}"
    )


def _start_device(stack: Stack, number: int) -> None:
    options = ("--source", "simulator", "--seed", str(number + 1))
    enrolled(stack, f"line-{number}", *options, interval_s=INTERVAL_S).start()


@contextmanager
def _bare_page(opened: Browser, stack: Stack) -> Iterator[Page]:
    """Yield a page of the dashboard's origin with MQTT.js and nothing else."""
    script = (ROOT / "dashboard" / "node_modules" / "mqtt" / "dist" / "mqtt.min.js").read_text()
    with blank_page(opened, bypass_csp=True) as page:
        page.goto(f"{stack.address}/healthz")  # hardly a page, but of the origin that the broker lets in
        page.add_script_tag(content=script)
        page.evaluate(_LISTEN, stack.admin.post("/broker/token", json={}).json())
        page.wait_for_function("(count) => document.querySelectorAll('b').length === count", arg=DEVICES)
        yield page


@contextmanager
def _live_page(opened: Browser, stack: Stack) -> Iterator[Page]:
    """Yield the dashboard's live page with every device on it."""
    with live_page(opened, stack) as page:
        tiles = f"[data-testid=tile][data-metric='{METRIC}']"
        page.wait_for_function(
            "([tiles, count]) => document.querySelectorAll(tiles).length === count", arg=[tiles, DEVICES]
        )
        yield page


def _watched(opened: object) -> Seen:
    with opened as page:  # type: ignore[attr-defined]
        page.wait_for_timeout(3_000)  # what comes at the start (history, code) is another figure
        page.evaluate(_OBSERVE)
        page.wait_for_timeout(WATCH_S * 1_000)
        return _seen(page)


def _watched_while_flushing(stack: Stack, opened: Browser) -> Seen:
    other = enrolled(stack, "flushing", interval_s=3_600)
    file = outbox_of(stack, "flushing")
    add_backlog(file, BACKLOG)
    with _live_page(opened, stack) as page:
        page.wait_for_timeout(3_000)
        page.evaluate(_OBSERVE)
        other.start()
        until(lambda: _waited(page) and held(file) == 0, within_s=90, what="the backlog is flushed")
        return [one for one in _seen(page) if one[0] != "flushing"]


def _waited(page: Page) -> bool:
    """Let the page's own messages be handled for a moment, which ``time.sleep`` would not."""
    page.wait_for_timeout(100)
    return True


def _seen(page: Page) -> Seen:
    return [(device, int(value), at) for device, value, at in page.evaluate("window.seen") if value is not None]


async def _taken_at(stack: Stack) -> dict[tuple[str, int], datetime]:
    """Return when each reading was taken, as the archive has it."""
    folder = stack.home / "postgres"
    password = (folder / "auth-password").read_text().strip()
    conn = await asyncpg.connect(host=str(folder), user="pulse_auth", database="pulse", password=password)
    query = "SELECT client_id, metric_long, recorded_at FROM telemetry_data WHERE metric_key = $1"
    found = {(row[0], row[1]): row[2] for row in await conn.fetch(query, METRIC)}
    await conn.close()
    return found


def _latencies(seen: Seen, taken: dict[tuple[str, int], datetime]) -> list[float]:
    found = [at - taken[device, number].timestamp() * 1_000 for device, number, at in seen if (device, number) in taken]
    assert len(found) > 0.9 * len(seen) > 50, f"{len(found)} of {len(seen)} values are known"
    return found

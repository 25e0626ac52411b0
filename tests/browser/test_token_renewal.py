"""A token that runs out is renewed before it does, and nothing on the screen stops meanwhile."""

from __future__ import annotations

import json
from datetime import datetime

from playwright.sync_api import Page, expect

from support.stack import ADMIN_PASSWORD, Stack, running_stack
from support.waiting import until

LIFE_S = 20
NEAR_MS = 2_000  # of a renewal
# Notes when the tile's value changed and every state that the indicator was in.
WATCH = """() => {
  window.seen = {at: [Date.now()], states: new Set()};
  const look = () => {
    const indicator = document.querySelector('[data-testid=connection-indicator]');
    window.seen.states.add(indicator.dataset.state);
    const value = document.querySelector('[data-testid=tile][data-metric="system/uptime_s"]').dataset.value;
    if (value !== window.seen.value) { window.seen.value = value; window.seen.at.push(Date.now()); }
  };
  new MutationObserver(look).observe(document.body, {subtree: true, childList: true, attributes: true});
  look();
}"""


def test_renewal_leaves_no_gap_on_the_screen(page: Page):
    with running_stack(variables={"PULSE_BROWSER_TOKEN_S": str(LIFE_S)}) as stack:
        until(lambda: stack.admin.get("/telemetry/latest").json()["items"], within_s=60, what="the first reading")
        page.goto(stack.address)
        page.get_by_test_id("login-username").fill("admin")
        page.get_by_test_id("login-password").fill(ADMIN_PASSWORD)
        page.get_by_test_id("login-submit").click()
        tile = page.locator('[data-testid=tile][data-metric="system/uptime_s"]').first
        expect(tile).to_be_visible(timeout=15_000)
        expect(page.get_by_test_id("connection-indicator").first).to_have_attribute("data-state", "online")
        page.evaluate(WATCH)
        before = browser_connections(stack)
        until(lambda: len(browser_connections(stack)) >= len(before) + 2, within_s=3 * LIFE_S, what="two renewals")
        until(lambda: page.evaluate("window.seen.at.length") > 20, within_s=30, what="values went on")
        seen = page.evaluate("({at: window.seen.at, states: [...window.seen.states]})")
        renewals = [at for client, at in browser_connections(stack).items() if client not in before]
    assert seen["states"] == ["online"]
    for sooner, later in zip(seen["at"], seen["at"][1:], strict=False):
        is_renewal = any(sooner - NEAR_MS < at < later + NEAR_MS for at in renewals)
        # The value is sampled every second; a machine that stops for a while does so at another time.
        assert later - sooner < (3_000 if is_renewal else 10_000)


def browser_connections(stack: Stack) -> dict[str, float]:
    """Return the client ids under which browsers have connected and when (ms since 1970), from the broker's log."""
    lines = [json.loads(line) for line in stack["broker"].log.read_text().splitlines() if "web:" in line]
    return {
        line["client_id"]: datetime.fromisoformat(line["at"]).timestamp() * 1_000
        for line in lines
        if line["event"] == "gate.client_connected"
    }

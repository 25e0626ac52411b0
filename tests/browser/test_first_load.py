"""The first visit to each page, measured in a real browser: the JavaScript it fetches until it is online."""

from __future__ import annotations

import gzip

import pytest
from playwright.sync_api import Browser, Response, expect

from support.dashboard import connection_state, open_page
from support.stack import Stack
from support.waiting import until

BUDGET_BYTES = 300_000
PAGES = ["/live/", "/devices/", "/users/", "/settings/", "/logs/", "/integrations/"]


@pytest.mark.parametrize("path", PAGES)
def test_first_visit_fetches_under_300_kb_of_compressed_javascript(browser: Browser, plant: Stack, path: str):
    context = browser.new_context(viewport={"width": 1440, "height": 900})  # with an empty cache
    try:
        page = context.new_page()
        scripts: list[Response] = []
        page.on("response", lambda answer: scripts.append(answer) if answer.url.split("?")[0].endswith(".js") else None)
        open_page(page, plant, path)
        until(lambda: connection_state(page) == "online", within_s=15, what="the browser is online")
        expect(page.get_by_role("heading").first).to_be_attached()
        sizes = {answer.url.rsplit("/", 1)[1]: len(gzip.compress(answer.body(), 9)) for answer in scripts}
    finally:
        context.close()
    total = sum(sizes.values())
    print(f"{path} {total / 1000:.1f} kB in {len(sizes)} scripts")
    assert len(sizes) > 5, "the scripts were seen"
    assert any(size > 40_000 for size in sizes.values()), "the large libraries are among them"
    listed = "\n".join(f"{size:7} {name}" for name, size in sorted(sizes.items(), key=lambda each: -each[1]))
    assert total < BUDGET_BYTES, f"{path} fetches {total} bytes:\n{listed}"

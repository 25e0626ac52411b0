"""
Every page in each of its states, dark and light, on three widths: one sheet a page and scheme, to be looked at.

``PYTHONPATH=tests python -m browser.looks FOLDER`` (``make looks``). It asserts nothing: what people see, people judge.
States: live, empty (lists answer nothing), loading (lists never answer), error (the API fails), forbidden (a person
without the right), stale (the broker is gone).
"""

from __future__ import annotations

import io
import json
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Literal

from PIL import Image, ImageDraw
from playwright.sync_api import Browser, Page, Route, sync_playwright
from playwright.sync_api import TimeoutError as PlaywrightTimeout

from support.chromium import FLAGS, chromium
from support.dashboard import first_reading, make_person, sign_in
from support.stack import Stack, running_stack
from support.waiting import until

WIDTHS = (390, 1440, 2560)
HEIGHTS = {390: 844, 1440: 900, 2560: 1300}
SHOWN_HEIGHT = 420
PAGES = {
    "live": "/live/",
    "devices": "/devices/",
    "device": "/devices/detail/?id={device}",
    "users": "/users/",
    "roles": "/users/?tab=roles",
    "settings": "/settings/",
    "logs": "/logs/?tab=audit",
    "integrations": "/integrations/",
}
SCHEMES: tuple[Literal["dark", "light"], ...] = ("dark", "light")
SETTLED_MS = 1_500
REDRAWN_MS = 300
# Who one is must be known in every state; the lists are what differs.
LISTS = "**/api/v1/{devices,telemetry,users,roles,permissions,config,logs,integrations}*/**"
LISTS_TOO = "**/api/v1/{devices,telemetry,users,roles,permissions,config,logs,integrations}*"
EMPTY = json.dumps({"items": [], "next": None})


def _empty(route: Route) -> None:
    route.fulfill(status=200, content_type="application/json", body=EMPTY)


def _error(route: Route) -> None:
    route.fulfill(status=503, content_type="application/problem+json", body='{"type": "about:blank", "status": 503}')


def _never(_route: Route) -> None:
    """Leave the call without an answer."""


ROUTES: dict[str, Callable[[Route], None]] = {"empty": _empty, "loading": _never, "error": _error}
STATES = ("live", "empty", "loading", "error", "forbidden", "stale")


def _looks(browser: Browser, stack: Stack, path: str, state: str) -> dict[str, list[Image.Image]]:
    """Return the page's looks by scheme, one for each of ``WIDTHS``; signed in once, as the frame stays the same."""
    made = browser.new_context()
    try:
        page = made.new_page()
        if state in ROUTES:
            page.route(LISTS, ROUTES[state])
            page.route(LISTS_TOO, ROUTES[state])
        sign_in(page, stack, "nora" if state == "forbidden" else "admin", path=path)
        with suppress(PlaywrightTimeout):
            page.get_by_test_id("sign-out").wait_for(timeout=15_000)
        page.wait_for_timeout(SETTLED_MS)
        return {scheme: [_look(page, scheme, width) for width in WIDTHS] for scheme in SCHEMES}
    finally:
        made.close()


def _look(page: Page, scheme: Literal["dark", "light"], width: int) -> Image.Image:
    page.emulate_media(color_scheme=scheme)
    page.set_viewport_size({"width": width, "height": HEIGHTS[width]})
    page.wait_for_timeout(REDRAWN_MS)
    with Image.open(io.BytesIO(page.screenshot())) as opened:
        return opened.convert("RGB")


def _sheet(rows: dict[str, list[Image.Image]]) -> Image.Image:
    """Put the looks together: a row for each state, a column for each width."""
    small = {
        state: [one.resize((one.width * SHOWN_HEIGHT // one.height, SHOWN_HEIGHT)) for one in looks]
        for state, looks in rows.items()
    }
    width = max(sum(one.width + 8 for one in looks) for looks in small.values())
    sheet = Image.new("RGB", (width, (SHOWN_HEIGHT + 24) * len(small)), "#808080")
    for row, (state, looks) in enumerate(small.items()):
        top, left = row * (SHOWN_HEIGHT + 24), 0
        ImageDraw.Draw(sheet).text((6, top + 6), state, fill="white")
        for one in looks:
            sheet.paste(one, (left, top + 24))
            left += one.width + 8
    return sheet


@contextmanager
def _broker_away(stack: Stack) -> Iterator[None]:
    stack["broker"].stop()
    try:
        yield
    finally:
        stack["broker"].start()
        until(lambda: stack["broker"].running, within_s=10, what="the broker runs again")


def main(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    with running_stack() as stack, sync_playwright() as playwright:
        first_reading(stack)
        assert stack.admin.post("/roles", json={"name": "NOTHING", "permissions": []}).is_success
        make_person(stack, "nora", "NOTHING")
        device = stack.admin.get("/devices").json()["items"][0]["client_id"]
        browser = playwright.chromium.launch(executable_path=chromium(), args=FLAGS)
        looks: dict[tuple[str, str], dict[str, list[Image.Image]]] = {}

        def take(state: str) -> None:
            for name, path in PAGES.items():
                for scheme, taken in _looks(browser, stack, path.format(device=device), state).items():
                    looks.setdefault((name, scheme), {})[state] = taken

        started = time.monotonic()
        for state in STATES[:-1]:
            take(state)
            print(f"{state}: {time.monotonic() - started:.0f} s", flush=True)
        with _broker_away(stack):
            take(STATES[-1])
        for (name, scheme), rows in looks.items():
            _sheet(rows).save(folder / f"{name}-{scheme}.png")
        browser.close()
    print(f"{len(looks)} sheets in {folder}")


if __name__ == "__main__":
    main(Path(sys.argv[1]))

"""The dashboard's live page in a real Chromium for benchmarks: signed in, with every tile of a fleet on it."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Browser, Page, sync_playwright

from support.stack import ADMIN_PASSWORD, Stack

SCREEN = {"width": 1920, "height": 1080}
_FLAGS = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking", "--disable-sync"]


@contextmanager
def browser() -> Iterator[Browser]:
    """Yield Debian's Chromium."""
    path = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    assert path, "Chromium is missing: python3 requirements/install.py browser"
    with sync_playwright() as playwright:
        made = playwright.chromium.launch(executable_path=path, args=_FLAGS)
        yield made
        made.close()


@contextmanager
def blank_page(opened: Browser, *, bypass_csp: bool = False) -> Iterator[Page]:
    """Yield a page of its own person and screen, with nothing on it yet."""
    context = opened.new_context(viewport=SCREEN, color_scheme="dark", bypass_csp=bypass_csp)
    yield context.new_page()
    context.close()


@contextmanager
def live_page(opened: Browser, stack: Stack) -> Iterator[Page]:
    """Yield the live page with somebody signed in and the broker connected."""
    with blank_page(opened) as page:
        page.goto(stack.address)
        page.get_by_test_id("login-username").fill("admin")
        page.get_by_test_id("login-password").fill(ADMIN_PASSWORD)
        page.get_by_test_id("login-submit").click()
        page.wait_for_selector("[data-testid=connection-indicator][data-state=online]", timeout=30_000)
        yield page


def wait_for_tiles(page: Page, count: int) -> None:
    """Wait until the page has *count* tiles."""
    page.wait_for_function(
        "(count) => document.querySelectorAll('[data-testid=tile]').length === count", arg=count, timeout=60_000
    )

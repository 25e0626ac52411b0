"""The dashboard as a person uses it: signing in, the indicator, banners, people of each role, and looks for tests."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from playwright.sync_api import Page, expect

from support.processes import ROOT
from support.stack import ADMIN_PASSWORD, Stack
from support.waiting import until

AXE = ROOT / "dashboard" / "node_modules" / "axe-core" / "axe.min.js"
PERSON_PASSWORD = "quiet-otter-crosses-42"  # of people who exist in a test only
STILL = """() => document.getAnimations().every(
    (one) => one.playState !== "running" || one.effect?.getComputedTiming().iterations === Infinity)"""
SERIOUS = {"serious", "critical"}


def sign_in(page: Page, stack: Stack, username: str = "admin", password: str | None = None, path: str = "/") -> None:
    """Open *path* and fill in the sign-in form; the page then shows *path* when the password was right."""
    if password is None:
        password = ADMIN_PASSWORD if username == "admin" else PERSON_PASSWORD
    page.goto(stack.address + path)
    page.get_by_test_id("login-username").fill(username)
    page.get_by_test_id("login-password").fill(password)
    page.get_by_test_id("login-submit").click()


def open_page(page: Page, stack: Stack, path: str, username: str = "admin") -> None:
    """Sign in as *username* on *path* and wait until the page's frame stands."""
    sign_in(page, stack, username, path=path)
    expect(page.get_by_test_id("sign-out")).to_be_visible(timeout=15_000)


def open_device(page: Page, stack: Stack, client_id: str, username: str = "admin") -> None:
    """Sign in as *username* on the page of a device and wait until it stands."""
    open_page(page, stack, f"/devices/detail/?id={client_id}", username)
    expect(page.get_by_test_id("device-detail")).to_have_attribute("data-client-id", client_id, timeout=15_000)


def connection_state(page: Page) -> str | None:
    """Return what the permanent indicator shows: online, syncing or disconnected."""
    return page.get_by_test_id("connection-indicator").first.get_attribute("data-state")


def make_person(stack: Stack, username: str, *roles: str) -> dict[str, Any]:
    """Make a person with *roles* and ``PERSON_PASSWORD``, who need not change it; return the API's user."""
    body = {"username": username, "password": PERSON_PASSWORD, "roles": list(roles)}
    answer = stack.admin.post("/users", json=body)
    assert answer.status_code == 201, answer.text
    first = stack.client(username, PERSON_PASSWORD)
    try:
        # What an administrator gave must be changed once, and only once: there and back again.
        for current, new in ((PERSON_PASSWORD, PERSON_PASSWORD + "x"), (PERSON_PASSWORD + "x", PERSON_PASSWORD)):
            changed = first.post("/auth/password", json={"current": current, "new": new})
            assert changed.is_success, changed.text
            first.headers["authorization"] = f"Bearer {changed.json()['access_token']}"
    finally:
        first.close()
    return answer.json()


def serious_faults(page: Page) -> list[str]:
    """Return what axe finds serious or critical on the page once nothing fades in any more, one line each."""
    page.wait_for_function(STILL)
    page.evaluate(AXE.read_text())
    found = page.evaluate("() => axe.run(document, {resultTypes: ['violations']})")
    return [
        f"{one['id']}: {one['help']}: {node['target']}"
        for one in found["violations"]
        if one["impact"] in SERIOUS
        for node in one["nodes"]
    ]


def picture(page: Page, path: Path) -> Path:
    """Take a picture of the page once nothing on it moves by itself any more."""
    page.screenshot(path=path, animations="disabled")
    return path


def first_reading(stack: Stack) -> None:
    """Wait until the archive holds something of the stack's own device."""
    until(lambda: stack.admin.get("/telemetry/latest").json()["items"], within_s=60, what="the first reading")


def own_device(stack: Stack) -> str:
    """Return the id of the device that the system itself runs."""
    return (stack.home / "first-device").read_text().strip()

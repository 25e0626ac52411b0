"""A real Chromium (Debian's) for the browser tests, driven by Playwright."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, Page

from support.dashboard import first_reading, make_person
from support.link_proxy import LinkProxy
from support.processes import ROOT
from support.raw_device import RawDevice
from support.stack import Stack, running_stack

COMMANDS = ("force_sync", "update_config", "reload")


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    made = browser.new_context(viewport={"width": 1440, "height": 900}, color_scheme="dark")
    yield made
    made.close()


@pytest.fixture
def page(context: BrowserContext) -> Iterator[Page]:
    """A page whose uncaught errors and refused scripts fail the test."""
    made = context.new_page()
    faults: list[str] = []
    made.on("pageerror", lambda error: faults.append(str(error)))
    made.on(
        "console",
        lambda message: faults.append(message.text) if "Content Security Policy" in message.text else None,
    )
    yield made
    assert faults == []


@pytest.fixture(scope="session")
def wired() -> Iterator[tuple[Stack, LinkProxy]]:
    """The system of ``plant``, and the cable that its browsers reach the broker by."""
    assert (ROOT / "dashboard" / "out" / "index.html").exists(), "the dashboard is not built: make test builds it"
    cables: list[LinkProxy] = []

    def wire(stack: Stack) -> None:
        cables.append(LinkProxy(stack.ports["PULSE_MQTT_WS_PORT"]))
        stack.variables["PULSE_BROKER_WS_URL"] = f"ws://127.0.0.1:{cables[0].port}/mqtt"

    with running_stack(prepare=wire) as made:
        first_reading(made)
        make_person(made, "olga", "OPERATOR")
        make_person(made, "vera", "VIEWER")
        yield made, cables[0]
    cables[0].close()


@pytest.fixture(scope="session")
def plant(wired: tuple[Stack, LinkProxy]) -> Stack:
    """
    One running system for the tests of the administration pages, with a person of each seeded role.

    ``olga`` is an operator, ``vera`` a viewer. Tests leave these and the stack's own device as they found them; a test
    that stops a program or revokes something shared runs a stack of its own.
    """
    return wired[0]


@pytest.fixture
def cable(wired: tuple[Stack, LinkProxy]) -> Iterator[LinkProxy]:
    """The cable between the browsers of ``plant`` and its broker, whole again after the test."""
    yield wired[1]
    wired[1].mend()


@pytest.fixture
def make_device(plant: Stack) -> Iterator[Callable[[str], RawDevice]]:
    """Return a function that enrolls and connects a device which hears its commands and answers none by itself."""
    made: list[RawDevice] = []

    def make(client_id: str) -> RawDevice:
        device = RawDevice(plant, client_id)
        device.enroll()
        device.connect(*(f"command/{client_id}/{name}" for name in COMMANDS))
        made.append(device)
        return device

    yield make
    for one in made:
        one.close()

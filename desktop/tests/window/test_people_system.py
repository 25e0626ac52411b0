"""The people window on the whole system: signed in, cut off, changes made in it, joined again."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from PySide6.QtCore import QSettings

from pulse_desktop.core.folder import DeviceFolder
from pulse_desktop.core.sources.plan import single
from pulse_desktop.session import SessionPlan
from pulse_desktop.ui.application import Running
from pulse_desktop.ui.log_tail import LogTail
from pulse_desktop.ui.snapshot import Lamp
from pulse_desktop.ui.windows.people import PeopleWindow
from pulse_desktop.ui.windows.sign_in import SignInDialog
from pulse_runtime.environment import Environment
from support.desktops import Desktop
from support.open_forms import open_form, sign
from support.stack import ADMIN_PASSWORD, Stack, running_stack

FRESH = "quite-another-34"
SOON = 20_000  # milliseconds within which what is asked of the server is there


@pytest.fixture(scope="module")
def stack() -> Iterator[Stack]:
    with running_stack("postgres", "broker", "auth-api") as made:
        yield made


@pytest.fixture
def desktop(stack: Stack) -> Iterator[Desktop]:
    made = Desktop(stack, "PEOPLE-1")
    yield made.enroll()
    made.close()


@pytest.fixture
def running(desktop: Desktop, stack: Stack, kept: QSettings, qtbot) -> Iterator[Running]:
    folder = DeviceFolder(desktop.client_id, desktop.folder)
    made = Running(
        SessionPlan(Environment(stack.variables), folder, "0.5", single("simulator", seed=7)), LogTail(), kept
    )
    made.window.show()
    yield made
    made.close()


def names(stack: Stack) -> list[str]:
    return [one["username"] for one in stack.admin.get("/users").json()["items"]]


def shown(people: PeopleWindow) -> list[str]:
    return [row.cells[0] for row in people.users.listing.shown()]


# The MQTT library leaves a socket whose handshake was cut to the garbage collector.
@pytest.mark.filterwarnings("ignore:Exception ignored in. <ssl.SSLSocket:pytest.PytestUnraisableExceptionWarning")
def test_people_made_with_the_cable_out_reach_the_server_and_a_refused_one_is_to_review_item_3(
    running: Running, desktop: Desktop, stack: Stack, qtbot
):
    window = running.window
    qtbot.waitUntil(lambda: window.now.lamp is Lamp.ONLINE, timeout=SOON)
    qtbot.waitUntil(lambda: bool(running.session.operation.holdings().records), timeout=SOON)
    window.header.person.click()
    (dialog,) = window.findChildren(SignInDialog)
    dialog.name.setText("admin")
    dialog.password.setText(ADMIN_PASSWORD)
    dialog.submit()
    qtbot.waitUntil(window.header.people.isVisible, timeout=SOON)
    window.header.people.click()
    (people,) = window.findChildren(PeopleWindow)
    qtbot.waitUntil(lambda: shown(people) == ["admin"], timeout=SOON)

    desktop.cut()
    qtbot.waitUntil(lambda: window.now.lamp is Lamp.DISCONNECTED, timeout=SOON)
    for name in ("carla", "dario"):
        people.users.make.click()
        one = open_form(people)
        one.name.setText(name)
        one.password.setText(FRESH)
        one.repeated.setText(FRESH)
        one.roles.choose("VIEWER")
        sign(one, ADMIN_PASSWORD)
        qtbot.waitUntil(lambda name=name: f"{name}  \u00b7  waits" in shown(people), timeout=SOON)
    stack.admin.post("/users", json={"username": "dario", "password": FRESH, "roles": []}).raise_for_status()

    desktop.mend()
    qtbot.waitUntil(lambda: people.tabs.tabText(3) == "Review (1)", timeout=3 * SOON)
    qtbot.waitUntil(lambda: people.state.text() == "nothing waits for the server", timeout=SOON)
    assert sorted(names(stack)) == ["admin", "carla", "dario"]
    qtbot.waitUntil(lambda: shown(people) == ["admin", "carla", "dario"], timeout=SOON)
    (entry,) = people.review.listing.shown()
    assert entry.cells[1:] == ("create dario", "Another has that name.")
    stack.client("carla", FRESH).close()

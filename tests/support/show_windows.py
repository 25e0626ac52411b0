"""
Shows every window and dialog on the screen that Qt was given, and prints what is wrong with each as JSON.

A program of its own, because Qt takes the size and the scale of a screen once in a process.
"""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from PySide6.QtCore import QSettings
from PySide6.QtGui import QFont, QFontMetrics
from PySide6.QtWidgets import QApplication, QWidget

from pulse_desktop.core.errors import Link
from pulse_desktop.core.recent import MOST_WAITING
from pulse_desktop.ui.application import the_application
from pulse_desktop.ui.snapshot import Buffer, Snapshot
from pulse_desktop.ui.theme.colours import DARK
from pulse_desktop.ui.theme.style import put_on
from pulse_desktop.ui.windows.enroll import EnrollDialog
from pulse_desktop.ui.windows.main import MainWindow
from pulse_desktop.ui.windows.people import PeopleWindow
from pulse_desktop.ui.windows.people_forms import OwnPasswordForm
from pulse_desktop.ui.windows.settings import Present, SettingsDialog
from pulse_desktop.ui.windows.sign_in import SignInDialog
from pulse_desktop.ui.windows.sources import SourcesDialog
from support.open_forms import open_form
from support.people_desk import BOB, OPERATORS, VALVES, PeopleDesk
from support.window_fakes import (
    EVERYTHING,
    LARGEST,
    SETTINGS,
    FakeBridge,
    disconnected,
    everything_wrong,
    online,
    operator,
    rows,
    syncing,
)
from support.window_layout import faults

WHY = "the buffer is filling (8012345 of 10000000 readings); when it is full, new readings are given up"
API_AWAY = "the API at https://pulse.example.org:8443 gives no token: it does not answer within 10 s"
SAMPLE = "The quick brown fox jumps over the lazy dog 0123456789"
WIDEST_PX = 408  # of that in DejaVu Sans at 14 px, the widest of the theme's families; Liberation Sans takes 358
EVERYBODY = operator(*EVERYTHING, from_cache=True)
LONG_ID, LONG_NAME = "press-hall-west-" * 4, "maximiliana.of.the.night.shift.in.hall.3"
FIGURES = Buffer(held=4_321, sent=400, quarantined=12, lost=3, used_pct=2.4, room_h=46.5)
STATES = {
    "online": online(operator=EVERYBODY, latest={"line/very_long_name_of_a_metric": -LARGEST - 1}),
    "archive away": online(operator=EVERYBODY, is_archive_away=True),
    "syncing": syncing(operator=EVERYBODY, waiting=rows(MOST_WAITING)),
    "starting": disconnected(Link.CONNECTING, "", operator=EVERYBODY, is_starting=True),
    "connecting": disconnected(Link.CONNECTING, "", operator=EVERYBODY),
    "disconnected": disconnected(operator=EVERYBODY, problems={"notice": WHY}),
    "no server": disconnected(Link.NO_BROKER, API_AWAY, operator=EVERYBODY, problems={"notice": WHY}),
    "refused": disconnected(Link.REFUSED, "it was revoked", operator=EVERYBODY),
    "taken over": disconnected(Link.TAKEN_OVER, "another session takes this id over", operator=EVERYBODY),
    "much of it rejected": disconnected(Link.NO_BROKER, API_AWAY, operator=EVERYBODY, buffer=FIGURES),
    "nothing known": disconnected(Link.UP, "", problems={"look": "what is shown is old"}, buffer=None, waiting=None),
    "never synced": disconnected(last_sync_at=None),
    "signed out": disconnected(),
    "everything wrong": everything_wrong(),
}


def windows(folder: Path) -> Iterator[tuple[str, QWidget]]:
    """Yield each window with its name, shown in full where it is a window and not a dialog."""
    bridge = FakeBridge()
    yield from main_windows(folder, "DESKTOP-001", STATES)
    long_names = online(operator=operator(*EVERYTHING, name=LONG_NAME))
    yield from main_windows(folder, LONG_ID, {"long names": long_names})
    told = Present("DESKTOP-001", SETTINGS, {}, "https://pulse.example", "", "mqtts://pulse.example:8883")
    yield "sign-in", SignInDialog(bridge, list.copy)  # type: ignore[arg-type]  # nobody signs in
    yield "settings", SettingsDialog(bridge, told, lambda _moved: None)
    yield "sources", SourcesDialog(bridge, [{"kind": "machine"}, {"kind": "csv"}], lambda: None)
    yield "enroll", EnrollDialog(bridge.ask, lambda *_: None, "DESKTOP-001", "https://pulse.example")
    yield from people(folder)


def main_windows(folder: Path, client_id: str, states: dict[str, Snapshot]) -> Iterator[tuple[str, MainWindow]]:
    """Yield the main window of a device in each of *states*, on each of its tabs."""
    kept = QSettings(str(folder / "kept.ini"), QSettings.Format.IniFormat)
    main = MainWindow(client_id, FakeBridge(), kept, list)
    main.showMaximized()
    QApplication.processEvents()  # it chooses its layout by its size
    for name, state in states.items():
        for _ in range(2):  # the second time with the metric that the first one has offered
            main.show_snapshot(state)
        for tab in range(main.work.tabs.count()):
            main.work.tabs.setCurrentIndex(tab)
            yield f"{name}, {main.work.tabs.tabText(tab)}", main
    main.hide()


def people(folder: Path) -> Iterator[tuple[str, QWidget]]:
    """Yield the people window on each of its pages, and its forms."""
    desk = PeopleDesk(folder)
    made = PeopleWindow(desk.bridge, desk.operation.operator())
    made.showMaximized()
    for page, key in ((made.users, BOB), (made.roles, OPERATORS), (made.permissions, VALVES)):
        made.tabs.setCurrentWidget(page)
        page.listing.select(key)
        yield f"people, {made.tabs.tabText(made.tabs.currentIndex())}", made
        page.edit.click()
        form = open_form(made)
        yield f"form of {made.tabs.tabText(made.tabs.currentIndex())}", form
        form.reject()
    yield "own password", OwnPasswordForm(desk.bridge, lambda _: None)
    desk.close()


def untold(window: QWidget) -> list[str]:
    """Say what the main window must tell in every state and has in none of its two places: a panel has no tooltip."""
    if not isinstance(window, MainWindow):
        return []
    places = (window.state.last_sync, window.buffer.last_sync)
    told = [one.text() for one in places if one.isVisible() and one.text()]
    return [] if len(told) == 1 and told[0].startswith("Last sync") else [f"the last sync is told as {told}"]


def widen(application: QApplication) -> None:
    """Let the letters of this machine's family take as much room as the widest ones would."""
    font = application.font()
    wide = QFontMetrics(font).horizontalAdvance(SAMPLE)
    font.setLetterSpacing(QFont.SpacingType.PercentageSpacing, max(100.0, 100 * WIDEST_PX / wide))
    application.setFont(font)


def main() -> None:
    """Print what is wrong by the name of the window, and the screen as Qt sees it."""
    application = the_application()
    put_on(application, DARK)
    widen(application)
    found: dict[str, list[str]] = {}
    with tempfile.TemporaryDirectory() as folder:
        for name, window in windows(Path(folder)):
            window.show()
            for _ in range(4):  # what is laid out may want another layout
                QApplication.processEvents()
            found[name] = [*faults(window), *untold(window)]
            if len(sys.argv) > 1:
                window.grab().save(f"{sys.argv[1]}/{name.replace(', ', '-')}.png")
    screen = application.primaryScreen()
    size = screen.availableGeometry()
    print(json.dumps({"screen": [size.width(), size.height(), screen.devicePixelRatio()], "faults": found}))


if __name__ == "__main__":
    main()

"""Fixtures of the window's tests: no screen, the dark theme, a bridge that answers at once, a world with a broker."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

os.environ["QT_QPA_PLATFORM"] = "offscreen"  # before Qt is imported; the tests need no screen

import pytest
from PySide6.QtCore import QSettings
from PySide6.QtWidgets import QApplication

from pulse_desktop.ui.application import the_application
from pulse_desktop.ui.log_tail import LogTail
from pulse_desktop.ui.theme.colours import DARK
from pulse_desktop.ui.theme.style import present, put_on
from pulse_desktop.ui.watching import Newest, Watch
from pulse_desktop.ui.windows.main import MainWindow
from pulse_desktop.ui.windows.people import PeopleWindow
from support.device_fakes import FakeClock
from support.device_world import FakeArchive, World
from support.link_proxy import LinkProxy
from support.people_desk import PeopleDesk
from support.watched_session import FakeSession
from support.window_fakes import FakeBridge


@pytest.fixture(scope="session")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where pictures go: into the documentation when ``make pictures`` says so."""
    given = os.environ.get("PULSE_PICTURES")
    return Path(given) if given else tmp_path_factory.mktemp("pictures")


@pytest.fixture(scope="session")
def qapp() -> QApplication:
    """The application as the program makes it, instead of pytest-qt's."""
    return the_application()


@pytest.fixture(autouse=True)
def dark(qapp: QApplication) -> None:
    if present() is not DARK or not qapp.styleSheet():  # putting it on polishes every widget there is
        put_on(qapp, DARK)


@pytest.fixture
def kept(tmp_path: Path) -> QSettings:
    return QSettings(str(tmp_path / "kept.ini"), QSettings.Format.IniFormat)


@pytest.fixture
def bridge() -> FakeBridge:
    return FakeBridge()


@pytest.fixture
def window(qtbot, bridge: FakeBridge, kept: QSettings) -> MainWindow:
    made = MainWindow("DESKTOP-001", bridge, kept, lambda: bridge.opened.append("settings"))
    qtbot.addWidget(made)
    made.resize(1280, 800)
    made.show()
    return made


@pytest.fixture
def archive(world: World) -> Iterator[FakeArchive]:
    made = world.archive()
    yield made
    made.close()
    world.archives.remove(made)


@pytest.fixture
def link(world: World) -> Iterator[LinkProxy]:
    made = LinkProxy(world.mqtts_port)
    yield made
    made.close()


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[PeopleDesk]:
    made = PeopleDesk(tmp_path)
    yield made
    made.close()


@pytest.fixture
def people(qtbot, desk: PeopleDesk) -> PeopleWindow:
    made = PeopleWindow(desk.bridge, desk.operation.operator())
    qtbot.addWidget(made)
    made.show()
    return made


@pytest.fixture
def session(tmp_path: Path) -> FakeSession:
    return FakeSession(tmp_path)


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def newest() -> Newest:
    return Newest()


@pytest.fixture
def watch(session: Any, newest: Newest, clock: FakeClock) -> Watch:
    return Watch(session, newest, LogTail(), clock)

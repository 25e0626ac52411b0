"""What ``make desktop`` runs: a second device of this machine beside a running system, with its window on a screen."""

from __future__ import annotations

import sqlite3
from contextlib import closing

import pytest

from pulse_desktop.ui.snapshot import Lamp
from pulse_local.device import host_id
from support.accounts import integrity
from support.shown_lamps import shown_lamps
from support.stack import Stack, running_stack
from support.waiting import until
from support.x_windows import hidden_screen, shown_titles


def closed_as(stack: Stack, client_id: str) -> tuple[bool, str]:
    """Return what the device's file says of its last end: whether it was closed, and the link."""
    file = stack.home / "devices" / client_id / "outbox.db"
    with closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True)) as db:
        closed_with, link = db.execute("SELECT closed_with, link FROM sync_state").fetchone()
    return bool(closed_with), link


@pytest.mark.timeout(300)
def test_pulse_local_desktop_opens_a_window_that_delivers_and_ends_clean_item_9():
    one = host_id("-desktop")
    with running_stack("postgres", "broker", "auth-api", "ingest") as stack, hidden_screen() as screen:
        variables = {"DISPLAY": screen, "QT_QPA_PLATFORM": "xcb", "XDG_CONFIG_HOME": str(stack.home / "config")}
        desktop = stack.add("desktop", ["pulse-local", "desktop"], variables).start()
        until(
            lambda: any(one in title for title in shown_titles(screen)),
            within_s=60,
            what="the screen shows the window",
        )
        until(lambda: Lamp.ONLINE in shown_lamps(screen), within_s=60, what="the window shows that it is online")
        until(lambda: integrity(stack, one)["archived"] >= 3, within_s=60, what="readings are archived")
        assert desktop.stop() == 0, desktop.tail()
        assert shown_titles(screen) == []
        assert closed_as(stack, one) == (True, "stopped")
        assert "Traceback" not in desktop.log.read_text()
        until(lambda: integrity(stack, one)["missing"] == 0, within_s=30, what="nothing is missing")
        account = integrity(stack, one)
        assert account["rejected"] == account["declared_lost"] == 0

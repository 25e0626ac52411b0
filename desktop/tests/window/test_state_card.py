"""The connection's card in a large window and on a small screen: it says which link is missing, and nothing is cut."""

from __future__ import annotations

import itertools

import pytest
from PySide6.QtWidgets import QApplication

from pulse_desktop.core.errors import Link
from pulse_desktop.ui.snapshot import Buffer, Snapshot
from pulse_desktop.ui.windows.main import MainWindow
from support.window_fakes import disconnected, online, operator

LONG = "the API at https://pulse.example.org:8443/api/v1 gives no token: " + "it does not answer within 10 s " * 30
FIGURES = Buffer(held=4_321, sent=400, quarantined=12, lost=3, used_pct=2.4, room_h=46.5)
NOTICES = {"notice": "the buffer is filling (8012345 of 10000000 readings)", "source": "press: away"}


def said(window: MainWindow, size: tuple[int, int], shown: Snapshot) -> str:
    """Show it in a window of *size*; return what the card says, which has room for all of that."""
    window.resize(*size)
    for _ in range(2):
        window.show_snapshot(shown)
        QApplication.processEvents()
    meaning = window.state.meaning
    assert meaning.height() >= meaning.heightForWidth(meaning.width())
    return meaning.text().replace("\u200b", "")


@pytest.mark.parametrize("size", [(800, 480), (1280, 800)])
@pytest.mark.parametrize("problems", [{}, NOTICES])
@pytest.mark.parametrize(
    "detail",
    [
        "the broker does not answer within 8 s",
        "the API at https://p.example gives no token: it is down",
        "the API at https://pulse.example.org:8443 does not answer: timed out",
    ],
)
def test_card_says_what_does_not_answer_where_nobody_sees_a_tooltip_item_2(
    window: MainWindow, size: tuple[int, int], problems: dict[str, str], detail: str
):
    text = said(window, size, disconnected(Link.NO_BROKER, detail, problems=problems))
    assert "No broker" in text
    assert detail[1:] in text
    assert text.endswith("."), "no sentence is begun that has no room"


def test_card_without_a_detail_names_both_that_may_not_answer_item_2(window: MainWindow):
    assert "the broker or the server does not answer" in said(window, (1280, 800), disconnected(Link.NO_BROKER, ""))


@pytest.mark.parametrize("size", [(800, 480), (1280, 800)])
def test_card_leaves_out_the_end_of_a_detail_that_has_no_room_item_2(window: MainWindow, size: tuple[int, int]):
    text = said(window, size, disconnected(Link.NO_BROKER, LONG, problems=NOTICES))
    assert "The API at https://pulse.example.org:8443" in text
    assert text.endswith("\u2026")
    assert last_sync(window) == (False, True)
    whole = said(window, size, online())
    assert whole == "Readings go out as they are taken."
    assert last_sync(window) == (True, False)


def last_sync(window: MainWindow) -> tuple[bool, bool]:
    """Tell whether the last sync is to be read in the connection's card, and whether it is in the buffer's."""
    labels = (window.state.last_sync, window.buffer.last_sync)
    in_state, in_buffer = (one.isVisible() and one.text().startswith("Last sync") for one in labels)
    other = window.buffer.last_sync
    assert not in_buffer or other.height() >= other.heightForWidth(other.width()), "all of it is seen"
    return in_state, in_buffer


@pytest.mark.parametrize("size", [(760, 440), (800, 480), (1024, 600), (1280, 800)])
@pytest.mark.parametrize("problems", [{}, NOTICES])
def test_last_sync_is_seen_once_in_every_state_where_nobody_sees_a_tooltip_item_2(
    window: MainWindow, size: tuple[int, int], problems: dict[str, str]
):
    for link, buffer in itertools.product(set(Link) - {Link.UP}, (Buffer(held=4_321, used_pct=2.4), None, FIGURES)):
        said(window, size, disconnected(link, "the API does not answer within 10 s", problems=problems, buffer=buffer))
        assert sum(last_sync(window)) == 1, (link, buffer)


def test_last_sync_takes_the_place_of_the_figures_and_these_come_back_item_2(window: MainWindow):
    shown = disconnected(Link.NO_BROKER, LONG, problems=NOTICES, buffer=FIGURES)
    said(window, (800, 480), shown)
    assert last_sync(window) == (False, True)
    assert not window.buffer.under.isVisible()
    assert "12 rejected" in window.buffer.toolTip()
    said(window, (1280, 1000), shown)
    assert window.buffer.under.isVisible()
    assert window.buffer.toolTip() == ""


def test_card_does_not_say_again_what_a_banner_says_item_2(window: MainWindow):
    shown = disconnected(Link.REFUSED, "it was revoked", problems={"refused": "refused: it was revoked"})
    assert "revoked" not in said(window, (1280, 800), shown)


@pytest.mark.parametrize("problem", ["look", "news"])
def test_card_of_what_is_old_says_nothing_about_the_link_item_2(window: MainWindow, problem: str):
    text = said(window, (1280, 800), disconnected(Link.UP, "", problems={problem: "what is shown is old"}))
    assert text == "How the device is now is not known."


def test_manual_sync_without_a_connection_does_not_say_that_anything_is_sent_item_2(window: MainWindow):
    who = operator("FORCE_SYNC")
    window.show_snapshot(disconnected(operator=who))
    window.header.sync.click()
    assert window.banners.texts["done"].startswith("There is no connection: what waits is sent as soon as there is one")
    window.show_snapshot(online(operator=who))
    assert "done" not in window.banners.texts
    window.header.sync.click()
    assert window.banners.texts["done"] == "Sync asked for: what waits is sent now."

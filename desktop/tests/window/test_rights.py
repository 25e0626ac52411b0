"""Roles, permissions with their topic rules, and one's own password; on the device's real files."""

from __future__ import annotations

import pytest
from PySide6.QtCore import QSettings, Qt, QTimer
from PySide6.QtWidgets import QLabel, QMenu

from pulse_desktop.core.errors import SignInError
from pulse_desktop.core.identity import sign_in as signing_in
from pulse_desktop.core.identity.api import RefusalError
from pulse_desktop.ui.widgets.header import Header
from pulse_desktop.ui.windows import main
from pulse_desktop.ui.windows.main import MainWindow
from pulse_desktop.ui.windows.people import PeopleWindow
from pulse_sync.changes import CREATE
from pulse_sync.records import DELETED_AT, Key, Kind
from support.open_forms import open_form, sign
from support.people_desk import OPERATORS, VALVES, PeopleDesk
from support.sync_bench import EDIT_CONFIG, LOGIN, PASSWORD, USER, record
from support.window_fakes import FakeBridge, online, operator

FRESH = "quite-another-34"


def rows(page) -> list[tuple[str, ...]]:
    return [row.cells for row in page.listing.shown()]


def tabs(people: PeopleWindow) -> list[str]:
    return [people.tabs.tabText(number) for number in range(people.tabs.count())]


def test_roles_and_permissions_are_for_who_may_change_them_and_tabs_keep_their_order_item_3(
    people: PeopleWindow, desk: PeopleDesk
):
    everything = ["Users", "Roles", "Permissions", "Review", "Conflicts"]
    assert tabs(people) == everything
    desk.take_away("MANAGE_ROLES")
    people.show_operator(desk.operation.operator())
    assert tabs(people) == ["Users", "Review", "Conflicts"]
    desk.take_away("MANAGE_USERS")
    people.show_operator(desk.operation.operator())
    assert tabs(people) == ["Review", "Conflicts"]
    desk.give("MANAGE_ROLES")
    people.show_operator(desk.operation.operator())
    desk.give("MANAGE_USERS")
    people.show_operator(desk.operation.operator())
    assert tabs(people) == everything


def test_roles_are_listed_with_what_they_give_and_who_has_them_item_3(people: PeopleWindow):
    assert rows(people.roles) == [
        ("BOSS", "1", "DESKTOP_LOGIN, EDIT_CONFIG, MANAGE_ROLES, MANAGE_USERS"), ("OPERATOR", "1", "VALVES"),
    ]  # fmt: skip
    people.roles.listing.select(OPERATORS)
    detail = people.roles.card.shown
    assert (detail.title, detail.text) == ("OPERATOR", "Watches machines")
    assert [section.lines for section in detail.sections] == [("VALVES",), ("bob",)]


def test_roles_new_one_is_made_with_what_it_gives_item_3(people: PeopleWindow, desk: PeopleDesk):
    people.roles.make.click()
    one = open_form(people)
    one.name.setText("FITTER")
    one.text.setText("Mends")
    one.permissions.choose("VALVES")
    sign(one)
    (kind, field, fields), given = desk.queued()
    assert (kind, field, fields) == (Kind.ROLE, CREATE, {"name": "FITTER", "description": "Mends"})
    assert given == (Kind.ROLE_PERMISSION, "present", True)
    assert [cells[0] for cells in rows(people.roles)] == ["BOSS", "FITTER  \u00b7  waits", "OPERATOR"]


def test_roles_edited_send_only_what_differs_and_take_away_before_they_give_item_3(
    people: PeopleWindow, desk: PeopleDesk
):
    people.roles.listing.select(OPERATORS)
    people.roles.edit.click()
    one = open_form(people)
    one.permissions.choose("EDIT_CONFIG")
    one.permissions.choose("VALVES", is_chosen=False)
    one.text.setText("Watches")
    sign(one)
    assert [(change.id, change.field, change.value) for change in desk.changes()] == [
        (f"{OPERATORS}/{VALVES}", "present", False),
        (f"{OPERATORS}/{EDIT_CONFIG}", "present", True),
        (OPERATORS, "description", "Watches"),
    ]


def test_roles_whose_permissions_were_changed_meanwhile_are_left_item_3(people: PeopleWindow, desk: PeopleDesk):
    people.roles.listing.select(OPERATORS)
    people.roles.edit.click()
    one = open_form(people)
    one.permissions.choose("EDIT_CONFIG")
    desk.put(record(Key.role_permission(OPERATORS, LOGIN), present=True))
    sign(one)
    assert "was changed meanwhile" in one.error.text()
    assert desk.queued() == []


def test_roles_unchanged_are_not_sent_item_3(people: PeopleWindow, desk: PeopleDesk):
    people.roles.listing.select(OPERATORS)
    people.roles.edit.click()
    one = open_form(people)
    sign(one)
    assert one.error.text() == "Nothing was changed."
    assert desk.queued() == []


def test_roles_deleted_after_a_question_that_names_who_loses_what_item_3(people: PeopleWindow, desk: PeopleDesk):
    people.roles.listing.select(OPERATORS)
    people.roles.end.click()
    one = open_form(people)
    assert "bob loses it, and with it VALVES." in one.words.text()
    sign(one)
    assert [(kind, field) for kind, field, _ in desk.queued()] == [(Kind.ROLE, DELETED_AT)]
    assert [cells[0] for cells in rows(people.roles)] == ["BOSS"]


def test_permissions_are_listed_with_their_topic_rules_item_3(people: PeopleWindow):
    assert ("VALVES", "1", "OPERATOR") in rows(people.permissions)
    people.permissions.listing.select(VALVES)
    assert people.permissions.card.shown.sections[0].lines == ("subscribe telemetry/+/live",)
    people.permissions.listing.select(EDIT_CONFIG)
    assert ("built in", "accent") in people.permissions.card.shown.chips
    people.permissions.edit.click()
    assert open_form(people).name.isReadOnly()


def test_permissions_topic_rules_are_edited_as_lines_item_3(people: PeopleWindow, desk: PeopleDesk):
    people.permissions.listing.select(VALVES)
    people.permissions.edit.click()
    one = open_form(people)
    assert one.rules.toPlainText() == "subscribe telemetry/+/live"
    one.rules.setPlainText("subscribe telemetry/DESKTOP-001/live\n\n  subscribe heartbeat/+  ")
    sign(one)
    assert desk.queued() == [
        (Kind.PERMISSION, "rules", [{"action": "subscribe", "topic": "telemetry/DESKTOP-001/live"},
                                    {"action": "subscribe", "topic": "heartbeat/+"}]),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("subscribe a/b\nopen x", "Line 2 of the rules: write publish or subscribe, then a topic."),
        ("subscribe", "Line 1 of the rules: write publish or subscribe, then a topic."),
        ("subscribe sync/#", "subscribe 'sync/#'"),
        ("subscribe a/#/b", "subscribe 'a/#/b'"),
    ],
)
def test_permissions_rules_that_cannot_be_are_refused_in_place_item_3(
    people: PeopleWindow, desk: PeopleDesk, text: str, said: str
):
    people.permissions.make.click()
    one = open_form(people)
    one.name.setText("ODD")
    one.rules.setPlainText(text)
    sign(one)
    assert one.error.text().casefold().startswith(said.casefold())
    assert desk.queued() == []


def test_permissions_new_one_is_made_and_a_built_in_one_is_deleted_only_after_a_warning_item_3(
    people: PeopleWindow, desk: PeopleDesk
):
    people.permissions.make.click()
    one = open_form(people)
    one.name.setText("LAMPS")
    one.rules.setPlainText("subscribe heartbeat/+")
    sign(one)
    assert desk.queued()[0][2]["rules"] == [{"action": "subscribe", "topic": "heartbeat/+"}]
    people.permissions.listing.select(EDIT_CONFIG)
    people.permissions.end.click()
    one = open_form(people)
    assert "It leaves BOSS" in one.words.text()
    assert "closed to everybody" in one.words.text()
    sign(one)
    assert desk.queued()[1][:2] == (Kind.PERMISSION, DELETED_AT)


def test_names_that_look_like_markup_are_shown_letter_by_letter_item_3(people: PeopleWindow, desk: PeopleDesk):
    name = "<img src=x> <b>bold</b>"
    desk.put(record(Key.role(OPERATORS), name=name, description="", deleted_at=None))
    people.refresh()
    people.roles.listing.select(OPERATORS)
    people.roles.end.click()
    one = open_form(people)
    assert name in one.heading.text() + one.words.text()
    shown = [*one.findChildren(QLabel), *people.roles.card.findChildren(QLabel)]
    assert {label.textFormat() for label in shown if label.text()} == {Qt.TextFormat.PlainText}
    header = Header("D1")
    header.show_operator(operator(name="<img src=x>"))
    assert "<img" not in header.person.toolTip()
    assert "&lt;img" in header.person.toolTip()


@pytest.fixture
def signed_in(qtbot, desk: PeopleDesk, kept: QSettings) -> MainWindow:
    made = MainWindow("DESKTOP-001", desk.bridge, kept, lambda: None)
    qtbot.addWidget(made)
    made.show()
    made.show_snapshot(online(operator=desk.operation.operator()))
    made.header.person.click()
    (menu,) = made.findChildren(QMenu)
    next(action for action in menu.actions() if "password" in action.text()).trigger()
    return made


def change(one, current: str = PASSWORD, new: str = FRESH, again: str = FRESH) -> None:
    one.current.setText(current)
    one.password.setText(new)
    one.repeated.setText(again)
    one.submit()


def test_own_password_with_the_server_away_holds_here_at_once_and_waits_item_3(signed_in: MainWindow, desk: PeopleDesk):
    change(open_form(signed_in))
    assert "as soon as the server is there" in signed_in.banners.texts["done"]
    ((kind, field, _),) = desk.queued()
    assert (kind, field) == (Kind.USER, "password_hash")
    with pytest.raises(SignInError):
        desk.operation.sign_in("ann", PASSWORD)
    desk.bench.clock.advance(3_600)
    assert desk.operation.sign_in("ann", FRESH).who.username == "ann"
    seen = desk.operation.settings()
    desk.operation.set_settings(FRESH, {"sampling_interval": 0.5}, seen)  # the signing key went along


def test_own_password_changed_is_said_for_a_while_and_an_earlier_word_takes_no_later_one_away_item_3(
    qtbot, bridge: FakeBridge, window: MainWindow, monkeypatch
):
    monkeypatch.setattr(main, "DONE_MS", 50)
    window._password_changed(bridge.operation.welcome)
    assert window.banners.texts["done"] == "Your password is changed."
    qtbot.waitUntil(lambda: "done" not in window.banners.texts, timeout=2_000)
    window._succeeded("Sync asked for")
    window._password_changed(None)
    later = QTimer(singleShot=True)
    later.start(100)
    qtbot.waitUntil(lambda: not later.isActive(), timeout=2_000)
    assert "as soon as the server is there" in window.banners.texts["done"]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (("", FRESH, FRESH), "Give your present password."),
        ((PASSWORD, "short", "short"), "A password has 10 to 256 characters."),
        ((PASSWORD, FRESH, "x"), "The two passwords differ: type the same one twice."),
        ((PASSWORD, PASSWORD, PASSWORD), "The new password is the present one: choose another."),
        (("not-my-password", FRESH, FRESH), "The password is wrong."),
    ],
)
def test_own_password_that_cannot_be_is_refused_in_place_item_3(signed_in, desk: PeopleDesk, given, said: str):
    one = open_form(signed_in)
    change(one, *given)
    assert one.error.text() == said
    assert desk.queued() == []


def test_own_password_refused_by_the_server_is_not_changed_here_item_3(signed_in, desk: PeopleDesk, monkeypatch):
    def refuse(*_: object) -> None:
        raise RefusalError(401, "", "the name or the password is wrong", None)

    monkeypatch.setattr(signing_in.Online, "sign_in", refuse)
    one = open_form(signed_in)
    change(one)
    assert one.error.text() == "The name or the password is wrong."
    assert desk.queued() == []
    assert desk.shown(Key.user(USER)).get("is_active")

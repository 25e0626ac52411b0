"""People in the window: who sees what, what is queued, what is refused in place; on the device's real files."""

from __future__ import annotations

from dataclasses import replace

import pytest
from PySide6.QtCore import QSettings, Qt

from pulse_desktop.core.operation import Operator
from pulse_desktop.core.people.directory import Directory
from pulse_desktop.ui.theme.style import present
from pulse_desktop.ui.windows.main import MainWindow
from pulse_desktop.ui.windows.people import PeopleWindow
from pulse_sync.changes import CREATE
from pulse_sync.records import DELETED_AT, Key, Kind
from support.open_forms import open_form, sign
from support.people_desk import BOB, EVE, OPERATORS, PeopleDesk
from support.sync_bench import PASSWORD, ROLE, USER, user
from support.window_fakes import EVERYTHING, FakeBridge, online, operator

FRESH = "quite-another-34"


def names(people: PeopleWindow) -> list[str]:
    return [row.cells[0] for row in people.users.listing.shown()]


def tabs(people: PeopleWindow) -> list[str]:
    return [people.tabs.tabText(number) for number in range(people.tabs.count())]


def test_people_button_is_there_for_those_who_may_change_records_and_for_nobody_else_item_3(
    window: MainWindow, bridge: FakeBridge
):
    for who, is_there in (
        (Operator(), False),
        (operator("FORCE_SYNC", "DESKTOP_LOGIN"), False),
        (operator("MANAGE_USERS"), True),
        (operator("MANAGE_ROLES"), True),
        (operator("EDIT_CONFIG"), True),
    ):
        window.show_snapshot(online(operator=who))
        assert window.header.people.isVisible() == is_there, who


def test_people_button_opens_the_window_and_it_closes_when_the_person_is_gone_item_3(
    qtbot, desk: PeopleDesk, kept: QSettings
):
    window = MainWindow("DESKTOP-001", desk.bridge, kept, lambda: None)
    qtbot.addWidget(window)
    window.show()
    window.show_snapshot(online(operator=desk.operation.operator()))
    qtbot.mouseClick(window.header.people, Qt.MouseButton.LeftButton)
    (people,) = window.findChildren(PeopleWindow)
    assert people.isVisible()
    assert names(people) == ["ann", "bob", "eve"]
    people.users.make.click()
    one = open_form(people)
    desk.operation.sign_out()
    window.show_snapshot(online(operator=desk.operation.operator()))
    assert not people.isVisible()
    assert not one.isVisible(), "nor a form of the person who is gone"


def test_people_header_on_a_small_screen_cuts_nothing_off_item_3(window: MainWindow):
    for width in (760, 800):
        window.resize(width, 440)
        for waits in (0, 12):
            window.show_snapshot(online(operator=replace(operator(*EVERYTHING), to_review=waits)))
            assert window.header.people.isVisible()
            assert window.header.layout().minimumSize().width() <= width, "what has less than it needs is cut off"
    assert not window.header.theme.isVisible()
    window.resize(1_100, 440)
    assert window.header.theme.isVisible(), "there is room for it again"


def test_people_are_not_told_to_somebody_who_may_only_edit_settings_item_3(desk: PeopleDesk):
    desk.take_away("MANAGE_USERS")
    assert desk.operation.people().directory.people, "roles are given to people"
    desk.take_away("MANAGE_ROLES")
    assert desk.operation.people().directory == Directory()


def test_people_tabs_follow_the_mirrored_rights_item_3(people: PeopleWindow, desk: PeopleDesk):
    assert tabs(people)[0] == "Users"
    desk.take_away("MANAGE_USERS")
    people.show_operator(desk.operation.operator())
    assert "Users" not in tabs(people)


def test_people_the_core_refuses_to_tell_anything_to_who_may_not_item_3(people: PeopleWindow, desk: PeopleDesk):
    desk.take_away("MANAGE_USERS", "MANAGE_ROLES", "EDIT_CONFIG")
    desk.put(user(EVE, "eva"))
    people.refresh()
    assert "needs one of the permissions" in people.banners.texts["failed"]
    assert names(people) == ["ann", "bob", "eve"], "what was shown before stays, and nothing new comes"


def test_users_are_listed_sorted_and_filtered_with_their_roles_and_rights_item_3(people: PeopleWindow):
    listing = people.users.listing
    assert [row.cells for row in listing.shown()] == [
        ("ann", "active", "BOSS"), ("bob", "active", "OPERATOR"), ("eve", "inactive", "none"),
    ]  # fmt: skip
    listing.sort_by(0, is_descending=True)
    assert names(people) == ["eve", "bob", "ann"]
    listing.filter.setText("oper")
    assert names(people) == ["bob"]
    assert listing.count.text() == "1 of 3"
    listing.filter.setText("nobody")
    assert listing.nothing.text() == "Nothing matches"
    listing.filter.setText("")
    listing.select(USER)
    detail = people.users.card.shown
    assert (detail.title, detail.chips) == ("ann", (("active", "up"), ("you", "accent")))
    assert "MANAGE_USERS" in detail.sections[1].lines


def test_users_new_one_is_made_with_roles_and_waits_for_the_server_item_3(people: PeopleWindow, desk: PeopleDesk):
    people.users.make.click()
    one = open_form(people)
    one.name.setText(" carl ")
    one.password.setText(FRESH)
    one.repeated.setText(FRESH)
    one.roles.choose("OPERATOR")
    sign(one)
    (kind, field, fields), membership = desk.queued()
    assert (kind, field, fields["username"], fields["is_active"]) == (Kind.USER, CREATE, "carl", True)
    assert fields["password_hash"].startswith("$argon2id$")
    assert membership == (Kind.USER_ROLE, "present", True)
    assert "carl  \u00b7  waits" in names(people)
    assert people.state.text() == "2 changes wait for the server"
    assert "Carl is made" in people.banners.texts["done"]


@pytest.mark.parametrize(
    ("name", "password", "repeated", "own", "said"),
    [
        ("", FRESH, FRESH, PASSWORD, "Give a name to sign in with."),
        ("carl", "short", "short", PASSWORD, "A password has 10 to 256 characters."),
        ("carl", FRESH, FRESH + "x", PASSWORD, "The two passwords differ: type the same one twice."),
        ("carl", FRESH, FRESH, "", "Give your own password: the change is signed with your key."),
        ("carl", FRESH, FRESH, "not-my-password", "The password is wrong."),
        ("BOB", FRESH, FRESH, PASSWORD, "Another user has the name BOB."),
        ("a b", FRESH, FRESH, PASSWORD, "A user name has no white space, control characters, quotes or + # / $ : %"),
    ],
)
def test_users_new_one_that_cannot_be_is_refused_in_place_and_nothing_is_queued_item_3(  # noqa: PLR0917
    people: PeopleWindow, desk: PeopleDesk, name: str, password: str, repeated: str, own: str, said: str
):
    people.users.make.click()
    one = open_form(people)
    one.name.setText(name)
    one.password.setText(password)
    one.repeated.setText(repeated)
    sign(one, own)
    assert one.error.text().startswith(said)
    assert one.isVisible()
    assert desk.queued() == []


def test_users_deactivate_says_what_will_happen_and_does_it_item_3(people: PeopleWindow, desk: PeopleDesk):
    people.users.listing.select(BOB)
    people.users.activity.click()
    one = open_form(people)
    assert "can no longer sign in" in one.words.text()
    assert "your own account" not in one.words.text()
    sign(one)
    assert desk.queued() == [(Kind.USER, "is_active", False)]
    assert not desk.shown(Key.user(BOB)).get("is_active")
    assert people.users.listing.selected().key == BOB, "who is selected stays selected"
    assert people.users.activity.text() == "Activate \u2026"
    people.users.activity.click()
    sign(open_form(people))
    assert desk.queued()[1:] == [(Kind.USER, "is_active", True)]


def test_users_cancelled_question_changes_nothing_item_3(people: PeopleWindow, desk: PeopleDesk):
    people.users.listing.select(BOB)
    people.users.end.click()
    open_form(people).cancel.click()
    assert desk.queued() == []


def test_users_ending_oneself_is_said_item_3(people: PeopleWindow):
    people.users.listing.select(USER)
    people.users.end.click()
    assert "This is your own account: you will be signed out." in open_form(people).words.text()


def test_users_edited_send_only_what_differs_item_3(people: PeopleWindow, desk: PeopleDesk):
    people.users.listing.select(BOB)
    people.users.edit.click()
    one = open_form(people)
    one.roles.choose("OPERATOR", is_chosen=False)
    one.roles.choose("BOSS")
    sign(one)
    found = [(change.id, change.value) for change in desk.changes()]
    assert found == [(f"{BOB}/{OPERATORS}", False), (f"{BOB}/{ROLE}", True)]
    people.users.edit.click()
    one = open_form(people)
    one.name.setText("robert")
    sign(one)
    assert desk.queued()[2:] == [(Kind.USER, "username", "robert")]


def test_users_edited_by_somebody_else_meanwhile_are_not_overwritten_item_3(people: PeopleWindow, desk: PeopleDesk):
    people.users.listing.select(BOB)
    people.users.edit.click()
    one = open_form(people)
    one.name.setText("robert")
    desk.put(user(BOB, "bobby"))
    sign(one)
    assert "was changed meanwhile" in one.error.text()
    assert desk.queued() == []


def test_users_new_password_is_hashed_and_in_no_log_item_3(people: PeopleWindow, desk: PeopleDesk):
    people.users.listing.select(BOB)
    people.users.password.click()
    one = open_form(people)
    one.password.setText(FRESH)
    one.repeated.setText(FRESH)
    sign(one)
    ((kind, field, value),) = desk.queued()
    assert (kind, field) == (Kind.USER, "password_hash")
    assert value.startswith("$argon2id$")
    assert FRESH.encode() not in desk.bench.bytes_on_disk()


def test_users_own_password_is_changed_with_the_present_one_and_the_key_goes_along_item_3(
    people: PeopleWindow, desk: PeopleDesk
):
    people.users.listing.select(USER)
    people.users.password.click()
    one = open_form(people)
    one.current.setText(PASSWORD)
    one.password.setText(FRESH)
    one.repeated.setText(FRESH)
    one.submit()
    people.users.listing.select(BOB)
    people.users.activity.click()
    sign(open_form(people), FRESH)
    assert [field for _, field, _ in desk.queued()] == ["password_hash", "is_active"]


def test_users_deleted_can_be_shown_and_taken_back_item_3(people: PeopleWindow, desk: PeopleDesk):
    people.users.listing.select(BOB)
    people.users.end.click()
    sign(open_form(people))
    assert desk.queued()[0][1] == DELETED_AT
    assert names(people) == ["ann", "eve"]
    people.users.deleted.setChecked(True)
    people.users.listing.select(BOB)
    assert people.users.edit.isHidden()
    people.users.end.click()
    sign(open_form(people))
    assert desk.queued()[1] == (Kind.USER, DELETED_AT, None)
    assert not desk.shown(Key.user(BOB)).is_deleted


def test_users_news_from_the_server_come_by_themselves_and_keep_the_selection_item_3(
    people: PeopleWindow, desk: PeopleDesk, qtbot
):
    people.users.listing.select(BOB)
    desk.put(user("018f0000-0000-7000-8000-0000000000a0", "aaron"))
    qtbot.waitUntil(lambda: names(people) == ["aaron", "ann", "bob", "eve"], timeout=5_000)
    assert people.users.listing.selected().key == BOB
    assert people.users.card.shown.title == "bob"


def test_people_are_reached_by_the_keyboard_item_3(people: PeopleWindow, qtbot):
    view = people.users.listing.view
    people.users.listing.select(USER)
    qtbot.keyClick(view, Qt.Key.Key_Down)
    assert people.users.listing.selected().key == BOB
    qtbot.keyClick(view, Qt.Key.Key_Return)
    assert open_form(people).name.text() == "bob"
    open_form(people).cancel.click()
    people.activateWindow()
    qtbot.keyClick(people, Qt.Key.Key_F, Qt.KeyboardModifier.ControlModifier)
    assert people.focusWidget() is people.users.listing.filter


def test_people_inactive_are_faint_in_both_themes_item_3(people: PeopleWindow):
    model = people.users.listing.model
    number = [row.key for row in model.rows()].index(EVE)
    assert model.data(model.index(number, 0), Qt.ItemDataRole.ForegroundRole).name() == present().faint

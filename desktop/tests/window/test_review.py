"""Changes that were not applied, and conflicts with both values; on the device's real files and its real engine."""

from __future__ import annotations

import pytest

from pulse_desktop.core.errors import SignInError
from pulse_desktop.ui.windows.main import MainWindow
from pulse_desktop.ui.windows.people import PeopleWindow
from pulse_sync.records import Key, Kind
from support.open_forms import open_form, sign
from support.people_desk import BOB, OPERATORS, PeopleDesk
from support.sync_bench import HASH, ROLE, record
from support.window_fakes import online

WATCHERS = Key.role(OPERATORS)


def refused(desk: PeopleDesk, people: PeopleWindow, status: str = "REFUSED", **fields: object) -> None:
    """Let the server refuse what is in the queue."""
    for change in desk.changes():
        desk.answer(change, status, **{"reason": "NAME_TAKEN", "message": "Another has that name.", **fields})
    people.refresh()


def shown(page) -> list[tuple[str, ...]]:
    return [row.cells[1:] for row in page.listing.shown()]


def choose_first(page) -> None:
    page.listing.select(page.listing.shown()[0].key)


def test_review_lists_what_the_server_refused_with_its_reason_and_every_tab_says_so_item_3(people, desk: PeopleDesk):
    desk.bench.author().edit(Key.user(BOB), "username", "eve2")
    refused(desk, people)
    assert shown(people.review) == [("name of bob", "Another has that name.")]
    assert people.tabs.tabText(3) == "Review (1)"
    assert "not applied: see the tab Review" in people.banners.texts["review"]
    people.tabs.setCurrentWidget(people.review)
    assert "review" not in people.banners.texts
    choose_first(people.review)
    detail = people.review.card.shown
    assert [(section.caption, section.lines) for section in detail.sections] == [
        ("Why", ("Another has that name.",)), ("Asked for", ("name: eve2",)),
    ]  # fmt: skip


def test_review_is_announced_in_the_main_windows_header_to_who_may_change_something_item_3(
    people: PeopleWindow, desk: PeopleDesk, window: MainWindow
):
    desk.bench.author().edit(Key.user(BOB), "username", "eve2")
    refused(desk, people)
    window.show_snapshot(online(operator=desk.operation.operator()))
    assert window.header.people.text() == "People (1)"
    choose_first(people.review)
    people.review.drop.click()
    window.show_snapshot(online(operator=desk.operation.operator()))
    assert window.header.people.text() == "People"


def test_review_try_again_asks_anew_on_what_is_shown_now_and_the_entry_goes_item_3(people, desk: PeopleDesk):
    desk.bench.author().edit(WATCHERS, "description", "mine")
    kept = {"description": "theirs"}
    refused(desk, people, "CONFLICT", reason="LATER_VALUE", message="A later value stands.", kept=kept)
    desk.put(record(WATCHERS, name="OPERATOR", description="theirs", deleted_at=None))
    before = desk.bench.server.version
    choose_first(people.review)
    people.review.again.click()
    one = open_form(people)
    sign(one, "not-my-password")
    assert one.error.text() == "The password is wrong."
    assert len(shown(people.review)) == 1
    sign(one)
    (change,) = desk.changes()
    assert (change.id, change.field, change.value, change.base) == (OPERATORS, "description", "mine", before)
    assert shown(people.review) == []
    assert people.tabs.tabText(3) == "Review"


def test_review_a_deletion_can_be_tried_again_item_3(people: PeopleWindow, desk: PeopleDesk):
    desk.bench.author().delete(Key.user(BOB))
    refused(desk, people, reason="LAST_ADMIN", message="The last administrator can be neither ended nor demoted.")
    choose_first(people.review)
    people.review.again.click()
    sign(open_form(people))
    assert desk.shown(Key.user(BOB)).is_deleted


def test_review_passwords_and_new_records_cannot_be_tried_again_and_it_says_what_to_do_item_3(
    people: PeopleWindow, desk: PeopleDesk
):
    by = desk.bench.author()
    made = by.create(Kind.USER, {"username": "carl", "password_hash": HASH})
    by.edit(Key.user_role(made.id, ROLE), "present", True)
    refused(desk, people)
    assert shown(people.review) == [("create carl", "Another has that name.")], "one entry with what hangs on it"
    choose_first(people.review)
    assert not people.review.again.isEnabled()
    assert "make it anew" in people.review.again.toolTip()
    assert people.review.card.shown.sections[-1].lines == ("carl / BOSS",)
    assert HASH not in str(people.review.card.shown)
    people.review.drop.click()
    by.edit(Key.user(BOB), "password_hash", HASH)
    refused(desk, people)
    assert shown(people.review) == [("password of bob", "Another has that name.")]
    choose_first(people.review)
    assert not people.review.again.isEnabled()
    assert people.review.card.shown.sections[1].lines == ("password: changed",)


def test_review_taken_off_the_list_stays_in_the_log_item_3(people: PeopleWindow, desk: PeopleDesk):
    desk.bench.author().edit(Key.user(BOB), "username", "eve2")
    refused(desk, people)
    choose_first(people.review)
    people.review.drop.click()
    assert shown(people.review) == []
    assert "off the list" in people.banners.texts["done"]
    assert desk.queued() == []
    assert [row["reason"] for row in desk.operation.sync_log(10)] == ["NAME_TAKEN"]


def test_review_is_refused_by_the_core_to_who_may_not_change_anything_item_3(people: PeopleWindow, desk: PeopleDesk):
    desk.bench.author().edit(Key.user(BOB), "username", "eve2")
    refused(desk, people)
    choose_first(people.review)
    desk.take_away("MANAGE_USERS", "MANAGE_ROLES", "EDIT_CONFIG")
    people.review.drop.click()
    assert "needs one of the permissions" in people.banners.texts["refused"]
    with pytest.raises(SignInError, match="needs one of the permissions"):
        desk.operation.people()


def test_review_try_again_is_offered_only_with_the_right_that_the_change_needs_item_3(people, desk: PeopleDesk):
    desk.bench.author().edit(Key.user(BOB), "username", "eve2")
    refused(desk, people)
    desk.take_away("MANAGE_USERS")
    people.show_operator(desk.operation.operator())
    choose_first(people.review)
    assert not people.review.again.isEnabled()
    assert "MANAGE_USERS" in people.review.again.toolTip()


def test_conflicts_show_both_values_and_that_the_servers_stands_item_3(people: PeopleWindow, desk: PeopleDesk):
    desk.bench.author().edit(WATCHERS, "description", "mine")
    desk.put(record(WATCHERS, by="user:chief", name="OPERATOR", description="theirs", deleted_at=None))
    kept = {"description": "theirs"}
    refused(desk, people, "CONFLICT", reason="LATER_VALUE", message="A later value stands.", kept=kept)
    assert shown(people.conflicts) == [("description of OPERATOR", "the server's description: theirs")]
    choose_first(people.conflicts)
    detail = people.conflicts.card.shown
    assert detail.chips[0] == ("the server's value stands", "up")
    assert [(section.caption, section.lines, section.tone) for section in detail.sections] == [
        ("Already at the server, by chief", ("description: theirs",), "up"),
        ("From this desktop, by ann", ("description: mine",), "faint"),
    ]


def test_conflicts_show_both_values_and_that_this_desktops_stands_item_3(people: PeopleWindow, desk: PeopleDesk):
    desk.bench.author().edit(WATCHERS, "description", "mine")
    for change in desk.changes():
        desk.answer(change, "APPLIED", reason="OVERTOOK", version=1)
    people.refresh()
    assert shown(people.review) == [], "nothing was lost here"
    assert shown(people.conflicts) == [("description of OPERATOR", "this desktop's description: mine")]
    choose_first(people.conflicts)
    detail = people.conflicts.card.shown
    assert detail.chips[0] == ("this desktop's value stands", "up")
    assert [section.lines for section in detail.sections] == [
        ("description: mine",),
        ("description: Watches machines",),
    ]


def test_review_and_conflicts_that_are_empty_say_what_they_are_for_item_3(people: PeopleWindow):
    assert people.review.listing.nothing.text() == "Nothing to review"
    assert people.conflicts.listing.nothing.text() == "No conflicts"
    assert "both values stand here" in people.conflicts.listing.what_to_do.text()

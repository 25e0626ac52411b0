"""The people window in its states, dark and light, as pictures; ``make pictures`` puts them into the documentation."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QApplication, QWidget

from pulse_desktop.ui.theme.colours import BY_NAME
from pulse_desktop.ui.theme.style import put_on
from pulse_desktop.ui.windows.people import PeopleWindow
from pulse_desktop.ui.windows.people_forms import OwnPasswordForm
from pulse_sync.records import Key, Kind
from support.open_forms import open_form
from support.people_desk import BOB, OPERATORS, VALVES, PeopleDesk
from support.picture_sheet import sheet
from support.sync_bench import HASH, USER, record, user

NAMES = ("carla", "dario", "emma", "farid", "greta", "henrik", "ines", "jonas")


SOMETHING = 8  # colours of a picture that shows more than a ground


def shot(widget: QWidget, file: Path) -> int:
    """Save a picture of *widget* and return how many colours it has."""
    QApplication.processEvents()
    QApplication.processEvents()
    image = widget.grab().toImage()
    assert image.save(str(file))
    return len(colours_of(image))


def colours_of(image: QImage) -> set[int]:
    return {image.pixel(x, y) for x in range(0, image.width(), 7) for y in range(0, image.height(), 3)}


def populate(desk: PeopleDesk) -> None:
    """Add people, two changes that wait, two that were not applied, and two conflicts."""
    ids = [f"018f0000-0000-7000-8000-0000000001{number:02d}" for number in range(len(NAMES))]
    desk.put(*(user(one, name) for one, name in zip(ids, NAMES, strict=True)))
    desk.put(*(record(Key.user_role(one, OPERATORS), present=True) for one in ids[:6]))
    by, role = desk.bench.author(), Key.role(OPERATORS)
    desk.bench.clock.advance(60)
    mine = by.edit(role, "description", "Watches and mends machines")
    made = by.create(Kind.USER, {"username": "kira", "password_hash": HASH})
    given = by.edit(Key.user_role(made.id, OPERATORS), "present", True)
    taken = by.edit(Key.permission(VALVES), "name", "VALVES_1")
    creation = next(change for change in desk.changes() if change.id == made.id)
    theirs = {"description": "Watches machines, and makes them catch up"}
    desk.put(record(role, by="user:chief", name="OPERATOR", deleted_at=None, **theirs))
    desk.answer(mine, "CONFLICT", reason="LATER_VALUE", message="A later value stands.", kept=theirs)
    desk.answer(creation, "REFUSED", reason="NAME_TAKEN", message="Another has that name.")
    desk.answer(given, "REFUSED", reason="RECORD_REFUSED", message="The record that it belongs to was refused.")
    desk.answer(taken, "APPLIED", reason="OVERTOOK", version=1)
    by.edit(Key.user(ids[3]), "is_active", False)
    by.edit(Key.user(ids[0]), "username", "carla.m")


@pytest.mark.parametrize("theme", BY_NAME)
def test_picture_of_the_people_window_item_3(
    qapp: QApplication, people: PeopleWindow, desk: PeopleDesk, pictures: Path, theme: str
):
    put_on(qapp, BY_NAME[theme])
    people.tabs.setCurrentWidget(people.conflicts)
    assert shot(people, pictures / f"desktop-people-empty-{theme}.png") > SOMETHING
    populate(desk)
    people.refresh()
    for name, page, key in (
        ("users", people.users, BOB), ("roles", people.roles, OPERATORS), ("permissions", people.permissions, VALVES),
        ("review", people.review, ""), ("conflicts", people.conflicts, ""),
    ):  # fmt: skip
        people.tabs.setCurrentWidget(page)
        page.listing.select(key or page.listing.shown()[0].key)
        assert shot(people, pictures / f"desktop-people-{name}-{theme}.png") > SOMETHING
    people.tabs.setCurrentWidget(people.users)
    people.resize(640, 480)
    assert shot(people, pictures / f"desktop-people-users-small-{theme}.png") > SOMETHING


@pytest.mark.parametrize("theme", BY_NAME)
def test_picture_of_the_forms_for_people_item_3(  # noqa: PLR0917 - fixtures come by name
    qapp: QApplication, people: PeopleWindow, desk: PeopleDesk, pictures: Path, theme: str, qtbot
):
    put_on(qapp, BY_NAME[theme])
    users, roles, permissions = people.users, people.roles, people.permissions
    users.listing.select(USER)
    roles.listing.select(OPERATORS)
    permissions.listing.select(VALVES)
    for name, button in (
        ("new-person", users.make), ("delete-person", users.end), ("edit-role", roles.edit),
        ("edit-permission", permissions.edit),
    ):  # fmt: skip
        button.click()
        one = open_form(people)
        if name == "new-person":
            one.submit()
        assert shot(one, pictures / f"desktop-{name}-{theme}.png") > SOMETHING
        one.reject()
    users.listing.select(BOB)
    taken: list[QImage] = []
    for button in (users.edit, users.password, users.activity, roles.make, roles.end, permissions.make):
        button.click()
        one = open_form(people)
        QApplication.processEvents()
        QApplication.processEvents()
        taken.append(one.grab().toImage())
        assert len(colours_of(taken[-1])) > SOMETHING
        one.reject()
    assert sheet(taken, 3, BY_NAME[theme].line).save(str(pictures / f"desktop-forms-{theme}.png"))
    own = OwnPasswordForm(desk.bridge, lambda _: None)
    qtbot.addWidget(own)
    own.show()
    assert shot(own, pictures / f"desktop-own-password-{theme}.png") > SOMETHING

"""Rows that are known by their keys: what stays is not touched when another one comes or goes."""

from __future__ import annotations

import random

import pytest
from PySide6.QtCore import QPersistentModelIndex, QSortFilterProxyModel

from pulse_desktop.ui.models.rows import KeyedRows, Row, Rows


def rows(keys: str, **cells: str) -> list[Row]:
    return [Row(key, (cells.get(key, key),)) for key in keys]


@pytest.mark.parametrize(
    ("before", "after", "followed"),
    [("abd", "abcd", "d"), ("bcd", "abcd", "b"), ("abc", "abcd", "a"), ("abcd", "acd", "d"), ("abcd", "bcd", "c"),
     ("ad", "abcd", "d"), ("abcd", "ad", "d")],
)  # fmt: skip
def test_row_that_stays_is_the_same_when_others_come_or_go_item_3(before: str, after: str, followed: str):
    model = KeyedRows(("Name",))
    model.show_rows(rows(before))
    index = QPersistentModelIndex(model.index(before.index(followed), 0))
    model.show_rows(rows(after))
    assert index.isValid()
    assert model.rows()[index.row()].key == followed


def test_rows_that_differ_are_told_and_no_others_item_3():
    model = KeyedRows(("Name",))
    model.show_rows(rows("abde"))
    told: list[int] = []
    model.dataChanged.connect(lambda first, last: told.extend(range(first.row(), last.row() + 1)))
    model.show_rows(rows("abcde", a="A", e="E"))
    assert told == [0, 4]
    assert [row.cells[0] for row in model.rows()] == ["A", "b", "c", "d", "E"]


def test_rows_sorted_show_what_is_there_after_any_history_item_3(qtmodeltester):
    chance = random.Random(7)
    model, by_name = KeyedRows(("Name",)), QSortFilterProxyModel()
    by_name.setSourceModel(model)
    by_name.sort(0)
    qtmodeltester.check(model)
    for _ in range(300):
        keys = "".join(sorted(chance.sample("abcdefghij", chance.randint(0, 10))))
        wanted = rows(keys, **{key: chance.choice("xyz") + key for key in keys if chance.random() < 0.3})
        model.show_rows(wanted)
        assert model.rows() == wanted
        shown = [by_name.index(number, 0).data() for number in range(by_name.rowCount())]
        assert shown == sorted(row.cells[0] for row in wanted)


def test_rows_of_one_key_each_tell_only_the_cells_that_differ_item_2():
    model = Rows(("Metric", "Value", "Type"))
    model.show_rows([Row(key, (key, "1", "integer")) for key in "abcd"])
    told: list[tuple[int, int, int, int]] = []
    model.dataChanged.connect(lambda first, last: told.append((first.row(), last.row(), first.column(), last.column())))
    model.show_rows([Row(key, (key, "2" if key in "bc" else "1", "integer")) for key in "abcd"])
    model.show_rows([Row(key, (key, "2" if key in "bc" else "1", "integer"), tip="late") for key in "abcd"])
    assert told == [(1, 2, 1, 1), (0, 3, 0, 2)]

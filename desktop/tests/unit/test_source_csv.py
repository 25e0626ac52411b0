"""A CSV file replayed: exact types, rows and headers that are wrong, the end."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pulse_acl.payloads import INT64_MAX, INT64_MIN
from pulse_desktop.core.sources import csv_file
from pulse_desktop.core.sources.base import SourceConfigError
from pulse_desktop.core.sources.csv_replay import CsvReplay


def csv(folder: Path, text: str | bytes) -> Path:
    path = folder / "values.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def replayed(path: Path, **options: object) -> list[dict[str, object]]:
    source = CsvReplay(path, **{"columns": None, **options})  # type: ignore[arg-type]
    rows = [dict(row) for row in itertools.takewhile(bool, iter(source.read, None))]
    source.close()
    return rows


def test_csv_types_are_those_of_the_columns_and_integers_exact(tmp_path: Path):
    lines = [
        f"\ufeffcount,temp,ok,mixed\r\n{INT64_MAX}, 2.5,true,1\r\n",
        f"{INT64_MIN},-1e-3,FALSE,2.5\r\n9007199254740993,.5,True,\r\n",
    ]
    path = csv(tmp_path, "".join(lines))
    rows = replayed(path)
    assert rows == [
        {"count": INT64_MAX, "temp": 2.5, "ok": True, "mixed": 1.0},
        {"count": INT64_MIN, "temp": -0.001, "ok": False, "mixed": 2.5},
        {"count": 9007199254740993, "temp": 0.5, "ok": True},
    ]
    for row in rows:
        assert type(row["count"]) is int
        assert type(row["temp"]) is float
        assert type(row["ok"]) is bool
        assert type(row.get("mixed", 0.0)) is float, "a column has one type"


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=50)
@given(st.lists(st.tuples(st.integers(INT64_MIN, INT64_MAX), st.floats(allow_nan=False, allow_infinity=False))))
def test_csv_of_any_numbers_comes_back_digit_for_digit_item_5(tmp_path: Path, rows: list[tuple[int, float]]):
    path = csv(tmp_path, "a,b\n0,0.5\n" + "".join(f"{whole},{decimal!r}\n" for whole, decimal in rows))
    assert [(row["a"], row["b"]) for row in replayed(path)][1:] == rows


@pytest.mark.parametrize(
    ("bad", "sentence"),
    [
        ("x,1.5,true", "line 3: count is 'x'; the column holds a whole number elsewhere"),
        ("9223372036854775808,1.5,true", "line 3: count is '9223372036854775808'; beyond 64 bits"),
        ("1,nan,true", "line 3: temp is 'nan'; the column holds a number elsewhere"),
        ("1,1e999,true", "line 3: temp is '1e999'; too large for a decimal"),
        ("1,9007199254740993,true", "line 3: temp is '9007199254740993'; a decimal cannot hold it exactly"),
        ("1,1.5,1", "line 3: ok is '1'; the column holds true or false elsewhere"),
        ("1,1.5", "line 3 has 2 cells, the header has 3"),
        (" , ,", "line 3 is empty"),
    ],
)
def test_csv_row_that_cannot_be_taken_is_left_out_and_named_item_5(tmp_path: Path, bad: str, sentence: str):
    good = "1,0.5,true"
    if sentence.startswith("line 3: ok"):  # two kinds in one column: numbers say more than words
        path = csv(tmp_path, f"count,temp,ok\n{good}\n1,1.5,1\n{good}\n")
        source = CsvReplay(path, columns=None)
        assert "line 2: ok is 'true'; the column holds a whole number elsewhere" in source.notice
        source.close()
        return
    path = csv(tmp_path, f"count,temp,ok\n{good}\n{bad}\n{good}\n")
    source = CsvReplay(path, columns=None)
    assert f"1 left out: {sentence}" in source.notice
    source.close()
    assert replayed(path) == [{"count": 1, "temp": 0.5, "ok": True}] * 2


@pytest.mark.parametrize(
    ("text", "options", "sentence"),
    [
        ("", {}, "is empty; its line 1 has to name the columns"),
        ("a,a\n1,2\n", {}, "line 1: two columns are called 'a'"),
        ("a,\n1,2\n", {}, "line 1: column 2 has no name"),
        ("a b\n1\n", {}, "line 1: 'a b' cannot be a metric; use A-Z a-z 0-9"),
        ("a\n1\n", {"columns": {"b": "b"}}, "line 1: there is no column 'b'; there are: a"),
        ("a,b\n1,2\n", {"columns": {"a": "x", "b": "x"}}, "gives two columns the same metric"),
        ("a\n1\n", {"columns": {}}, "0 columns are to be replayed"),
        ("a\nx\ny\n", {}, "the column 'a' holds no number and no true or false"),
        ("a\n", {}, "the column 'a' holds no number"),
        ('a\n"1\n', {}, "line 2"),
        (b"a\n\xff\n", {}, "cannot be read"),
        ("a\n1\n", {"delimiter": ""}, "the option 'delimiter' is ''"),
    ],
)
def test_csv_file_that_cannot_be_used_says_what_is_wrong(
    tmp_path: Path, text: str | bytes, options: dict[str, object], sentence: str
):
    with pytest.raises(SourceConfigError) as caught:
        replayed(csv(tmp_path, text), **options)
    assert sentence in str(caught.value)


def test_csv_file_that_is_not_there_or_too_large_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    with pytest.raises(SourceConfigError, match=r"gone\.csv cannot be read"):
        CsvReplay(tmp_path / "gone.csv", columns=None)
    monkeypatch.setattr(csv_file, "MOST_BYTES", 3)
    with pytest.raises(SourceConfigError, match="is larger than 0 MiB; split it"):
        CsvReplay(csv(tmp_path, "a\n1\n"), columns=None)


def test_csv_columns_are_renamed_and_others_left_out(tmp_path: Path):
    path = csv(tmp_path, "time;Drehzahl (1/min)\n10:00;1480\n10:01;1490\n")
    options = {"columns": {"Drehzahl (1/min)": "motor/speed_rpm"}, "delimiter": ";"}
    assert replayed(path, **options) == [{"motor/speed_rpm": 1480}, {"motor/speed_rpm": 1490}]


def test_csv_stops_at_its_end_and_says_so(tmp_path: Path):
    source = CsvReplay(csv(tmp_path, "a\n1\n2\n"), columns=None)
    assert [dict(source.read()) for _ in range(4)] == [{"a": 1}, {"a": 2}, {}, {}]
    assert source.notice == "values.csv: at its end"
    source.close()


def test_csv_in_a_loop_begins_again_and_fails_when_its_rows_are_gone(tmp_path: Path):
    path = csv(tmp_path, "a\n1\n2\n")
    source = CsvReplay(path, columns=None, is_loop=True)
    assert [source.read()["a"] for _ in range(5)] == [1, 2, 1, 2, 1]
    assert source.notice == "values.csv: row 1 of 2"
    path.write_text("a\n")
    with pytest.raises(SourceConfigError, match="has no row any more"):
        list(iter(source.read, None))
    source.close()

"""
Reads a CSV file whose columns become metrics, each column of one type that the whole file bears out.

A column is boolean when all its cells are ``true`` or ``false``, integer when all are whole numbers, decimal when all
are numbers and one has a point or an exponent. Empty cells are left out of their row. A row that cannot be taken is
left out with its line number; what stands in the header is wrong for the whole file. Nothing is rounded silently.
"""

from __future__ import annotations

import csv
import math
import re
from collections.abc import Generator, Iterator, Mapping
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path

from pulse_acl.payloads import INT64_MAX, INT64_MIN, MAX_METRICS

from ..readings import MetricValue, clean
from .base import SourceConfigError

MOST_BYTES = 32 * 1024 * 1024  # read once before the first sample, within the patience for a source
_EXACT = 2**53  # beyond it a decimal cannot hold every integer
_INTEGER = re.compile(r"[+-]?[0-9]{1,40}")
_DECIMAL = re.compile(r"[+-]?(?:[0-9]{1,400}\.?[0-9]{0,400}|\.[0-9]{1,400})(?:[eE][+-]?[0-9]{1,4})?")
_BOOLEANS = {"true": True, "false": False}


class _Type(IntEnum):
    """What a cell is; a column's type is the most telling one of its cells."""

    TEXT = 0
    BOOLEAN = 1
    INTEGER = 2
    DECIMAL = 3


_NAMES = {_Type.BOOLEAN: "true or false", _Type.INTEGER: "a whole number", _Type.DECIMAL: "a number"}


@dataclass(frozen=True, slots=True)
class _Column:
    """One column that is replayed: its place in a row, from 0."""

    place: int
    header: str
    metric: str
    type: _Type = _Type.TEXT


@dataclass(slots=True)
class CsvFile:
    """
    A file that was looked through; ``rows`` yields what it holds, as often as it is asked.

    ``good``: how many rows can be taken; ``bad``: how many cannot, ``first_bad`` the sentence about the first.
    """

    path: Path
    delimiter: str
    width: int
    columns: tuple[_Column, ...]
    good: int = 0
    bad: int = 0
    first_bad: str = ""

    def rows(self) -> Generator[dict[str, MetricValue]]:
        """
        Yield the values of each row that can be taken, in order.

        Raises:
            SourceConfigError: The file cannot be read (any more).
        """
        for line, cells in _lines(self.path, self.delimiter, skip_header=True):
            found = self._row(line, cells)
            if isinstance(found, dict):
                yield found

    def look_through(self) -> None:
        """Count the rows that can be taken, and those that cannot."""
        for line, cells in _lines(self.path, self.delimiter, skip_header=True):
            found = self._row(line, cells)
            if isinstance(found, dict):
                self.good += 1
            else:
                self.bad += 1
                self.first_bad = self.first_bad or found

    def _row(self, line: int, cells: list[str]) -> dict[str, MetricValue] | str:
        if len(cells) != self.width:
            return f"line {line} has {len(cells)} cells, the header has {self.width}"
        values: dict[str, MetricValue] = {}
        for column in self.columns:
            text = cells[column.place].strip()
            if not text:
                continue
            value = _value(text, column.type)
            if isinstance(value, str):
                return f"line {line}: {column.header} is {text[:40]!r}; {value}"
            values[column.metric] = value
        return values or f"line {line} is empty"


def open_csv(path: Path, columns: Mapping[str, object] | None, delimiter: str) -> CsvFile:
    """
    Look through the file at *path*; *columns*: header to metric for those that are wanted, ``None``: all.

    Raises:
        SourceConfigError: The file, its header or all of a column cannot be used; the sentence names the line.
    """
    if len(delimiter) != 1 or delimiter in '"\r\n':
        raise SourceConfigError(f"the option 'delimiter' is {delimiter!r}; give one character, as , or ;")
    header = next((cells for _, cells in _lines(path, delimiter, skip_header=False)), None)
    if header is None:
        raise SourceConfigError(f"{path} is empty; its line 1 has to name the columns")
    wanted = _columns(path, [cell.strip() for cell in header], columns)
    types = _types(path, delimiter, len(header), wanted)
    for column in wanted:
        if types.get(column.place, _Type.TEXT) is _Type.TEXT:
            raise SourceConfigError(
                f"{path}: the column {column.header!r} holds no number and no true or false; "
                f"name the columns to replay in the option 'columns'"
            )
    typed = tuple(_Column(one.place, one.header, one.metric, types[one.place]) for one in wanted)
    file = CsvFile(path, delimiter, len(header), typed)
    file.look_through()
    if not file.good:
        raise SourceConfigError(f"{path} has no row that can be replayed: {file.first_bad}")
    return file


def _lines(path: Path, delimiter: str, *, skip_header: bool) -> Iterator[tuple[int, list[str]]]:
    """Yield the number of each row's last line, from 1, and its cells; blank lines are left out."""
    try:
        if path.stat().st_size > MOST_BYTES:
            raise SourceConfigError(f"{path} is larger than {MOST_BYTES >> 20} MiB; split it")
        with path.open(encoding="utf-8-sig", newline="") as handle:
            reader = csv.reader(handle, delimiter=delimiter, strict=True)
            if skip_header:
                next(reader, None)
            try:
                yield from ((reader.line_num, cells) for cells in reader if cells)
            except csv.Error as error:
                raise SourceConfigError(f"{path}, line {reader.line_num}: {error}") from error
    except (OSError, UnicodeDecodeError) as error:
        raise SourceConfigError(f"{path} cannot be read: {error}") from error


def _columns(path: Path, header: list[str], columns: Mapping[str, object] | None) -> list[_Column]:
    for place, name in enumerate(header):
        if header.index(name) != place:
            raise SourceConfigError(f"{path}, line 1: two columns are called {name!r}")
        if not name and columns is None:
            raise SourceConfigError(f"{path}, line 1: column {place + 1} has no name")
    asked = {name: name for name in header} if columns is None else columns
    found = []
    for name, metric in asked.items():
        if name not in header:
            raise SourceConfigError(f"{path}, line 1: there is no column {name!r}; there are: {', '.join(header)}")
        if not isinstance(metric, str) or clean({metric: True}).dropped:
            raise SourceConfigError(
                f"{path}, line 1: {metric!r} cannot be a metric; use A-Z a-z 0-9 . _ - / "
                f"and give the column such a name in the option 'columns'"
            )
        found.append(_Column(header.index(name), name, metric))
    if len({column.metric for column in found}) < len(found):
        raise SourceConfigError("the option 'columns' gives two columns the same metric")
    if not 1 <= len(found) <= MAX_METRICS:
        raise SourceConfigError(f"{path}: {len(found)} columns are to be replayed; it can be 1 to {MAX_METRICS}")
    return found


def _types(path: Path, delimiter: str, width: int, columns: list[_Column]) -> dict[int, _Type]:
    types: dict[int, _Type] = {}
    for _, cells in _lines(path, delimiter, skip_header=True):
        if len(cells) != width:
            continue
        for column in columns:
            text = cells[column.place].strip()
            if text:
                types[column.place] = max(types.get(column.place, _Type.TEXT), _type(text))
    return types


def _type(text: str) -> _Type:
    if _INTEGER.fullmatch(text):
        return _Type.INTEGER
    if _DECIMAL.fullmatch(text):
        return _Type.DECIMAL
    return _Type.BOOLEAN if text.lower() in _BOOLEANS else _Type.TEXT


def _value(text: str, wanted: _Type) -> MetricValue | str:
    """Return the value of a cell in a column of that type, or why there is none."""
    kind = _type(text)
    if kind is _Type.BOOLEAN and wanted is _Type.BOOLEAN:
        return _BOOLEANS[text.lower()]
    if kind not in {_Type.INTEGER, _Type.DECIMAL} or kind > wanted:
        return f"the column holds {_NAMES[wanted]} elsewhere"
    if wanted is _Type.INTEGER:
        whole = int(text)
        return whole if INT64_MIN <= whole <= INT64_MAX else "beyond 64 bits"
    if kind is _Type.INTEGER and abs(int(text)) > _EXACT:
        return "a decimal cannot hold it exactly, and the column has decimals"
    value = float(text)
    return value if math.isfinite(value) else "too large for a decimal"

"""A CSV file as a source: one row for each sample, under the time of the sample. Read next: ``csv_file``."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from ..readings import MetricValue
from .base import SourceConfigError
from .csv_file import open_csv


class CsvReplay:
    """Replays the file at *path*, once or with *is_loop* for ever; what is changed in it meanwhile may count."""

    def __init__(
        self, path: Path, *, columns: Mapping[str, object] | None, is_loop: bool = False, delimiter: str = ","
    ) -> None:
        """
        Look through the file.

        Raises:
            SourceConfigError: It cannot be used.
        """
        self._file, self._is_loop = open_csv(path, columns, delimiter), is_loop
        self._rows = self._file.rows()
        self._given = 0
        self._is_over = False

    @property
    def notice(self) -> str:
        """How far it is, and which rows were left out."""
        at = self._given
        where = "at its end" if self._is_over else f"row {at} of {self._file.good}"
        left_out = f"; {self._file.bad} left out: {self._file.first_bad}" if self._file.bad else ""
        return f"{self._file.path.name}: {where}{left_out}"

    def read(self) -> Mapping[str, MetricValue]:
        """Return the next row, nothing after the last one."""
        if self._is_over:
            return {}
        row = next(self._rows, None)
        if row is None and self._is_loop:
            self._rows, self._given = self._file.rows(), 0
            row = next(self._rows, None)
            if row is None:
                raise SourceConfigError(f"{self._file.path} has no row any more that can be replayed")
        if row is None:
            self._is_over = True
            return {}
        self._given += 1
        return row

    def close(self) -> None:
        """Close the file."""
        self._rows.close()

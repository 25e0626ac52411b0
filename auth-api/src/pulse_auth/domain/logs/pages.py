"""
Pages of a log, newest first: a cursor is the time and number of the last row shown, so new rows shift nothing.

Knows no log in particular; which columns may be filtered by is said by ``controllers``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Row, select, tuple_
from sqlalchemy.ext.asyncio import AsyncSession

MOST_ITEMS, DEFAULT_ITEMS = 500, 100
CURSOR_PATTERN = r"^[0-9]{1,16}\.[0-9]{1,18}\Z"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Asked:
    """Which part of a log is asked for; ``until`` is exclusive, ``cursor`` as given out with the page before."""

    since: datetime | None
    until: datetime | None
    cursor: str | None
    limit: int


async def read_page(
    session: AsyncSession,
    columns: Sequence[ColumnElement[Any]],
    *,
    time: ColumnElement[datetime],
    number: ColumnElement[int],
    equal: Mapping[Any, object],
    asked: Asked,
) -> tuple[Sequence[Row[Any]], str | None]:
    """
    Return rows of *columns*, newest first, and the cursor of the next page.

    Args:
        session: Open session; nothing is written.
        columns: What is wanted of each row.
        time: The column it is ordered by; rows of one time are ordered by *number*.
        number: The unique number of a row.
        equal: Columns and the values that they must have; ``None`` means any.
        asked: Span, cursor and size.
    """
    statement = select(*columns, time.label("page_time"), number.label("page_number"))
    statement = statement.where(*(column == value for column, value in equal.items() if value is not None))
    if asked.since is not None:
        statement = statement.where(time >= asked.since)
    if asked.until is not None:
        statement = statement.where(time < asked.until)
    if asked.cursor is not None:
        statement = statement.where(tuple_(time, number) < _place(asked.cursor))
    statement = statement.order_by(time.desc(), number.desc()).limit(asked.limit + 1)
    rows: Sequence[Row[Any]] = (await session.execute(statement)).all()  # type: ignore[assignment]
    shown = rows[: asked.limit]
    return shown, _cursor(shown[-1]) if len(rows) > asked.limit else None


def _cursor(row: Row[Any]) -> str:
    return f"{(row.page_time - _EPOCH) // _MICROSECOND}.{row.page_number}"


def _place(cursor: str) -> tuple[datetime, int]:
    microseconds, _, number = cursor.partition(".")
    return _EPOCH + int(microseconds) * _MICROSECOND, int(number)

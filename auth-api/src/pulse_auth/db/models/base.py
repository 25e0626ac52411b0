"""What all tables share: the registry, column types by annotation, and the columns of a mirrored record."""

from __future__ import annotations

from datetime import datetime
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import BigInteger, DateTime, LargeBinary, MetaData, Text, func, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.dialects.postgresql import UUID as PG_UUID
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

NAMING = {
    "ix": "%(table_name)s_%(column_0_N_name)s",
    "uq": "%(table_name)s_%(column_0_N_name)s_key",
    "ck": "%(table_name)s_%(constraint_name)s_check",
    "fk": "%(table_name)s_%(column_0_N_name)s_fkey",
    "pk": "%(table_name)s_pkey",
}


class Base(DeclarativeBase):
    """Base of the mapped classes; ``metadata`` also holds the archive's plain tables."""

    metadata = MetaData(naming_convention=NAMING)
    type_annotation_map: ClassVar[dict[Any, Any]] = {
        str: Text,
        int: BigInteger,
        bytes: LargeBinary,
        datetime: DateTime(timezone=True),
        UUID: PG_UUID(as_uuid=True),
        dict[str, Any]: JSONB,
        list[Any]: JSONB,
    }


class MirroredRecord:
    """
    Columns of every record that desktops mirror.

    ``clock``: for each field ``{"at", "by", "source", "version", "change_id"}`` of the write that won (the last only
    for a desktop's change); ``updated_*`` repeat the newest. ``version``: of the last change; ``deleted_at`` makes a
    tombstone. Written by ``domain.sync`` only.
    """

    clock: Mapped[dict[str, Any]] = mapped_column(server_default=text("'{}'"), default=dict)
    version: Mapped[int] = mapped_column(server_default=text("0"), default=0)
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    updated_at: Mapped[datetime] = mapped_column(server_default=func.now())
    updated_by: Mapped[str] = mapped_column(server_default=text("''"), default="")
    source: Mapped[str] = mapped_column(server_default=text("'web'"), default="web")
    deleted_at: Mapped[datetime | None]

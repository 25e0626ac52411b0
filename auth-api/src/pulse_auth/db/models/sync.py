"""
What keeps desktops alike: the version counter, the log of events, and what became of each change.

The tables only; the merge itself belongs to ``domain.sync``.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Identity, Index, func, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from .base import Base


class RecordVersion(Base):
    """
    The one counter row; updating it in the transaction of a change makes versions gapless in commit order.

    ``history`` is made with the database, and anew by a restore.
    """

    __tablename__ = "record_version"
    __table_args__ = (CheckConstraint("singleton", name="one_row"),)

    singleton: Mapped[bool] = mapped_column(primary_key=True, server_default=text("true"), default=True)
    history: Mapped[UUID] = mapped_column(server_default=text("gen_random_uuid()"))
    version: Mapped[int] = mapped_column(server_default=text("0"), default=0)


class SyncPublication(Base):
    """The one row that says up to which version events were handed to the broker."""

    __tablename__ = "sync_publication"
    __table_args__ = (CheckConstraint("singleton", name="one_row"),)

    singleton: Mapped[bool] = mapped_column(primary_key=True, server_default=text("true"), default=True)
    version: Mapped[int] = mapped_column(server_default=text("0"), default=0)


class ChangeLog(Base):
    """
    One event of one record, to be sent to the desktops that it concerns; ``audience`` null means all.

    ``record`` names the fields that changed; what is sent is the record as it is then.
    """

    __tablename__ = "change_log"
    __table_args__ = (
        Index("change_log_record", "record_type", "record_id"),
        Index("change_log_audience_version", "audience", "version"),
    )

    version: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    history: Mapped[UUID]
    event: Mapped[str]
    record_type: Mapped[str]
    record_id: Mapped[str]
    record: Mapped[dict[str, Any]]
    audience: Mapped[str | None]
    at: Mapped[datetime] = mapped_column(server_default=func.now())
    by: Mapped[str]
    source: Mapped[str]
    change_id: Mapped[UUID | None]


class SyncLog(Base):
    """What became of a change; in a conflict both values stand here, password hashes as "changed"."""

    __tablename__ = "sync_log"
    __table_args__ = (
        CheckConstraint("status IN ('APPLIED', 'CONFLICT', 'REFUSED', 'FAILED')", name="status"),
        Index("sync_log_timestamp", text('"timestamp" DESC')),
    )

    id: Mapped[int] = mapped_column(Identity(always=True), primary_key=True)
    entity_type: Mapped[str]
    entity_id: Mapped[str]
    action: Mapped[str]
    source: Mapped[str]
    status: Mapped[str]
    timestamp: Mapped[datetime] = mapped_column(server_default=func.now())
    error_message: Mapped[str | None]
    old_value: Mapped[Any] = mapped_column(JSONB, nullable=True)
    new_value: Mapped[Any] = mapped_column(JSONB, nullable=True)
    change_id: Mapped[UUID | None]
    by: Mapped[str] = mapped_column(server_default=text("''"), default="")


class AnsweredChange(Base):
    """The answer that a device's change got; a repeat of the change gets it again."""

    __tablename__ = "answered_changes"
    __table_args__ = (Index("answered_changes_client_id", "client_id"),)

    change_id: Mapped[UUID] = mapped_column(primary_key=True)
    client_id: Mapped[str]
    answer: Mapped[dict[str, Any]]
    answered_at: Mapped[datetime] = mapped_column(server_default=func.now())


class OperatorKey(Base):
    """The public half of a person's signing key on one desktop (JWK); ended, never deleted."""

    __tablename__ = "operator_keys"
    __table_args__ = (
        Index("operator_keys_live", "user_id", "client_id", unique=True, postgresql_where=text("ended_at IS NULL")),
    )

    id: Mapped[int] = mapped_column(Identity(always=True), primary_key=True)
    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id"))
    client_id: Mapped[str]
    public_key: Mapped[dict[str, Any]]
    registered_at: Mapped[datetime] = mapped_column(server_default=func.now())
    ended_at: Mapped[datetime | None]

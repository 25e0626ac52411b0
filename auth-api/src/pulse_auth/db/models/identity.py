"""
Users, roles, permissions, memberships and settings: the records that desktops mirror.

Only services write here, and a change, its version and its row in ``change_log`` are one transaction.
"""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKey, Index, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from .base import Base, MirroredRecord


class User(MirroredRecord, Base):
    """
    A person. ``username_key`` is the name casefolded in NFKC, unique among live users.

    ``token_generation`` rises when all tokens given out before must end; ``must_change_password`` and it
    are the server's own and not mirrored.
    """

    __tablename__ = "users"
    __table_args__ = (
        Index("users_username_key_live", "username_key", unique=True, postgresql_where=text("deleted_at IS NULL")),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    username: Mapped[str]
    username_key: Mapped[str]
    password_hash: Mapped[str]
    is_active: Mapped[bool] = mapped_column(server_default=text("true"), default=True)
    must_change_password: Mapped[bool] = mapped_column(server_default=text("false"), default=False)
    token_generation: Mapped[int] = mapped_column(server_default=text("0"), default=0)


class Role(MirroredRecord, Base):
    """A named set of permissions; ``name_key`` as for users."""

    __tablename__ = "roles"
    __table_args__ = (
        Index("roles_name_key_live", "name_key", unique=True, postgresql_where=text("deleted_at IS NULL")),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    name: Mapped[str]
    name_key: Mapped[str]
    description: Mapped[str] = mapped_column(server_default=text("''"), default="")


class PermissionRow(MirroredRecord, Base):
    """A permission; ``rules`` is a list of ``{"action", "topic"}``, see ``domain.access.rules_data``."""

    __tablename__ = "permissions"
    __table_args__ = (
        Index("permissions_name_key_live", "name_key", unique=True, postgresql_where=text("deleted_at IS NULL")),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    name: Mapped[str]
    name_key: Mapped[str]
    description: Mapped[str] = mapped_column(server_default=text("''"), default="")
    rules: Mapped[list[Any]] = mapped_column(server_default=text("'[]'"), default=list)


class UserRole(MirroredRecord, Base):
    """A membership; it has an effect only while ``present`` and both ends live."""

    __tablename__ = "user_roles"
    __table_args__ = (Index("user_roles_role_id", "role_id"),)

    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id"), primary_key=True)
    role_id: Mapped[UUID] = mapped_column(ForeignKey("roles.id"), primary_key=True)
    present: Mapped[bool] = mapped_column(server_default=text("true"), default=True)


class RolePermission(MirroredRecord, Base):
    """A permission in a role; effective as ``UserRole`` is."""

    __tablename__ = "role_permissions"
    __table_args__ = (Index("role_permissions_permission_id", "permission_id"),)

    role_id: Mapped[UUID] = mapped_column(ForeignKey("roles.id"), primary_key=True)
    permission_id: Mapped[UUID] = mapped_column(ForeignKey("permissions.id"), primary_key=True)
    present: Mapped[bool] = mapped_column(server_default=text("true"), default=True)


class SystemConfig(MirroredRecord, Base):
    """A setting; ``device`` is a device's id, or empty for the setting of all."""

    __tablename__ = "system_config"

    config_key: Mapped[str] = mapped_column(primary_key=True)
    device: Mapped[str] = mapped_column(primary_key=True, server_default=text("''"), default="")
    config_value: Mapped[Any] = mapped_column(JSONB, nullable=True)

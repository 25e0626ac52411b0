"""
Devices and enrollment, tokens given out, bans, and what guards the sign-in.

Secrets are stored hashed or not at all: codes and links by SHA-256, refresh tokens by their number only.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, func, text
from sqlalchemy.orm import Mapped, mapped_column

from .base import Base


class Device(Base):
    """
    An enrolled device and its public keys (JWK).

    ``banned_until``: until then tokens under former keys may still run, and no new token is given.
    """

    __tablename__ = "devices"

    client_id: Mapped[str] = mapped_column(primary_key=True)
    signing_key: Mapped[dict[str, Any]]
    encryption_key: Mapped[dict[str, Any]]
    enrolled_at: Mapped[datetime] = mapped_column(server_default=func.now())
    enrolled_by: Mapped[str] = mapped_column(server_default=text("''"), default="")
    revoked_at: Mapped[datetime | None]
    revoked_by: Mapped[str | None]
    banned_until: Mapped[datetime | None]


class EnrollmentCode(Base):
    """A one-time code, by the SHA-256 of its secret half; ``client_id`` null fits any new device."""

    __tablename__ = "enrollment_codes"

    code_hash: Mapped[bytes] = mapped_column(primary_key=True)
    client_id: Mapped[str | None]
    created_by: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]
    used_by: Mapped[str | None]


class IssuedToken(Base):
    """
    A broker token that was given out, so that its client id can be named in the audit and banned.

    ``kind``: ``user``, ``device``, ``service`` or ``integration``. ``user_id``: the person, of an integration the
    one who made it; ``session_id``: the refresh family of the browser that it was given to.
    """

    __tablename__ = "issued_tokens"
    __table_args__ = (
        CheckConstraint("kind IN ('user', 'device', 'service', 'integration')", name="kind"),
        Index("issued_tokens_client_id", "client_id"),
        Index("issued_tokens_username_expires_at", "username", "expires_at"),
        Index("issued_tokens_expires_at", "expires_at"),
        Index(
            "issued_tokens_user_id_expires_at",
            "user_id",
            "expires_at",
            postgresql_where=text("user_id IS NOT NULL"),
        ),
    )

    jti: Mapped[UUID] = mapped_column(primary_key=True)
    kind: Mapped[str]
    username: Mapped[str]
    client_id: Mapped[str]
    user_id: Mapped[UUID | None] = mapped_column(ForeignKey("users.id"))
    session_id: Mapped[UUID | None]
    kid: Mapped[str]
    acl: Mapped[list[Any]]
    issued_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    revoked_at: Mapped[datetime | None]


class Integration(Base):
    """
    A named token of another program: it subscribes to ``topics``, within the rights of the person who made it.

    ``jti`` names its row in ``issued_tokens``; the token itself is not kept. Names are unique among those not ended.
    """

    __tablename__ = "integrations"
    __table_args__ = (
        Index("integrations_name_key_live", "name_key", unique=True, postgresql_where=text("ended_at IS NULL")),
        Index("integrations_user_id", "user_id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    name: Mapped[str]
    name_key: Mapped[str]
    topics: Mapped[list[Any]]
    client_id: Mapped[str] = mapped_column(unique=True)
    jti: Mapped[UUID] = mapped_column(unique=True)
    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id"))
    created_by: Mapped[str]
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    ended_by: Mapped[str | None]
    end_reason: Mapped[str | None]


class Ban(Base):
    """A client id or username kept off the broker until ``until``; written to the broker again and again."""

    __tablename__ = "bans"
    __table_args__ = (CheckConstraint("banned_as IN ('clientid', 'username')", name="banned_as"),)

    banned_as: Mapped[str] = mapped_column(primary_key=True)
    who: Mapped[str] = mapped_column(primary_key=True)
    reason: Mapped[str]
    by: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    until: Mapped[datetime]


class UsedAssertion(Base):
    """A ``jti`` of a device's or service's assertion; kept until it has run out, so that none is used twice."""

    __tablename__ = "used_assertions"
    __table_args__ = (Index("used_assertions_expires_at", "expires_at"),)

    issuer: Mapped[str] = mapped_column(primary_key=True)
    jti: Mapped[str] = mapped_column(primary_key=True)
    expires_at: Mapped[datetime]


class RefreshFamily(Base):
    """
    One sign-in and the chain of its refresh tokens, of which only the newest number is kept.

    ``rotated_at``: when ``current_no`` was first given out; its predecessor is good for a short while after.
    """

    __tablename__ = "refresh_families"
    __table_args__ = (Index("refresh_families_user_id", "user_id"), Index("refresh_families_expires_at", "expires_at"))

    id: Mapped[UUID] = mapped_column(primary_key=True)
    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id"))
    token_generation: Mapped[int]
    current_no: Mapped[int] = mapped_column(server_default=text("1"), default=1)
    created_at: Mapped[datetime]
    rotated_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    end_reason: Mapped[str | None]


class LoginFailure(Base):
    """
    Failed attempts in a row by one ``subject``.

    ``scope``: ``account`` (casefolded name), ``address`` (of a sign-in), ``enrollment`` or ``assertion`` (address), or
    ``password``: new passwords that a person (id) gave themselves.
    """

    __tablename__ = "login_failures"
    __table_args__ = (
        CheckConstraint("scope IN ('account', 'address', 'enrollment', 'assertion', 'password')", name="scope"),
    )

    scope: Mapped[str] = mapped_column(primary_key=True)
    subject: Mapped[str] = mapped_column(primary_key=True)
    failures: Mapped[int]
    first_at: Mapped[datetime]
    last_at: Mapped[datetime]
    locked_until: Mapped[datetime | None]


class ExportLink(Base):
    """A one-use address for a telemetry export, by the SHA-256 of its secret."""

    __tablename__ = "export_links"

    token_hash: Mapped[bytes] = mapped_column(primary_key=True)
    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id"))
    client_id: Mapped[str]
    format: Mapped[str]
    from_at: Mapped[datetime | None]
    to_at: Mapped[datetime | None]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]

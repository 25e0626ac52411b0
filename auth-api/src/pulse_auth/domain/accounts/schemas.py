"""Bodies of the account calls; bounds stand here, so that what is too large never reaches a service."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from msgspec import Meta, Struct

# Longer than any permitted password: its length is then refused with a reason.
TypedPassword = Annotated[str, Meta(max_length=1_024)]


class LoginRequest(Struct, frozen=True):
    """Who signs in."""

    username: Annotated[str, Meta(min_length=1, max_length=256)]
    password: TypedPassword


class PasswordChange(Struct, frozen=True):
    """The present password and the one to come."""

    current: TypedPassword
    new: TypedPassword


class Person(Struct, frozen=True):
    """The signed-in person."""

    id: UUID
    username: str
    roles: list[str]
    permissions: list[str]


class Grant(Struct, frozen=True):
    """An access token, its life in seconds, and for whom it is."""

    access_token: str
    expires_in: int
    must_change_password: bool
    user: Person


class Me(Struct, frozen=True):
    """The signed-in person, and whether the password must be changed first."""

    id: UUID
    username: str
    roles: list[str]
    permissions: list[str]
    must_change_password: bool

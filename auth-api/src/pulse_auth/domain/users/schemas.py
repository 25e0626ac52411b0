"""Bodies of the ``/users`` calls. Times are RFC 3339 in UTC with milliseconds; a password or hash is never answered."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from msgspec import UNSET, Meta, Struct, UnsetType

from ..accounts.schemas import TypedPassword

_Name = Annotated[str, Meta(min_length=1, max_length=256)]
_RoleNames = Annotated[list[_Name], Meta(max_length=200)]


class NewUser(Struct, frozen=True, forbid_unknown_fields=True):
    """A user to be; the password has to be changed at the first sign-in."""

    username: _Name
    password: TypedPassword
    roles: _RoleNames = []
    is_active: bool = True


class UserPatch(Struct, frozen=True, forbid_unknown_fields=True):
    """What is to be changed of a user; what is absent stays. ``roles`` are all roles afterwards."""

    username: _Name | UnsetType = UNSET
    password: TypedPassword | UnsetType = UNSET
    roles: _RoleNames | UnsetType = UNSET
    is_active: bool | UnsetType = UNSET


class UserItem(Struct, frozen=True):
    """A user; ``updated_*`` and ``source`` are those of the newest change of a field."""

    id: UUID
    username: str
    is_active: bool
    roles: list[str]
    created_at: str
    updated_at: str
    updated_by: str
    source: str


class ListedUser(UserItem, frozen=True):
    """A user in a list, with the tag to send as ``If-Match``."""

    etag: str


class UserPage(Struct, frozen=True):
    """A page of users by name; ``next``: the cursor of the next page."""

    items: list[ListedUser]
    next: str | None

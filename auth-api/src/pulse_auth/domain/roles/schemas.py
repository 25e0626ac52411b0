"""Bodies of the ``/roles`` and ``/permissions`` calls. Times are RFC 3339 in UTC with milliseconds."""

from __future__ import annotations

from typing import Annotated, Literal
from uuid import UUID

from msgspec import UNSET, Meta, Struct, UnsetType

_Name = Annotated[str, Meta(min_length=1, max_length=256)]
_Description = Annotated[str, Meta(max_length=1_000)]
_Names = Annotated[list[_Name], Meta(max_length=200)]


class TopicRule(Struct, frozen=True, forbid_unknown_fields=True):
    """What a permission opens on the broker; ``topic`` is a filter."""

    action: Literal["publish", "subscribe"]
    topic: Annotated[str, Meta(min_length=1, max_length=512)]


_Rules = Annotated[list[TopicRule], Meta(max_length=200)]


class NewRole(Struct, frozen=True, forbid_unknown_fields=True):
    """A role to be."""

    name: _Name
    description: _Description = ""
    permissions: _Names = []


class RolePatch(Struct, frozen=True, forbid_unknown_fields=True):
    """What is to be changed of a role; what is absent stays. ``permissions`` are all of them afterwards."""

    name: _Name | UnsetType = UNSET
    description: _Description | UnsetType = UNSET
    permissions: _Names | UnsetType = UNSET


class NewPermission(Struct, frozen=True, forbid_unknown_fields=True):
    """A permission to be."""

    name: _Name
    description: _Description = ""
    rules: _Rules = []


class PermissionPatch(Struct, frozen=True, forbid_unknown_fields=True):
    """What is to be changed of a permission; what is absent stays."""

    name: _Name | UnsetType = UNSET
    description: _Description | UnsetType = UNSET
    rules: _Rules | UnsetType = UNSET


class RoleItem(Struct, frozen=True):
    """A role and the names of its permissions."""

    id: UUID
    name: str
    description: str
    permissions: list[str]
    created_at: str
    updated_at: str
    updated_by: str
    source: str


class PermissionItem(Struct, frozen=True):
    """A permission and its topic rules."""

    id: UUID
    name: str
    description: str
    rules: list[TopicRule]
    created_at: str
    updated_at: str
    updated_by: str
    source: str


class ListedRole(RoleItem, frozen=True):
    """A role in a list, with the tag to send as ``If-Match``."""

    etag: str


class ListedPermission(PermissionItem, frozen=True):
    """A permission in a list, with the tag to send as ``If-Match``."""

    etag: str


class RolePage(Struct, frozen=True):
    """A page of roles by name; ``next``: the cursor of the next page."""

    items: list[ListedRole]
    next: str | None


class PermissionPage(Struct, frozen=True):
    """A page of permissions by name; ``next``: the cursor of the next page."""

    items: list[ListedPermission]
    next: str | None

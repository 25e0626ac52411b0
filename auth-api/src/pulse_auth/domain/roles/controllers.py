"""``/roles`` and ``/permissions``: reads requests, calls the services, sets the entity tags."""

from __future__ import annotations

from typing import Annotated, Any, TypeVar
from uuid import UUID

from litestar import Controller, Request, Response, delete, get, patch, post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody, QueryParameter

from pulse_acl.rules import Permission

from ...db.session import Sessions, reading
from ...http.preconditions import etag, required_match
from ..access.guards import SignedIn, requires, requires_any
from ..users.controllers import calling
from .permissions import Permissions, read_permission, read_permissions
from .roles import DEFAULT_ITEMS, MOST_ITEMS, Roles, read_role, read_roles
from .schemas import (
    NewPermission,
    NewRole,
    PermissionItem,
    PermissionPage,
    PermissionPatch,
    RoleItem,
    RolePage,
    RolePatch,
)

PersonRequest = Request[SignedIn, Any, Any]
_Item = TypeVar("_Item", RoleItem, PermissionItem)
_Cursor = Annotated[str | None, QueryParameter(pattern=r"^[^\x00]{0,256}\Z")]
_Limit = Annotated[int, QueryParameter(ge=1, le=MOST_ITEMS)]
# Whoever gives roles to people has to know which there are.
_READ = requires_any(Permission.MANAGE_ROLES, Permission.MANAGE_USERS)
_WRITE = requires(Permission.MANAGE_ROLES)


class RoleController(Controller):
    """Named sets of permissions."""

    path = "/roles"
    tags = ("Admin",)

    @get("/", guards=[_READ])
    async def roles_page(
        self, *, sessions: NamedDependency[Sessions], cursor: _Cursor = None, limit: _Limit = DEFAULT_ITEMS
    ) -> RolePage:
        """Return the roles by name."""
        async with reading(sessions) as session:
            return await read_roles(session, cursor, limit)

    @post("/", guards=[_WRITE])
    async def create(
        self, request: PersonRequest, data: JSONBody[NewRole], role_service: NamedDependency[Roles]
    ) -> Response[RoleItem]:
        """Make a role; only of permissions that the signed-in person holds."""
        return _tagged(await role_service.create(data, calling(request)), 201)

    @get("/{role_id:uuid}", guards=[_READ])
    async def role(self, role_id: FromPath[UUID], sessions: NamedDependency[Sessions]) -> Response[RoleItem]:
        """Return one role with the tag for ``If-Match``."""
        async with sessions() as session:
            return _tagged(await read_role(session, role_id))

    @patch("/{role_id:uuid}", opt={"if_match": "required"}, guards=[_WRITE])
    async def change(
        self,
        request: PersonRequest,
        role_id: FromPath[UUID],
        data: JSONBody[RolePatch],
        role_service: NamedDependency[Roles],
    ) -> Response[RoleItem]:
        """Change name, description or permissions; needs ``If-Match``."""
        return _tagged(await role_service.change(role_id, data, required_match(request), calling(request)))

    @delete("/{role_id:uuid}", opt={"if_match": "required"}, guards=[_WRITE])
    async def delete_role(
        self, request: PersonRequest, role_id: FromPath[UUID], role_service: NamedDependency[Roles]
    ) -> None:
        """Delete a role; needs ``If-Match``. Its people lose what only it gave them."""
        await role_service.delete(role_id, required_match(request), calling(request))


class PermissionController(Controller):
    """Permissions and the topic rules that they open."""

    path = "/permissions"
    tags = ("Admin",)

    @get("/", guards=[_READ])
    async def permissions_page(
        self, *, sessions: NamedDependency[Sessions], cursor: _Cursor = None, limit: _Limit = DEFAULT_ITEMS
    ) -> PermissionPage:
        """Return the permissions by name."""
        async with reading(sessions) as session:
            return await read_permissions(session, cursor, limit)

    @post("/", guards=[_WRITE])
    async def create(
        self, request: PersonRequest, data: JSONBody[NewPermission], permission_service: NamedDependency[Permissions]
    ) -> Response[PermissionItem]:
        """Make a permission with topic rules."""
        return _tagged(await permission_service.create(data, calling(request)), 201)

    @get("/{permission_id:uuid}", guards=[_READ])
    async def permission(
        self, permission_id: FromPath[UUID], sessions: NamedDependency[Sessions]
    ) -> Response[PermissionItem]:
        """Return one permission with the tag for ``If-Match``."""
        async with sessions() as session:
            return _tagged(await read_permission(session, permission_id))

    @patch("/{permission_id:uuid}", opt={"if_match": "required"}, guards=[_WRITE])
    async def change(
        self,
        request: PersonRequest,
        permission_id: FromPath[UUID],
        data: JSONBody[PermissionPatch],
        permission_service: NamedDependency[Permissions],
    ) -> Response[PermissionItem]:
        """Change name, description or topic rules; needs ``If-Match``."""
        return _tagged(await permission_service.change(permission_id, data, required_match(request), calling(request)))

    @delete("/{permission_id:uuid}", opt={"if_match": "required"}, guards=[_WRITE])
    async def delete_permission(
        self, request: PersonRequest, permission_id: FromPath[UUID], permission_service: NamedDependency[Permissions]
    ) -> None:
        """Delete a permission; needs ``If-Match``. Roles lose it."""
        await permission_service.delete(permission_id, required_match(request), calling(request))


def _tagged(item: _Item, status_code: int = 200) -> Response[_Item]:
    return Response(item, status_code=status_code, headers={"ETag": etag(item)})

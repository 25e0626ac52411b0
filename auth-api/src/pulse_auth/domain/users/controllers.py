"""``/users``: reads requests, calls the services, sets the entity tags. Needs ``MANAGE_USERS``."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

from litestar import Controller, Request, Response, delete, get, patch, post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody, QueryParameter

from pulse_acl.rules import Permission

from ...clock import Clock
from ...db.session import Sessions, reading
from ...http.origin import caller_address
from ...http.preconditions import etag, required_match
from ..access.changing import Caller
from ..access.guards import SignedIn, requires
from .reach import UserReach, read_reach
from .schemas import NewUser, UserItem, UserPage, UserPatch
from .services import DEFAULT_ITEMS, MOST_ITEMS, Users, read_user, read_users

PersonRequest = Request[SignedIn, Any, Any]
_Text = Annotated[str | None, QueryParameter(pattern=r"^[^\x00]{0,256}\Z")]


class UserController(Controller):
    """People who may sign in."""

    path = "/users"
    tags = ("Admin",)
    guards = (requires(Permission.MANAGE_USERS),)

    @get("/")
    async def users(
        self,
        *,
        sessions: NamedDependency[Sessions],
        search: _Text = None,
        cursor: _Text = None,
        limit: Annotated[int, QueryParameter(ge=1, le=MOST_ITEMS)] = DEFAULT_ITEMS,
    ) -> UserPage:
        """Return the users by name; *search*: only those with this in their name."""
        async with reading(sessions) as session:
            return await read_users(session, cursor, limit, search)

    @post("/")
    async def create(
        self, request: PersonRequest, data: JSONBody[NewUser], user_service: NamedDependency[Users]
    ) -> Response[UserItem]:
        """Make a user; the password given must be changed at the first sign-in."""
        return tagged(await user_service.create(data, calling(request)), status_code=201)

    @get("/{user_id:uuid}")
    async def user(self, user_id: FromPath[UUID], sessions: NamedDependency[Sessions]) -> Response[UserItem]:
        """Return one user with the tag for ``If-Match``."""
        async with sessions() as session:
            return tagged(await read_user(session, user_id))

    @get("/{user_id:uuid}/reach")
    async def reach(
        self, user_id: FromPath[UUID], sessions: NamedDependency[Sessions], clock: NamedDependency[Clock]
    ) -> UserReach:
        """Return what runs for a user now: sessions, broker tokens, and what devices must hold to know of them."""
        async with reading(sessions) as session:
            return await read_reach(session, user_id, clock())

    @patch("/{user_id:uuid}", opt={"if_match": "required"})
    async def change(
        self,
        request: PersonRequest,
        user_id: FromPath[UUID],
        data: JSONBody[UserPatch],
        user_service: NamedDependency[Users],
    ) -> Response[UserItem]:
        """Change name, password, activity or roles; needs ``If-Match``."""
        return tagged(await user_service.change(user_id, data, required_match(request), calling(request)))

    @delete("/{user_id:uuid}", opt={"if_match": "required"})
    async def delete_user(
        self, request: PersonRequest, user_id: FromPath[UUID], user_service: NamedDependency[Users]
    ) -> None:
        """Delete a user; needs ``If-Match``. The name is free again; logs keep who it was."""
        await user_service.delete(user_id, required_match(request), calling(request))


def calling(request: PersonRequest) -> Caller:
    """Return who sends *request*."""
    return Caller(request.user, caller_address(request))


def tagged(item: UserItem, status_code: int = 200) -> Response[UserItem]:
    """Return *item* with its entity tag."""
    return Response(item, status_code=status_code, headers={"ETag": etag(item)})

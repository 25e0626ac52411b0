"""The ``/auth`` calls: bodies in, grants out, and the refresh cookie."""

from __future__ import annotations

from typing import Any, Literal

from litestar import Controller, Request, Response, get, post
from litestar.background_tasks import BackgroundTask
from litestar.datastructures import Cookie
from litestar.di import NamedDependency
from litestar.params import JSONBody
from litestar.status_codes import HTTP_200_OK, HTTP_204_NO_CONTENT

from ...http.origin import caller_address, same_origin
from ...settings import Settings
from ..access.guards import SignedIn
from . import schemas
from .services import Accounts, Granted

AnyRequest = Request[Any, Any, Any]
PATH = "/api/v1/auth"


class AuthController(Controller):
    """Signing in and out, and one's own account."""

    path = "/auth"
    tags = ("Auth",)

    @post("/login", status_code=HTTP_200_OK, opt={"public": True}, guards=[same_origin])
    async def login(
        self,
        data: JSONBody[schemas.LoginRequest],
        request: AnyRequest,
        accounts: NamedDependency[Accounts],
        settings: NamedDependency[Settings],
    ) -> Response[schemas.Grant]:
        """Sign in; the refresh token comes as a cookie."""
        granted = await accounts.sign_in(data.username, data.password, caller_address(request))
        return answer_grant(granted, settings)

    @post("/refresh", status_code=HTTP_200_OK, opt={"public": True}, guards=[same_origin])
    async def refresh(
        self, request: AnyRequest, accounts: NamedDependency[Accounts], settings: NamedDependency[Settings]
    ) -> Response[schemas.Grant]:
        """Exchange the refresh cookie for its successor and a fresh access token."""
        granted = await accounts.refresh(request.cookies.get(cookie_name(settings)), caller_address(request))
        return answer_grant(granted, settings)

    @post("/logout", status_code=HTTP_204_NO_CONTENT, opt={"public": True}, guards=[same_origin])
    async def logout(
        self, request: AnyRequest, accounts: NamedDependency[Accounts], settings: NamedDependency[Settings]
    ) -> Response[None]:
        """End the session of the cookie, or of the bearer token; succeeds without either."""
        _, _, token = request.headers.get("authorization", "").partition(" ")
        await accounts.sign_out(request.cookies.get(cookie_name(settings)), token.strip(), caller_address(request))
        return Response(None, status_code=HTTP_204_NO_CONTENT, cookies=[refresh_cookie(settings, "", 0)])

    @get("/me", opt={"before_password_change": True}, sync_to_thread=False)
    def me(self, request: AnyRequest) -> schemas.Me:
        """Return the signed-in person with roles and permissions."""
        person: SignedIn = request.user
        return schemas.Me(
            id=person.user_id,
            username=person.username,
            roles=list(person.roles),
            permissions=sorted(person.permissions),
            must_change_password=person.must_change_password,
        )

    @post("/password", status_code=HTTP_200_OK, opt={"before_password_change": True})
    async def change_password(
        self,
        data: JSONBody[schemas.PasswordChange],
        request: AnyRequest,
        accounts: NamedDependency[Accounts],
        settings: NamedDependency[Settings],
    ) -> Response[schemas.Grant]:
        """Change one's own password; all sessions end, and the answer starts a new one."""
        granted = await accounts.change_password(request.user, data.current, data.new, caller_address(request))
        return answer_grant(granted, settings, afterwards=BackgroundTask(accounts.tell, granted.cut))


def answer_grant(
    granted: Granted, settings: NamedDependency[Settings], *, afterwards: BackgroundTask | None = None
) -> Response[schemas.Grant]:
    """Return the answer with the refresh cookie set; *afterwards* is done once it is sent."""
    cookie = refresh_cookie(settings, granted.refresh_token, granted.refresh_max_age_s)
    return Response(granted.grant, status_code=HTTP_200_OK, cookies=[cookie], background=afterwards)


def cookie_name(settings: NamedDependency[Settings]) -> str:
    """Return the cookie's name: ``__Host-`` ties it to the origin, but needs https."""
    return "__Host-pulse_refresh" if settings.is_behind_edge else "pulse_refresh"


def refresh_cookie(settings: NamedDependency[Settings], value: str, max_age_s: int) -> Cookie:
    """Return the refresh cookie; an age of 0 removes it."""
    secure = settings.is_behind_edge
    strict: Literal["strict"] = "strict"
    # __Host- demands the path "/".
    path = "/" if secure else PATH
    return Cookie(cookie_name(settings), path, value, max_age=max_age_s, secure=secure, httponly=True, samesite=strict)

"""What a person asks of the server on this device: to sign in, to register a signing key. Read next: ``sign_in``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import msgspec

from .api import ApiUnreachableError, RefusalError, call
from .store import Identity

__all__ = ["ApiUnreachableError", "Online", "Person", "RefusalError"]


@dataclass(frozen=True, slots=True)
class Person:
    """Someone whom the server has let in; the access token lives minutes and is never stored."""

    user_id: str
    username: str
    permissions: frozenset[str]
    must_change_password: bool
    access_token: str


class _User(msgspec.Struct):
    id: str
    username: str
    permissions: list[str]


class _Grant(msgspec.Struct):
    access_token: str
    must_change_password: bool
    user: _User


class Online:
    """The server as a person's own calls reach it; each raises ``ApiUnreachableError`` or ``RefusalError``."""

    def __init__(self, identity: Identity) -> None:
        self._identity = identity

    def sign_in(self, username: str, password: str) -> Person:
        """Let the server decide on a name and a password."""
        return self._person("/auth/login", {"username": username, "password": password}, "")

    def change_password(self, person: Person, current: str, new: str) -> Person:
        """Change the person's own password; all sessions end, and a new one begins."""
        return self._person("/auth/password", {"current": current, "new": new}, person.access_token)

    def register_key(self, person: Person, public_jwk: dict[str, str]) -> None:
        """Make *public_jwk* the person's signing key on this device."""
        path = f"/auth/operator-keys/{self._identity.client_id}"
        self._call("PUT", path, {"public_key": public_jwk}, person.access_token)

    def sign_out(self, person: Person) -> None:
        """End the session that the server keeps for this sign-in."""
        self._call("POST", "/auth/logout", None, person.access_token)

    def _person(self, path: str, body: dict[str, str], bearer: str) -> Person:
        try:
            grant = msgspec.convert(self._call("POST", path, body, bearer), _Grant)
        except msgspec.ValidationError as error:
            raise ApiUnreachableError("the answer is not a sign-in") from error
        user = grant.user
        return Person(
            user.id, user.username, frozenset(user.permissions), grant.must_change_password, grant.access_token
        )

    def _call(self, method: str, path: str, body: Mapping[str, object] | None, bearer: str) -> object:
        asked = dict(body) if body is not None else None
        return call(method, self._identity.api_url, path, asked, self._identity.ca_pem, bearer=bearer)

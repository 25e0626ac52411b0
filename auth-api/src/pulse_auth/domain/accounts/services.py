"""
What the account calls do: sign in, refresh, sign out, change the password.

Knows nothing of HTTP: controllers set cookies, ``http.problems`` turns errors into answers.
Read next: ``sessions`` (refresh families), ``throttle`` (locks), ``passwords``.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from pulse_sync.records import Key

from ...clock import Clock
from ...db.models import RefreshFamily, User
from ...db.session import Sessions
from ...errors import (
    NotSignedInError,
    RefreshRefusedError,
    TooManyAttemptsError,
    TooManyRequestsError,
    WrongCredentialsError,
    WrongPasswordError,
)
from ..access.guards import SignedIn
from ..access.people import load_rights
from ..access.revocation import Cut, revoke_tokens_of
from ..audit.services import write_audit
from ..broker_admin.enforcement import BanEnforcement
from ..sync.writing import Actor, writing
from . import schemas, sessions, throttle
from .access_tokens import LIFETIME_S, AccessClaims, AccessTokens
from .first_admin import InitialPassword
from .names import is_username, name_key
from .passwords import Passwords, check_new_password
from .refresh_tokens import RefreshToken, RefreshTokens


@dataclass(frozen=True, slots=True)
class Granted:
    """
    A grant for the body, and the refresh token for the cookie with its life in seconds.

    ``cut``: what ``Accounts.tell`` is to tell the broker once the answer is sent; a browser that is cut before it has
    its new session takes the end of the old one for its own.
    """

    grant: schemas.Grant
    refresh_token: str = field(repr=False)
    refresh_max_age_s: int
    cut: Cut = field(default_factory=Cut)


@dataclass(frozen=True, slots=True)
class Attempt:
    """Who tries, as counted and judged; ``address`` is the caller's."""

    key: str
    address: str
    now: datetime


class Accounts:
    """The account service; one for the application."""

    def __init__(
        self,
        *,
        open_session: Sessions,
        passwords: Passwords,
        access_tokens: AccessTokens,
        refresh_tokens: RefreshTokens,
        initial_password: InitialPassword,
        bans: BanEnforcement,
        clock: Clock,
    ) -> None:
        self._sessions = open_session
        self._passwords = passwords
        self._access_tokens = access_tokens
        self._refresh_tokens = refresh_tokens
        self._initial_password = initial_password
        self._bans = bans
        self._clock = clock

    async def sign_in(self, username: str, password: str, address: str) -> Granted:
        """
        Start a session.

        Raises:
            WrongCredentialsError: Unknown name, wrong password or ended account; the same work for each.
            TooManyAttemptsError: The account or the address is locked for a while.
        """
        attempt = Attempt(name_key(username) if is_username(username) else "", address, self._clock())
        await self._begin(attempt)
        async with self._sessions() as session:
            user = await sessions.find_user(session, attempt.key)
        stored = user.password_hash if user is not None and user.is_active else None
        if not await self._passwords.verify(stored, password):
            await self._record_refusal(attempt, user)
            raise WrongCredentialsError("The user name or the password is wrong.")
        async with self._sessions.begin() as session:
            present = await sessions.find_user(session, attempt.key, lock=True)
            if present is None or not present.is_active or present.password_hash != stored:
                raise WrongCredentialsError("The user name or the password is wrong.")
            await self._forgive(session, attempt)
            family = sessions.open_family(session, present, attempt.now)
            await write_audit(session, actor=f"user:{present.username}", action="session.started", address=address)
            return await self._grant(session, present, family)

    async def refresh(self, cookie: str | None, address: str) -> Granted:
        """
        Exchange a refresh token for its successor and a fresh access token.

        Raises:
            RefreshRefusedError: No token, not ours, ended, or used before; the last ends the whole family.
                ``fields["reason"]`` says which, so that the person learns what happened.
        """
        token, cut = (self._refresh_tokens.read(cookie) if cookie else None), Cut()
        if token is None:
            raise RefreshRefusedError("There is no session to continue; sign in.", reason="NO_SESSION")
        async with self._sessions.begin() as session:
            found = await sessions.exchange(session, token, self._clock())
            if isinstance(found, RefreshFamily):
                user = await session.get_one(User, found.user_id)
                is_there = user.is_active and user.deleted_at is None
                if is_there and user.token_generation == found.token_generation:
                    return await self._grant(session, user, found)
                found = sessions.Refused(sessions.Ending.OTHER if is_there else sessions.Ending.ACCOUNT_ENDED)
            elif found.seen_now:
                cut = await self._end_reused(session, token.family, address)
        await self.tell(cut)
        raise RefreshRefusedError("The session has ended; sign in again.", reason=found.why.value)

    async def sign_out(self, cookie: str | None, access_token: str | None, address: str) -> None:
        """End the session that the cookie or the access token belongs to; without one nothing happens."""
        family_id, now, cut = self._family_of(cookie, access_token), self._clock(), Cut()
        if family_id is None:
            return
        async with self._sessions.begin() as session:
            user_id = await sessions.end_family(session, family_id, now, "signed out")
            if user_id is not None:
                by = f"user:{(await session.get_one(User, user_id)).username}"
                await write_audit(session, actor=by, action="session.ended", address=address)
                cut = await revoke_tokens_of(
                    session, user_id, now=now, by=by, reason="signed out", session_id=family_id
                )
        await self.tell(cut)

    async def change_password(self, person: SignedIn, current: str, new: str, address: str) -> Granted:
        """
        Give the signed-in *person* a new password; every session of theirs ends, and a new one starts.

        Their browsers' connections to the broker end too, once the caller has told it what the answer's ``cut`` says:
        whoever watches with the old password stops watching.

        Raises:
            PasswordRefusedError: The new password breaks the rules.
            WrongPasswordError: *current* is not the present password.
            TooManyAttemptsError: The account or the address is locked for a while.
            TooManyRequestsError: They have changed it several times just now.
        """
        check_new_password(new, present=current)
        attempt = Attempt(name_key(person.username), address, self._clock())
        async with self._sessions() as session:
            locked_s = await throttle.locked_for_s(session, throttle.NEW_PASSWORD, str(person.user_id), attempt.now)
        _check_wait(locked_s)
        await self._begin(attempt)
        async with self._sessions() as session:
            stored = (await session.get_one(User, person.user_id)).password_hash
        if not await self._passwords.verify(stored, current):
            raise WrongPasswordError("The present password is wrong.")
        hashed = await self._passwords.hash(new)
        async with self._sessions.begin() as session:
            user = await self._set_password(session, person, stored, hashed, attempt)
            cut = await revoke_tokens_of(
                session, user.id, now=attempt.now, by=person.principal, reason="password changed"
            )
            granted = await self._grant(session, user, sessions.open_family(session, user, attempt.now))
        self._initial_password.remove_if(current)
        return replace(granted, cut=cut)

    async def tell(self, cut: Cut) -> None:
        """Tell the broker after the commit; one that is away hears of it later, and keeps nobody waiting for long."""
        if cut:
            await self._bans.apply(banned=cut.bans, kick=cut.client_ids)

    async def _end_reused(self, session: AsyncSession, family_id: UUID, address: str) -> Cut:
        """Whoever copied a refresh token may hold broker tokens of that session too: they end with it."""
        family = await session.get_one(RefreshFamily, family_id)
        await write_audit(
            session,
            actor="anonymous",
            action="session.ended_by_reuse",
            entity_type="session",
            entity_id=str(family_id),
            address=address,
        )
        return await revoke_tokens_of(
            session, family.user_id, now=self._clock(), by="system", reason="session reused", session_id=family_id
        )

    async def _set_password(
        self, session: AsyncSession, person: SignedIn, stored: str, hashed: str, attempt: Attempt
    ) -> User:
        async with writing(session, Actor.person(person.user_id, person.username), attempt.now) as records:
            user = await session.get_one(User, person.user_id, with_for_update=True)
            if user.password_hash != stored or not user.is_active or user.deleted_at is not None:
                raise WrongPasswordError("The password was changed meanwhile.")
            await records.edit(Key.user(user.id), {"password_hash": hashed})
        subject = str(person.user_id)
        _check_wait(await throttle.begin_attempt(session, throttle.NEW_PASSWORD, subject, attempt.now))
        user.must_change_password = False
        await sessions.end_all_families(session, user, attempt.now, "password changed")
        await self._forgive(session, attempt)
        await write_audit(
            session,
            actor=person.principal,
            action="user.password_changed",
            entity_type="user",
            entity_id=str(user.id),
            after={"password_hash": "changed"},
            address=attempt.address,
        )
        return user

    async def _begin(self, attempt: Attempt) -> None:
        """Count the attempt before it is judged; the count stays when it is refused."""
        async with self._sessions.begin() as session:
            wait_s = await throttle.begin_attempt(session, throttle.ADDRESS, attempt.address, attempt.now)
            if wait_s == 0:
                subject = throttle.account_subject(attempt.key)
                wait_s = await throttle.begin_attempt(session, throttle.ACCOUNT, subject, attempt.now)
        if wait_s:
            raise TooManyAttemptsError(f"Too many attempts; try again in {wait_s} s.", retry_after_s=wait_s)

    async def _forgive(self, session: AsyncSession, attempt: Attempt) -> None:
        await throttle.forgive_attempt(session, throttle.ADDRESS, attempt.address)
        await throttle.clear_attempts(session, throttle.ACCOUNT, throttle.account_subject(attempt.key))

    async def _record_refusal(self, attempt: Attempt, user: User | None) -> None:
        # What was typed for an unknown name is not kept: it may be a password.
        actor = "anonymous" if user is None else f"user:{user.username}"
        async with self._sessions.begin() as session:
            await write_audit(session, actor=actor, action="session.refused", address=attempt.address)

    async def _grant(self, session: AsyncSession, user: User, family: RefreshFamily) -> Granted:
        now = self._clock()
        rights = await load_rights(session, user.id)
        access = self._access_tokens.mint(AccessClaims(user.id, family.id, user.token_generation), now)
        person = schemas.Person(user.id, user.username, list(rights.roles), sorted(rights.permissions))
        return Granted(
            grant=schemas.Grant(access, LIFETIME_S, user.must_change_password, person),
            refresh_token=self._refresh_tokens.write(RefreshToken(family.id, family.current_no)),
            refresh_max_age_s=int((family.expires_at - now).total_seconds()),
        )

    def _family_of(self, cookie: str | None, access_token: str | None) -> UUID | None:
        token = self._refresh_tokens.read(cookie) if cookie else None
        if token is not None:
            return token.family
        try:
            return self._access_tokens.check(access_token, self._clock()).session_id if access_token else None
        except NotSignedInError:
            return None


def _check_wait(wait_s: int) -> None:
    if wait_s:
        raise TooManyRequestsError(
            f"The password was changed several times; try again in {wait_s} s.", retry_after_s=wait_s
        )

"""
How a signed-in person changes records over HTTP: one transaction through the write path, and what follows from it.

Read next: ``domain.sync.writing`` (the write path), ``consequences``.
"""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncSession

from ...clock import Clock
from ...db.session import Sessions
from ...errors import PreconditionFailedError, RefusalError
from ..audit.services import write_audit
from ..sync.writing import Actor, RecordWriter, writing
from .consequences import Consequences
from .guards import SignedIn


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks for a change, and from which address."""

    person: SignedIn
    address: str


@dataclass(frozen=True, slots=True)
class Change:
    """A change under way: the session of its transaction, and the writer of records."""

    session: AsyncSession
    records: RecordWriter


class RecordChanges:
    """Opens changes; one for the application."""

    def __init__(self, sessions: Sessions, consequences: Consequences, clock: Clock) -> None:
        self._sessions = sessions
        self._consequences = consequences
        self._clock = clock

    @contextlib.asynccontextmanager
    async def open(self, caller: Caller) -> AsyncIterator[Change]:
        """
        Run the block as one change by *caller*; an error in it takes everything back.

        All changes wait for each other, so hash passwords before.

        Raises:
            RefusalError: What the write path refuses; see ``domain.sync.writing``.
        """
        actor = Actor.person(caller.person.user_id, caller.person.username)
        async with refusals_noted(self._sessions, caller), self._sessions.begin() as session:
            async with writing(session, actor, self._clock()) as records:
                yield Change(session, records)
            after = await self._consequences(session, actor, records.events, caller.address)
        if after is not None:
            await after()


@contextlib.asynccontextmanager
async def refusals_noted(sessions: Sessions, caller: Caller) -> AsyncIterator[None]:
    """Write into the audit log what *caller* asked for in the block and did not get, and why; raise it on."""
    try:
        yield
    except PreconditionFailedError:
        raise  # somebody else was faster; nobody tried what they may not
    except RefusalError as error:
        reason = str(error.fields.get("reason") or type(error).__name__.removesuffix("Error"))
        async with sessions.begin() as session:
            await write_audit(
                session,
                actor=caller.person.principal,
                action="change.refused",
                detail={"reason": reason, "message": str(error).replace("\0", "")},
                address=caller.address,
            )
        raise

"""
Changes that devices send: opened, checked, merged, and answered once.

Nothing is believed that is not signed by the device of the topic and by a person's live key on that device; what
the person may is judged when the change is handled. What cannot be opened has a row in ``sync_log`` and no
answer. Read next: ``writing`` (the merge), ``pulse_sync.envelopes``.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import msgspec
import structlog
from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncSession

from pulse_acl.payloads import ContractError, SyncEnvelope, decode, format_time
from pulse_sync.changes import CREATE, Reason, Status
from pulse_sync.envelopes import EnvelopeError, Fault, open_change, open_from_device
from pulse_sync.envelopes import Key as CryptoKey
from pulse_sync.messages import Answer, FromDevice

from ...clock import Clock
from ...db.models import AnsweredChange, Device, OperatorKey, SyncLog, User
from ...db.session import Sessions
from .writing import Actor, RecordEvent, RecordWriter, writing

AfterCommit = Callable[[], Awaitable[None]]
Consequences = Callable[[AsyncSession, Actor, Sequence[RecordEvent]], Awaitable[AfterCommit | None]]
_log = structlog.get_logger(__name__)


async def no_consequences(_session: AsyncSession, _actor: Actor, _events: Sequence[RecordEvent]) -> AfterCommit | None:
    """Do nothing; for tests of the inbox alone."""
    return None


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is answered, before it is: ``created`` names the record that a refused change was to make."""

    status: Status
    reason: str | None = None
    message: str = ""
    version: int | None = None
    kept: Any = None
    created: str | None = None


class Inbox:
    """Handles one change after the other."""

    def __init__(
        self, sessions: Sessions, clock: Clock, encryption: CryptoKey, consequences: Consequences = no_consequences
    ) -> None:
        """
        Open with the private *encryption* key.

        *consequences* is called inside the transaction of each applied change, for the audit log and revocation;
        what it returns is called after the commit.
        """
        self._sessions, self._clock, self._encryption = sessions, clock, encryption
        self._consequences = consequences

    async def handle(self, client_id: str, payload: bytes) -> tuple[Device, Answer] | None:
        """
        Handle what came on the topic of *client_id*.

        Returns:
            The device and its answer, or ``None`` when nothing is to be answered.

        Raises:
            SQLAlchemyError: The database is away; the device will send the change again.
        """
        async with self._sessions() as session:
            device = await session.get(Device, client_id)
        if device is None or device.revoked_at is not None:
            await self._log_unopened(client_id, "not an enrolled device")
            return None
        try:
            envelope = decode(SyncEnvelope, payload)
            layer = open_from_device(envelope.jwe, self._encryption, CryptoKey(device.signing_key), client_id)
        except ContractError:
            await self._log_unopened(client_id, Fault.MALFORMED)
            return None
        except EnvelopeError as error:
            await self._log_unopened(client_id, error.fault)
            return None
        answer = await self._answer(layer)
        return None if answer is None else (device, answer)

    async def _answer(self, layer: FromDevice) -> Answer | None:
        try:
            return await self._answer_once(layer)
        except DBAPIError as error:
            if error.connection_invalidated or error.statement is None or _is_passing(error):
                raise
            return await self._fail(layer, error)
        except SQLAlchemyError:
            raise
        except Exception as error:  # noqa: BLE001 - whatever it was, the change is answered and the next one comes
            return await self._fail(layer, error)

    async def _answer_once(self, layer: FromDevice) -> Answer | None:
        now = self._clock()
        after: AfterCommit | None = None
        actor = Actor("unknown", layer.author, f"desktop:{layer.client_id}")
        async with self._sessions.begin() as session, writing(session, actor, now) as records:
            given = await session.get(AnsweredChange, UUID(layer.change_id))
            if given is not None:
                return _again(given, layer, records.history)
            if layer.after is not None and await session.get(AnsweredChange, UUID(layer.after)) is None:
                _log.info("sync.change_out_of_order", client_id=layer.client_id, change_id=layer.change_id)
                return None
            verdict, events, actor = await self._judge(session, layer, records)
            after = await self._consequences(session, actor, events) if events else None
            answer = _answer_of(layer, verdict, records.history, format_time(now))
            stored = {**msgspec.to_builtins(answer), "created": verdict.created}
            session.add(
                AnsweredChange(
                    change_id=UUID(layer.change_id), client_id=layer.client_id, answer=stored, answered_at=now
                )
            )
        if after is not None:
            await self._tell(after, layer)
        return answer

    async def _tell(self, after: AfterCommit, layer: FromDevice) -> None:
        """Draw what follows from a committed change; that it fails does not make the change undone."""
        try:
            await after()
        except Exception:  # noqa: BLE001 - bans are told again every minute
            _log.exception("sync.consequence_failed", client_id=layer.client_id, change_id=layer.change_id)

    async def _judge(
        self, session: AsyncSession, layer: FromDevice, records: RecordWriter
    ) -> tuple[Verdict, list[RecordEvent], Actor]:
        source = f"desktop:{layer.client_id}"
        user, key = await _author(session, layer)
        actor = Actor(f"user:{user.username}" if user is not None else "unknown", layer.author, source)
        device = await session.get(Device, layer.client_id, populate_existing=True)
        if device is None or device.revoked_at is not None:
            return _refuse(session, layer, actor, Reason.NOT_ALLOWED, "The device was revoked."), [], actor
        if user is None or key is None:
            return _refuse(session, layer, actor, Reason.KEY_ENDED, "The person has no valid key here."), [], actor
        try:
            change = open_change(layer, CryptoKey(key.public_key))
        except EnvelopeError as error:
            reason = Reason.MALFORMED if error.fault is Fault.MALFORMED else Reason.BAD_SIGNATURE
            return _refuse(session, layer, actor, reason, str(error)), [], actor
        records.act_as(actor)
        outcome, event = await records.merge_change(change)
        kept = outcome.log[0].old_value if outcome.status is Status.CONFLICT else None
        was_to_make = outcome.status is Status.REFUSED and change.field == CREATE
        created = f"{change.type}:{change.id}" if was_to_make else None
        version = event.version if event is not None else None
        reason_text = str(outcome.reason) if outcome.reason is not None else None
        verdict = Verdict(outcome.status, reason_text, outcome.message, version, kept, created)
        return verdict, list(records.events), actor

    async def _fail(self, layer: FromDevice, error: Exception) -> Answer:
        """Answer a change that our own fault keeps from being handled, so that those behind it go on."""
        _log.error("sync.change_failed", client_id=layer.client_id, change_id=layer.change_id, exc_info=error)
        now = self._clock()
        async with self._sessions.begin() as session, writing(session, Actor.SYSTEM, now) as records:
            verdict = Verdict(Status.FAILED, str(Reason.INTERNAL), "The server could not handle it; see its log.")
            answer = _answer_of(layer, verdict, records.history, format_time(now))
            row = {"change_id": UUID(layer.change_id), "client_id": layer.client_id}
            stored = insert(AnsweredChange).values(**row, answer=msgspec.to_builtins(answer), answered_at=now)
            await session.execute(stored.on_conflict_do_nothing())
            session.add(_row(layer, f"desktop:{layer.client_id}", "unknown", Status.FAILED, verdict.message))
        return answer

    async def _log_unopened(self, client_id: str, why: str) -> None:
        _log.warning("sync.envelope_refused", client_id=client_id, why=str(why))
        async with self._sessions.begin() as session:
            session.add(
                SyncLog(
                    entity_type="envelope",
                    entity_id=client_id,
                    action="receive",
                    source=f"desktop:{client_id}",
                    status=str(Status.REFUSED),
                    timestamp=self._clock(),
                    error_message=str(why),
                )
            )


async def _author(session: AsyncSession, layer: FromDevice) -> tuple[User | None, OperatorKey | None]:
    """Return the person whom the device names, and that person's live key on it."""
    try:
        user_id = UUID(layer.author)
    except ValueError:
        return None, None
    live = select(OperatorKey).where(
        OperatorKey.user_id == user_id, OperatorKey.client_id == layer.client_id, OperatorKey.ended_at.is_(None)
    )
    user = await session.get(User, user_id, populate_existing=True)
    if user is None or user.deleted_at is not None or not user.is_active:
        return user, None
    return user, await session.scalar(live)


def _refuse(session: AsyncSession, layer: FromDevice, actor: Actor, reason: Reason, message: str) -> Verdict:
    """Refuse a change whose contents are not believed; the log names what the device's own layer says."""
    session.add(_row(layer, actor.source, actor.by, Status.REFUSED, f"{reason}: {message}"))
    return Verdict(Status.REFUSED, str(reason), message)


def _row(layer: FromDevice, source: str, by: str, status: Status, message: str) -> SyncLog:
    return SyncLog(
        entity_type="change",
        entity_id=layer.change_id,
        action="receive",
        source=source,
        status=str(status),
        error_message=message,
        change_id=UUID(layer.change_id),
        by=by,
    )


def _again(given: AnsweredChange, layer: FromDevice, history: str) -> Answer | None:
    """Return the answer that the change got before; another device's change is none of this one's business."""
    if given.client_id != layer.client_id:
        _log.warning("sync.foreign_change_id", client_id=layer.client_id, change_id=layer.change_id)
        verdict = Verdict(Status.REFUSED, str(Reason.MALFORMED), "The change_id is another device's.")
        return _answer_of(layer, verdict, history, format_time(given.answered_at))
    return msgspec.convert({**given.answer, "history": history}, Answer)


def _answer_of(layer: FromDevice, verdict: Verdict, history: str, at: str) -> Answer:
    return Answer(
        aud=layer.client_id,
        history=history,
        change_id=layer.change_id,
        status=verdict.status,
        reason=verdict.reason,
        message=verdict.message,
        version=verdict.version,
        kept=verdict.kept,
        at=at,
    )


def _is_passing(error: DBAPIError) -> bool:
    """Tell whether trying again can help: a deadlock, a server that is starting or stopping, a cancelled query."""
    code = str(getattr(error.orig, "sqlstate", "") or "")
    return code[:2] in {"08", "40", "53", "57"}

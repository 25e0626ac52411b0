"""
The one seam to PostgreSQL: connections, the transaction of a batch, and what is written beside telemetry.

The only module that imports asyncpg; its exceptions end here (see ``errors``). Decides nothing about retries (that
is ``archivist``) and nothing about fates (that is ``ledger``). SQL is in ``sql/queries.sql``.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg

from pulse_acl.ranges import to_text

from .accounts import lock_accounts, update_accounts
from .answers import answers_of
from .copy_format import COLUMNS, HEADER, TRAILER
from .errors import IngestError, StorageUnavailable, TookTooLong, UnfitData, WriteFailed
from .ledger import Claim, Settlement, settle
from .lost_answer import LostAnswer
from .messages import Decoded
from .presence import SideBatch
from .printable import one_line
from .receipts import Answer
from .rows import Rows, StreamKey, claims_of, rows_of, too_many_gaps, typed
from .side_rows import columns, store_side
from .sql import QUERIES

# Classes of SQLSTATE that speak of the server or the schema, not of the batch: connection, resources, operator,
# system, wrong password, no such database, object or right. Nothing can be stored then; waiting may help.
_SERVER_CLASSES = frozenset({"08", "28", "3D", "42", "53", "57", "58"})
_READ_ONLY = "25006"
# Given up by the server for its time or its memory.
_TOO_MUCH = frozenset({"57014", "53200"})


@dataclass(frozen=True, slots=True)
class Target:
    """Where the database is; *password_file* is read at each connect, for it may be made after the worker starts."""

    arguments: Mapping[str, Any]
    password_file: Path | None = None


@dataclass(frozen=True, slots=True)
class Written:
    """What a committed transaction did; ``answers`` are the fates for the receipts."""

    answers: list[Answer]
    archived: int
    duplicates: int
    rejected: int


@dataclass(frozen=True, slots=True)
class Beat:
    """What a device's newest heartbeat says of what it has sent again, and of what it still could."""

    client_id: str
    resent_since: datetime | None
    kept_since: datetime | None


@dataclass(frozen=True, slots=True)
class Outlook:
    """
    What a device's newest stored heartbeat says of the confirmed readings that it keeps, as text.

    ``is_heard``: it came within 90 s; after a restore, older ones are the backup's and say nothing of now.
    """

    client_id: str
    kept_since: str | None
    is_heard: bool


@dataclass(frozen=True, slots=True)
class Durability:
    """What a COMMIT is worth on this server; ``history`` is the database's own id, made anew by a restore."""

    fsync: bool
    standbys: int
    synchronous: bool
    history: UUID | None = None


class Database:
    """One connection, opened when it is needed and again after it broke. Not for concurrent use."""

    def __init__(self, target: Target, *, timeout_s: float = 30.0, lock_timeout_s: float = 0.0) -> None:
        """
        Remember *target*; a statement that takes longer than *timeout_s* means that the server is away.

        *lock_timeout_s*: how long a statement may wait for a lock before it fails; 0: as long as any statement.
        """
        self._target = target
        self._lock_timeout_ms = int(lock_timeout_s * 1_000)
        self._timeout_s = timeout_s
        self._conn: asyncpg.Connection[asyncpg.Record] | None = None
        self._claimed_on: asyncpg.Connection[asyncpg.Record] | None = None
        self._batch_answer: LostAnswer[Written] = LostAnswer()
        self._side_answer: LostAnswer[bool] = LostAnswer()

    async def write_batch(self, messages: Sequence[Decoded], now: datetime) -> Written:
        """
        Store *messages* in one transaction; the same batch again after a lost answer to COMMIT changes nothing.

        Other copies of the same readings count as duplicates. Of a stream with too many gaps nothing is settled: it is
        recorded as a fault, has no answer, and stays with the device.

        Args:
            messages: A batch, in the order of coming; partitions of its days should be there.
            now: Server time, for the rows' ``last_seen_at`` and ``superseded_at``.

        Returns:
            What was done, committed.

        Raises:
            StorageUnavailable: Server away; commit state unknown, send the same batch again.
            TookTooLong: Server away, or the batch too much for it; commit state unknown.
            UnfitData: SQLSTATE class 22; nothing was stored.
            WriteFailed: Any other error; nothing was stored.

        Source: docs/guarantee.md, invariants L1 and L4.
        """
        claims = dict(sorted(claims_of(messages).items()))
        async with self._errors() as conn:
            async with conn.transaction():
                before, crowded = await lock_accounts(conn, claims, now)
                claims = {key: claims[key] for key in claims if key in before}
                settlements = {key: settle(before[key], claim) for key, claim in claims.items()}
                # After the locks: an earlier try that still holds them has ended by now.
                written = await self._batch_answer.outcome(conn, messages)
                if written is None or any(found.settled_added for found in settlements.values()):
                    rows = rows_of(messages, settlements)
                    rows.rejects += too_many_gaps(messages, crowded)
                    written = await _store(conn, rows, claims, settlements, now)
                    await self._batch_answer.expect(conn, messages, written)
                else:
                    written = replace(written, answers=await answers_of(conn, claims, settlements))
            self._batch_answer.came()
            return written

    async def write_side(self, batch: SideBatch) -> None:
        """
        Store heartbeats, claims and audit rows in one transaction; again after a lost answer adds none.

        Raises:
            StorageUnavailable: Server away; commit state unknown.
            UnfitData: SQLSTATE class 22; nothing was stored.
            WriteFailed: Any other error; nothing was stored.
        """
        async with self._errors() as conn:
            async with conn.transaction():
                if not await self._side_answer.outcome(conn, batch):
                    await store_side(conn, batch)
                    await self._side_answer.expect(conn, batch, outcome=True)
            self._side_answer.came()

    async def make_partitions(self, days: Iterable[date]) -> None:
        """
        Make the partitions of *days* (UTC), each in a transaction of its own.

        Raises:
            StorageUnavailable: Server away.
            WriteFailed: The server would not; the DEFAULT partition takes the rows.
        """
        async with self._errors() as conn:
            for day in days:
                await conn.execute(QUERIES["make_partition"], day)

    async def probe(self) -> bool:
        """Tell whether the database answers and commits what is written."""
        try:
            async with self._errors() as conn:
                return bool(await conn.fetchval(QUERIES["probe"]))
        except (StorageUnavailable, WriteFailed):
            return False

    async def durability(self) -> Durability:
        """
        Return what a COMMIT is worth on this server.

        Raises:
            StorageUnavailable: Server away.
        """
        async with self._errors() as conn:
            found = await conn.fetchrow(QUERIES["durability"])
            assert found is not None
            return Durability(found["fsync"], found["standbys"], found["synchronous"], found["history"])

    async def claim_instance(self, name: str) -> bool:
        """
        Tell whether this connection holds the *name* of an instance; takes it when it is free.

        Raises:
            StorageUnavailable: Server away.
        """
        async with self._errors() as conn:
            if self._claimed_on is not conn and await conn.fetchval(QUERIES["claim_instance"], name):
                self._claimed_on = conn
            return self._claimed_on is conn

    async def old_partitions(self, before: date) -> list[date]:
        """Return the days before *before* that have a partition; raises as ``write_side``."""
        async with self._errors() as conn:
            return [row["day"] for row in await conn.fetch(QUERIES["old_partitions"], before)]

    async def expire_partition(self, day: date, came_before: datetime) -> bool:
        """Drop the partition of *day* when all in it came before *came_before*; raises as ``write_side``."""
        async with self._errors() as conn:
            return bool(await conn.fetchval(QUERIES["expire_partition"], day, came_before))

    async def expire_default(self, came_before: datetime, most: int) -> int:
        """Delete at most so many old rows of the DEFAULT partition, return how many; raises as ``write_side``."""
        async with self._errors() as conn:
            return int(await conn.fetchval(QUERIES["expire_default"], came_before, most))

    async def expire_rejects(self, came_before: datetime, most: int) -> int:
        """Delete at most so many old records of rejects, return how many; raises as ``write_side``."""
        async with self._errors() as conn:
            return int(await conn.fetchval(QUERIES["expire_rejects"], came_before, most))

    async def request_reconcile(self, since: datetime) -> list[Outlook]:
        """Store the request; return what each known device said last. Raises as ``write_side``."""
        async with self._errors() as conn, conn.transaction():
            await conn.execute(QUERIES["request_reconcile"], since)
            rows = await conn.fetch(QUERIES["reconcile_outlook"])
            return [Outlook(row["client_id"], row["kept_since"], row["is_heard"]) for row in rows]

    async def reconcile(self, beats: Sequence[Beat], now: datetime, again_after: timedelta) -> dict[str, datetime]:
        """Note which devices of *beats* are done; return who is to be asked now, for what. Raises as ``write_side``."""
        async with self._errors() as conn, conn.transaction():
            told = columns([(beat.client_id, beat.resent_since, beat.kept_since) for beat in beats])
            await conn.execute(QUERIES["answer_reconcile"], *told, now)
            rows = await conn.fetch(QUERIES["ask_reconcile"], told[0], now, now - again_after)
            return {row["client_id"]: row["wanted_since"] for row in rows}

    async def close(self) -> None:
        """End the connection, at once when the server does not answer."""
        conn, self._conn = self._conn, None
        if conn is not None:
            with contextlib.suppress(Exception):
                await asyncio.wait_for(conn.close(), timeout=2)
            conn.terminate()

    async def _connected(self) -> asyncpg.Connection[asyncpg.Record]:
        if self._conn is not None and not self._conn.is_closed():
            return self._conn
        arguments = dict(self._target.arguments)
        if self._target.password_file is not None:
            arguments["password"] = _password(self._target.password_file)
        self._conn = await asyncpg.connect(
            **arguments,
            timeout=5,
            command_timeout=self._timeout_s,
            # COMMIT must mean on disk, whatever the server's or the role's setting says.
            server_settings={
                "synchronous_commit": "on",
                "application_name": "pulse-ingest",
                "lock_timeout": str(self._lock_timeout_ms),
            },
        )
        return self._conn

    @contextlib.asynccontextmanager
    async def _errors(self) -> AsyncIterator[asyncpg.Connection[asyncpg.Record]]:
        """Give the connection and turn what the driver raises into ``errors``; a doubtful connection is ended."""
        is_connected = False
        try:
            conn = await self._connected()
            is_connected = True
            yield conn
        except IngestError:
            raise  # said already what it means
        except asyncpg.PostgresError as error:
            raise self._translated(error) from error
        except (TimeoutError, OSError, asyncpg.InterfaceError, asyncpg.InternalClientError) as error:
            self._drop()
            words = one_line(f"{type(error).__name__}: {error}")
            if is_connected and isinstance(error, TimeoutError):
                raise TookTooLong(words) from error
            raise StorageUnavailable(words) from error
        except UnicodeError as error:
            raise UnfitData("22021", "a text that is not Unicode") from error
        except Exception as error:  # a fault of ours; the batch is tried again like after any other
            self._drop()
            raise WriteFailed("", one_line(f"{type(error).__name__}: {error}")) from error
        except BaseException:
            self._drop()  # cancelled in the middle: the state of the connection is unknown
            raise

    def _translated(self, error: asyncpg.PostgresError) -> StorageUnavailable | WriteFailed:
        state = error.sqlstate or ""
        message = one_line(str(error))
        if state[:2] in _SERVER_CLASSES or state == _READ_ONLY:
            self._drop()
            return (TookTooLong if state in _TOO_MUCH else StorageUnavailable)(f"{state} {message}")
        return UnfitData(state, message) if state.startswith("22") else WriteFailed(state, message)

    def _drop(self) -> None:
        conn, self._conn = self._conn, None
        if conn is not None:
            conn.terminate()


def _password(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8").strip()
    except UnicodeError as error:  # of the file, not of a reading
        raise OSError(f"{file} is not UTF-8") from error


async def _store(
    conn: asyncpg.Connection[asyncpg.Record],
    rows: Rows,
    claims: Mapping[StreamKey, Claim],
    settlements: Mapping[StreamKey, Settlement],
    now: datetime,
) -> Written:
    await _store_rows(conn, rows)
    await update_accounts(conn, claims, settlements, now)
    await _supersede(conn, settlements, now)
    return Written(
        await answers_of(conn, claims, settlements),
        archived=sum(len(found.archive) for found in settlements.values()),
        duplicates=sum(found.duplicates for found in settlements.values()),
        rejected=len(rows.rejects),
    )


async def _copy_of(rows: Rows) -> AsyncIterator[bytes]:
    yield b"".join([HEADER, *rows.data, TRAILER])


async def _store_rows(conn: asyncpg.Connection[asyncpg.Record], rows: Rows) -> None:
    if rows.data:
        await conn.copy_to_table("telemetry_data", source=_copy_of(rows), columns=COLUMNS, format="binary")
        newest = [
            (client_id, metric, *typed(value), stream, number, recorded_at, received_at)
            for client_id, metrics in rows.newest.items()
            for metric, (recorded_at, stream, number, received_at, value) in metrics.items()
        ]
        await conn.execute(QUERIES["raise_latest"], *columns(newest))
        minutes = [
            (client_id, metric, minute, added.samples, added.least, added.greatest, added.total)
            for (client_id, minute), metrics_added in rows.minutes.items()
            for metric, added in metrics_added.items()
        ]
        await conn.execute(QUERIES["add_minutes"], *columns(minutes))
    if rows.rejects:
        rejects = [
            (r.client_id, r.stream, r.sequence_no, r.topic, r.reason, r.excerpt, r.received_at) for r in rows.rejects
        ]
        await conn.execute(QUERIES["add_rejects"], *columns(rejects))


async def _supersede(
    conn: asyncpg.Connection[asyncpg.Record], settlements: Mapping[StreamKey, Settlement], now: datetime
) -> None:
    superseded = [(*key, to_text(done.superseded)) for key, done in settlements.items() if done.superseded]
    if superseded:
        await conn.execute(QUERIES["supersede_rejects"], *columns(superseded), now)

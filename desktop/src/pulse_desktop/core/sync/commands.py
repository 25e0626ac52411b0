"""
Commands to this device: each is carried out at most once, never late, and always answered.

A command is recorded before it is carried out; one that was interrupted is FAILED. What arrives retained or names
another command than its topic is REJECTED. A result stays until the broker has acknowledged it. Called from the sync's
thread. Source: contract, "Command"; failure cases 38 and 39. Read next: ``loop``.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from datetime import timedelta

import msgspec
import structlog

from pulse_acl.payloads import Command, CommandResult, ContractError, decode, encode, format_time, parse_time
from pulse_acl.topics import Topic, build

from ..clock import Clock
from ..mirror_topics import COMMAND_TOPICS
from .corrected_time import CorrectedTime, NeverMetError
from .ports import Channel, Hooks
from .schema import writing

log = structlog.get_logger()
KEEP = timedelta(days=7)
FETCH_WITHIN_S = 10.0


class CommandDesk:
    """
    The commands of one device.

    ``ask``: ask the server for what was missed; ``is_caught_up``: whether it has answered.
    """

    def __init__(
        self,
        client_id: str,
        db: sqlite3.Connection,
        clock: Clock,
        hooks: Hooks,
        *,
        ask: Callable[[], None],
        is_caught_up: Callable[[], bool],
    ) -> None:
        self._id, self._db, self._clock, self._hooks = client_id, db, clock, hooks
        self._time = CorrectedTime(db, clock)
        self._ask, self._is_caught_up = ask, is_caught_up
        self._channel: Channel | None = None
        self._told: dict[int, str] = {}  # the number under which a result is on its way
        self._fetching: dict[str, float] = {}  # until when an UPDATE_CONFIG waits for the server
        self._fail_interrupted()

    def link_up(self, channel: Channel) -> None:
        """Tell over a new connection what was not told."""
        self._channel = channel
        self._told.clear()
        self._tell_all()

    def link_down(self) -> None:
        """Keep results for the next connection."""
        self._channel = None

    def received(self, topic: Topic, payload: bytes, *, is_retained: bool) -> None:
        """Take what came on one of the command topics."""
        try:
            command = decode(Command, payload)
        except ContractError as error:
            log.warning("desktop.command_unreadable", topic=topic.name, reason=str(error))
            self._reject_unreadable(topic, payload)
            return
        if self._is_known(command.command_id):
            self._tell(command.command_id)
            return
        if is_retained:
            self._refuse(command, "REJECTED", "It arrived retained.")
        elif command.command != COMMAND_TOPICS[topic]:
            self._refuse(command, "REJECTED", f"It came on the topic of {COMMAND_TOPICS[topic]}.")
        elif self._is_late(command):
            self._refuse(command, "EXPIRED", f"It was void after {command.expires_at}.")
        else:
            self._carry_out(command)

    def acknowledged(self, number: int) -> None:
        """Note that the broker has taken the message *number*."""
        command_id = self._told.pop(number, None)
        if command_id is not None:
            with writing(self._db):
                self._db.execute("UPDATE commands SET is_told = 1 WHERE command_id = ?", (command_id,))

    def tick(self) -> None:
        """Finish what waited for the server."""
        for command_id, until in list(self._fetching.items()):
            if self._is_caught_up():
                self._hooks.on_settings(None)
                self._finish(command_id, "DONE", "")
            elif self._clock.monotonic() >= until:
                self._finish(command_id, "FAILED", "The server did not answer.")

    def _carry_out(self, command: Command) -> None:
        self._record(command, None, "")
        log.info("desktop.command_begun", command=command.command, command_id=command.command_id)
        try:
            match command.command:
                case "FORCE_SYNC":
                    self._hooks.flush()
                    self._ask()
                    self._finish(command.command_id, "DONE", "")
                case "RELOAD":
                    self._hooks.on_settings(None)
                    self._hooks.reload()
                    self._finish(command.command_id, "DONE", "")
                case "UPDATE_CONFIG":
                    self._ask()
                    self._fetching[command.command_id] = self._clock.monotonic() + FETCH_WITHIN_S
        except Exception as error:
            log.exception("desktop.command_failed", command=command.command)
            self._finish(command.command_id, "FAILED", f"{error}"[:300])

    def _is_late(self, command: Command) -> bool:
        expires_at = parse_time(command.expires_at)
        try:
            return self._time.now() > expires_at
        except NeverMetError:
            return self._clock.now() > expires_at

    def _is_known(self, command_id: str) -> bool:
        found = self._db.execute("SELECT 1 FROM commands WHERE command_id = ?", (command_id.lower(),))
        return found.fetchone() is not None

    def _refuse(self, command: Command, status: str, message: str) -> None:
        self._record(command, status, message)
        self._tell(command.command_id)

    def _reject_unreadable(self, topic: Topic, payload: bytes) -> None:
        """Answer a command that breaks the contract but can be named, so that its sender learns of it."""
        try:
            named = msgspec.json.decode(payload, type=_Named)
            refused = msgspec.convert(
                {"command_id": named.command_id, "command": COMMAND_TOPICS[topic], "issued_at": (now := self._at()),
                 "expires_at": now}, Command,
            )  # fmt: skip
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            return
        if not self._is_known(refused.command_id):
            self._refuse(refused, "REJECTED", "It breaks the contract.")

    def _record(self, command: Command, status: str | None, message: str) -> None:
        now = self._at()
        with writing(self._db):
            self._db.execute(
                "DELETE FROM commands WHERE is_told AND max(recorded_at, expires_at) < ?",
                (format_time(parse_time(now) - KEEP),),
            )
            self._db.execute(
                "INSERT INTO commands (command_id, command, recorded_at, expires_at, status, message, at)"
                " VALUES (?, ?, ?, ?, ?, ?, ?)",
                (
                    command.command_id.lower(),
                    command.command,
                    now,
                    format_time(parse_time(command.expires_at)),
                    status,
                    message,
                    now if status else None,
                ),
            )

    def _finish(self, command_id: str, status: str, message: str) -> None:
        self._fetching.pop(command_id, None)
        with writing(self._db):
            self._db.execute(
                "UPDATE commands SET status = ?, message = ?, at = ? WHERE command_id = ?",
                (status, message, self._at(), command_id.lower()),
            )
        log.info("desktop.command_done", command_id=command_id, status=status, reason=message)
        self._tell(command_id)

    def _fail_interrupted(self) -> None:
        with writing(self._db):
            self._db.execute(
                "UPDATE commands SET status = 'FAILED', message = 'It was interrupted.', at = ? WHERE status IS NULL",
                (self._at(),),
            )

    def _tell_all(self) -> None:
        rows = self._db.execute("SELECT command_id FROM commands WHERE NOT is_told AND status IS NOT NULL").fetchall()
        for row in rows:
            self._tell(row["command_id"])

    def _tell(self, command_id: str) -> None:
        found = self._db.execute("SELECT * FROM commands WHERE command_id = ?", (command_id.lower(),)).fetchone()
        if self._channel is None or found["status"] is None:
            return
        result = CommandResult(
            command_id=found["command_id"],
            command=found["command"],
            status=found["status"],
            message=found["message"],
            at=found["at"],
        )
        number = self._channel.publish(build(Topic.COMMAND_RESULT, client_id=self._id), encode(result))
        self._told[number] = found["command_id"]

    def _at(self) -> str:
        try:
            return format_time(self._time.now())
        except NeverMetError:
            return format_time(self._clock.now())


class _Named(msgspec.Struct):
    command_id: str

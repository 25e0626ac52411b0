"""
Bans by client id and by user name, kept in a file, so that they hold after a restart.

Ends no connection: whoever adds a ban kicks as well (``management``). A ban that has run out is dropped. The file is
written in a thread, and once for all changes that came while it was written: hundreds of bans at once are a few writes,
and messages go on meanwhile.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Literal

import msgspec

from pulse_runtime.errors import ConfigError
from pulse_runtime.private_files import write_private

Kind = Literal["clientid", "username"]
FOREVER = "infinity"
MAX_BANS = 100_000


class Ban(msgspec.Struct, frozen=True, rename={"kind": "as"}):
    """One ban as EMQX's REST interface writes it; ``until`` is RFC 3339 or ``infinity``."""

    kind: Kind
    who: Annotated[str, msgspec.Meta(min_length=1, max_length=512)]
    reason: Annotated[str, msgspec.Meta(max_length=1024)] = ""
    by: Annotated[str, msgspec.Meta(max_length=512)] = "mgmt_api"
    at: str = ""
    until: str = FOREVER


Key = tuple[str, str]
Entries = dict[Key, tuple[Ban, float]]  # with the end of each, seconds since 1970


class BanExistsError(Exception):
    """The same client id or user name is banned already."""


@dataclass(frozen=True, slots=True)
class _Change:
    """A ban to be made, or with no *entry* lifted; ``done`` tells whether that changed anything."""

    key: Key
    entry: tuple[Ban, float] | None
    done: asyncio.Future[bool]

    def make(self, bans: Entries) -> bool:
        if (self.key in bans) == (self.entry is not None):
            return False
        if self.entry is None:
            del bans[self.key]
        else:
            bans[self.key] = self.entry
        return True


class Bans:
    """All bans in force; every change is on disk, and in force, when the call returns."""

    def __init__(self, path: Path, now: Callable[[], float]) -> None:
        """
        Read *path* if it is there; *now* is the clock, seconds since 1970.

        Raises:
            ConfigError: The file is damaged. Going on without it would let the banned in.
        """
        self._path, self._now = path, now
        self._bans: Entries = {}
        self._waiting: list[_Change] = []
        self._writer: asyncio.Task[None] | None = None
        if path.exists():
            try:
                found = msgspec.json.decode(path.read_bytes(), type=list[Ban])
                self._bans = {(ban.kind, ban.who): (ban, end_of(ban)) for ban in found}
            except (OSError, ValueError) as error:
                raise ConfigError(
                    f"{path} holds the bans and cannot be read: {error}; restore it or delete it."
                ) from error

    def find(self, client_id: str, username: str) -> Ban | None:
        """Return a ban in force against either, or ``None``."""
        return self.get("clientid", client_id) or self.get("username", username)

    def get(self, kind: Kind, who: str) -> Ban | None:
        """Return the ban in force against exactly that, or ``None``."""
        ban, end = self._bans.get((kind, who), (None, 0.0))
        return ban if end > self._now() else None

    def list(self) -> list[Ban]:
        """Return the bans in force, in the order they were made."""
        now = self._now()
        return [ban for ban, end in self._bans.values() if end > now]

    async def add(self, ban: Ban) -> None:
        """
        Keep *ban*.

        Raises:
            BanExistsError: There is one in force already; it stays as it is.
            ValueError: ``until`` is not a time, or there are too many bans.
            OSError, RuntimeError: The file cannot be written, or no thread be had for it; nothing is changed.
        """
        end = end_of(ban)
        if self.get(ban.kind, ban.who):
            raise BanExistsError
        if len(self.list()) + len(self._waiting) >= MAX_BANS:
            raise ValueError("too many bans")
        if not await self._change((ban.kind, ban.who), (ban, end)):
            raise BanExistsError

    async def remove(self, kind: Kind, who: str) -> bool:
        """Lift a ban; tell whether there was one. Raises as ``add`` when the file cannot be written."""
        return await self._change((kind, who), None)

    async def _change(self, key: Key, entry: tuple[Ban, float] | None) -> bool:
        change = _Change(key, entry, asyncio.get_running_loop().create_future())
        self._waiting.append(change)
        if self._writer is None or self._writer.done():
            self._writer = asyncio.create_task(self._write())
        return await change.done

    async def _write(self) -> None:
        """Write all changes that wait, again and again until none does; a task of its own outlives who asked."""
        while self._waiting:
            changes, self._waiting = self._waiting, []
            now = self._now()
            bans = {key: (ban, end) for key, (ban, end) in self._bans.items() if end > now}
            made = [change.make(bans) for change in changes]
            try:
                if any(made):
                    await asyncio.to_thread(_write_file, self._path, bans)
                    self._bans = bans
            except Exception as error:  # noqa: BLE001 - whatever it was, nobody who asked may wait for ever
                for change in changes:
                    if not change.done.done():
                        change.done.set_exception(error)
                continue
            for change, is_new in zip(changes, made, strict=True):
                if not change.done.done():
                    change.done.set_result(is_new)


def _write_file(path: Path, bans: Entries) -> None:
    write_private(path, msgspec.json.encode([ban for ban, _ in bans.values()]))


def end_of(ban: Ban) -> float:
    """
    Return when *ban* ends, in seconds since 1970.

    Raises:
        ValueError: ``until`` is not a time with a zone.
    """
    if ban.until == FOREVER:
        return float("inf")
    end = datetime.fromisoformat(ban.until)
    if end.tzinfo is None:
        raise ValueError("until has no time zone")
    return end.astimezone(UTC).timestamp()

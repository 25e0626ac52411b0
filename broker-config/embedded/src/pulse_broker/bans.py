"""
Bans by client id and by user name, kept in a file, so that they hold after a restart.

Ends no connection: whoever adds a ban kicks as well (``management``). A ban that has run out is dropped.
"""

from __future__ import annotations

from collections.abc import Callable
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


class BanExistsError(Exception):
    """The same client id or user name is banned already."""


class Bans:
    """All bans in force; every change is on disk when the call returns."""

    def __init__(self, path: Path, now: Callable[[], float]) -> None:
        """
        Read *path* if it is there; *now* is the clock, seconds since 1970.

        Raises:
            ConfigError: The file is damaged. Going on without it would let the banned in.
        """
        self._path, self._now = path, now
        self._bans: dict[tuple[str, str], tuple[Ban, float]] = {}
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

    def add(self, ban: Ban) -> None:
        """
        Keep *ban*.

        Raises:
            BanExistsError: There is one in force already; it stays as it is.
            ValueError: ``until`` is not a time, or there are too many bans.
        """
        end = end_of(ban)
        if self.get(ban.kind, ban.who):
            raise BanExistsError
        if len(self.list()) >= MAX_BANS:
            raise ValueError("too many bans")
        self._store({**self._bans, (ban.kind, ban.who): (ban, end)})

    def remove(self, kind: Kind, who: str) -> bool:
        """Lift a ban; tell whether there was one."""
        if self.get(kind, who) is None:
            return False
        self._store({key: kept for key, kept in self._bans.items() if key != (kind, who)})
        return True

    def _store(self, bans: dict[tuple[str, str], tuple[Ban, float]]) -> None:
        now = self._now()
        kept = {key: (ban, end) for key, (ban, end) in bans.items() if end > now}
        write_private(self._path, msgspec.json.encode([ban for ban, _ in kept.values()]))
        self._bans = kept


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

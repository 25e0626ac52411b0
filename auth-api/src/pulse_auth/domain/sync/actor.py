"""Who changes a record."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

from pulse_sync.records import WEB


@dataclass(frozen=True, slots=True)
class Actor:
    """
    ``by`` as in tokens (``user:ann``), the person's id, and ``web`` or ``desktop:<client_id>``.

    ``Actor.SYSTEM`` is the program itself, whose changes nobody judges.
    """

    SYSTEM: ClassVar[Actor]

    by: str
    user_id: str | None
    source: str = WEB

    @classmethod
    def person(cls, user_id: UUID, username: str) -> Actor:
        """Return a person at the web."""
        return cls(f"user:{username}", str(user_id))

    @property
    def device(self) -> str | None:
        """The desktop where the change was made, if it was one."""
        return self.source.removeprefix("desktop:") if self.source.startswith("desktop:") else None


Actor.SYSTEM = Actor("system", None)

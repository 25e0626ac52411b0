"""Colours by role, dark and light: the same names and values as in the dashboard's ``globals.css``."""

from __future__ import annotations

from dataclasses import dataclass

from ..snapshot import Lamp


@dataclass(frozen=True, slots=True)
class Colours:
    """One theme; every value is ``#rrggbb``."""

    name: str
    bg: str
    surface: str
    raised: str
    line: str
    line_strong: str
    text: str
    muted: str
    faint: str
    accent: str
    accent_soft: str
    on_accent: str
    up: str
    down: str
    warn: str

    def of(self, lamp: Lamp) -> str:
        """Return the colour of a state."""
        return {Lamp.ONLINE: self.up, Lamp.SYNCING: self.warn, Lamp.DISCONNECTED: self.down}[lamp]


DARK = Colours(
    name="dark",
    bg="#090c11",
    surface="#0f131a",
    raised="#151a23",
    line="#1c232e",
    line_strong="#303a49",
    text="#e7ebf1",
    muted="#9aa5b5",
    faint="#7d899b",
    accent="#5d9dff",
    accent_soft="#14233d",
    on_accent="#06101f",
    up="#35c98c",
    down="#ff6674",
    warn="#f3b748",
)
LIGHT = Colours(
    name="light",
    bg="#f2f4f7",
    surface="#ffffff",
    raised="#f6f8fa",
    line="#e1e6ec",
    line_strong="#c3ccd6",
    text="#131920",
    muted="#515d6c",
    faint="#667283",
    accent="#1a63d8",
    accent_soft="#e4eefc",
    on_accent="#ffffff",
    up="#0a7548",
    down="#c4233b",
    warn="#8a5700",
)
BY_NAME = {theme.name: theme for theme in (DARK, LIGHT)}

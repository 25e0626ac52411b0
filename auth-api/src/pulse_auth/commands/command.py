"""What a subcommand is."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace, _SubParsersAction
from typing import Protocol, TypeAlias

from ..settings import Settings

# argparse has this type for checkers only.
Parsers: TypeAlias = "_SubParsersAction[ArgumentParser]"


class Command(Protocol):
    """A module of this package: two functions."""

    def add(self, parsers: Parsers, /) -> None:
        """Describe the command and its options."""

    def run(self, options: Namespace, settings: Settings, /) -> int | None:
        """Do it; the exit code, 0 when ``None``."""

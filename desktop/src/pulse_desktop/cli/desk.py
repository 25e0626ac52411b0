"""What every command needs: the device's file, the signed-in person, a password that is never on the command line."""

from __future__ import annotations

import argparse
import getpass
import sqlite3
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from pulse_runtime.environment import Environment, read_secret_file
from pulse_runtime.errors import ConfigError
from pulse_sync.records import Kind, Record

from ..core.clock import Clock, SystemClock
from ..core.errors import ChangeError
from ..core.folder import DeviceFolder, find
from ..core.identity.operators import author
from ..core.identity.store import Identity
from ..core.sync.author import Author
from ..core.sync.holdings import Holdings, read_holdings
from ..core.sync.schema import FILE_NAME, open_identity


@dataclass(frozen=True, slots=True)
class Desk:
    """One device's identity file, open."""

    folder: DeviceFolder
    identity: Identity
    db: sqlite3.Connection
    clock: Clock

    @property
    def client_id(self) -> str:
        """The device."""
        return self.folder.client_id

    def shown(self) -> Holdings:
        """Return what the device shows now."""
        return read_holdings(self.db)

    def author(self, asked: argparse.Namespace) -> Author:
        """Return the signed-in person, who gives the password again."""
        return author(self.db, self.client_id, self.clock, password(asked))


@contextmanager
def desk(environment: Environment, asked: argparse.Namespace) -> Iterator[Desk]:
    """
    Open the device that is meant.

    Raises:
        ConfigError: Which device is not clear, or it is not enrolled.
        StorageError: Its file cannot be used.
    """
    folder = find(environment, getattr(asked, "client_id", None))
    identity = folder.identity()
    db = open_identity(folder.path / FILE_NAME)
    try:
        yield Desk(folder, identity, db, SystemClock())
    finally:
        db.close()


def password(asked: argparse.Namespace, option: str = "password_file", prompt: str = "Password: ") -> str:
    """
    Return a password from the file that the command line names (``-``: standard input), or from the terminal.

    Raises:
        ConfigError: Neither is there.
    """
    file = getattr(asked, option, None)
    if file == "-":
        return sys.stdin.readline().rstrip("\n")
    if file is not None:
        return read_secret_file(Path(file), f"--{option.replace('_', '-')}")
    if not sys.stdin.isatty():
        raise ConfigError(f"give --{option.replace('_', '-')} F, or run it in a terminal.")
    return getpass.getpass(prompt)


def named(holdings: Holdings, kind: Kind, name: str) -> Record:
    """
    Return the live record with that name, or the one with that id.

    Raises:
        ChangeError: There is none.
    """
    found = holdings.named(kind, name) or next((one for one in holdings.of(kind) if one.key.id == name), None)
    if found is None:
        raise ChangeError(f"there is no {kind} {name}")
    return found


def show(rows: Sequence[Mapping[str, Any]], *, as_json: bool) -> None:
    """Print rows of the same columns, for people or for programs."""
    if as_json:
        print(msgspec.json.encode(rows).decode())
        return
    if not rows:
        print("none")
        return
    table = [[name.upper() for name in rows[0]]] + [[_word(value) for value in row.values()] for row in rows]
    widths = [max(len(line[index]) for line in table) for index in range(len(rows[0]))]
    for line in table:
        print("  ".join(word.ljust(width) for word, width in zip(line, widths, strict=True)).rstrip())


def show_figures(figures: Mapping[str, Any], *, as_json: bool) -> None:
    """Print named figures, one a line, or as JSON."""
    if as_json:
        print(msgspec.json.encode(figures).decode())
    else:
        print("\n".join(f"{name}: {_word(value)}" for name, value in figures.items()))


def _word(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list | tuple):
        return ", ".join(map(str, value)) or "-"
    if isinstance(value, Mapping):
        return msgspec.json.encode(value).decode()
    return "-" if value is None or value == "" else str(value)

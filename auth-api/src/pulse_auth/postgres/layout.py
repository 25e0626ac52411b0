"""Where the embedded database keeps its files, and its address; makes nothing."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, urlencode

from pulse_runtime.environment import read_secret_file
from pulse_runtime.errors import ConfigError

DATABASE = "pulse"
OWNER_ROLE = "pulse_auth"
WORKER_ROLE = "pulse_ingest"
SOCKET_NAME = ".s.PGSQL.5432"
# The address of a Unix socket holds 108 bytes on Linux and 104 elsewhere, the closing NUL among them.
MAX_SOCKET_PATH_BYTES = 103


@dataclass(frozen=True, slots=True)
class Layout:
    """The files of one embedded database; ``folder`` is ``PULSE_HOME/postgres``."""

    folder: Path

    @property
    def data(self) -> Path:
        """The cluster itself."""
        return self.folder / "data"

    @property
    def socket(self) -> Path:
        """The one way in."""
        return self.folder / SOCKET_NAME

    @property
    def lock(self) -> Path:
        """Held by the program that runs the server."""
        return self.folder / "lock"

    @property
    def postmaster_pid(self) -> Path:
        """Written by the server: its process, start time and state."""
        return self.data / "postmaster.pid"

    def password_file(self, role: str) -> Path:
        """Return the 0600 file with the password of *role*."""
        return self.folder / f"{role.removeprefix('pulse_')}-password"

    def check(self) -> None:
        """
        Make sure that a socket can be made and named.

        Raises:
            ConfigError: The path is too long for a socket, or has a character that addresses cannot carry.
        """
        length = len(os.fsencode(self.socket))
        if length > MAX_SOCKET_PATH_BYTES:
            raise ConfigError(
                f"PULSE_HOME is too long for the database's socket: {self.socket} has {length} bytes, "
                f"at most {MAX_SOCKET_PATH_BYTES} are possible; give a shorter folder."
            )
        if set(str(self.folder)) & set(',"\n'):
            raise ConfigError(f"PULSE_HOME may have no comma, quote or line feed: {str(self.folder)!r}.")

    def dsn(self, role: str = OWNER_ROLE, database: str = DATABASE) -> str:
        """
        Return the address for *role*, its password included.

        Raises:
            ConfigError: The password file is missing: the database was never started.
        """
        password = quote(read_secret_file(self.password_file(role), "PULSE_HOME"), safe="")
        return f"postgresql://{role}:{password}@/{database}?" + urlencode({"host": str(self.folder)})

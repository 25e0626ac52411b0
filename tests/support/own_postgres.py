"""
A PostgreSQL server like the one of compose.yaml: made by initdb, its roles by the deployment's own script.

The programs are those of the embedded database's package; PostgreSQL refuses to be root, so as root they run as its
system user.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

from pulse_auth.postgres.cluster import MAJOR_VERSION, _programs
from pulse_auth.postgres.privileges import find_privileges
from support.processes import ROOT
from support.waiting import until

SCRIPTS = ROOT / "deploy" / "postgres"
ROLES = {"postgres": "superuser-password", "pulse_auth": "auth-password", "pulse_ingest": "ingest-password"}


class OwnPostgres:
    """The server in *folder*, which is its socket's folder too; ``secrets`` holds the passwords' files."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.data, self.secrets = folder, folder / "data", folder / "secrets"
        self._privileges = find_privileges()
        self._process: subprocess.Popen[bytes] | None = None
        self.secrets.mkdir()
        for name in ROLES.values():
            (self.secrets / name).write_text(f"it's-{secrets.token_urlsafe(12)}\n")

    def variables(self, role: str) -> dict[str, str]:
        """Return what PostgreSQL's programs need to be *role* here, its password's file as our scripts take it."""
        path = f"{_programs()}:{os.environ['PATH']}"
        return {
            "PATH": path,
            "PGHOST": str(self.folder),
            "PGUSER": role,
            "PULSE_DATABASE_PASSWORD_FILE": str(self.secrets / ROLES[role]),
        }

    def dsn(self, role: str) -> str:
        return f"postgresql://{role}@/pulse?host={self.folder}"

    def start(self) -> None:
        """Make the server's data, serve it, and run the script that makes roles and database."""
        for one in (self.folder, self.secrets, *self.secrets.iterdir()):
            self._own(one)
        password = self.secrets / ROLES["postgres"]
        options = ["--auth=scram-sha-256", "--username=postgres", f"--pwfile={password}", "--locale=C"]
        subprocess.run(self._command("initdb", "-D", str(self.data), *options), check=True, capture_output=True)
        self.serve()
        environment = {"PULSE_SECRETS": str(self.secrets), "PGPASSWORD": password.read_text().strip()}
        self.run("postgres", str(SCRIPTS / "init.sh"), **environment)

    def serve(self) -> None:
        """Start a server for the data that is there."""
        settings = ["-c", "listen_addresses=", "-c", f"unix_socket_directories={self.folder}"]
        with (self.folder / "server.log").open("wb") as log:
            self._process = subprocess.Popen(
                self._command("postgres", "-D", str(self.data), *settings), stdout=log, stderr=log, cwd="/"
            )
        until(
            lambda: self.run("postgres", "pg_isready", "-q", check=False).returncode == 0, within_s=30, what="it runs"
        )

    def alone(self, *command: str, **variables: str) -> subprocess.CompletedProcess[str]:
        """Run *command* as the system user whose the data is, while nothing serves it."""
        told = {"PATH": f"{_programs()}:{os.environ['PATH']}", **variables}
        prefix = self._privileges.prefix
        return subprocess.run([*prefix, *command], env=told, capture_output=True, text=True, check=True, cwd="/")

    def run(self, role: str, *command: str, check: bool = True, **more: str) -> subprocess.CompletedProcess[str]:
        """Run *command* as *role*, with *more* in its environment."""
        variables = {**self.variables(role), **more}
        done = subprocess.run(command, env=variables, capture_output=True, text=True, check=False)
        assert done.returncode == 0 or not check, f"{command}\n{done.stdout}\n{done.stderr}"
        return done

    def ask(self, statement: str, *, database: str = "pulse", role: str = "postgres") -> list[str]:
        """Return the lines that psql prints for *statement*."""
        password = (self.secrets / ROLES[role]).read_text().strip()
        command = ["psql", "--no-psqlrc", "-t", "-A", "-q", "-v", "ON_ERROR_STOP=1", "-d", database, "-c", statement]
        return self.run(role, *command, PGPASSWORD=password).stdout.split("\n")[:-1]

    def stop(self) -> None:
        if self._process is not None:
            self._process.terminate()
            self._process.wait(30)

    def _command(self, program: str, *arguments: str) -> list[str]:
        return [*self._privileges.prefix, str(_programs() / program), *arguments]

    def _own(self, path: Path) -> None:
        if self._privileges.uid is not None and self._privileges.gid is not None:
            os.chown(path, self._privileges.uid, self._privileges.gid)


@contextlib.contextmanager
def own_postgres() -> Iterator[OwnPostgres]:
    """Yield a running server in a folder whose path is short enough for a socket; gone afterwards."""
    folder = Path(tempfile.mkdtemp(prefix=f"pulse-pg{MAJOR_VERSION}-"))
    made = OwnPostgres(folder)
    try:
        made.start()
        yield made
    finally:
        made.stop()
        shutil.rmtree(folder)

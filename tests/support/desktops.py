"""
Desktops as real processes beside a running system, each with a cable that a test can pull, and their command line.

The cable carries both of a desktop's ways to the server: the broker and the API.
"""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from support.link_proxy import LinkProxy
from support.processes import ROOT, Program, program
from support.stack import Stack
from support.waiting import until


class Desktop:
    """One desktop; ``enroll``, ``start`` and the command line. ``folder`` holds its files, ``command`` starts it."""

    def __init__(self, stack: Stack, client_id: str, command: Sequence[str] = ("pulse-desktop",)) -> None:
        self.stack, self.client_id, self.command = stack, client_id, command
        self.cables = [LinkProxy(stack.ports["PULSE_MQTTS_PORT"]), LinkProxy(stack.ports["PULSE_HTTP_PORT"])]
        self.folder = stack.home / "devices" / client_id
        self.api = f"http://127.0.0.1:{self.cables[1].port}"
        self.process: Program | None = None

    def enroll(self) -> Desktop:
        """Make it a device of the system with a code from the administrator."""
        code = self.stack.admin.post("/devices/enrollment-codes", json={"client_id": self.client_id}).json()["code"]
        file = self.stack.home / f"code-{self.client_id}"
        file.write_text(code)
        broker = f"mqtts://127.0.0.1:{self.cables[0].port}"
        answer = self.run("enroll", "--api", self.api, "--code-file", str(file), "--broker", broker)
        assert answer.returncode == 0, answer.stderr
        return self

    def start(self) -> Desktop:
        """Run it headless."""
        command = [*self.command, "--headless", "--client-id", self.client_id, "--source", "simulator"]
        self.process = self.process or self.stack.add(self.client_id, command)
        self.process.start()
        return self

    def kill9(self) -> None:
        assert self.process is not None
        self.process.kill9()

    def cut(self) -> None:
        """Pull the cable."""
        for cable in self.cables:
            cable.cut()

    def mend(self) -> None:
        """Put the cable back."""
        for cable in self.cables:
            if cable.is_cut:  # mending drops what is connected
                cable.mend()

    def close(self) -> None:
        if self.process is not None and self.process.running:
            self.process.stop()
        for cable in self.cables:
            cable.close()

    def secret(self, text: str) -> str:
        """Return the path of a file that holds *text*."""
        file = self.stack.home / f"secret-{abs(hash(text))}"
        file.write_text(text)
        file.chmod(0o600)
        return str(file)

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Do one command of the command line."""
        name, *options = self.command
        command = [program(name), *options, "--device", self.client_id, *arguments]
        return subprocess.run(
            command,
            env={**os.environ, **self.stack.variables},
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    def does(self, *arguments: str) -> str:
        """Do one command that must succeed; return what it said."""
        done = self.run(*arguments)
        assert done.returncode == 0, f"{arguments}: {done.stderr}{done.stdout}"
        return done.stdout

    def reads(self, *arguments: str) -> Any:
        """Do one command that must succeed; return its JSON."""
        return json.loads(self.does(*arguments, "--json"))

    def login(self, username: str, password: str) -> subprocess.CompletedProcess[str]:
        """Try to sign in."""
        return self.run("login", "--username", username, "--password-file", self.secret(password))

    def can_login(self, username: str, password: str) -> bool:
        return self.login(username, password).returncode == 0

    def users(self) -> dict[str, dict[str, Any]]:
        """Return the users that it shows, by name."""
        return {user["username"]: user for user in self.reads("users", "list")}

    def sql(self, query: str, *arguments: object) -> Any:
        """Return the first column of the first row of a query on ``identity.db``, ``None`` without one."""
        path = self.folder / "identity.db"
        if not path.exists():
            return None
        db = sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=5)
        try:
            row = db.execute(query, arguments).fetchone()
            return row[0] if row is not None else None
        except sqlite3.OperationalError:
            return None  # it is just being made
        finally:
            db.close()

    def wait_for_records(self, within_s: float = 20) -> None:
        """Wait until the server has answered it once."""
        until(
            lambda: self.sql("SELECT last_contact_at FROM sync_state"),
            within_s=within_s,
            what=f"{self.client_id} has the records",
        )

    def bytes_on_disk(self) -> bytes:
        """Return the raw content of ``identity.db`` and its write-ahead log."""
        files = [self.folder / name for name in ("identity.db", "identity.db-wal")]
        return b"".join(Path(file).read_bytes() for file in files if file.exists())

"""
Running PostgreSQL's programs when this process is root: PostgreSQL refuses to be root itself.

They run as a system user that owns the data folder alone. Folders above it, and the project itself, may be
closed to that user (``PULSE_HOME`` is 0700, a checkout may lie in ``/root``), and no folder is opened for it:
the programs keep the one capability to read and traverse them. ``setpriv`` (util-linux) does the change.
"""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from pulse_runtime.errors import ConfigError

SYSTEM_USER = "pulse-postgres"
# In the order of preference: (bit in /proc/self/status, name). Containers often have only the second.
_CAPABILITIES = ((2, "dac_read_search"), (1, "dac_override"))
_ADVICE = "run as an ordinary user instead"


@dataclass(frozen=True, slots=True)
class Privileges:
    """How to run PostgreSQL's programs: words before each command line, and who owns the data folder."""

    prefix: tuple[str, ...] = ()
    uid: int | None = None
    gid: int | None = None


def find_privileges() -> Privileges:
    """
    Return how this process may run PostgreSQL; as root, a system user is made when it is missing.

    Raises:
        ConfigError: This is root, and it cannot step down here.
    """
    if os.geteuid() != 0:
        return Privileges()
    setpriv = shutil.which("setpriv")
    if setpriv is None or not sys.platform.startswith("linux"):
        raise ConfigError(f"The embedded database cannot run for root here (no setpriv); {_ADVICE}.")
    user = _system_user()
    capability = _traversal_capability()
    sets = f"-all,+{capability}"
    prefix = (
        setpriv,
        f"--reuid={user.pw_uid}",
        f"--regid={user.pw_gid}",
        "--clear-groups",
        "--no-new-privs",
        f"--inh-caps={sets}",
        f"--ambient-caps={sets}",
        f"--bounding-set={sets}",
    )
    return Privileges(prefix, user.pw_uid, user.pw_gid)


def _system_user() -> pwd.struct_passwd:
    try:
        return pwd.getpwnam(SYSTEM_USER)
    except KeyError:
        pass
    command = ["useradd", "--system", "--no-create-home", "--home-dir", "/nonexistent", "--shell", "/usr/sbin/nologin"]
    try:
        subprocess.run([*command, SYSTEM_USER], check=True, capture_output=True)
        return pwd.getpwnam(SYSTEM_USER)
    except (OSError, subprocess.CalledProcessError, KeyError) as error:
        raise ConfigError(
            f"The embedded database cannot run as root, and no user {SYSTEM_USER} could be made for it; {_ADVICE}."
        ) from error


def _traversal_capability() -> str:
    status = Path("/proc/self/status").read_text(encoding="ascii")
    held = int(next(line.split()[1] for line in status.splitlines() if line.startswith("CapEff:")), 16)
    for bit, name in _CAPABILITIES:
        if held >> bit & 1:
            return name
    raise ConfigError(f"The embedded database cannot read its folders for root here (no capability); {_ADVICE}.")

"""
What the one-shot jobs of ``compose.yaml`` make before the services start: certificates and secrets, as files.

Each audience has a folder (a volume) of its own and mounts no other. Repeating a job changes nothing that is still
good. The files belong to the group of the project's images, so that servers with users of their own (EMQX, nginx,
PostgreSQL) read theirs as members of it, and no job needs to be root.
"""

from __future__ import annotations

from pathlib import Path

from pulse_runtime.errors import ConfigError

SHARED_MODE = 0o640


def audience(to: Path, name: str) -> Path:
    """
    Return the folder of one audience below *to*.

    Raises:
        ConfigError: It is not there; a folder made now would be lost with the container.
    """
    folder = to / name
    if not folder.is_dir():
        raise ConfigError(f"{folder} is not there; mount the volume of {name} at this place.")
    return folder

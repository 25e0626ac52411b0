"""
The name of the workers' shared group, which is a secret.

EMQX judges ``$share/{group}/{filter}`` by the filter alone, so whoever may read a topic may join any group that reads
it, and take messages away from the others in it. Nobody joins a group whose name cannot be guessed.
"""

from __future__ import annotations

import re
import secrets
from pathlib import Path

from pulse_runtime.errors import ConfigError
from pulse_runtime.private_files import create_private

FILE = "shared-group.secret"
_RANDOM_BYTES = 16
_NAME = re.compile(rb"ingest-[0-9a-f]{32}")


def load_shared_group(folder: Path) -> str:
    """
    Return the name in *folder*, ``ingest-`` and 128 random bits, made at the first start, mode 0600.

    Raises:
        ConfigError: The file holds something else.
    """
    name = create_private(folder / FILE, f"ingest-{secrets.token_hex(_RANDOM_BYTES)}".encode())
    if _NAME.fullmatch(name) is None:
        raise ConfigError(
            f"{folder / FILE} is damaged; remove it, and the workers take a new name with their next token."
        )
    return name.decode()

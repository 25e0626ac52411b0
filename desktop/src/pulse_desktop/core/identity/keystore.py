"""
Where the device's private keys are: in the system's keyring, or in files of mode 0600 where there is none.

Which of the two is chosen when the keys are made and remembered in ``identity.json``: a key there is a file's name, or
``keyring:`` with a name; each start says it in the log. The only importer of ``keyring``. Read next: ``store``.
"""

from __future__ import annotations

from pathlib import Path

import keyring
import structlog
from keyring.errors import KeyringError

from pulse_runtime.errors import ConfigError
from pulse_runtime.private_files import write_private

log = structlog.get_logger()
SERVICE = "pulse-desktop"
PREFIX = "keyring:"
CHOICES = ("auto", "keyring", "file")


def uses_keyring(asked: str) -> bool:
    """
    Tell whether new keys go into the keyring; *asked* is one of ``CHOICES``.

    Raises:
        ConfigError: Another word, or the keyring is asked for and cannot be used.
    """
    if asked not in CHOICES:
        raise ConfigError(f"PULSE_DEVICE_KEYS is {asked!r}; give {', '.join(CHOICES)}.")
    reason = "asked for" if asked == "file" else _problem()
    if reason and asked == "keyring":
        raise ConfigError(f"PULSE_DEVICE_KEYS is keyring, but {reason}; give file, or unlock it.")
    log.debug("desktop.keyring_tried", reason=reason)
    return not reason


def keep(folder: Path, name: str, pem: bytes) -> None:
    """
    Store a private key under *name*, as ``place`` made it.

    Raises:
        ConfigError: The keyring does not take it.
    """
    if not name.startswith(PREFIX):
        write_private(folder / name, pem)
        return
    try:
        keyring.set_password(SERVICE, _entry(folder, name), pem.decode())
    except KeyringError as error:
        raise ConfigError(f"the system's keyring does not take the device's key: {error}.") from error


def read(folder: Path, name: str) -> bytes:
    """
    Return a private key.

    Raises:
        ConfigError: It cannot be read.
    """
    try:
        found = keyring.get_password(SERVICE, _entry(folder, name)) if name.startswith(PREFIX) else None
        pem = found.encode() if found is not None else b""
        if not name.startswith(PREFIX):
            pem = (folder / name).read_bytes()
    except (KeyringError, OSError) as error:
        raise ConfigError(f"the device's key {name} of {folder} cannot be read: {error}.") from error
    if not pem:
        raise ConfigError(f"the device's key {name} is not in the system's keyring; enroll the device again.")
    return pem


def forget(folder: Path, names: set[str]) -> None:
    """Remove keys that are no longer used, as far as that is possible."""
    for name in names:
        if name.startswith(PREFIX):
            try:
                keyring.delete_password(SERVICE, _entry(folder, name))
            except KeyringError as error:
                log.warning("desktop.old_key_kept", reason=str(error))
        else:
            (folder / name).unlink(missing_ok=True)


def place_of(name: str) -> str:
    """Say in one word where the key *name* is kept."""
    return "keyring" if name.startswith(PREFIX) else "file"


def place(kind: str, mark: str, *, in_keyring: bool) -> str:
    """Return the name under which the key *kind* is kept; *mark* tells apart those of successive enrollments."""
    return f"{PREFIX}{kind}-{mark}" if in_keyring else f"{kind}-{mark}.pem"


def _entry(folder: Path, name: str) -> str:
    return f"{folder.absolute()}:{name.removeprefix(PREFIX)}"


def _problem() -> str:
    """Return why the keyring cannot be used, or nothing; it is tried, as one may be there and locked."""
    try:
        keyring.set_password(SERVICE, "trial", "trial")
        found = keyring.get_password(SERVICE, "trial")
        keyring.delete_password(SERVICE, "trial")
    except Exception as error:  # noqa: BLE001 - backends raise what they like; files always work
        return f"there is no usable keyring ({type(error).__name__})"
    return "" if found == "trial" else "the keyring does not keep what it is given"

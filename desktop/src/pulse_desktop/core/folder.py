"""Which device is meant, and where its files are."""

from __future__ import annotations

import re
import socket
from dataclasses import dataclass
from pathlib import Path

from pulse_acl.topics import is_device_id
from pulse_runtime.environment import Environment
from pulse_runtime.errors import ConfigError
from pulse_runtime.private_files import ensure_private_dir, write_private

from .identity import store
from .outbox.schema import FILE_NAME

DONE = "done"
REPLACED_BY = "replaced-by"  # in the folder of a device that this machine is no more: the id that comes after it


@dataclass(frozen=True, slots=True)
class DeviceFolder:
    """One device's files."""

    client_id: str
    path: Path

    @property
    def outbox(self) -> Path:
        """The SQLite file."""
        return self.path / FILE_NAME

    def identity(self) -> store.Identity:
        """
        Return who the device is.

        Raises:
            ConfigError: Not enrolled, or the file cannot be used.
        """
        found = store.load(self.path)
        if found is None:
            raise ConfigError(
                f"{self.client_id} is not enrolled; run "
                f"`pulse-desktop enroll --client-id {self.client_id} --api URL --code-file FILE` first."
            )
        if found.client_id != self.client_id:
            raise ConfigError(f"the files in {self.path} belong to {found.client_id}, not to {self.client_id}.")
        return found


def find(environment: Environment, client_id: str | None) -> DeviceFolder:
    """
    Return the folder of *client_id*, made private; without one: of the only device here, else of the host's name.

    Raises:
        ConfigError: No possible id, more than one device, or a folder that cannot be used.
    """
    given = environment.text("PULSE_DEVICE_DIR")
    devices = environment.home() / "devices"
    if client_id is None:
        client_id = _in_folder(Path(given)) if given else _only_one(devices)
    if not is_device_id(client_id) or client_id in {".", ".."}:
        raise ConfigError(f"{client_id!r} cannot be a device id; use 1 to 64 of A-Z a-z 0-9 . _ -.")
    path = Path(given).expanduser().absolute() if given else devices / client_id
    if not given:
        ensure_private_dir(devices, "the folder of all devices")
    return DeviceFolder(client_id, ensure_private_dir(path, "the device's folder"))


def replace_device(old: Path, client_id: str) -> None:
    """
    Note in the folder of an *old* device that this machine is *client_id* from that one's enrollment on.

    It counts as soon as *client_id* has its identity, and not before. So it is written first, and the enrollment is the
    one step in which this machine becomes another device: an end in between leaves one of the two, never both.
    ``replaced`` says afterwards that it counts whatever becomes of *client_id*'s folder.
    """
    write_private(old / REPLACED_BY, f"{client_id}\n".encode())


def replaced(old: Path, client_id: str) -> None:
    """Note for good that *client_id* has taken the place of an *old* device: its own folder may be removed later."""
    write_private(old / REPLACED_BY, f"{client_id}\n{DONE}\n".encode())


def is_replaced(folder: Path) -> bool:
    """Tell whether another device has taken the place of the one in *folder*."""
    try:
        client_id, *rest = (folder / REPLACED_BY).read_text(encoding="utf-8").split("\n")
    except FileNotFoundError:
        return False
    return DONE in rest or (is_device_id(client_id) and (folder.parent / client_id / store.IDENTITY).exists())


def restore_device(folder: Path) -> None:
    """Let the device of *folder* count again."""
    (folder / REPLACED_BY).unlink(missing_ok=True)


def host_id() -> str:
    """Return this host's name made to fit a device id."""
    return re.sub(r"[^A-Za-z0-9._-]+", "-", socket.gethostname()).strip("-.")[:64] or "device"


def _in_folder(path: Path) -> str:
    found = store.load(path)
    return found.client_id if found is not None else host_id()


def _only_one(devices: Path) -> str:
    there = [entry.parent for entry in devices.glob(f"*/{store.IDENTITY}")]
    names = sorted(folder.name for folder in there if not is_replaced(folder))
    if host_id() in names or not names:
        return host_id()
    if len(names) > 1:
        raise ConfigError(f"there are several devices here ({', '.join(names)}); say which with --client-id.")
    return names[0]

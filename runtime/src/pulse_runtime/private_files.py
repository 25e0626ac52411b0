"""Files and folders that only their owner may read; written whole or not at all."""

from __future__ import annotations

import contextlib
import os
import tempfile
from pathlib import Path

from .errors import ConfigError


def ensure_private_dir(path: Path, named_by: str) -> Path:
    """
    Make *path* a folder of mode 0700 and return it; missing folders above it are made 0700 too.

    Raises:
        ConfigError: It cannot be made or written to, or belongs to somebody else.
    """
    try:
        _make_dirs(path)
        if path.stat().st_uid != os.geteuid():
            raise ConfigError(f"{named_by} {path} belongs to another user; give a folder of your own.")
        path.chmod(0o700)
        with tempfile.TemporaryFile(dir=path):
            pass
    except OSError as error:
        raise ConfigError(
            f"{named_by} {path} cannot be written to: {error.strerror}; "
            f"make it writable for this user, or give another."
        ) from error
    return path


def write_private(path: Path, content: bytes, *, mode: int = 0o600) -> None:
    """Replace *path* by *content* in one step, on disk when this returns; missing folders above are made 0700."""
    _make_dirs(path.parent)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            os.fchmod(file.fileno(), mode)
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        Path(name).replace(path)
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            Path(name).unlink()
        raise
    _sync_dir(path.parent)


def create_private(path: Path, content: bytes) -> bytes:
    """Write *content* unless *path* is there already; return what the file holds, whoever was first."""
    _make_dirs(path.parent)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        with contextlib.suppress(FileExistsError):
            os.link(name, path)
    finally:
        Path(name).unlink()
    _sync_dir(path.parent)
    return path.read_bytes()


def _make_dirs(path: Path) -> None:
    # ``mkdir(parents=True)`` would give the folders between the mode of the umask.
    if not path.parent.exists():
        _make_dirs(path.parent)
    path.mkdir(mode=0o700, exist_ok=True)


def _sync_dir(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)

"""A small disk that can be filled: a tmpfs mounted over a folder, which needs the right to mount."""

from __future__ import annotations

import contextlib
import subprocess
import tempfile
from pathlib import Path

SIZE_MIB = 128
_CHUNKS = (1 << 20, 1 << 12, 1)


def can_mount() -> bool:
    """Tell whether this process may mount a tmpfs."""
    with tempfile.TemporaryDirectory() as folder:
        if _mount(Path(folder), 1).returncode:
            return False
        SmallDisk(Path(folder)).close()
        return True


class SmallDisk:
    """The disk mounted on *folder*; ``close`` takes it away with all that is on it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._ballast = folder / "ballast"

    @classmethod
    def mounted(cls, folder: Path) -> SmallDisk:
        """Mount an empty disk on *folder*."""
        folder.mkdir(mode=0o700, parents=True)
        _mount(folder, SIZE_MIB).check_returncode()
        return cls(folder)

    def fill(self) -> None:
        """Take every byte that is left."""
        with self._ballast.open("wb", buffering=0) as ballast:
            for size in _CHUNKS:
                with contextlib.suppress(OSError):
                    while ballast.write(bytes(size)):
                        pass

    def free(self) -> None:
        """Give back what ``fill`` took."""
        self._ballast.unlink(missing_ok=True)

    def close(self) -> None:
        subprocess.run(["umount", "--lazy", str(self._folder)], check=True, capture_output=True)


def _mount(folder: Path, mib: int) -> subprocess.CompletedProcess[bytes]:
    command = ["mount", "-t", "tmpfs", "-o", f"size={mib}m,mode=0700", "pulse-small-disk", str(folder)]
    return subprocess.run(command, check=False, capture_output=True)

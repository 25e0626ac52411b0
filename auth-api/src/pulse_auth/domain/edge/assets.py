"""
The exported dashboard in memory: every file under the path that it is served at.

A request is looked up in this table and never joined to a folder's name, so no path can reach a file that
the build did not put there. The table is read again when the build's ``index.html`` changes.
Read next: ``controllers`` (who answers with these), ``csp`` (what the hashes are for).
"""

from __future__ import annotations

import gzip
import hashlib
import mimetypes
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import msgspec
import structlog

HASHES_FILE = "csp-hashes.json"
_IMMUTABLE_PREFIX = "/_next/static/"
_NOT_FOUND = ("/404.html", "/404")
_MAX_FILE_BYTES = 32 * 1024 * 1024
_COMPRESSED_KINDS = ("text/", "application/javascript", "application/json", "image/svg", "application/manifest")
_MEDIA_TYPES = {
    ".js": "text/javascript",
    ".css": "text/css",
    ".html": "text/html",
    ".txt": "text/plain",
    ".json": "application/json",
    ".svg": "image/svg+xml",
    ".woff2": "font/woff2",
    ".webmanifest": "application/manifest+json",
}
_log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Asset:
    """One file as it is served; ``immutable``: its name holds its hash, so it never changes."""

    content: bytes
    media_type: str
    etag: str
    immutable: bool

    @property
    def cache_control(self) -> str:
        """Return how long browsers may keep it: for ever, or only with asking each time."""
        return "public, max-age=31536000, immutable" if self.immutable else "no-cache"

    @cached_property
    def gzipped(self) -> bytes | None:
        """Return the content compressed, or ``None`` when that does not make it smaller."""
        if not self.media_type.startswith(_COMPRESSED_KINDS):
            return None
        packed = gzip.compress(self.content, compresslevel=6, mtime=0)
        return packed if len(packed) < len(self.content) else None


@dataclass(frozen=True)
class AssetTable:
    """All files of one build by URL path, and the hashes of its inline scripts."""

    files: Mapping[str, Asset]
    script_hashes: tuple[str, ...]

    def find(self, path: str) -> Asset | None:
        """Return the file at *path*: itself, its folder's index, or the page of that name."""
        name = "/" + path.strip("/")
        candidates = (name, f"{name.rstrip('/')}/index.html", f"{name}.html")
        return next((self.files[candidate] for candidate in candidates if candidate in self.files), None)

    @property
    def not_found(self) -> Asset | None:
        """Return the build's own page for what is not there."""
        return next((page for page in map(self.find, _NOT_FOUND) if page), None)


EMPTY_TABLE = AssetTable({}, ())


class Dashboard:
    """The build in one folder; ``table`` is empty as long as nothing has been built there."""

    def __init__(self, folder: Path) -> None:
        """Look into *folder* at each call of ``table``, not now."""
        self.folder = folder
        self._stamp: int | None = None
        self._table = EMPTY_TABLE

    @property
    def table(self) -> AssetTable:
        """Return the newest build; reads the folder again only when its ``index.html`` has changed."""
        stamp = self._index_stamp()
        if stamp != self._stamp:
            self._table = read_folder(self.folder) if stamp is not None else EMPTY_TABLE
            self._stamp = stamp
            _log.info("edge.dashboard_read", files=len(self._table.files), script_hashes=len(self._table.script_hashes))
        return self._table

    def _index_stamp(self) -> int | None:
        try:
            return (self.folder / "index.html").stat().st_mtime_ns
        except OSError:
            return None


def read_folder(folder: Path) -> AssetTable:
    """Read every regular file below *folder* that really lies there, hidden ones and over-large ones excepted."""
    root = folder.resolve()
    files = {}
    for path in sorted(root.rglob("*")):
        relative = path.relative_to(root)
        if not path.is_file() or not path.resolve().is_relative_to(root) or relative.as_posix() == HASHES_FILE:
            continue
        if any(part.startswith(".") for part in relative.parts) or path.stat().st_size > _MAX_FILE_BYTES:
            continue
        files[f"/{relative.as_posix()}"] = _read(path, f"/{relative.as_posix()}")
    return AssetTable(files, _read_hashes(root / HASHES_FILE))


def _read(path: Path, url_path: str) -> Asset:
    content = path.read_bytes()
    media_type = _MEDIA_TYPES.get(path.suffix) or mimetypes.guess_type(path.name)[0] or "application/octet-stream"
    etag = f'"{hashlib.sha256(content).hexdigest()[:32]}"'
    return Asset(content, media_type, etag, immutable=url_path.startswith(_IMMUTABLE_PREFIX))


def _read_hashes(path: Path) -> tuple[str, ...]:
    try:
        return tuple(msgspec.json.decode(path.read_bytes(), type=dict[str, list[str]]).get("script-src", []))
    except FileNotFoundError:
        return ()
    except (OSError, msgspec.MsgspecError) as error:
        _log.warning("edge.script_hashes_unreadable", file=str(path), error=str(error))
        return ()

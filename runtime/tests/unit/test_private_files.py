"""Private files are readable by their owner only, and are there whole or not at all."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from pulse_runtime.errors import ConfigError
from pulse_runtime.private_files import create_private, ensure_private_dir, write_private


def _mode(path: Path) -> int:
    return path.stat().st_mode & 0o777


@pytest.fixture(autouse=True)
def _open_umask() -> Iterator[None]:
    before = os.umask(0)
    yield
    os.umask(before)


def test_ensure_private_dir_closes_an_open_folder(tmp_path: Path) -> None:
    folder = tmp_path / "home"
    folder.mkdir(mode=0o777)
    assert ensure_private_dir(folder, "PULSE_HOME") == folder
    assert _mode(folder) == 0o700


def test_ensure_private_dir_file_in_its_place_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "home"
    file.write_text("", encoding="utf-8")
    with pytest.raises(
        ConfigError,
        match=r"^PULSE_HOME .*home cannot be written to: .*; make it writable for this user, or give another\.$",
    ):
        ensure_private_dir(file, "PULSE_HOME")


def test_ensure_private_dir_of_another_user_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    other = os.geteuid() + 1
    monkeypatch.setattr(os, "geteuid", lambda: other)
    with pytest.raises(ConfigError, match="belongs to another user"):
        ensure_private_dir(tmp_path, "PULSE_HOME")


def test_write_private_file_and_missing_folders_are_the_owners_alone(tmp_path: Path) -> None:
    file = tmp_path / "keys" / "old" / "key.pem"
    write_private(file, b"secret")
    assert file.read_bytes() == b"secret"
    assert [_mode(each) for each in (file, file.parent, file.parent.parent)] == [0o600, 0o700, 0o700]


def test_write_private_replaces_content_and_mode(tmp_path: Path) -> None:
    file = tmp_path / "ca.pem"
    file.write_bytes(b"old")
    write_private(file, b"new", mode=0o644)
    assert file.read_bytes() == b"new"
    assert _mode(file) == 0o644


def test_write_private_failure_leaves_old_content_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "key"
    write_private(file, b"old")

    def full(_handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        write_private(file, b"new")
    assert file.read_bytes() == b"old"
    assert [each.name for each in tmp_path.iterdir()] == ["key"]


def test_create_private_first_content_stays(tmp_path: Path) -> None:
    file = tmp_path / "broker" / "management-key"
    assert create_private(file, b"first") == b"first"
    assert create_private(file, b"second") == b"first"
    assert _mode(file) == 0o600
    assert [each.name for each in file.parent.iterdir()] == ["management-key"]


def test_create_private_many_at_once_agree_on_one_content(tmp_path: Path) -> None:
    file, found, barrier = tmp_path / "key", [], threading.Barrier(8)

    def create(content: bytes) -> None:
        barrier.wait(timeout=10)
        found.append(create_private(file, content))

    threads = [threading.Thread(target=create, args=(bytes([number]) * 1000,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=10)
    assert len(found) == 8
    assert set(found) == {file.read_bytes()}

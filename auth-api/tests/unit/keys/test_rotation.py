"""A new key: announced before it signs, taken in by a running API, and never at the price of an empty set."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from pulse_auth.keys.jwks import publish_jwks
from pulse_auth.keys.publication import KeyPublication
from pulse_auth.keys.signing import ANNOUNCED_S, Purpose, load_keys, make_key
from pulse_runtime.errors import ConfigError

MADE_AT = 1_700_000_000.0


class Time:
    def __init__(self) -> None:
        self.now = MADE_AT

    def __call__(self) -> float:
        return self.now


def made_at(folder: Path, name: str, seconds: float) -> None:
    os.utime(folder / name, (seconds, seconds))


def published(path: Path) -> set[str]:
    return {key["kid"] for key in json.loads(path.read_bytes())["keys"]}


def test_signer_new_key_signs_only_after_verifiers_could_learn_it(tmp_path: Path) -> None:
    time = Time()
    keys = load_keys(tmp_path, time)
    made_at(tmp_path, "broker-1.pem", MADE_AT - 1_000)
    old = keys.signer(Purpose.BROKER)
    new = make_key(tmp_path, Purpose.BROKER)
    made_at(tmp_path, "broker-2.pem", MADE_AT)
    assert keys.refresh()
    assert keys.find(Purpose.BROKER, new.kid) is not None
    time.now = MADE_AT + ANNOUNCED_S - 1
    assert keys.signer(Purpose.BROKER).kid == old.kid
    time.now = MADE_AT + ANNOUNCED_S
    assert keys.signer(Purpose.BROKER).kid == new.kid
    assert keys.find(Purpose.BROKER, old.kid) is not None
    assert not keys.refresh()


def test_make_key_takes_the_next_number_and_is_private(tmp_path: Path) -> None:
    load_keys(tmp_path)
    (tmp_path / "broker-9.pem").write_bytes((tmp_path / "broker-1.pem").read_bytes())
    assert make_key(tmp_path, Purpose.BROKER).number == 10
    assert (tmp_path / "broker-10.pem").stat().st_mode & 0o777 == 0o600


def test_look_publishes_new_and_removed_keys(tmp_path: Path) -> None:
    folder, file = tmp_path / "keys", tmp_path / "jwks.json"
    keys = load_keys(folder)
    publication = KeyPublication(keys, file)
    publication.look()
    first = published(file)
    new = make_key(folder, Purpose.BROKER)
    publication.look()
    assert published(file) == first | {new.kid}
    (folder / "broker-1.pem").unlink()
    publication.look()
    assert len(published(file)) == 2
    assert new.kid in published(file)


async def test_look_files_gone_or_damaged_keeps_the_keys_in_memory_and_tells(tmp_path: Path) -> None:
    folder, file = tmp_path / "keys", tmp_path / "jwks.json"
    keys = load_keys(folder)
    publication = KeyPublication(keys, file)
    publish_jwks(keys, file)
    before, kept = published(file), (folder / "broker-1.pem").read_bytes()
    for content in (None, b"damaged"):
        (folder / "broker-1.pem").unlink() if content is None else (folder / "broker-1.pem").write_bytes(content)
        publication.look()
        assert await publication.check() == "the files are damaged or missing"
        assert published(file) == before
        assert keys.signer(Purpose.BROKER).kid in before
    (folder / "broker-1.pem").write_bytes(kept)
    publication.look()
    assert await publication.check() == "ok"


def test_refresh_all_keys_of_a_purpose_gone_makes_none_anew(tmp_path: Path) -> None:
    keys = load_keys(tmp_path)
    (tmp_path / "access-1.pem").unlink()
    with pytest.raises(ConfigError, match="put the files back"):
        keys.refresh()
    assert not (tmp_path / "access-1.pem").exists()

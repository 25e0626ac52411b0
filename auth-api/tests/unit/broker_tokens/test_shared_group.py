"""The file that holds the name of the workers' shared group."""

import stat
from pathlib import Path

import pytest

from pulse_acl.matching import unwrap
from pulse_auth.domain.broker_tokens.shared_group import FILE, load_shared_group
from pulse_runtime.errors import ConfigError


def test_load_shared_group_made_once_private_and_another_in_each_folder(tmp_path: Path) -> None:
    name = load_shared_group(tmp_path / "a")
    assert load_shared_group(tmp_path / "a") == name, "several API processes give the same"
    assert load_shared_group(tmp_path / "b") != name
    assert stat.S_IMODE((tmp_path / "a" / FILE).stat().st_mode) == 0o600
    assert unwrap(f"$share/{name}/telemetry/+/live") == "telemetry/+/live"


@pytest.mark.parametrize(
    "content", [b"", b"ingest", b"ingest-" + b"0" * 31, b"ingest-" + b"0" * 31 + b"/", b"\xff" * 39]
)
def test_load_shared_group_damaged_file_is_a_sentence(tmp_path: Path, content: bytes) -> None:
    (tmp_path / FILE).write_bytes(content)
    with pytest.raises(ConfigError, match="damaged"):
        load_shared_group(tmp_path)

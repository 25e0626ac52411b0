"""The table of served files, and the security headers."""

from pathlib import Path

import pytest

from pulse_auth.domain.edge.assets import Dashboard, read_folder
from pulse_auth.domain.edge.csp import content_security_policy, fixed_headers, origin_of


@pytest.fixture
def build(tmp_path: Path) -> Path:
    folder = tmp_path / "out"
    for name, content in {
        "index.html": "<h1>start</h1>",
        "live/index.html": "<h1>live</h1>",
        "404.html": "<h1>nothing</h1>",
        "_next/static/chunks/a-1b2c.js": "x" * 5_000,
        ".secret": "hidden",
        "csp-hashes.json": '{"script-src": ["\'sha256-AAAA\'", "https://evil.example"]}',
    }.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    (tmp_path / "outside.txt").write_text("outside")
    (folder / "link.txt").symlink_to(tmp_path / "outside.txt")
    return folder


@pytest.mark.parametrize(("path", "starts"), [("/", b"<h1>start"), ("/live", b"<h1>live"), ("/live/", b"<h1>live")])
def test_find_of_a_page_gives_its_folders_index(build: Path, path: str, starts: bytes) -> None:
    found = read_folder(build).find(path)
    assert found is not None
    assert found.content.startswith(starts)
    assert found.cache_control == "no-cache"


def test_find_of_a_hashed_file_may_be_kept_for_ever_and_is_compressed(build: Path) -> None:
    found = read_folder(build).find("/_next/static/chunks/a-1b2c.js")
    assert found is not None
    assert found.cache_control == "public, max-age=31536000, immutable"
    assert found.gzipped is not None
    assert len(found.gzipped) < 100
    assert found.media_type == "text/javascript"


@pytest.mark.parametrize(
    "path",
    ["/../outside.txt", "/live/../../outside.txt", "/%2e%2e/outside.txt", "/link.txt", "/.secret", "/csp-hashes.json",
     "//etc/passwd", "/etc/passwd", "/live/..", "/\x00"],
)  # fmt: skip
def test_find_of_what_is_not_in_the_build_is_none(build: Path, path: str) -> None:
    assert read_folder(build).find(path) is None


def test_dashboard_is_read_again_when_it_was_built_anew(build: Path, tmp_path: Path) -> None:
    dashboard = Dashboard(tmp_path / "none")
    assert dashboard.table.files == {}
    build.rename(tmp_path / "none")
    assert dashboard.table.find("/live") is not None
    assert dashboard.table is dashboard.table
    assert dashboard.table.not_found is not None


def test_policy_allows_only_well_formed_hashes_and_the_brokers_origin(build: Path) -> None:
    policy = content_security_policy(read_folder(build).script_hashes, [origin_of("ws://127.0.0.1:8083/mqtt")])
    assert "script-src 'self' 'sha256-AAAA';" in policy
    assert "connect-src 'self' ws://127.0.0.1:8083;" in policy
    assert "evil.example" not in policy
    assert "unsafe-inline" not in policy.split("style-src")[0]


def test_headers_ask_for_tls_only_where_there_is_tls() -> None:
    assert "strict-transport-security" not in fixed_headers(https=False)
    assert "strict-transport-security" in fixed_headers(https=True)

"""
The secrets that parts of a deployment share: made once, each copied to the audiences that need it.

Keys that one part alone holds are not here: the API and the workers make theirs at their first start.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from pathlib import Path

import structlog

from pulse_runtime.private_files import write_private

from . import SHARED_MODE, audience

_log = structlog.get_logger()


def prepare_secrets(to: Path) -> None:
    """
    Write what is missing below *to*; what is there stays, so that nothing is locked out of what it has opened.

    Args:
        to: Folder with one folder for each audience: ``postgres``, ``emqx``, ``auth-api``, ``ingest``, ``metrics``
            (the workers and who scrapes them), ``grafana``.

    Raises:
        ConfigError: A folder is missing.
    """
    postgres, emqx = audience(to, "postgres"), audience(to, "emqx")
    auth_api, ingest = audience(to, "auth-api"), audience(to, "ingest")
    metrics, grafana = audience(to, "metrics"), audience(to, "grafana")
    _make(postgres / "superuser-password", _password)
    _share(_make(postgres / "auth-password", _password), auth_api / "database-password")
    _share(_make(postgres / "ingest-password", _password), ingest / "database-password")
    _share(_make(emqx / "api_keys", _management_key), auth_api / "management-key")
    _make(emqx / "dashboard-password", _password)
    _make(emqx / "cookie", _cookie)
    _make(metrics / "ingest-key", _password)
    _make(grafana / "admin-password", _password)
    _make(grafana / "secret-key", _password)
    _log.info("deployment.secrets_ready")


def _make(path: Path, new: Callable[[], str]) -> Path:
    if not path.exists():
        write_private(path, f"{new()}\n".encode(), mode=SHARED_MODE)
    return path


def _share(source: Path, target: Path) -> None:
    if not target.exists() or target.read_bytes() != source.read_bytes():
        write_private(target, source.read_bytes(), mode=SHARED_MODE)


def _password() -> str:
    return secrets.token_urlsafe(32)


def _cookie() -> str:
    """Return letters and digits alone: EMQX hands it on in a command line, where a leading dash makes a flag."""
    return secrets.token_hex(32)


def _management_key() -> str:
    """Return ``key:secret`` as EMQX reads them."""
    return f"pulse{secrets.token_hex(8)}:{secrets.token_urlsafe(32)}"

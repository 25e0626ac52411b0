"""
Values that programs of this machine push: each accepted push is one reading, answered when it is on disk.

The port is opened with the source and closed with it. Read next: ``push_server`` (who may push).
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping
from http import HTTPStatus
from pathlib import Path
from typing import Any, NoReturn

from pulse_runtime.private_files import create_private

from .base import NotRecordedError, SourceConfigError, Surroundings
from .push_server import HOST, PATH, Answer, PushServer

LEAST_KEY = 16


class Pushed:
    """The port *port* (0: any that is free) for the source *around* names."""

    def __init__(self, port: int, around: Surroundings) -> None:
        """
        Open the port.

        Raises:
            SourceConfigError: It cannot be opened, or the key file cannot be used.
        """
        self._around, self._taken = around, 0
        self.key_file = around.folder / f"push-{around.name}.key"
        try:
            self._server = PushServer(port, _key(self.key_file), self._take)
        except OSError as error:
            raise SourceConfigError(
                f"port {port} of {HOST} cannot be opened ({error.strerror or error}); give another in the option 'port'"
            ) from error
        self.port: int = self._server.server_port

    @property
    def notice(self) -> str:
        """Where it can be reached."""
        return f"POST http://{HOST}:{self.port}{PATH} with the key in {self.key_file}"

    def read(self) -> Mapping[str, object]:
        """
        Return nothing: what is pushed is recorded when it comes.

        Raises:
            RuntimeError: The port is served no more.
        """
        if not self._server.is_serving:
            raise RuntimeError("its port is served no more")
        return {}

    def close(self) -> None:
        """Close the port."""
        self._server.stop()

    def _take(self, body: bytes) -> Answer:
        try:
            recorded = self._around.record(_metrics(body))
        except ValueError as error:
            return Answer(HTTPStatus.UNPROCESSABLE_ENTITY, str(error))
        except NotRecordedError as error:
            return Answer(HTTPStatus.SERVICE_UNAVAILABLE, str(error), {"recorded": False if error.is_certain else None})
        return Answer(
            HTTPStatus.CREATED,
            fields={"recorded": True, "stream": recorded.stream, "sequence_no": recorded.sequence_no},
        )


def _metrics(body: bytes) -> dict[str, Any]:
    """
    Return the metrics of a body, integers exactly.

    Raises:
        ValueError: It is not ``{"metrics": {...}}``; the sentence says why.
    """
    try:
        found = json.loads(body.decode("utf-8"), object_pairs_hook=_once, parse_constant=_no_constant)
    except RecursionError as error:
        raise ValueError("the body is nested too deeply") from error
    except UnicodeDecodeError as error:
        raise ValueError("the body is not UTF-8") from error
    except json.JSONDecodeError as error:
        raise ValueError(f"the body is no JSON: {error}") from error
    if not isinstance(found, dict) or set(found) != {"metrics"} or not isinstance(found["metrics"], dict):
        raise ValueError('the body has to be {"metrics": {"name": value}} and nothing else')
    metrics: dict[str, Any] = found["metrics"]
    return metrics


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a name stands twice in one object")
    return found


def _no_constant(text: str) -> NoReturn:
    raise ValueError(f"{text} is no JSON number")


def _key(path: Path) -> str:
    """
    Return the key in *path*, made at the first call.

    Raises:
        OSError: The file cannot be read or made.
        SourceConfigError: It is too short, or others may read it.
    """
    key = create_private(path, f"{secrets.token_urlsafe(32)}\n".encode()).decode("ascii", "replace").strip()
    if path.stat().st_mode & 0o077:
        raise SourceConfigError(f"{path} may be read by others; make its mode 0600, or delete it for a new key")
    if len(key) < LEAST_KEY:
        raise SourceConfigError(f"{path} holds no key of {LEAST_KEY} characters or more; delete it for a new one")
    return key

"""The HTTP API as it is wired: its OpenAPI document, a table of its calls, and the table of its problems."""

from __future__ import annotations

import inspect
import re
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from litestar import Litestar
from litestar.handlers import HTTPRouteHandler
from litestar.routes import HTTPRoute

from pulse_acl.emit.markdown import table
from pulse_auth.app import create_app
from pulse_auth.http import problems
from pulse_auth.http.openapi_document import completed
from pulse_auth.settings import Settings, default_paths

_HEAD = "# Generated from auth-api/ by `make generate`; do not edit.\n"
_TAGS = ("Auth", "Admin", "Devices", "Telemetry")
# Where a handler itself decides what is needed, beside its guards.
_OWN_RULES = {
    ("POST", "/api/v1/devices/{client_id}/commands"): "a topic rule for that command",
    ("GET", "/api/v1/acl/explain"): "a sign-in; of others: `MANAGE_ROLES`",
    ("POST", "/api/v1/devices/enroll"): "a one-time code",
    ("POST", "/api/v1/devices/token"): "an assertion by the device's key",
    ("POST", "/api/v1/services/token"): "an assertion by the service's key",
    ("GET", "/api/v1/exports/{secret}"): "the address itself",
    ("POST", "/api/v1/auth/refresh"): "the refresh cookie",
}


class _Plain(yaml.SafeDumper):
    """Writes what stands in several places in each of them, without YAML's references."""

    def ignore_aliases(self, _data: object) -> bool:
        return True


@dataclass(frozen=True, slots=True)
class Api:
    """The document as `/api/schema` serves it, and the permissions (method, path) asks for, one of which will do."""

    document: Mapping[str, Any]
    permissions: Mapping[tuple[str, str], tuple[str, ...]]


@cache
def read_api() -> Api:
    """Wire the application on an empty folder (no database is asked) and read what it offers."""
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(**default_paths(Path(folder)), external_dsn="postgresql://nobody@localhost/none")
        app = create_app(settings)
        return Api(completed(app.openapi_schema.to_schema(), app), dict(_permissions(app)))


def openapi_yaml(api: Api) -> str:
    """Return the whole document."""
    return _HEAD + str(yaml.dump(api.document, Dumper=_Plain, sort_keys=False, allow_unicode=True, width=110))


def calls_section(api: Api) -> str:
    """Return a table of calls for each tag."""
    parts = []
    for tag in _TAGS:
        rows = [
            (f"`{method} {path}`", _needed(api, method, path, operation), _sentence(operation))
            for path, item in sorted(api.document["paths"].items())
            for method, operation in ((name.upper(), one) for name, one in item.items())
            if tag in operation["tags"]
        ]
        parts.append(f"### {tag}\n\n{table(['call', 'needs', 'does'], rows)}")
    return "\n\n".join(parts)


def problems_section() -> str:
    """Return the table of problem types with the status and the meaning of each."""
    known = {found.slug: (found, kind.__doc__ or "") for kind, found in problems.PROBLEMS.items()}
    others = [*problems._BY_STATUS.values(), problems._FAULT]
    rows = [(f"`{found.slug}`", str(found.status), _one_line(about)) for found, about in known.values()]
    rows += [(f"`{found.slug}`", str(found.status), f"{found.title}.") for found in others]
    return table(["type ends in", "status", "means"], sorted(rows, key=lambda row: (row[1], row[0])))


def _needed(api: Api, method: str, path: str, operation: Mapping[str, Any]) -> str:
    own = _OWN_RULES.get((method, path))
    if own is not None:
        return own
    permissions = api.permissions.get((method, path), ())
    if permissions:
        return " or ".join(f"`{one}`" for one in permissions)
    return "nothing" if operation.get("security") == [] else "a sign-in"


def _sentence(operation: Mapping[str, Any]) -> str:
    return _one_line(operation.get("description", "").replace("``", "`"))


def _one_line(text: str) -> str:
    words = re.sub(r'fields\["(\w+)"\]', r"\1", inspect.cleandoc(text).split("\n\n")[0])
    return " ".join(words.replace("``", "`").split())


def _permissions(app: Litestar) -> Iterator[tuple[tuple[str, str], tuple[str, ...]]]:
    for route in app.routes:
        if isinstance(route, HTTPRoute):
            for handler in route.route_handlers:
                for method in handler.http_methods:
                    yield (str(method), route.path_format), _guarded_by(handler)


def _guarded_by(handler: HTTPRouteHandler) -> tuple[str, ...]:
    """Return what the guards of `requires` and `requires_any` hold; other guards need no permission."""
    found: list[str] = []
    for guard in handler.resolve_guards():
        if getattr(guard, "__name__", "") == "guard":
            held = inspect.getclosurevars(guard).nonlocals
            found += [held["permission"]] if "permission" in held else held["permissions"]
    return tuple(map(str, found))

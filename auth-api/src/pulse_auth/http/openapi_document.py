"""
Completes the OpenAPI document with what the framework cannot know: our problem documents, public calls, ``If-Match``.

Routes say it in their ``opt``: ``public`` (no bearer token), ``if_match`` (``required`` or ``heeded``).
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

from litestar import Litestar
from litestar.routes import HTTPRoute

from .problems import MEDIA_TYPE, TYPE_PREFIX

_PROBLEM = {
    "type": "object",
    "description": "RFC 9457. Programs compare type; detail is for people and may change. Some have further fields.",
    "properties": {
        "type": {"type": "string", "examples": [f"{TYPE_PREFIX}name-taken"]},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "retry_after_s": {"type": "integer", "description": "Seconds until a try makes sense; also as Retry-After"},
    },
    "required": ["type", "title", "status", "detail"],
}
_ANSWER = {
    "description": "The request was not carried out",
    "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
}


def completed(document: Mapping[str, Any], app: Litestar) -> dict[str, Any]:
    """Return *document*, as the framework made it from *app*, with the rest."""
    whole = copy.deepcopy(dict(document))
    whole.setdefault("components", {}).setdefault("schemas", {})["Problem"] = _PROBLEM
    for path, method, opt in _routes(app):
        operation = whole.get("paths", {}).get(path, {}).get(method)
        if operation is None:
            continue
        # What the framework says of malformed requests is not what is answered here.
        operation["responses"].pop("400", None)
        operation["responses"]["default"] = _ANSWER
        if opt.get("public"):
            operation["security"] = []
        if "if_match" in opt:
            operation.setdefault("parameters", []).append(_if_match(opt["if_match"]))
    return whole


def _routes(app: Litestar) -> list[tuple[str, str, Mapping[str, Any]]]:
    """Return path, method and options of every handler."""
    return [
        (route.path_format, str(method).lower(), handler.opt)
        for route in app.routes
        if isinstance(route, HTTPRoute)
        for handler in route.route_handlers
        for method in handler.http_methods
    ]


def _if_match(how: str) -> dict[str, Any]:
    return {
        "name": "If-Match",
        "in": "header",
        "required": how == "required",
        "schema": {"type": "string"},
        "description": "The ETag of what you have seen, or *; 412 when it was changed since",
    }
